"""The SQLite index over the run folders: search and lists. It can be deleted and rebuilt at any time."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.errors import DiskFullError, ReadOnlyError, StorageError
from ai4artsed_desktop.domain.runs import RunRecord
from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.engine.ports import RunSummary

#: Bumped with the tables: an index of another version is made anew.
_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, created TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL,
    interception_id TEXT NOT NULL, folder TEXT NOT NULL, parent_run_id TEXT, media TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_time ON runs (created DESC, run_id DESC);
CREATE TABLE IF NOT EXISTS entities (
    run_id TEXT NOT NULL, sequence INTEGER NOT NULL, type TEXT NOT NULL, filename TEXT NOT NULL, sha256 TEXT NOT NULL,
    mime TEXT NOT NULL, bytes INTEGER NOT NULL, output_id TEXT NOT NULL, metadata TEXT NOT NULL,
    PRIMARY KEY (run_id, sequence)
);
CREATE VIRTUAL TABLE IF NOT EXISTS run_words USING fts5 (
    run_id UNINDEXED, words, tokenize = 'unicode61 remove_diacritics 2'
);
"""
#: SQLite's primary result codes for a file that is damaged or no index of ours (https://sqlite.org/rescode.html):
#: IOERR (cut off), CORRUPT, SCHEMA, NOTADB.
_DAMAGED = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_NOTADB})
_FULL_OR_READ_ONLY = {sqlite3.SQLITE_FULL: DiskFullError, sqlite3.SQLITE_READONLY: ReadOnlyError}
#: How long one program waits for another that writes; a rebuild of 10,000 runs takes about 2 s.
_BUSY_S = 10.0
#: ``PRAGMA application_id`` of an index that has seen every folder; one that was just made has not.
_COMPLETE = 0x41495241
T = TypeVar("T")
_WORD = re.compile(r"\w+")
_COLUMNS = "run_id, created, state, text, interception_id, folder, parent_run_id, media"


