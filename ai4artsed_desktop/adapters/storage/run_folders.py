"""Run folders: the truth about what was made. One folder per run, readable without this program."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
from pydantic import ValidationError

from ai4artsed_desktop.adapters.storage.atomic import (
    move_durably,
    sha256_of,
    to_the_end,
    translated_errors,
    write_atomically,
)
from ai4artsed_desktop.adapters.storage.sniffing import check_content, read_head
from ai4artsed_desktop.domain.errors import RunDamagedError
from ai4artsed_desktop.domain.runs import MediumRecord, RunRecord
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

METADATA = "metadata.json"
_RUN_NAME = re.compile(r"run_\d+_[0-9a-f]{6}")
_SAFE_STEM = re.compile(r"[^a-z0-9_]+")


class DiskRunFolder:
    """One run's folder. Calls of one run come one after another; the lock guards against a save beside an add.

    Args:
        on_written: Called, in a worker thread, with each record that has reached the disk.
    """

    def __init__(self, path: Path, record: RunRecord, on_written: Callable[[RunRecord, Path], None]) -> None:
        self._path = path
        self._record = record
        self._on_written = on_written
        self._lock = asyncio.Lock()
        self._work_dirs: list[Path] = []

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def record(self) -> RunRecord:
        """The record as last saved."""
        return self._record

    async def add(self, stem: str, medium: ProducedMedium, *, output_id: str = "") -> MediumRecord:
        """Write a file, hash it, record it, and only then return its record. Raises StorageError."""
        async with self._lock:
            return await to_the_end(self._add, stem, medium, output_id)

    async def save(self, record: RunRecord) -> None:
        """Write ``metadata.json`` atomically; the folder's own entities are kept. Raises StorageError."""
        async with self._lock:
            await to_the_end(self._write, record.model_copy(update={"entities": self._record.entities}))

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
        sequence = 1 + max((entity.sequence for entity in self._record.entities), default=0)
        name = f"{sequence:02d}_{_SAFE_STEM.sub('_', stem.lower())}.{_SAFE_STEM.sub('', medium.extension.lower())}"
        sha256, size = self._place(medium, self._path / name)
        entity = MediumRecord(
            sequence=sequence,
            type=medium.kind,
            filename=name,
            sha256=sha256,
            mime=medium.mime,
            bytes=size,
            output_id=output_id,
            metadata=medium.metadata,
        )
        self._write(self._record.model_copy(update={"entities": (*self._record.entities, entity)}))
        return entity

    def _write(self, record: RunRecord) -> None:
        write_record(self._path, record)
        self._record = record
        self._on_written(record, self._path)

    def _place(self, medium: ProducedMedium, target: Path) -> tuple[str, int]:
        if medium.path is not None:
            with translated_errors(medium.path):
                check_content(read_head(medium.path), medium.mime)
                facts = sha256_of(medium.path), medium.path.stat().st_size
            move_durably(medium.path, target)
            return facts
        data = medium.data or b""
        check_content(data, medium.mime)
        write_atomically(target, data)
        return hashlib.sha256(data).hexdigest(), len(data)


def write_record(folder: Path, record: RunRecord) -> None:
    """Write a run's ``metadata.json`` atomically. Raises StorageError."""
    text = json.dumps(record.model_dump(mode="json"), ensure_ascii=False, indent=2)
    write_atomically(folder / METADATA, text.encode("utf-8", "replace"))


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


def clean_up(folder: Path) -> None:
    """Remove what a killed program left in a run folder: half-written files and scratch folders."""
    for left in folder.iterdir():
        if left.name.endswith(".part"):
            left.unlink(missing_ok=True)
        elif left.name.startswith(".work-"):
            shutil.rmtree(left, ignore_errors=True)
