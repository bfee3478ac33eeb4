"""Run folders: the truth about what was made. One folder per run, readable without this program.

What must have reached the disk, and when:

- When ``add``, ``take_in``, ``save`` or ``flush`` returns, every file of the run is written and renamed, and so is the
  record that names it. However the program dies, the folder loads and tells of all that. What ``note`` and ``amend``
  say is written by the next of them: no long work begins before it.
- A power cut is another matter. It finds the record as it was at some call, never half of one: each record is synced
  before it takes its name. A medium that was announced is there whole, with a record that names it: file, record and
  folder are synced before ``add`` returns. So is a new run with what was typed, and at the end of a run everything in
  its folder.
- In between, texts and notes are not synced one by one: what they say stands in the record, too, and each sync can take
  a slow disk 30 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import psutil
from pydantic import ValidationError

from ai4artsed_desktop.adapters.pictures import read_picture, with_mask
from ai4artsed_desktop.adapters.storage.atomic import (
    move_durably,
    rename,
    sha256_of,
    sync_file,
    sync_folder,
    to_the_end,
    translated_errors,
    write_atomically,
)
from ai4artsed_desktop.adapters.storage.run_index import shown_in_lists
from ai4artsed_desktop.adapters.storage.sniffing import check_content, read_head
from ai4artsed_desktop.domain.errors import RunDamagedError, StorageError
from ai4artsed_desktop.domain.readable_json import readable_json
from ai4artsed_desktop.domain.runs import MediumRecord, RunRecord
from ai4artsed_desktop.engine.input_images import ORIGINAL
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

METADATA = "metadata.json"
_SECONDS_PER_HOUR = 3600
_RUN_NAME = re.compile(r"run_\d+_[0-9a-f]{6}")
_SAFE_STEM = re.compile(r"[^a-z0-9_]+")


class DiskRunFolder:
    """One run's folder. Calls of one run come one after another; the lock guards against a save beside an add.

    Args:
        making: Ends when the folder with this record is on disk.
        on_written: Called, in a worker thread, with each written record that says something new to lists and search;
            the run waits for it.
    """

    def __init__(
        self,
        path: Path,
        record: RunRecord,
        making: asyncio.Future[None],
        on_written: Callable[[RunRecord, Path], None],
    ) -> None:
        self._path = path
        self._record = record
        self._making = making
        self._on_written = on_written
        self._lock = asyncio.Lock()
        self._written = record
        #: Files are written in threads, fields are amended by the loop: neither may lose the other's change.
        self._guard = threading.Lock()
        self._work_dirs: list[Path] = []
        self._pending: dict[str, bytes] = {}
        self._synced: set[str] = set()

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def record(self) -> RunRecord:
        """The record as last saved or amended."""
        return self._record

    @property
    def is_made(self) -> bool:
        """Whether the folder is on disk."""
        return self._making.done() and self._making.exception() is None

    async def made(self) -> None:
        """Wait until the folder is on disk. Raises StorageError if it could not be made."""
        if not self._making.done():
            await asyncio.wait({self._making})  # so that who is cancelled does not cancel the others
        self._making.result()

    async def add(self, stem: str, medium: ProducedMedium, *, output_id: str) -> MediumRecord:
        """Write a medium, hash it, record it, and only then return its record. Raises StorageError."""
        await self.made()
        async with self._lock:
            return await to_the_end(self._add, stem, medium, output_id)

    def note(self, stem: str, medium: ProducedMedium) -> MediumRecord:
        """Take a small file that is written with the next record; see ``engine.ports.RunFolder``."""
        entity = entity_of(self._record, stem, medium)
        self._pending[entity.filename] = medium.data or b""
        self._name(entity)
        return entity

    def amend(self, **changes: object) -> None:
        """Change fields of the record; the next written one says so."""
        with self._guard:
            self._record = self._record.model_copy(update=changes)

    async def take_in(
        self, stem: str, source: Path, *, mask: Path | None = None, facts: Mapping[str, object] | None = None
    ) -> MediumRecord:
        """Copy a picture of the person's into the folder, hash and record it; see ``engine.ports.RunFolder``."""
        await self.made()
        read = partial(read_picture, source) if mask is None else partial(with_mask, source, mask)
        picture = await asyncio.to_thread(read)
        name = await asyncio.to_thread(_original_name, source)
        if mask is not None:
            name = f"{Path(name).stem}_masked.{picture.extension}"
        said = {ORIGINAL: name, "width_px": picture.width_px, "height_px": picture.height_px, **(facts or {})}
        taken = ProducedMedium("input", picture.mime, picture.extension, data=picture.data, metadata=said)
        async with self._lock:
            return await to_the_end(self._add, stem, taken, "")

    async def save(self, **changes: object) -> None:
        """Change fields of the record and write ``metadata.json`` atomically. Raises StorageError."""
        self.amend(**changes)
        await self.made()
        async with self._lock:
            await to_the_end(self._save)

    async def flush(self) -> None:
        """Write the record if it says more than the file. Raises StorageError."""
        await self.made()
        if self._record is not self._written:
            await self.save()

    def work_dir(self) -> Path:
        """Make an empty scratch folder on the run's own file system, so that results are moved, not copied."""
        with translated_errors(self._path):
            folder = Path(tempfile.mkdtemp(prefix=".work-", dir=self._path))
        self._work_dirs.append(folder)
        return folder

    async def close(self) -> None:
        """Remove scratch folders."""
        for folder in self._work_dirs:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        self._work_dirs.clear()

    def _add(self, stem: str, medium: ProducedMedium, output_id: str) -> MediumRecord:
        entity = place(self._path, self._record, stem, medium, output_id)
        self._name(entity)
        self._write(is_durable=bool(output_id))
        return entity

    def _name(self, entity: MediumRecord) -> None:
        with self._guard:
            self._record = self._record.model_copy(update={"entities": (*self._record.entities, entity)})

    def _save(self) -> None:
        has_ended = self._record.ended is not None
        if has_ended:
            self._sync()
        self._write(is_durable=has_ended, syncs_notes=has_ended)

    def _sync(self) -> None:
        """Make durable what was written without waiting for the disk."""
        with translated_errors(self._path):
            for entity in self._written.entities:
                if not entity.output_id and entity.filename not in self._synced:
                    # The folder is the person's, too: they delete files, and on Windows an open one can be locked.
                    with contextlib.suppress(FileNotFoundError, PermissionError):
                        sync_file(self._path / entity.filename)
                    self._synced.add(entity.filename)

    def _write(self, *, is_durable: bool, syncs_notes: bool = False) -> None:
        record = self._record
        try:
            for entity in record.entities:
                if (data := self._pending.get(entity.filename)) is not None:
                    write_atomically(self._path / entity.filename, data, syncs_file=syncs_notes, syncs_folder=False)
            write_record(self._path, record, syncs_folder=is_durable)
        except StorageError:
            self._take_back(record)
            raise
        for entity in record.entities:
            self._pending.pop(entity.filename, None)
        is_news = is_durable or shown_in_lists(record) != shown_in_lists(self._written)
        self._written = record
        if is_news:
            self._on_written(record, self._path)

    def _take_back(self, record: RunRecord) -> None:
        """Remove the files of a record that could not be written: none lies in a folder that its record does not name.

        What was noted is written with the next record, if the disk lets it.
        """
        with contextlib.suppress(RunDamagedError):
            self._written = read_record(self._path)  # it may have got its name, and only the sync failed
        new = {entity.filename for entity in record.entities} - {entity.filename for entity in self._written.entities}
        for name in new:
            (self._path / name).unlink(missing_ok=True)
        with self._guard:
            kept = tuple(e for e in self._record.entities if e.filename not in new or e.filename in self._pending)
            self._record = self._record.model_copy(update={"entities": kept})