class RunIndex:
    """One connection, used from worker threads one at a time.

    A damaged file is made anew and counts as incomplete until ``rebuild``. Every method raises StorageError.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def put(self, record: RunRecord, folder: str) -> None:
        """Add or update one run. ``folder`` is relative to the runs folder."""

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                _put(connection, record, folder)

        self._do(write)

    def list(self, limit: int, search: str) -> Sequence[RunSummary]:
        """Return runs, newest first; ``search`` words must all begin a word of the run's texts."""
        bare = (word.replace('"', "") for word in clean_text(search).split())
        words = " ".join(f'"{word}"*' for word in bare if word)
        query = f"SELECT {_COLUMNS} FROM runs ORDER BY created DESC, run_id DESC LIMIT ?"  # noqa: S608 - constants only
        parameters: tuple[str | int, ...] = (limit,)
        if words:
            query = (
                f"SELECT {_COLUMNS} FROM runs WHERE run_id IN "  # noqa: S608 - constants only
                "(SELECT run_id FROM run_words WHERE words MATCH ?) ORDER BY created DESC, run_id DESC LIMIT ?"
            )
            parameters = (words, limit)
        rows = self._do(lambda connection: connection.execute(query, parameters).fetchall())
        return [RunSummary(*row[:7], media=tuple(json.loads(row[7]))) for row in rows]

    def folder_of(self, run_id: str) -> str | None:
        """Return a run's folder relative to the runs folder, or None."""
        query = "SELECT folder FROM runs WHERE run_id = ?"
        row = self._do(lambda connection: connection.execute(query, (run_id,)).fetchone())
        return row[0] if row else None

    def states(self) -> dict[str, str]:
        """Return the state of every run by its id."""
        return dict(self._do(lambda connection: connection.execute("SELECT run_id, state FROM runs").fetchall()))

    def remove(self, run_ids: Iterable[str]) -> None:
        """Forget runs whose folders are gone."""
        ids = [(run_id,) for run_id in run_ids]

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                for table in ("runs", "entities", "run_words"):
                    connection.executemany(f"DELETE FROM {table} WHERE run_id = ?", ids)  # noqa: S608 - constants

        self._do(write)

    def rebuild(self, read: Callable[[], Iterable[tuple[RunRecord, str]]]) -> int:
        """Make the index anew from what ``read`` returns; return the number of runs.

        In one transaction of the same file, so that another program that uses it waits and then goes on with it.
        """

        def write(connection: sqlite3.Connection) -> int:
            count = 0
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for table in ("runs", "entities", "run_words"):
                    connection.execute(f"DELETE FROM {table}")  # noqa: S608 - constants only
                for record, folder in read():
                    _put(connection, record, folder)
                    count += 1
                connection.execute(f"PRAGMA application_id = {_COMPLETE}")
            return count

        return self._do(write)

    def dump(self) -> list[tuple[object, ...]]:
        """Return every row of the index in a stable order, to compare two of them."""
        queries = (
            f"SELECT {_COLUMNS} FROM runs ORDER BY run_id",  # noqa: S608 - constants only
            "SELECT * FROM entities ORDER BY run_id, sequence",
            "SELECT run_id, words FROM run_words ORDER BY run_id",
        )
        return self._do(lambda connection: [row for query in queries for row in connection.execute(query)])

    def is_complete(self) -> bool:
        """Tell whether the index has ever been built from the folders; a new or repaired one has not."""
        return self._do(lambda c: c.execute("PRAGMA application_id").fetchone()[0] == _COMPLETE)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._disconnect()

    def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock, translated_errors(self._path):
            try:
                return self._attempt(work)
            except sqlite3.Error as exc:
                self._disconnect()
                if _code(exc) not in _DAMAGED and "no such table" not in str(exc):
                    kind = _FULL_OR_READ_ONLY.get(_code(exc), StorageError)
                    raise kind(str(exc), path=str(self._path)) from exc
            for suffix in ("", "-wal", "-shm"):  # it holds nothing that the folders do not
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            try:
                return self._attempt(work)
            except sqlite3.Error as exc:
                self._disconnect()
                raise StorageError(str(exc), path=str(self._path)) from exc

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = _connect(self._path)
        return work(self._connection)

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, check_same_thread=False, timeout=_BUSY_S)
    try:
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, _VERSION):
            connection.close()
            path.unlink(missing_ok=True)
            return _connect(path)
        if version == 0:
            # All or nothing, and harmless where a second program has just done the same.
            connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait for other programs here, so we do."""
    give_up_s = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as exc:
            if _code(exc) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_s:
                raise
            time.sleep(0.02)


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code; an error of Python's own module has none."""
    return getattr(error, "sqlite_errorcode", -1) & 0xFF


def shown_in_lists(record: RunRecord) -> tuple[object, ...]:
    """Return what lists and search know of a run that changes while it runs."""
    return record.state, [e.filename for e in record.entities if e.output_id], _searched(record)


def _put(connection: sqlite3.Connection, record: RunRecord, folder: str) -> None:
    media = [e.filename for e in record.entities if e.output_id]
    with closing(connection.cursor()) as cursor:
        cursor.execute(
            f"INSERT OR REPLACE INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants only
            (
                record.run_id,
                record.created,
                record.state,
                record.input_text,
                record.interception_id,
                folder,
                record.parent_run_id,
                json.dumps(media),
            ),
        )
        cursor.execute("DELETE FROM entities WHERE run_id = ?", (record.run_id,))
        cursor.executemany(
            "INSERT INTO entities VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    record.run_id,
                    e.sequence,
                    e.type,
                    e.filename,
                    e.sha256,
                    e.mime,
                    e.bytes,
                    e.output_id,
                    json.dumps(e.metadata, sort_keys=True),
                )
                for e in record.entities
            ],
        )
        cursor.execute("DELETE FROM run_words WHERE run_id = ?", (record.run_id,))
        cursor.execute("INSERT INTO run_words VALUES (?, ?)", (record.run_id, _searched(record)))


def _searched(record: RunRecord) -> str:
    texts = [record.input_text, record.interception_id, record.participant, *(s.text for s in record.stages)]
    return "\n".join(dict.fromkeys(texts))


def has_words(record: RunRecord, search: str) -> bool:
    """Tell whether each word of ``search`` begins a word of the run's texts: a search without the index."""
    words = _WORD.findall(_searched(record).casefold())
    return all(any(word.startswith(wanted) for word in words) for wanted in _WORD.findall(search.casefold()))
