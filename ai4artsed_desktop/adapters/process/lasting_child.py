"""The keeper's own program: starts one program, writes down all it says and how it ended. Standard library only.

It outlives whoever started it, so that a training of hours and a server that is to stay survive the window, and
neither writes into a broken pipe. In its folder: ``launch.json`` {argv, cwd, log} is what to start; ``process.json``
{pid, keeper_pid, …} says what runs; ``console-<number>.jsonl`` holds {t, stream, data} per line, ``t`` in UNIX seconds;
``exit.json`` {pid, returncode, ended_s} is written when it is over. With a ``log`` both streams go there instead, as
they are: what a server says matters to people only. The environment is inherited, never written down: it may hold keys.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ai4artsed_desktop.adapters.process.rotating_log import RotatingLog
from ai4artsed_desktop.adapters.process.watchdog_child import start_mark

#: A console file grows to this; then the next one begins.
SEGMENT_BYTES = 32 * 1024 * 1024
#: So many stay beside the first one: a program gone wild must not fill the disk.
SEGMENTS_KEPT = 8
#: How long followers of an ended program may hold its pipes open.
_LAST_WORDS_S = 2.0
_CHUNK_BYTES = 64 * 1024
#: How long we try to say how it ended on a full disk.
_LAST_TRY_S = 60.0


class Console:
    """Appends to the numbered console files. Thread-safe. On a full disk it drops what it cannot write, and goes on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._number = 1

    def write(self, stream: str, data: str) -> None:
        """Append one piece of output."""
        line = json.dumps({"t": round(time.time(), 3), "stream": stream, "data": data}).encode() + b"\n"
        with self._lock, contextlib.suppress(OSError):
            path = segment_path(self._folder, self._number)
            if path.exists() and path.stat().st_size + len(line) > SEGMENT_BYTES:
                self._number += 1
                path = segment_path(self._folder, self._number)
                if (oldest := self._number - SEGMENTS_KEPT) > 1:  # the first tells how the program began
                    segment_path(self._folder, oldest).unlink(missing_ok=True)
            with path.open("ab") as file:
                file.write(line)


def segment_path(folder: Path, number: int) -> Path:
    """Return a console file's path; numbers count from 1."""
    return folder / f"console-{number:04d}.jsonl"


def keep(folder: Path) -> None:
    """Run the program in ``folder`` to its end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _go_on)  # handled, not ignored: the program must inherit the default
    launch: dict[str, Any] = json.loads((folder / "launch.json").read_text("utf-8"))
    log = launch.get("log")
    try:
        process = subprocess.Popen(
            launch["argv"],
            cwd=launch["cwd"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if log is None else subprocess.STDOUT,
            **_own_group(),
        )
    except (OSError, ValueError) as exc:
        end = {"returncode": None, "error": str(exc), "errno": getattr(exc, "errno", None), "ended_s": time.time()}
        _write(folder / "exit.json", end)
        return
    drains = _drains_to_console(folder, process) if log is None else [_drain_to_log(Path(log), process)]
    started = {"pid": process.pid, "started": _mark(process.pid), "started_s": time.time()}
    _write(folder / "process.json", {**started, "keeper_pid": os.getpid(), "keeper_started": _mark(os.getpid())})
    code = process.wait()
    until_s = time.monotonic() + _LAST_WORDS_S
    for drain in drains:
        drain.join(max(0.0, until_s - time.monotonic()))
    _write(folder / "exit.json", {"pid": process.pid, "returncode": code, "ended_s": time.time()})
    if log is not None:
        drains[0].join()  # what a server left running writes on; its pipe must not break


def _go_on(number: int, frame: object) -> None:
    """Nothing: the keeper ends with its program, not before."""


def _drains_to_console(folder: Path, process: subprocess.Popen[Any]) -> list[threading.Thread]:
    console = Console(folder)
    pipes = (("stdout", process.stdout), ("stderr", process.stderr))
    return [_started(_drain, console, name, pipe) for name, pipe in pipes]


def _drain_to_log(path: Path, process: subprocess.Popen[Any]) -> threading.Thread:
    return _started(_copy, RotatingLog(path), process.stdout)


def _started(run: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=run, args=arguments, daemon=True)
    thread.start()
    return thread


def _drain(console: Console, name: str, pipe: IO[bytes]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while data := os.read(pipe.fileno(), _CHUNK_BYTES):
        if text := decoder.decode(data):
            console.write(name, text)
    if rest := decoder.decode(b"", final=True):
        console.write(name, rest)


def _copy(log: RotatingLog, pipe: IO[bytes]) -> None:
    while data := os.read(pipe.fileno(), _CHUNK_BYTES):
        with contextlib.suppress(OSError):  # what is lost is lost, but the server must not wait for us
            log.write(data)


def _write(path: Path, value: dict[str, Any]) -> None:
    """Write atomically; on a full disk try for a while."""
    part = path.with_name(path.name + ".part")
    give_up_s = time.monotonic() + _LAST_TRY_S
    while True:
        try:
            part.write_text(json.dumps(value), "utf-8")
            part.replace(path)
        except OSError:
            if time.monotonic() > give_up_s:
                raise
            time.sleep(1.0)
        else:
            return


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _mark(pid: int) -> str:
    if sys.platform == "win32":
        import psutil

        return str(psutil.Process(pid).create_time())
    return start_mark(pid) or ""


def main() -> None:
    """``start FOLDER`` starts a detached ``keep FOLDER`` and ends: then the keeper is nobody's child."""
    order, folder = sys.argv[-2], sys.argv[-1]
    if order == "keep":
        keep(Path(folder))
        return
    argv = [*sys.orig_argv[: sys.orig_argv.index(order)], "keep", folder]
    nothing = subprocess.DEVNULL
    subprocess.Popen(argv, stdin=nothing, stdout=nothing, stderr=nothing, **_own_group())
    os._exit(0)  # without waiting for it, and without Python's complaint about that


if __name__ == "__main__":
    main()
