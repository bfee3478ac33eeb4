"""Writing files so that a power cut leaves the old or the new one, never half of one."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

from ai4artsed_desktop.domain.errors import DiskFullError, ReadOnlyError, StorageError

_CHUNK_BYTES = 1 << 20
_RENAME_TRIES, _RENAME_PAUSE_S = 20 if os.name == "nt" else 1, 0.05
P = ParamSpec("P")
T = TypeVar("T")
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


async def to_the_end(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``call`` in a thread; being cancelled waits for its end first.

    ``asyncio.to_thread`` would return at once and leave the thread writing, beside whoever writes next.
    """
    future = asyncio.get_running_loop().run_in_executor(None, partial(call, *args, **kwargs))
    is_cancelled = False
    while not future.done():
        try:
            await asyncio.wait({future})
        except asyncio.CancelledError:
            is_cancelled = True
    if is_cancelled:
        raise asyncio.CancelledError
    return future.result()


def write_atomically(path: Path, data: bytes, *, syncs_file: bool = True, syncs_folder: bool = True) -> None:
    """Write ``data`` to ``path``: ``.part`` beside it, fsync, rename, fsync of the folder.

    Args:
        syncs_file: False for a new file that the caller makes durable later; until then a power cut may empty it.
        syncs_folder: False if the caller makes the folder's names durable later, with those of other files; until then
            a power cut may bring the old file back.

    Raises:
        StorageError, DiskFullError, ReadOnlyError.
    """
    part = path.with_name(path.name + ".part")
    with translated_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as file:
                file.write(data)
                if syncs_file:
                    file.flush()
                    os.fsync(file.fileno())
            rename(part, path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        if syncs_folder:
            sync_folder(path.parent)


def move_durably(source: Path, target: Path) -> None:
    """Move a finished file to ``target``; its bytes and its name are on disk when this returns.

    Raises:
        StorageError, DiskFullError, ReadOnlyError.
    """
    with translated_errors(target):
        sync_file(source)  # before it has the name: what fails leaves nothing at the target
        try:
            rename(source, target)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            write_atomically(target, source.read_bytes())  # another file system
            source.unlink()
            return
        sync_folder(target.parent)


def rename(source: Path, target: Path) -> None:
    """Give a file or folder its name. Raises OSError.

    Windows refuses that while somebody reads what has the name, or a scanner looks at what shall get it: both are
    over in a moment.
    """
    for left in reversed(range(_RENAME_TRIES)):
        try:
            source.replace(target)
        except PermissionError:
            if not left:
                raise
            time.sleep(_RENAME_PAUSE_S)
        else:
            return


def sync_file(path: Path) -> None:
    """Make a finished file's bytes durable. Raises OSError."""
    with path.open("rb+" if os.name == "nt" else "rb") as file:  # Windows syncs no file that is open for reading only
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make names in ``folder`` durable, where the system can."""
    if os.name == "nt":  # Windows cannot open folders for fsync; NTFS journals names itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as exc:
        if exc.errno != errno.EINVAL:  # what a file system says that cannot do this for folders (some network drives)
            raise
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
