"""A process tree on Linux and macOS: an own session, so that one signal reaches all of it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil

_CHUNK_BYTES = 64 * 1024


class ProcessTree:
    """One child in its own session, and everything it started.

    The leader stays unreaped until ``close()``, so that its pid (= group id = session id) cannot be given to a stranger
    while we may still signal it. (macOS before Python 3.13 has no ``os.waitid``: there it is reaped when it ends.)
    """

    def __init__(
        self, argv: Sequence[str], cwd: Path | None, env: Mapping[str, str] | None, *, needs_stdin: bool
    ) -> None:
        """Start the child. Raises OSError when there is no such program or it may not be run."""
        self._wake_read_fd, self._wake_write_fd = os.pipe()
        try:
            self._popen = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE if needs_stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        except OSError:
            os.close(self._wake_read_fd)
            os.close(self._wake_write_fd)
            raise
        self.pid = self._popen.pid
        self._strays: list[psutil.Process] = []

    @property
    def stdin(self) -> IO[bytes] | None:
        """The pipe to the child, if one was asked for."""
        return self._popen.stdin

    @property
    def stdout(self) -> IO[bytes]:
        """What the child writes."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    @property
    def stderr(self) -> IO[bytes]:
        """What the child complains about."""
        assert self._popen.stderr is not None
        return self._popen.stderr

    def wait_for_leader(self) -> int:
        """Block until the leader has ended; return its exit code, or minus the signal that ended it."""
        if sys.platform == "darwin" and sys.version_info < (3, 13):
            return self._popen.wait()
        result = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        assert result is not None, "waitid without WNOHANG always has a result"
        return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status

    def terminate(self) -> None:
        """Ask the whole tree to end."""
        # Descendants in sessions of their own get no group signal; they are found only while their parents live.
        with contextlib.suppress(psutil.Error):
            self._strays += psutil.Process(self.pid).children(recursive=True)
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the whole tree at once."""
        self._signal(signal.SIGKILL)

    def has_followers(self) -> bool:
        """Return whether anything of the tree beside the leader still runs."""
        return any(_runs(process) for process in self._strays) or any(self._session())

    def read(self, pipe: IO[bytes]) -> bytes:
        """Block for output; ``b""`` at its end, or when ``stop_reading`` was called and nothing more is there."""
        fd = pipe.fileno()
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.register(self._wake_read_fd, select.POLLIN)
        ready = {ready_fd for ready_fd, _ in poll.poll()}
        return os.read(fd, _CHUNK_BYTES) if fd in ready else b""

    def write(self, data: bytes) -> None:
        """Block until the child took ``data``, it ended, or ``stop_reading`` was called."""
        assert self.stdin is not None
        fd = self.stdin.fileno()
        os.set_blocking(fd, False)
        poll = select.poll()
        poll.register(fd, select.POLLOUT)
        poll.register(self._wake_read_fd, select.POLLIN)
        view = memoryview(data)
        while view:
            ready = {ready_fd for ready_fd, _ in poll.poll()}
            if fd not in ready or self._wake_read_fd in ready:
                return
            view = view[os.write(fd, view) :]

    def stop_reading(self) -> None:
        """Wake blocked readers: a stray process outside our reach may hold the pipes open for ever."""
        os.close(self._wake_write_fd)

    def close(self) -> None:
        """Reap the leader and close the pipes; the tree must be over."""
        self._popen.wait()
        os.close(self._wake_read_fd)
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # macOS answers EPERM when only zombies are left in the group.
            os.killpg(self.pid, number)
        for process in {*self._session(), *self._strays}:
            # psutil compares the start time before it signals: never a reused pid.
            with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
                if os.getpgid(process.pid) != self.pid:
                    process.send_signal(number)

    def _session(self) -> list[psutil.Process]:
        return [process for process in session_members(self.pid) if process.pid != self.pid and _runs(process)]


def session_members(session_id: int) -> list[psutil.Process]:
    """Return the processes of one session, its leader included."""
    members: list[psutil.Process] = []
    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            if os.getsid(pid) == session_id:
                members.append(psutil.Process(pid))
    return members


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
