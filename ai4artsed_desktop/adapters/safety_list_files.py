"""Reads the safety lists: every ``.json`` file of ``resources/safety``."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

logger = logging.getLogger(__name__)


class SafetyListFiles:
    """The lists on disk; see ``engine.safety_lists.SafetyFiles``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> Mapping[str, bytes]:
        """Return every list by file name. One that cannot be read is left out; the gate tells."""
        return {path.name: data for path in sorted(self._folder.glob("*.json")) if (data := _read(path)) is not None}


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as exc:
        logger.error("safety list %s: %s", path, exc)
        return None
