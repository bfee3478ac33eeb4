"""Programs that are meant to outlive us.

Started under a keeper, found again by pid and start time, ended on request.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ai4artsed_desktop.adapters.process.launch import child_argv, child_cwd
from ai4artsed_desktop.adapters.process.ledger import Ledger, LedgerEntry, process_mark
from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically

#: How long the keeper may take to start (a cold disk, a busy machine).
_START_LIMIT_S = 60.0
_POLL_S = 0.02
_LAUNCH, _PROCESS, _EXIT = "launch.json", "process.json", "exit.json"


class LastingStartError(Exception):
    """The program could not be started; the text says why. ``errno`` is the system's number for it, 0 = none."""

    def __init__(self, words: str, errno: int = 0) -> None:
        super().__init__(words)
        self.errno = errno


@dataclass(frozen=True, slots=True)
class LastingExit:
    """How a program ended: its exit code, minus the signal that ended it; UNIX time; None = it never ran."""

    returncode: int | None
    ended_s: float
    pid: int | None = None


async def start_lasting(
    folder: Path, argv: Sequence[str], *, name: str, cwd: Path, env: Mapping[str, str], ledger: Ledger
) -> int:
    """Start a program that goes on when we end, and return its pid; see ``start_lasting_now``."""
    entry = await asyncio.to_thread(start_lasting_now, folder, argv, name=name, cwd=cwd, env=env, ledger=ledger)
    return entry.pid


def start_lasting_now(
    folder: Path,
    argv: Sequence[str],
    *,
    name: str,
    cwd: Path | None,
    env: Mapping[str, str],
    ledger: Ledger,
    log: Path | None = None,
) -> LedgerEntry:
    """Start a program that goes on when we end, and remember it in the ledger. Blocks.

    Args:
        folder: For what the keeper writes (see ``lasting_child``); what an earlier start left there goes.
        env: The whole environment.
        log: Where its output goes as it is; None = into the folder, line by line with its time.

    Raises:
        LastingStartError: There is no such program, it may not be run, or the keeper did not start.
        StorageError: The folder cannot be written to.
    """
    with translated_errors(folder):
        for report in (_PROCESS, _EXIT):
            (folder / report).unlink(missing_ok=True)
    order = {"argv": list(argv), "cwd": None if cwd is None else str(cwd), "log": None if log is None else str(log)}
    write_atomically(folder / _LAUNCH, json.dumps(order).encode())
    _start_keeper(folder, env)
    give_up_s = time.monotonic() + _START_LIMIT_S
    while (facts := _read(folder / _PROCESS)) is None:
        if (end := _read(folder / _EXIT)) is not None:
            raise LastingStartError(str(end.get("error", "")), end.get("errno") or 0)
        if time.monotonic() > give_up_s:
            raise LastingStartError("its keeper said nothing")
        time.sleep(_POLL_S)
    return ledger.add(int(facts["pid"]), argv, name, is_detached=True)


def _start_keeper(folder: Path, env: Mapping[str, str]) -> None:
    try:
        subprocess.run(
            child_argv("lasting", "start", str(folder)),
            cwd=child_cwd(),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_START_LIMIT_S,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise LastingStartError(str(exc)) from exc


def lasting_exit(folder: Path) -> LastingExit | None:
    """Return how the program of ``folder`` ended, None if nobody saw that (yet)."""
    facts = _read(folder / _EXIT)
    if facts is None:
        return None
    return LastingExit(facts.get("returncode"), float(facts.get("ended_s", 0.0)), facts.get("pid"))


def is_lasting_running(folder: Path, pid: int | None = None) -> bool:
    """Tell whether the program of ``folder``, or its keeper, still runs.

    Args:
        pid: What counts is a start with this one; None = whichever was the last.
    """
    facts = _read(folder / _PROCESS)
    if facts is None or _read(folder / _EXIT) is not None or pid not in (None, facts["pid"]):
        return False
    marks = (("pid", "started"), ("keeper_pid", "keeper_started"))
    return any(process_mark(int(facts[pid])) == facts[mark] for pid, mark in marks)


def end_lasting(folder: Path, name: str, ledger: Ledger, grace_s: float) -> bool:
    """End the program of ``folder`` with everything it started: TERM, after ``grace_s`` KILL. Blocks.

    Returns:
        False if it does not run (any more).
    """
    facts, launch = _read(folder / _PROCESS), _read(folder / _LAUNCH)
    if facts is None or launch is None:
        return False
    argv = "\0".join(cast("list[str]", launch["argv"])).encode("utf-8", "surrogateescape")
    entry = LedgerEntry(
        pid=int(facts["pid"]),
        started=str(facts["started"]),
        argv_sha256=hashlib.sha256(argv).hexdigest(),
        name=name,
        owner_pid=int(facts["keeper_pid"]),
        owner_started=str(facts["keeper_started"]),
    )
    return ledger.end_leftover(entry, grace_s)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
