"""A file that knows which children we started, so that the next start finds what a crash left behind."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ai4artsed_desktop.adapters.process.watchdog_child import start_mark

_log = logging.getLogger(__name__)

_POLL_S = 0.02


class LedgerEntry(BaseModel):
    """One child that we started.

    Attributes:
        started: Tells the process from a later one with the same pid; see ``start_mark``.
        argv_sha256: Of its command line, NUL-separated: a second proof that it is the one we started.
        owner_pid, owner_started: The program that started it.
        port: On 127.0.0.1, if it serves one.
        is_detached: A person started it to stay: it is no leftover when its owner has gone.
        is_ending: A program of ours was told to end it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pid: int
    started: str
    argv_sha256: str
    name: str
    owner_pid: int
    owner_started: str
    port: int | None = None
    is_detached: bool = False
    is_ending: bool = False


_ENTRIES = TypeAdapter(list[LedgerEntry])


class Ledger:
    """The pid ledger in one JSON file. Thread-safe; written atomically. A damaged file counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def add(self, pid: int, argv: Sequence[str], name: str, *, is_detached: bool = False) -> LedgerEntry:
        """Remember a child that was just started, and return what is known of it; one that has ended is not kept."""
        started = _mark(pid)
        entry = LedgerEntry(
            pid=pid,
            started=started or "",
            argv_sha256=_argv_hash(argv),
            name=name,
            owner_pid=os.getpid(),
            owner_started=_mark(os.getpid()) or "",
            is_detached=is_detached,
        )
        if started is not None:
            self._change(lambda entries: [*(e for e in entries if e.pid != pid), entry])
        return entry

    def set_port(self, pid: int, port: int) -> None:
        """Add the port that a remembered child serves."""
        self._change(lambda entries: [e.model_copy(update={"port": port}) if e.pid == pid else e for e in entries])

    def set_ending(self, pid: int) -> None:
        """Note that a program of ours was told to end it."""
        self._change(lambda entries: [e.model_copy(update={"is_ending": True}) if e.pid == pid else e for e in entries])

    def remove(self, pid: int) -> None:
        """Forget a child that has ended."""
        self._change(lambda entries: [e for e in entries if e.pid != pid])

    def names(self) -> dict[int, str]:
        """Return what children that run now are called, by pid; empty if the file cannot be read."""
        try:
            with self._lock:
                return {entry.pid: entry.name for entry in self._read() if _mark(entry.pid) == entry.started}
        except OSError as exc:
            _log.warning("the process ledger cannot be read: %s", exc)
            return {}

    def list_leftovers(self) -> list[LedgerEntry]:
        """Return children that still run although the program that started them does not; forget the ended ones.

        Those that a person started to stay are none.
        """
        self._change(lambda entries: [e for e in entries if _mark(e.pid) == e.started])
        return [e for e in self._entries() if not e.is_detached and not is_owned(e) and _is_ours(e)]

    def running(self, name: str) -> list[LedgerEntry]:
        """Return the children of this name that run, whoever started them."""
        return [e for e in self._entries() if e.name == name and _is_ours(e)]

    def entry_of(self, pid: int) -> LedgerEntry | None:
        """Return what is known of a process, None if nothing is."""
        return next((e for e in self._entries() if e.pid == pid), None)

    def is_alive(self, entry: LedgerEntry) -> bool:
        """Tell whether the very process that was started still runs; a later one with its pid does not count."""
        return _mark(entry.pid) == entry.started

    def end_leftover(self, entry: LedgerEntry, grace_s: float = 3.0) -> bool:
        """End a leftover with everything it started: TERM, after ``grace_s`` KILL. Blocks.

        Returns:
            False if the process is not the one we started (any more); then nothing is touched.
        """
        if not _is_ours(entry):
            self.remove(entry.pid)
            return False
        tree: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            leader = psutil.Process(entry.pid)
            tree = [leader, *leader.children(recursive=True), *_same_session(entry.pid)]
        _end_all(tree, grace_s)
        self.remove(entry.pid)
        return True

    def end_followers(self, entry: LedgerEntry, grace_s: float = 3.0) -> None:
        """End what a child that has just ended left in its session: TERM, after ``grace_s`` KILL. Blocks.

        For those only who saw the child alive a moment ago: as long as followers live, the system gives its id to no
        other process.
        """
        if _mark(entry.pid) is None:
            _end_all(_same_session(entry.pid), grace_s)

    def _change(self, change: Callable[[list[LedgerEntry]], list[LedgerEntry]]) -> None:
        with self._lock:
            try:
                entries = self._read()
                if (changed := change(entries)) != entries:
                    self._write(changed)
            except OSError as exc:
                # Without the ledger a crash may leave a process behind; without the child nothing works at all.
                _log.warning("the process ledger cannot be used: %s", exc)

    def _entries(self) -> list[LedgerEntry]:
        try:
            with self._lock:
                return self._read()
        except OSError as exc:
            _log.warning("the process ledger cannot be read: %s", exc)
            return []

    def _read(self) -> list[LedgerEntry]:
        try:
            return _ENTRIES.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except ValidationError as exc:
            _log.warning("the process ledger is damaged and starts anew: %s", exc)
            return []

    def _write(self, entries: list[LedgerEntry]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.part")
        part.write_bytes(_ENTRIES.dump_json(entries, indent=1))
        part.replace(self._path)


def is_owned(entry: LedgerEntry) -> bool:
    """Tell whether the program that started a child still runs."""
    return _mark(entry.owner_pid) == entry.owner_started


def process_mark(pid: int) -> str | None:
    """Return what tells a running process from a later one with the same pid; None if none runs."""
    return _mark(pid)


def _mark(pid: int) -> str | None:
    if sys.platform != "win32":
        return start_mark(pid)
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.Error:
        return None


def _argv_hash(argv: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(argv).encode("utf-8", "surrogateescape")).hexdigest()


def _is_ours(entry: LedgerEntry) -> bool:
    if _mark(entry.pid) != entry.started:
        return False
    try:
        process = psutil.Process(entry.pid)
        return process.status() != psutil.STATUS_ZOMBIE and _argv_hash(process.cmdline()) == entry.argv_sha256
    except psutil.Error:
        return False


def _same_session(session_id: int) -> list[psutil.Process]:
    if sys.platform == "win32":
        return []
    from ai4artsed_desktop.adapters.process.posix import session_members

    return session_members(session_id)


def _end_all(tree: list[psutil.Process], grace_s: float) -> None:
    _signal_all(tree, lambda process: process.terminate())
    alive = _left_after(tree, grace_s)
    _signal_all(alive, lambda process: process.kill())
    _left_after(alive, grace_s)


def _left_after(tree: list[psutil.Process], limit_s: float) -> list[psutil.Process]:
    """Wait until all have ended; return those that have not. A zombie has: it waits for its parent, not for us."""
    give_up_s = time.monotonic() + limit_s
    while (left := [process for process in tree if _runs(process)]) and time.monotonic() < give_up_s:
        time.sleep(_POLL_S)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal_all(processes: list[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            send(process)