def make_folder(path: Path, record: RunRecord, files: Sequence[ProducedMedium]) -> None:
    """Make a run's folder with its first files and the record that names them, in their order. Raises StorageError."""
    unnamed = path.with_name(f".{path.name}")
    with translated_errors(path):
        try:
            unnamed.mkdir(parents=True)
            for entity, medium in zip(record.entities, files, strict=True):
                write_atomically(unnamed / entity.filename, medium.data or b"", syncs_file=False, syncs_folder=False)
            write_record(unnamed, record)
            rename(unnamed, path)
            sync_folder(path.parent)
        except (OSError, StorageError):
            shutil.rmtree(unnamed, ignore_errors=True)  # a folder without a record is no run
            raise


def place(folder: Path, record: RunRecord, stem: str, medium: ProducedMedium, output_id: str = "") -> MediumRecord:
    """Write a run's next file and return what the record has to say of it.

    With an ``output_id`` its bytes are synced; its name is synced with the record's.

    Raises:
        StorageError, DiskFullError, ReadOnlyError, MediumMismatchError.
    """
    if medium.path is not None:
        with translated_errors(medium.path):
            check_content(read_head(medium.path), medium.mime)
            facts = sha256_of(medium.path), medium.path.stat().st_size
        entity = entity_of(record, stem, medium, output_id, facts)
        move_durably(medium.path, folder / entity.filename)
        return entity
    data = medium.data or b""
    check_content(data, medium.mime)
    entity = entity_of(record, stem, medium, output_id)
    # The record, written next, syncs both names.
    write_atomically(folder / entity.filename, data, syncs_file=bool(output_id), syncs_folder=False)
    return entity


