"""A lock between programs: a file that names its owner, so that a crash leaves no lock behind."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from ai4artsed_desktop.adapters.process.ledger import process_mark
from ai4artsed_desktop.adapters.storage.atomic import to_the_end, translated_errors

_POLL_S = 0.05


@contextmanager
def owner_lock(path: Path, limit_s: float = 30.0) -> Generator[None]:
    """Hold the lock ``path``; waits for another living owner. Blocks.

    Raises:
        StorageError: Somebody holds it for longer than ``limit_s``.
        ReadOnlyError, DiskFullError.
    """
    _acquire(path, limit_s)
    try:
        yield
    finally:
        _release(path)


@asynccontextmanager
async def owner_lock_async(path: Path, limit_s: float = 30.0) -> AsyncGenerator[None]:
    """Do the same without blocking the loop. Raises as ``owner_lock``."""
    await to_the_end(_acquire, path, limit_s)
    try:
        yield
    finally:
        _release(path)


def _release(path: Path) -> None:
    path.unlink(missing_ok=True)


def _acquire(path: Path, limit_s: float) -> None:
    owner = {"pid": os.getpid(), "started": process_mark(os.getpid())}
    give_up_s = time.monotonic() + limit_s
    with translated_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _take(path, json.dumps(owner)):
            if time.monotonic() > give_up_s:
                raise TimeoutError(str(path))
            if not _drop_if_dead(path):
                time.sleep(_POLL_S)


def _take(path: Path, owner: str) -> bool:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(owner)
    except FileExistsError:
        return False
    return True


def _drop_if_dead(path: Path) -> bool:
    """Remove the lock of an owner that is gone; return whether it went."""
    try:
        facts = json.loads(path.read_text("utf-8"))
        is_dead = process_mark(int(facts["pid"])) != facts["started"]
    except FileNotFoundError:
        return True
    except (ValueError, KeyError, TypeError):
        # Being written just now, or its owner died while writing: give it a moment.
        is_dead = time.time() - path.stat().st_mtime > 5.0
    if is_dead:
        path.unlink(missing_ok=True)
    return is_dead
