"""Reads the word lists of the text procedures: ``resources/wordlists/<language>/<name>.txt``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ai4artsed_desktop.domain.procedures.wordlists import entry_lines


class WordListFiles:
    """Word lists on disk, read once each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cache: dict[tuple[str, str], tuple[str, ...]] = {}

    def load(self, language: str, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Return the lines of each list without comments; a list that a language does not have is empty.

        Raises:
            WordListError: A shipped list is damaged; it names the line.
        """
        return {name: self._lines(language, name) for name in names}

    def _lines(self, language: str, name: str) -> tuple[str, ...]:
        key = (language, name)
        if key not in self._cache:
            path = self._folder / language / f"{name}.txt"
            self._cache[key] = entry_lines(path.read_text(encoding="utf-8")) if path.is_file() else ()
        return self._cache[key]
