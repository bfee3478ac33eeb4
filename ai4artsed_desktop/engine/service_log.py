"""A service's log in memory: the last lines, numbered, searchable, announced in batches."""

from __future__ import annotations

import re
from collections import deque
from itertools import islice

from ai4artsed_desktop.domain.services import LogLine

#: Lines kept in memory; the log file holds more.
KEPT_LINES = 5_000

#: A longer line is cut: a server that prints a picture as text must not fill our memory.
_LINE_CHARS = 4_000

#: Colours and other terminal sequences (ECMA-48 CSI), which ComfyUI writes also when no terminal reads them.
_TERMINAL_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")

#: A progress bar in the middle of its way (tqdm, pip); it is repainted many times a second.
_BAR = re.compile(r"\b\d{1,3}%\s?\|")
_FULL = re.compile(r"\b100%\s?\|")


class ServiceLog:
    """Ring buffer of one service's lines."""

    def __init__(self, kept_lines: int = KEPT_LINES) -> None:
        self._lines: deque[LogLine] = deque(maxlen=kept_lines)
        self._new: list[LogLine] = []
        self._count = 0
        self._bar = ""

    def add(self, text: str) -> None:
        """Add a line as it came. Of a progress bar only the last state before another line is kept."""
        text = _TERMINAL_SEQUENCE.sub("", text).replace("\0", "")
        if len(text) > _LINE_CHARS:
            text = f"{text[:_LINE_CHARS]} … ({len(text)})"
        if _BAR.search(text):
            self._bar = text
            if not _FULL.search(text):
                return
            self._bar = ""
        self.end_bar()
        self._append(text)

    def end_bar(self) -> None:
        """Keep the last state of a bar that will not move any more."""
        if self._bar:
            self._append(self._bar)
            self._bar = ""

    def take_new(self) -> tuple[LogLine, ...]:
        """Return the lines since the last call."""
        new, self._new = tuple(self._new), []
        return new

    def tail(self, count: int = 20) -> str:
        """Return the last lines that say anything, as one text."""
        spoken = [line.text for line in self._lines if line.text.strip()]
        return "\n".join([*spoken, *([self._bar] if self._bar else [])][-count:])

    @property
    def last(self) -> int:
        """Number of the newest line; 0 = none yet."""
        return self._count

    def since(self, number: int, limit: int) -> tuple[LogLine, ...]:
        """Return at most ``limit`` kept lines after ``number``, oldest first."""
        skip = max(0, number - (self._count - len(self._lines)))
        return tuple(islice(self._lines, skip, skip + limit))

    def find(self, wanted: str = "") -> tuple[LogLine, ...]:
        """Return the kept lines that hold every word of ``wanted``, whatever their case; all for an empty one."""
        words = wanted.casefold().split()
        return tuple(line for line in self._lines if all(word in line.text.casefold() for word in words))

    def _append(self, text: str) -> None:
        self._count += 1
        line = LogLine(self._count, text)
        self._lines.append(line)
        self._new.append(line)