def entity_of(
    record: RunRecord, stem: str, medium: ProducedMedium, output_id: str = "", facts: tuple[str, int] | None = None
) -> MediumRecord:
    """Return what a record says of its run's next file, ``<number>_<stem>.<extension>``.

    Args:
        facts: SHA-256 (hex) and size in bytes; None = of ``medium.data``.
    """
    sequence = 1 + max((entity.sequence for entity in record.entities), default=0)
    data = medium.data or b""
    sha256, size = facts or (hashlib.sha256(data).hexdigest(), len(data))
    return MediumRecord(
        sequence=sequence,
        type=medium.kind,
        filename=f"{sequence:02d}_{_SAFE_STEM.sub('_', stem.lower())}.{_SAFE_STEM.sub('', medium.extension.lower())}",
        sha256=sha256,
        mime=medium.mime,
        bytes=size,
        output_id=output_id,
        metadata=medium.metadata,
    )


def _original_name(source: Path) -> str:
    """Return what a picture was called by the person, also when it comes from another run's folder."""
    if _RUN_NAME.fullmatch(source.parent.name) is None:
        return source.name
    try:
        entities = read_record(source.parent).entities
    except RunDamagedError:
        return source.name
    found = next((entity for entity in entities if entity.filename == source.name), None)
    return str(found.metadata.get(ORIGINAL, source.name)) if found is not None else source.name


def write_record(folder: Path, record: RunRecord, *, syncs_folder: bool = True) -> None:
    """Write a run's ``metadata.json`` atomically; see ``write_atomically``. Raises StorageError."""
    write_atomically(folder / METADATA, readable_json(record), syncs_folder=syncs_folder)


def read_record(folder: Path) -> RunRecord:
    """Return the record of a run folder.

    Raises:
        RunDamagedError: ``metadata.json`` is missing or cannot be read.
    """
    try:
        return RunRecord.model_validate_json((folder / METADATA).read_bytes())
    except (OSError, ValidationError, ValueError) as exc:
        raise RunDamagedError(str(exc), path=str(folder)) from exc


def find_run_folders(runs: Path) -> Iterator[Path]:
    """Yield every run folder below ``runs`` (``<date>/run_…``), in a stable order; other things are passed over."""
    if not runs.is_dir():
        return
    for day in sorted(entry for entry in runs.iterdir() if entry.is_dir()):
        yield from sorted(entry for entry in day.iterdir() if entry.is_dir() and _RUN_NAME.fullmatch(entry.name))


def is_run_id(text: str) -> bool:
    """Tell whether a text is a run id: it becomes part of a path, so nothing else may pass."""
    return _RUN_NAME.fullmatch(text) is not None


def this_process() -> dict[str, object]:
    """Return what tells this process from a later one with the same pid."""
    return {"pid": os.getpid(), "started": psutil.Process().create_time()}


def is_writer_alive(record: RunRecord) -> bool:
    """Tell whether the program that writes a record still runs."""
    pid, started = record.process.get("pid"), record.process.get("started")
    if not isinstance(pid, int) or not isinstance(started, int | float):
        return False
    try:
        return abs(psutil.Process(pid).create_time() - started) < 1.0
    except (psutil.Error, ValueError):
        return False


def name_left_folders(runs: Path) -> None:
    """Give a folder its name whose program died just before it did: what was typed is in it. One without a record goes.

    A program that lives is making its folder now; where no record tells, an hour tells as well. Raises OSError.
    """
    for left in runs.glob("*/.run_*"):
        try:
            record = read_record(left)
        except RunDamagedError:
            if time.time() - left.stat().st_mtime > _SECONDS_PER_HOUR:
                shutil.rmtree(left)
        else:
            if not is_writer_alive(record):
                rename(left, left.with_name(left.name.removeprefix(".")))


def clean_up(folder: Path) -> None:
    """Remove what a killed program left in a run folder: half-written files and scratch folders."""
    for left in folder.iterdir():
        if left.name.endswith(".part"):
            left.unlink(missing_ok=True)
        elif left.name.startswith(".work-"):
            shutil.rmtree(left, ignore_errors=True)
