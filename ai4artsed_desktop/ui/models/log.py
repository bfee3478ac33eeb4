"""The lines of a log: the newest ones, and of them those that hold certain words. Taken in slices: nobody waits."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

#: One slice of work on the window's thread may take so long; then the window has its turn.
_SLICE_S = 0.002
#: Lines fetched and searched at a time, and the pause between two looks for new ones.
_BATCH, _LOOK_MS = 250, 50
#: Pause after a slice: lines that came are painted, and slice and painting in every pass of the loop hold up the rest.
_PAUSE_MS, _PAINTED_MS = 1, 12

#: Levels to choose from, and what is shown for each; "" = everything.
ERRORS = frozenset({"ERROR", "CRITICAL"})
LEVELS: dict[str, frozenset[str]] = {"": frozenset(), "WARNING": ERRORS | {"WARNING"}, "ERROR": ERRORS}

#: Marks that would turn, hide or break the text around them are shown as a sign of their own.
_UNSHOWN = (*range(0x80, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SIGNS: dict[int, int | str] = {
    **{code: 0x2400 + code for code in range(32)},
    0x7F: 0x2421,
    ord("\t"): "    ",
    **dict.fromkeys(_UNSHOWN, "\N{REPLACEMENT CHARACTER}"),
}


class LogEntry(Protocol):
    """One line."""

    @property
    def number(self) -> int:
        """Counts up from 1 over the whole log."""
        ...

    @property
    def text(self) -> str:
        """As it was written."""
        ...

    @property
    def level(self) -> str:
        """INFO, WARNING, ERROR …, ``""`` if the line has none."""
        ...


class LogSource(Protocol):
    """A log that grows."""

    @property
    def last(self) -> int:
        """Number of the newest line; 0 = none yet."""
        ...

    def since(self, number: int, limit: int) -> Sequence[LogEntry]:
        """Return at most ``limit`` lines after ``number`` that are still there, oldest first."""
        ...


class LogModel(QAbstractListModel):
    """Lines that fit the filter, oldest first.

    Shown in a table, because that places 100,000 rows as quickly as 100: a list view took 340 ms per batch, a tree 500.

    Args:
        kept_lines: Older ones go, once there is time for it.
    """

    #: Lines came, or another filter has gone through all of them.
    grown = Signal()

    def __init__(self, kept_lines: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept_lines = kept_lines
        self._source: LogSource | None = None
        self._all: list[LogEntry] = []
        self._shown: list[LogEntry] = []
        self._fetched = 0
        self._sought = 0
        self._words: list[str] = []
        self._level = ""
        self._longest_chars = 0
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._work)

    @property
    def longest_chars(self) -> int:
        """Length of the longest line that was shown since the log or the filter changed."""
        return self._longest_chars

    @property
    def count(self) -> int:
        """Lines that are kept, shown or not."""
        return len(self._all)

    @property
    def is_settled(self) -> bool:
        """Whether every line there is was fetched and searched."""
        return self._sought == len(self._all) and (self._source is None or self._fetched >= self._source.last)

    def follow(self, source: LogSource | None) -> None:
        """Show another log from its beginning; the same one goes on."""
        if source is not self._source:
            self._source = source
            self._all, self._fetched = [], 0
            self._restart()
        self._start(0)

    def set_filter(self, words: str, level: str = "") -> None:
        """Show only lines with every word (upper and lower case alike) and of this level or worse."""
        self._words, self._level = words.casefold().split(), level
        self._restart()

    def look(self) -> None:
        """There are new lines."""
        self._start(_LOOK_MS)

    def line(self, row: int) -> LogEntry:
        """Return the line of a row."""
        return self._shown[row]

    def text(self, row: int) -> str:
        """Return the text of a row, plain whatever it holds."""
        return self._shown[row].text.translate(_SIGNS)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Lines that are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the text of a line."""
        is_text = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        return self.text(index.row()) if is_text and index.isValid() else None

    def _restart(self) -> None:
        self.beginResetModel()
        self._shown, self._sought, self._longest_chars = [], 0, 0
        self.endResetModel()
        self._start(0)

    def _start(self, pause_ms: int) -> None:
        if not self._timer.isActive() or pause_ms == 0:
            self._timer.start(pause_ms)

    def _work(self) -> None:
        give_way_s = time.perf_counter() + _SLICE_S
        found: list[LogEntry] = []
        while not self.is_settled:
            if self._sought == len(self._all):
                self._fetch()
            found += self._seek()
            if time.perf_counter() > give_way_s:
                break
        if found:
            self._show(found)
        # A tenth more may stand for a while: to take rows away with every batch would cost as much as to add them.
        if len(self._all) > self._kept_lines + (0 if self.is_settled else self._kept_lines // 10):
            self._forget_oldest(len(self._all) - self._kept_lines)
        if self.is_settled:
            self.grown.emit()
        else:
            self._timer.start(_PAINTED_MS if found else _PAUSE_MS)

    def _fetch(self) -> None:
        assert self._source is not None, "without a source all that was fetched is all there is"
        batch = self._source.since(self._fetched, _BATCH)
        self._all += batch
        self._fetched = batch[-1].number if batch else self._source.last

    def _forget_oldest(self, count: int) -> None:
        del self._all[:count]
        self._sought = max(0, self._sought - count)
        gone = bisect_left(self._shown, self._all[0].number, key=lambda line: line.number)
        if gone:
            self.beginRemoveRows(_ROOT, 0, gone - 1)
            del self._shown[:gone]
            self.endRemoveRows()

    def _seek(self) -> list[LogEntry]:
        piece = self._all[self._sought : self._sought + _BATCH]
        self._sought += len(piece)
        return [line for line in piece if self._fits(line)] if self._words or self._level else piece

    def _show(self, found: list[LogEntry]) -> None:
        longest = max(len(line.text) + 3 * line.text.count("\t") for line in found)
        self._longest_chars = max(self._longest_chars, longest)
        row = len(self._shown)
        self.beginInsertRows(_ROOT, row, row + len(found) - 1)
        self._shown += found
        self.endInsertRows()

    def _fits(self, line: LogEntry) -> bool:
        if self._level and line.level not in LEVELS[self._level]:
            return False
        text = line.text.casefold()
        return all(word in text for word in self._words)
