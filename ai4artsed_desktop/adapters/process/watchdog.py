"""Ends our children when we are killed ourselves and can end nothing any more."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

from ai4artsed_desktop.adapters.process import watchdog_child
from ai4artsed_desktop.adapters.process.launch import child_argv

_log = logging.getLogger(__name__)


class Watchdog:
    """A tiny process that holds a pipe to us; when the pipe breaks, it kills the registered groups and ends.

    Started by the first registration. Thread-safe. On Windows it does nothing: each child's job object is closed by the
    system when we die, and that ends the child.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._marks: dict[int, str] = {}

    def register(self, group_id: int) -> None:
        """Watch over the group whose leader has this pid. Quick, but blocks (it may have to start the process)."""
        if sys.platform == "win32" or (mark := watchdog_child.start_mark(group_id)) is None:
            return
        with self._lock:
            self._marks[group_id] = mark
            self._send(f"+ {group_id} {mark}\n")

    def unregister(self, group_id: int) -> None:
        """Forget a group that has ended."""
        with self._lock:
            if self._marks.pop(group_id, None) is not None and self._process is not None:
                self._send(f"- {group_id}\n")

    def close(self) -> None:
        """End the watchdog, which ends what is still registered; blocks until it has."""
        with self._lock:
            self._end_process()

    def _send(self, line: str) -> None:
        try:
            if self._process is None or self._process.poll() is not None:
                self._restart()
            else:
                _write(self._process, line)
        except BrokenPipeError:
            self._restart()
        except OSError as exc:
            # Without the watchdog a crash of ours may leave a child behind; without children nothing works at all.
            _log.warning("the watchdog cannot be started: %s", exc)

    def _restart(self) -> None:
        """Start the process and tell it all that is registered."""
        if self._process is not None:
            _log.warning("the watchdog had ended; starting another")
            self._end_process()
        self._process = subprocess.Popen(
            _argv(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            bufsize=0,  # a line must be there when we die right after it
        )
        for group_id, mark in self._marks.items():
            _write(self._process, f"+ {group_id} {mark}\n")

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            process.stdin.close()
            process.wait()


def _write(process: subprocess.Popen[bytes], line: str) -> None:
    assert process.stdin is not None, "it is started with a pipe"
    process.stdin.write(line.encode())


def _argv() -> list[str]:
    if getattr(sys, "frozen", False):
        return child_argv("watchdog")
    # As a plain file without site-packages: quick to start, and small (about 12 MB) for as long as we live.
    return [sys.executable, "-I", "-S", str(Path(watchdog_child.__file__))]
