"""The trainer's options as recorded, and as the installed trainer's own parser says."""

from __future__ import annotations

import json
from pathlib import Path

from ai4artsed_desktop.domain.training.options import OptionSchema


class RecordedSchemas:
    """The lists in ``resources/training/``, one per script."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, OptionSchema] = {}

    def schema_of(self, script: str) -> OptionSchema:
        """Return a script's options. Raises OSError or ValueError only if what ships is damaged."""
        if script not in self._read:
            path = self._folder / f"{Path(script).stem}.json"
            self._read[script] = OptionSchema.from_json(json.loads(path.read_text("utf-8")))
        return self._read[script]
