"""The window's files: how it was left, media to show, copies to save."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ai4artsed_desktop.adapters.file_copies import copy_whole
from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically
from ai4artsed_desktop.domain.errors import StorageError

_KEPT_S = 7 * 86_400
logger = logging.getLogger(__name__)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes. Raises StorageError."""
    with translated_errors(path):
        return path.read_bytes()


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; what stood at ``target`` is replaced only by a whole copy. Raises StorageError."""
    with translated_errors(target):
        copy_whole(source, target)


def keep_picture(folder: Path, data: bytes, extension: str) -> Path:
    """Keep a picture that has no file yet, and return its file; older ones than a week go.

    A run copies its pictures, so that nothing here is needed for long. Equal bytes are one file. Raises StorageError.
    """
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.{extension}"
    write_atomically(path, data)
    for other in folder.iterdir():
        with contextlib.suppress(OSError):  # somebody else tidies, too
            if time.time() - other.stat().st_mtime > _KEPT_S:
                other.unlink()
    return path


def free_bytes(folder: Path) -> int:
    """Return how much is free on the disk of a folder that need not be there yet. Raises StorageError."""
    with translated_errors(folder):
        there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
        return shutil.disk_usage(there).free


def load_state(path: Path) -> dict[str, Any]:
    """Return how the window was left; a file that is missing or damaged costs only that."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as exc:
        logger.warning("the window's state cannot be read: %s", exc)
        return {}
    return cast("dict[str, Any]", state) if isinstance(state, dict) else {}


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Remember how the window was left."""
    try:
        write_atomically(path, json.dumps(state, ensure_ascii=False).encode("utf-8", "replace"))
    except StorageError as exc:
        logger.warning("the window's state was not saved: %s", exc.detail)
