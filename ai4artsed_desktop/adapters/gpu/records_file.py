"""Peaks and energy on disk: one small JSON file. A damaged one counts as empty: all in it is measured again."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ai4artsed_desktop.adapters.storage.atomic import to_the_end, write_atomically
from ai4artsed_desktop.domain.vram import GpuRecords

_log = logging.getLogger(__name__)


class GpuRecordsJson:
    """Fits ``engine.ports.GpuRecordsFile``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def load(self) -> GpuRecords:
        """Return what is written down."""
        return await to_the_end(self._load)

    async def save(self, records: GpuRecords) -> None:
        """Write atomically. Raises StorageError."""
        await to_the_end(write_atomically, self._path, _shape().dump_json(records, indent=1))

    def _load(self) -> GpuRecords:
        try:
            return _shape().validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return GpuRecords()
        except (OSError, ValidationError) as exc:
            _log.warning("%s cannot be read and is begun anew: %s", self._path, exc)
            return GpuRecords()


@cache
def _shape() -> TypeAdapter[GpuRecords]:
    return TypeAdapter(GpuRecords)
