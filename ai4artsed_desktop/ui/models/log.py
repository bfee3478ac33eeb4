"""The lines of a log: a ring of the newest ones, and of them those that hold certain words."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ai4artsed_desktop.domain.services import LogLine

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

#: Marks that would turn, hide or break the text around them are shown as a sign of their own.
_UNSHOWN = (*range(0x80, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_SIGNS: dict[int, int | str] = {
    **{code: 0x2400 + code for code in range(32)},
    0x7F: 0x2421,
    ord("\t"): "    ",
    **dict.fromkeys(_UNSHOWN, "\N{REPLACEMENT CHARACTER}"),
}


class LogModel(QAbstractTableModel):
    """One column; lines come in batches and are counted by their own numbers, so that none is shown twice.

    A table, because its view places 100,000 rows as quickly as 100: a list view took 340 ms per batch, a tree 500.

    Args:
        kept_lines: Older ones go.
    """

    def __init__(self, kept_lines: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._kept_lines = kept_lines
        self._words: list[str] = []
        self._all: list[LogLine] = []
        self._shown: list[LogLine] = []
        self._longest_chars = 0

    @property
    def longest_chars(self) -> int:
        """Length of the longest line that was shown since the last ``reset`` or ``set_filter``."""
        return self._longest_chars

    @property
    def count(self) -> int:
        """Lines that are kept, shown or not."""
        return len(self._all)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Lines that are shown."""
        return 0 if parent.isValid() else len(self._shown)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """Return one."""
        return 0 if parent.isValid() else 1

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the line as plain text, whatever it holds."""
        is_wanted = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
        return self.text(index.row()) if is_wanted and index.isValid() else None

    def text(self, row: int) -> str:
        """Return a shown line."""
        return self._shown[row].text.translate(_SIGNS)

    def reset(self, lines: Iterable[LogLine]) -> None:
        """Hold these lines and no others."""
        self._all = list(lines)[-self._kept_lines :]
        self._refill()

    def set_filter(self, words: str) -> None:
        """Show the lines that hold every word, upper and lower case alike; all for an empty text."""
        self._words = words.casefold().split()
        self._refill()

    def append(self, lines: Sequence[LogLine]) -> int:
        """Add the lines that are new, and return how many rows went at the top."""
        last = self._all[-1].number if self._all else 0
        new = [line for line in lines if line.number > last]
        if not new:
            return 0
        too_many = len(self._all) + len(new) - self._kept_lines
        if too_many >= len(self._all):
            gone = len(self._shown)
            self.reset([*self._all, *new])
            return gone
        gone = self._drop(too_many) if too_many > 0 else 0
        self._all += new
        self._show(self._matching(new))
        return gone

    def _drop(self, count: int) -> int:
        del self._all[:count]
        gone = bisect_left(self._shown, self._all[0].number, key=lambda line: line.number)
        if gone:
            self.beginRemoveRows(_ROOT, 0, gone - 1)
            del self._shown[:gone]
            self.endRemoveRows()
        return gone

    def _show(self, lines: list[LogLine]) -> None:
        if not lines:
            return
        self._measure(lines)
        first = len(self._shown)
        self.beginInsertRows(_ROOT, first, first + len(lines) - 1)
        self._shown += lines
        self.endInsertRows()

    def _refill(self) -> None:
        self.beginResetModel()
        self._shown = self._matching(self._all)
        self._longest_chars = 0
        self._measure(self._shown)
        self.endResetModel()

    def _measure(self, lines: Iterable[LogLine]) -> None:
        longest = max((len(line.text) + 3 * line.text.count("\t") for line in lines), default=0)
        self._longest_chars = max(self._longest_chars, longest)

    def _matching(self, lines: list[LogLine]) -> list[LogLine]:
        if not self._words:
            return list(lines)
        return [line for line in lines if _holds(line.text.casefold(), self._words)]


def _holds(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)
