"""Servers that a person started to stay: they outlive the program, and a later one adopts them through the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path

from ai4artsed_desktop.adapters.process.lasting import (
    LastingStartError,
    is_lasting_running,
    lasting_exit,
    start_lasting_now,
)
from ai4artsed_desktop.adapters.process.ledger import Ledger, LedgerEntry
from ai4artsed_desktop.adapters.process.lines import LineSplitter
from ai4artsed_desktop.domain.errors import StorageError

_POLL_S = 0.25

#: How much of an older log a program that adopts a server reads first.
_OLD_LOG_BYTES = 64 * 1024


class DetachedProcess:
    """A server that goes on without us. We look at it, read its log, and end it when told to.

    Args:
        log: The file its output goes to.
        offset: Where in the file to begin reading.
    """

    def __init__(self, entry: LedgerEntry, ledger: Ledger, log: Path, offset: int) -> None:
        self.entry = entry
        self._ledger = ledger
        self._log = log
        self._reports = _reports_of(log)
        self._offset = offset
        self._was_recorded = ledger.entry_of(entry.pid) is not None
        self._released = asyncio.Event()

    @property
    def pid(self) -> int:
        """The server's process."""
        return self.entry.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs, or while its keeper still reads its last words; -1 if nobody saw how it ended."""
        if self._ledger.is_alive(self.entry):
            return None
        end = lasting_exit(self._reports)
        if end is not None and end.pid == self.pid and end.returncode is not None:
            return end.returncode
        return None if is_lasting_running(self._reports, self.pid) else -1

    async def wait(self) -> int:
        """Wait until it has ended, and return its exit code; -1 if it was let go."""
        while (code := await asyncio.to_thread(lambda: self.returncode)) is None:
            if self._released.is_set():
                return -1
            await self._pause()
        return code

    async def lines(self) -> AsyncGenerator[str, None]:
        """Yield what it writes until it has ended, or was let go."""
        splitter = LineSplitter()
        is_last = False
        while not is_last:
            is_last = self._released.is_set() or self.returncode is not None
            for line in splitter.feed(await asyncio.to_thread(self._read)):
                yield line
            if not is_last:
                await self._pause()
        for line in splitter.finish():
            yield line

    def was_ended_by_order(self) -> bool:
        """Tell whether it ended because a program of ours was told to end it, which also takes it out of the ledger."""
        entry = self._ledger.entry_of(self.pid)
        return self._was_recorded if entry is None else entry.is_ending

    def will_stop(self) -> None:
        """Let every program of ours know that its end is wanted."""
        self._ledger.set_ending(self.pid)

    def end(self, grace_s: float) -> None:
        """TERM to everything it started, after ``grace_s`` KILL. Blocks. Never touches a process that is not it."""
        self.will_stop()
        self._ledger.end_leftover(self.entry, grace_s)
        self._ledger.end_followers(self.entry, grace_s)

    def release(self) -> None:
        """Let it go: it runs on, and we look no more."""
        self._released.set()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_POLL_S):
                await self._released.wait()
        except TimeoutError:
            pass

    def _read(self) -> bytes:
        try:
            if self._log.stat().st_size < self._offset:
                self._offset = 0  # a new file took the old one's place
            with self._log.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return b""
        self._offset += len(data)
        return data


def start_detached(
    argv: Sequence[str],
    *,
    name: str,
    cwd: Path | None,
    env: Mapping[str, str],
    port: int,
    log: Path,
    ledger: Ledger,
) -> DetachedProcess:
    """Start ``argv`` so that it outlives us; its output goes to ``log``, itself with its port into the ledger. Blocks.

    Raises:
        OSError: There is no such program, it may not be run, or nothing can be written beside the log.
    """
    offset = _size(log)
    try:
        entry = start_lasting_now(_reports_of(log), argv, name=name, cwd=cwd, env=env, ledger=ledger, log=log)
    except LastingStartError as exc:
        raise OSError(exc.errno, str(exc), argv[0]) from exc
    except StorageError as exc:
        raise OSError(0, str(exc), argv[0]) from exc
    ledger.set_port(entry.pid, port)
    return DetachedProcess(entry, ledger, log, offset)


def adopt(entry: LedgerEntry, ledger: Ledger, log: Path) -> DetachedProcess:
    """Return a server that an earlier program started to stay; reading begins a little before the log's end."""
    return DetachedProcess(entry, ledger, log, max(0, _size(log) - _OLD_LOG_BYTES))


def _reports_of(log: Path) -> Path:
    """Return the folder of what its keeper reports; one server at a time writes to a log."""
    return log.with_suffix(".process")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
