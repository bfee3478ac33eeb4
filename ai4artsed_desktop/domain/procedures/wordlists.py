"""Reading word lists (``resources/wordlists/<language>/<name>.txt``) as pure functions.

UTF-8, one entry a line, columns parted by tabs, ``#`` starts a comment line, empty lines do not count.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


class WordListError(ValueError):
    """A word list is damaged.

    Attributes:
        line: Number of the line, counted from 1.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


def entry_lines(text: str) -> tuple[str, ...]:
    """Return the entries of a word list file, one raw line each, without comments and empty lines.

    Raises:
        WordListError: If a line has an empty first column, white space around a column or a control character.
    """
    lines: list[str] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        _check(number, line)
        lines.append(line)
    return tuple(lines)


def columns(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """Split raw entry lines at their tabs."""
    return [tuple(line.split("\t")) for line in lines]


def _check(number: int, line: str) -> None:
    parts = line.split("\t")
    if not parts[0]:
        raise WordListError(number, "the first column is empty")
    if any(part != part.strip() for part in parts):
        raise WordListError(number, "white space around a column")
    if any(unicodedata.category(char) == "Cc" for part in parts for char in part):
        raise WordListError(number, "control character")
