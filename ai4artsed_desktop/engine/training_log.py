"""The trainer's log as numbered lines: bounded, searchable, never freezing whoever reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ai4artsed_desktop.domain.training.facts import LogLine

#: Lines kept; the file in the project's folder holds more.
MAX_LINES = 200_000


@dataclass(frozen=True, slots=True)
class NumberedLine:
    """One line; numbers count from 1 over the whole attempt."""

    number: int
    line: LogLine

    @property
    def text(self) -> str:
        """The line's words."""
        return self.line.text

    @property
    def level(self) -> str:
        """INFO, WARNING, ERROR …, ``""`` if the line has none."""
        return self.line.level


class TrainingLog:
    """Lines of one attempt."""

    def __init__(self, limit: int = MAX_LINES) -> None:
        self._limit = limit
        # No deque: to reach its middle takes as long as there are lines before it, a millisecond for 100,000.
        self._lines: list[LogLine] = []
        self._last = 0

    @property
    def last(self) -> int:
        """Number of the newest line; 0 = none yet."""
        return self._last

    @property
    def first(self) -> int:
        """Number of the oldest line that is kept."""
        return self._last - len(self._lines) + 1

    def add(self, lines: Sequence[LogLine]) -> None:
        """Add lines."""
        self._lines += lines
        self._last += len(lines)
        if len(self._lines) > self._limit:
            del self._lines[: len(self._lines) - self._limit]

    def since(self, number: int, limit: int = 2_000) -> list[NumberedLine]:
        """Return at most ``limit`` lines after ``number``, oldest first."""
        skip = max(0, number + 1 - self.first)
        return self._numbered(skip, skip + limit)

    def tail(self, count: int = 50) -> list[NumberedLine]:
        """Return the newest lines."""
        return self._numbered(max(0, len(self._lines) - count), len(self._lines))

    def search(self, words: str = "", *, level: str = "", limit: int = 2_000) -> list[NumberedLine]:
        """Return lines that hold every word (upper and lower case alike) and have the level, newest last.

        The newest ``limit`` hits; of 100,000 lines this takes about 50 ms.
        """
        wanted = words.casefold().split()
        hits: list[NumberedLine] = []
        for number, line in zip(range(self._last, 0, -1), reversed(self._lines), strict=False):
            if level and line.level != level:
                continue
            text = line.text.casefold() if wanted else ""
            if all(word in text for word in wanted):
                hits.append(NumberedLine(number, line))
                if len(hits) == limit:
                    break
        return hits[::-1]

    def _numbered(self, start: int, end: int) -> list[NumberedLine]:
        return [NumberedLine(number, line) for number, line in enumerate(self._lines[start:end], self.first + start)]
