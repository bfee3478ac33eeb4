"""Everything that ships and may become part of a text: word lists, configs, chunks."""

from __future__ import annotations

import json
from pathlib import Path

from ai4artsed_desktop.adapters.paths import find_shipped
from ai4artsed_desktop.domain.text import strings_in


def shipped_texts() -> list[str]:
    """Return every line of the word lists and every string of the configs and chunks."""
    root = find_shipped()
    lines = [
        line.replace("\t", ", ").partition("#")[0]
        for path in sorted((root / "resources/wordlists").glob("*/*.txt"))
        for line in path.read_text("utf-8").splitlines()
    ]
    files: list[Path] = [*sorted((root / "configs").rglob("*.json")), *sorted((root / "chunks").glob("*.json"))]
    return [*lines, *(text for path in files for text in strings_in(json.loads(path.read_text("utf-8"))))]
