"""Copies of large files: gone on with where they broke off, and checked before they get their name."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from ai4artsed_desktop.adapters.storage.atomic import sync_folder, translated_errors
from ai4artsed_desktop.domain.errors import DiskFullError
from ai4artsed_desktop.engine.inventory import CopyDamagedError, PlaceTakenError

_CHUNK_BYTES = 1 << 22
#: Left free on the disk: a full system disk harms more than the copy helps.
_RESERVE_BYTES = 500_000_000


class CopyStoppedError(Exception):
    """The copy was stopped; what was copied stays."""


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file so that ``target`` is the whole copy, or what it was. Blocks. Raises OSError."""
    part = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError:
        with contextlib.suppress(OSError):  # the first error is the one to tell
            part.unlink(missing_ok=True)
        raise


def copy_resuming(
    source: Path,
    target: Path,
    on_progress: Callable[[int, int], None],
    stop: threading.Event,
    free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> str:
    """Copy a file and return its SHA-256 as hex digits; a ``.part`` of an earlier try is gone on with. Blocks.

    What lies in the ``.part`` is compared with the source as it is read again; from the first difference on it is
    written anew, so that a stick of another content does no harm. In the end the copy is read once more from the disk.

    Args:
        on_progress: Called with bytes done and in all.
        stop: When it is set, the copy ends; what was copied stays.

    Raises:
        PlaceTakenError: ``target`` is there and holds something else.
        CopyDamagedError: What was read back is not what was written.
        CopyStoppedError: See ``stop``.
        StorageError, DiskFullError, ReadOnlyError.
    """
    part = target.with_name(target.name + ".part")
    with translated_errors(target):
        if target.exists():
            return _same(source, target, stop)
        target.parent.mkdir(parents=True, exist_ok=True)
        total = source.stat().st_size
        have = part.stat().st_size if part.exists() else 0
        if free_bytes(target.parent) < total - have + _RESERVE_BYTES:
            raise DiskFullError(path=str(target.parent))
        digest = _copy(source, part, total, on_progress, stop)
        if _digest(part, stop) != digest:
            part.unlink()
            raise CopyDamagedError(path=str(target))
        part.replace(target)
        sync_folder(target.parent)
    return digest


def _copy(source: Path, part: Path, total: int, on_progress: Callable[[int, int], None], stop: threading.Event) -> str:
    digest = hashlib.sha256()
    done, is_equal = 0, part.exists()
    with source.open("rb") as origin, part.open("r+b" if is_equal else "wb") as copy:
        while data := origin.read(_CHUNK_BYTES):
            if stop.is_set():
                raise CopyStoppedError
            digest.update(data)
            if is_equal and copy.read(len(data)) != data:
                is_equal = False
                copy.seek(done)
            if not is_equal:
                copy.write(data)
            done += len(data)
            on_progress(done, total)
        copy.truncate(done)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()


def _same(source: Path, target: Path, stop: threading.Event) -> str:
    """Return the digest of a target that is what the source is. Raises PlaceTakenError if it is not."""
    if source.stat().st_size == target.stat().st_size and (digest := _digest(target, stop)) == _digest(source, stop):
        return digest
    raise PlaceTakenError(path=str(target))


def _digest(path: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(_CHUNK_BYTES):
            if stop.is_set():
                raise CopyStoppedError
            digest.update(data)
    return digest.hexdigest()
