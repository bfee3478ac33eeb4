"""A file that knows which children we started, so that the next start finds what a crash left behind."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ai4artsed_desktop.adapters.process.watchdog_child import start_mark

_log = logging.getLogger(__name__)


class LedgerEntry(BaseModel):
    """One child that we started.

    Attributes:
        started: Tells the process from a later one with the same pid; see ``start_mark``.
        argv_sha256: Of its command line, NUL-separated: a second proof that it is the one we started.
        owner_pid, owner_started: The program that started it.
        port: On 127.0.0.1, if it serves one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pid: int
    started: str
    argv_sha256: str
    name: str
    owner_pid: int
    owner_started: str
    port: int | None = None


_ENTRIES = TypeAdapter(list[LedgerEntry])


class Ledger:
    """The pid ledger in one JSON file. Thread-safe; written atomically. A damaged file counts as empty."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def add(self, pid: int, argv: Sequence[str], name: str) -> None:
        """Remember a child that was just started."""
        if (started := _mark(pid)) is None:
            return
        entry = LedgerEntry(
            pid=pid,
            started=started,
            argv_sha256=_argv_hash(argv),
            name=name,
            owner_pid=os.getpid(),
            owner_started=_mark(os.getpid()) or "",
        )
        self._change(lambda entries: [*(e for e in entries if e.pid != pid), entry])

    def set_port(self, pid: int, port: int) -> None:
        """Add the port that a remembered child serves."""
        self._change(lambda entries: [e.model_copy(update={"port": port}) if e.pid == pid else e for e in entries])

    def remove(self, pid: int) -> None:
        """Forget a child that has ended."""
        self._change(lambda entries: [e for e in entries if e.pid != pid])

    def list_leftovers(self) -> list[LedgerEntry]:
        """Return children that still run although the program that started them does not; forget the ended ones."""
        self._change(lambda entries: [e for e in entries if _mark(e.pid) == e.started])
        try:
            with self._lock:
                entries = self._read()
        except OSError as exc:
            _log.warning("the process ledger cannot be read: %s", exc)
            return []
        return [e for e in entries if _mark(e.owner_pid) != e.owner_started and _is_ours(e)]

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
        _signal_all(tree, lambda process: process.terminate())
        _, alive = psutil.wait_procs(tree, timeout=grace_s)
        _signal_all(alive, lambda process: process.kill())
        psutil.wait_procs(alive, timeout=grace_s)
        self.remove(entry.pid)
        return True

    def _change(self, change: Callable[[list[LedgerEntry]], list[LedgerEntry]]) -> None:
        with self._lock:
            try:
                entries = self._read()
                if (changed := change(entries)) != entries:
                    self._write(changed)
            except OSError as exc:
                # Without the ledger a crash may leave a process behind; without the child nothing works at all.
                _log.warning("the process ledger cannot be used: %s", exc)

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


def _signal_all(processes: list[psutil.Process], send: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            send(process)
