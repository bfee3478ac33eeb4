"""The results of this session, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

#: The row's ``StripItem``.
STRIP_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_TITLE_CHARS = 60


def title_of(text: str) -> str:
    """Return what a run is called: the beginning of its text, on one line."""
    words = " ".join(text[: 2 * _TITLE_CHARS].split())
    return words if len(words) <= _TITLE_CHARS else f"{words[: _TITLE_CHARS - 1].rstrip()}…"


@dataclass(frozen=True, slots=True)
class StripItem:
    """One run of this session.

    Attributes:
        run_id: What is handed back when it is chosen.
        title: What it is called, such as the beginning of its text.
        state_word: Its state in words, such as "done".
        icon: Shown while there is no picture: the medium's or the state's icon.
        picture: A small picture, made elsewhere; None = none.
        path: The medium on disk, for dragging it out; empty = none yet.
    """

    run_id: str
    title: str
    state_word: str
    icon: str
    picture: QImage | None = None
    path: str = ""


class StripModel(QAbstractListModel):
    """Rows of ``StripItem``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: list[StripItem] = []

    def upsert(self, item: StripItem) -> None:
        """Insert ``item`` at the top, or update its row in place."""
        row = self.row_of(item.run_id)
        if row is None:
            self.beginInsertRows(QModelIndex(), 0, 0)
            self._items.insert(0, item)
            self.endInsertRows()
            return
        self._items[row] = item
        index = self.index(row)
        self.dataChanged.emit(index, index)

    def remove(self, run_id: str) -> None:
        """Take a run out; an unknown one is none of its business."""
        row = self.row_of(run_id)
        if row is not None:
            self.beginRemoveRows(QModelIndex(), row, row)
            del self._items[row]
            self.endRemoveRows()

    def row_of(self, run_id: str) -> int | None:
        """Return the row of a run, or None."""
        return next((i for i, item in enumerate(self._items) if item.run_id == run_id), None)

    def item(self, row: int) -> StripItem:
        """Return the run of a row."""
        return self._items[row]

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of runs."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the run, or what is read out and shown as a tool tip."""
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role == STRIP_ROLE:
            return item
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return item.title
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return f"{item.title} ({item.state_word})"
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Every run can be chosen; one with a medium can be dragged out."""
        flags = super().flags(index)
        if index.isValid() and self._items[index.row()].path:
            flags |= Qt.ItemFlag.ItemIsDragEnabled
        return flags
