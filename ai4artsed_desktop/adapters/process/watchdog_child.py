"""The watchdog's own program: waits for its parent's death and ends the registered groups. Standard library only.

Reads lines from stdin: ``+ <group id> <start mark>`` registers, ``- <group id>`` forgets. When stdin ends, the parent
is gone (or closed us, with nothing registered).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

_PROC = Path("/proc")


def start_mark(pid: int) -> str | None:
    """Return what tells this process from a later one with the same pid; None if none runs (a zombie does not).

    Linux: boot id and start time in clock ticks (``/proc/<pid>/stat``, field 22, proc(5)); else the
    answer of ``ps -o lstart=``.
    """
    if sys.platform == "linux":
        fields = _stat_fields(pid)
        if fields is None or fields[0] == "Z":
            return None
        return f"{(_PROC / 'sys/kernel/random/boot_id').read_text().strip()}:{fields[19]}"
    import subprocess  # late: Linux needs none of it

    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip().replace(" ", "_") or None


def _stat_fields(pid: int) -> list[str] | None:
    """Fields of ``/proc/<pid>/stat`` from the third on: 0 = state, 1 = parent, 3 = session, 19 = start time."""
    try:
        stat = (_PROC / str(pid) / "stat").read_bytes().decode("ascii", "replace")
    except OSError:
        return None
    # The second field, the program's name in brackets, may hold blanks and brackets itself.
    return stat[stat.rindex(")") + 2 :].split()


def _tree(group_id: int) -> set[int]:
    """Processes of the group's session and all their descendants (Linux); else empty: the group signal must do."""
    if sys.platform != "linux":
        return set()
    facts: dict[int, tuple[int, int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdecimal() and (fields := _stat_fields(int(entry.name))) is not None:
            facts[int(entry.name)] = (int(fields[1]), int(fields[3]))
    tree = {pid for pid, (_, session_id) in facts.items() if session_id == group_id}
    while more := {pid for pid, (parent, _) in facts.items() if parent in tree and pid not in tree}:
        tree |= more
    return tree


def _end_group(group_id: int, mark: str) -> None:
    """Kill the group, unless its id belongs to another process by now."""
    if start_mark(group_id) not in {mark, None}:  # None: the leader is gone, its followers keep the id taken
        return
    tree = _tree(group_id)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group_id, signal.SIGKILL)
    for pid in tree:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Watch until stdin ends, then end what is still registered."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with its parent, not before
    groups: dict[int, str] = {}
    for line in sys.stdin:
        match line.split():
            case ["+", group_id, mark]:
                groups[int(group_id)] = mark
            case ["-", group_id]:
                groups.pop(int(group_id), None)
            case _:
                pass  # a line cut by the parent's death
    for group_id, mark in groups.items():
        _end_group(group_id, mark)


if __name__ == "__main__":
    main()
