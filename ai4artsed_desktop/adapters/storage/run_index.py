"""The SQLite index over the run folders: search and lists. It can be deleted and rebuilt at any time."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.runs import RunRecord
from ai4artsed_desktop.engine.ports import RunSummary

#: Bumped with the tables: an index of another version is made anew.
_VERSION = 1
_TABLES = """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, created TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL,
    interception_id TEXT NOT NULL, folder TEXT NOT NULL, parent_run_id TEXT, media TEXT NOT NULL
);
CREATE INDEX runs_by_time ON runs (created DESC, run_id DESC);
CREATE TABLE entities (
    run_id TEXT NOT NULL, sequence INTEGER NOT NULL, type TEXT NOT NULL, filename TEXT NOT NULL, sha256 TEXT NOT NULL,
    mime TEXT NOT NULL, bytes INTEGER NOT NULL, output_id TEXT NOT NULL, metadata TEXT NOT NULL,
    PRIMARY KEY (run_id, sequence)
);
CREATE VIRTUAL TABLE run_words USING fts5 (run_id UNINDEXED, words, tokenize = 'unicode61 remove_diacritics 2');
"""
_COLUMNS = "run_id, created, state, text, interception_id, folder, parent_run_id, media"


class RunIndex:
    """One connection, used from worker threads one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def put(self, record: RunRecord, folder: str) -> None:
        """Add or update one run. ``folder`` is relative to the runs folder. Raises StorageError."""
        with self._lock, translated_errors(self._path):
            connection = self._open()
            with connection:
                _put(connection, record, folder)

    def list(self, limit: int, search: str) -> Sequence[RunSummary]:
        """Return runs, newest first; ``search`` words must all begin a word of the run's texts."""
        words = " ".join(f'"{word.replace(chr(34), "")}"*' for word in search.split() if word.strip('"'))
        query = f"SELECT {_COLUMNS} FROM runs ORDER BY created DESC, run_id DESC LIMIT ?"  # noqa: S608 - constants only
        parameters: tuple[str | int, ...] = (limit,)
        if words:
            query = (
                f"SELECT {_COLUMNS} FROM runs WHERE run_id IN "  # noqa: S608 - constants only
                "(SELECT run_id FROM run_words WHERE words MATCH ?) ORDER BY created DESC, run_id DESC LIMIT ?"
            )
            parameters = (words, limit)
        with self._lock, translated_errors(self._path):
            rows = self._open().execute(query, parameters).fetchall()
        return [RunSummary(*row[:7], media=tuple(json.loads(row[7]))) for row in rows]

    def folder_of(self, run_id: str) -> str | None:
        """Return a run's folder relative to the runs folder, or None."""
        with self._lock, translated_errors(self._path):
            row = self._open().execute("SELECT folder FROM runs WHERE run_id = ?", (run_id,)).fetchone()
        return row[0] if row else None

    def rebuild(self, records: Iterable[tuple[RunRecord, str]]) -> int:
        """Make the index anew; return the number of runs. Raises StorageError."""
        with self._lock, translated_errors(self._path):
            self._drop()
            connection = self._open()
            count = 0
            with connection:
                for record, folder in records:
                    _put(connection, record, folder)
                    count += 1
        return count

    def dump(self) -> list[tuple[object, ...]]:
        """Return every row of the index in a stable order, to compare two of them."""
        with self._lock, translated_errors(self._path):
            connection = self._open()
            runs = connection.execute(f"SELECT {_COLUMNS} FROM runs ORDER BY run_id").fetchall()  # noqa: S608 - constants
            entities = connection.execute("SELECT * FROM entities ORDER BY run_id, sequence").fetchall()
            words = connection.execute("SELECT run_id, words FROM run_words ORDER BY run_id").fetchall()
        return [*runs, *entities, *words]

    def is_new(self) -> bool:
        """Tell whether there is no index yet (or only one of another version), so that it has to be rebuilt."""
        with self._lock, translated_errors(self._path):
            return self._open().execute("SELECT count(*) FROM runs").fetchone()[0] == 0

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = self._connect()
            except sqlite3.DatabaseError:
                self._drop()  # damaged: it holds nothing that the folders do not
                self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False, timeout=10)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise sqlite3.DatabaseError(f"index version {version}")
            if version == 0:
                # One statement at a time inside one transaction: a second program may be doing the same right now.
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {_VERSION}; COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


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
        texts = [record.input_text, record.interception_id, record.participant, *(s.text for s in record.stages)]
        cursor.execute("INSERT INTO run_words VALUES (?, ?)", (record.run_id, "\n".join(dict.fromkeys(texts))))
