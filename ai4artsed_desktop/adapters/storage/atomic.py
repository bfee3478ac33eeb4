"""Writing files so that a power cut leaves the old or the new one, never half of one."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ai4artsed_desktop.domain.errors import DiskFullError, ReadOnlyError, StorageError

_CHUNK_BYTES = 1 << 20
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@contextmanager
def translated_errors(path: Path) -> Generator[None]:
    """Turn ``OSError`` into ``DiskFullError``, ``ReadOnlyError`` or ``StorageError`` naming ``path``."""
    try:
        yield
    except OSError as exc:
        kind = DiskFullError if exc.errno in _FULL else ReadOnlyError if exc.errno in _READ_ONLY else StorageError
        raise kind(str(exc), path=str(path)) from exc


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``: ``.part`` beside it, fsync, rename, fsync of the folder.

    Raises:
        StorageError, DiskFullError, ReadOnlyError.
    """
    part = path.with_name(path.name + ".part")
    with translated_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def move_durably(source: Path, target: Path) -> None:
    """Move a finished file to ``target``; its bytes and its name are on disk when this returns.

    Raises:
        StorageError, DiskFullError, ReadOnlyError.
    """
    with translated_errors(target):
        try:
            source.replace(target)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            write_atomically(target, source.read_bytes())  # another file system
            source.unlink()
            return
        with target.open("rb") as file:
            os.fsync(file.fileno())
        sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make names in ``folder`` durable, where the system can."""
    if os.name == "nt":  # Windows cannot open folders for fsync; NTFS journals names itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
