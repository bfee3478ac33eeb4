"""The window's files: how it was left, media to show, copies to save."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically
from ai4artsed_desktop.domain.errors import StorageError

logger = logging.getLogger(__name__)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes. Raises StorageError."""
    with translated_errors(path):
        return path.read_bytes()


def copy_file(source: Path, target: Path) -> None:
    """Copy a file; what stood at ``target`` is replaced only by a whole copy. Raises StorageError."""
    part = target.with_name(target.name + ".part")
    with translated_errors(target):
        try:
            shutil.copyfile(source, part)
            part.replace(target)
        except OSError:
            part.unlink(missing_ok=True)
            raise


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
