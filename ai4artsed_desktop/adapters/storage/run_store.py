"""Run folders and the index over them as one store.

The index has a thread of its own: a run waits for its folder, which is the truth, never for the index. It learns what
was written a moment later, of each run the newest only; whoever asks the index waits for all that was put before.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from ai4artsed_desktop.adapters.storage.run_folders import (
    METADATA,
    DiskRunFolder,
    clean_up,
    entity_of,
    find_run_folders,
    is_run_id,
    is_writer_alive,
    make_folder,
    name_left_folders,
    read_record,
    write_record,
)
from ai4artsed_desktop.adapters.storage.run_index import RunIndex, has_words
from ai4artsed_desktop.domain.errors import RunDamagedError, StorageError, UnknownEntryError
from ai4artsed_desktop.domain.runs import RunRecord
from ai4artsed_desktop.engine.ports import Notes, RunSummary
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

logger = logging.getLogger(__name__)
T = TypeVar("T")
_UNFINISHED = frozenset({"queued", "running", "paused"})
#: A run writes its record several times in quick succession, just when its server waits for it.
_GATHERING_S = 0.05


class DiskRunStore:
    """Runs below one folder, ``<runs>/<date>/run_<unix ms>_<6 hex>/``."""

    def __init__(self, runs: Path, index: Path) -> None:
        self._runs = runs
        self._index = RunIndex(index)
        self._indexing: ThreadPoolExecutor | None = None
        self._gathered: dict[str, tuple[RunRecord, Path]] = {}
        self._guard = threading.Lock()
        self._is_asked = threading.Event()

    def create(self, record: RunRecord, notes: Notes = ()) -> DiskRunFolder:
        """Begin to make the folder with its record and first files in it.

        It gets its name only when the record is on disk: a run folder that can be seen can be read, whenever we die.
        """
        day = datetime.fromisoformat(record.created).date().isoformat()
        path = self._runs / day / record.run_id
        for stem, medium in notes:
            record = record.model_copy(update={"entities": (*record.entities, entity_of(record, stem, medium))})
        making = asyncio.get_running_loop().run_in_executor(None, self._make, path, record, [m for _, m in notes])
        return DiskRunFolder(path, record, making, self._put_later)

    def _make(self, path: Path, record: RunRecord, files: Sequence[ProducedMedium]) -> None:
        make_folder(path, record, files)
        self._put_later(record, path)

    async def load(self, run_id: str) -> RunRecord:
        """Return a run's record. Raises UnknownEntryError, RunDamagedError."""
        return await asyncio.to_thread(read_record, await self.folder_of(run_id))

    async def folder_of(self, run_id: str) -> Path:
        """Return a run's folder. Raises UnknownEntryError."""
        if not is_run_id(run_id):
            raise UnknownEntryError(kind="run", id=run_id)
        found = await self._ask(partial(self._find_folder, run_id))
        if found is None:
            raise UnknownEntryError(kind="run", id=run_id)
        return found

    async def list_runs(self, limit: int = 200, search: str = "") -> Sequence[RunSummary]:
        """Return runs, newest first. An index that is not there is made first."""
        return await self._ask(partial(self._list, limit, search))

    async def rebuild_index(self) -> int:
        """Make the index anew from the folders; return the number of runs."""
        return await self._ask(partial(self._index.rebuild, self._records))

    async def mark_interrupted(self) -> Sequence[RunSummary]:
        """Mark runs whose program died as interrupted, tidy their folders and return them, newest first.

        The index follows: it learns the runs it missed and forgets those whose folders are gone. A run that it knows as
        ended is not read again, so that this stays quick however many there are.
        """
        return await self._ask(self._mark_interrupted)

    async def aclose(self) -> None:
        """Close the index."""
        await self._ask(self._index.close)
        self._thread().shutdown()
        self._indexing = None

    async def _ask(self, call: Callable[[], T]) -> T:
        self._is_asked.set()
        return await asyncio.get_running_loop().run_in_executor(self._thread(), call)

    def _thread(self) -> ThreadPoolExecutor:
        if self._indexing is None:
            self._indexing = ThreadPoolExecutor(1, thread_name_prefix="run index")
        return self._indexing

    def _put_later(self, record: RunRecord, path: Path) -> None:
        with self._guard:
            is_first = not self._gathered
            self._gathered[record.run_id] = record, path
        if is_first:
            self._thread().submit(self._put_gathered).add_done_callback(_log_failure)

    def _put_gathered(self) -> None:
        self._is_asked.wait(_GATHERING_S)
        with self._guard:
            gathered, self._gathered = self._gathered, {}
            self._is_asked.clear()
        for record, path in gathered.values():
            self._put(record, path)

    def _put(self, record: RunRecord, path: Path) -> None:
        try:
            self._index.put(record, self._relative(path))
        except StorageError as exc:
            # The folder holds everything; a full disk or a locked index must not end the run.
            logger.warning("the run index was not updated: %s", exc)

    def _list(self, limit: int, search: str) -> Sequence[RunSummary]:
        try:
            if not self._index.is_complete():
                self._index.rebuild(self._records)
            return self._index.list(limit, search)
        except StorageError as exc:  # a full or read-only disk: slower, but what was made can be found
            logger.warning("the run index cannot be used: %s", exc)
        found = [_summary(record, relative) for record, relative in self._records() if has_words(record, search)]
        return sorted(found, key=lambda summary: (summary.created, summary.run_id), reverse=True)[:limit]

    def _find_folder(self, run_id: str) -> Path | None:
        try:
            relative = self._index.folder_of(run_id)
        except StorageError as exc:
            logger.warning("the run index cannot be read: %s", exc)
            relative = None
        if relative is not None and (self._runs / relative / METADATA).is_file():
            return self._runs / relative
        return next((path for path in find_run_folders(self._runs) if path.name == run_id), None)

    def _records(self, known: Container[str] = ()) -> Iterator[tuple[RunRecord, str]]:
        """Yield the record and relative folder of every run whose id is not in ``known``."""
        for path in find_run_folders(self._runs):
            if path.name in known:
                continue
            try:
                yield read_record(path), self._relative(path)
            except RunDamagedError as exc:
                logger.warning("run folder %s cannot be read: %s", path, exc.detail)

    def _mark_interrupted(self) -> list[RunSummary]:
        marked: list[RunSummary] = []
        try:
            name_left_folders(self._runs)
        except OSError as exc:  # as below
            logger.warning("what a killed program left cannot be tidied: %s", exc)
        states = self._known_states()
        for record, relative in self._records({run_id for run_id, state in states.items() if state not in _UNFINISHED}):
            if record.state not in _UNFINISHED or is_writer_alive(record):
                if states.get(record.run_id) != record.state:
                    self._put(record, self._runs / relative)
                continue
            folder = self._runs / relative
            ended = record.model_copy(update={"state": "interrupted"})
            try:
                clean_up(folder)
                write_record(folder, ended)
            except (OSError, StorageError) as exc:  # a full disk: the program starts, and the next start tries again
                logger.warning("run folder %s cannot be tidied: %s", folder, exc)
            else:
                self._put(ended, folder)
            marked.append(_summary(ended, relative))
        return marked[::-1]

    def _known_states(self) -> dict[str, str]:
        """Return the states the index holds, after forgetting runs without a folder; nothing if it is no help."""
        try:
            states = self._index.states()
            gone = states.keys() - {path.name for path in find_run_folders(self._runs)}
            self._index.remove(gone)
        except StorageError as exc:
            logger.warning("the run index cannot be used: %s", exc)
            return {}
        return {run_id: state for run_id, state in states.items() if run_id not in gone}

    def _relative(self, path: Path) -> str:
        return path.relative_to(self._runs).as_posix()


def _log_failure(done: Future[None]) -> None:
    if (failure := done.exception()) is not None:
        logger.error("the run index was not updated", exc_info=failure)


def _summary(record: RunRecord, relative: str) -> RunSummary:
    return RunSummary(
        record.run_id,
        record.created,
        record.state,
        record.input_text,
        record.interception_id,
        relative,
        record.parent_run_id,
        tuple(entity.filename for entity in record.entities if entity.output_id),
    )
