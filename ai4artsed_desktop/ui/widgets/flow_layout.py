"""A layout that puts its items side by side as long as there is room, and goes on below."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

from ai4artsed_desktop.ui import roles as r


class FlowLayout(QLayout):
    """Rows of items from left to right (right to left where the language asks for it).

    Args:
        space: Distance between items and between rows, in logical pixels.
        fill: Items of a row share its width in equal parts, as many as fit with their smallest width; otherwise each
            keeps the width it asks for.
    """

    def __init__(self, parent: QWidget | None = None, *, space: int = r.SPACE_2, fill: bool = False) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._fill = fill
        self.setSpacing(space)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Take an item (called by ``addWidget``)."""
        self._items.append(item)

    def count(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # pyright: ignore[reportIncompatibleMethodOverride] stub lacks None
        """Return an item, or None beyond the end, as Qt demands."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # pyright: ignore[reportIncompatibleMethodOverride] stub lacks None
        """Remove and return an item, or None beyond the end."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """The layout asks for no more height than its rows need."""
        return Qt.Orientation.Horizontal

    def hasHeightForWidth(self) -> bool:
        """Narrower is higher."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all rows at ``width``."""
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place all items."""
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        """One row, if there is room."""
        shown = self._shown()
        width = sum(i.sizeHint().width() for i in shown) + self.spacing() * max(0, len(shown) - 1)
        height = max((i.sizeHint().height() for i in shown), default=0)
        return self._with_margins(QSize(width, height))

    def minimumSize(self) -> QSize:
        """As narrow as the widest item."""
        size = QSize(0, 0)
        for item in self._shown():
            size = size.expandedTo(item.minimumSize())
        return self._with_margins(size)

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _with_margins(self, size: QSize) -> QSize:
        margins = self.contentsMargins()
        return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def _rows(self, width: int) -> list[list[QLayoutItem]]:
        rows: list[list[QLayoutItem]] = [[]]
        used = 0
        for item in self._shown():
            needed = (item.minimumSize() if self._fill else item.sizeHint()).width()
            if rows[-1] and used + self.spacing() + needed > width:
                rows.append([])
                used = 0
            used += needed + (self.spacing() if rows[-1] else 0)
            rows[-1].append(item)
        return rows

    def _place(self, rect: QRect, *, move: bool) -> int:
        """Lay all rows out, and move the items if asked; return the height used."""
        margins = self.contentsMargins()
        area = rect.marginsRemoved(margins)
        parent = self.parentWidget()
        is_mirrored = move and parent is not None and parent.isRightToLeft()
        y = area.y()
        for items in self._rows(area.width()):
            share = (area.width() - self.spacing() * (len(items) - 1)) // max(1, len(items))
            widths = [share if self._fill else min(i.sizeHint().width(), area.width()) for i in items]
            height = max((_height(i, w) for i, w in zip(items, widths, strict=True)), default=0)
            x = area.x()
            for item, width in zip(items, widths, strict=True):
                if move:
                    left = area.left() + area.right() + 1 - x - width if is_mirrored else x
                    item.setGeometry(QRect(QPoint(left, y), QSize(width, height)))
                x += width + self.spacing()
            y += height + self.spacing()
        return max(0, y - self.spacing() - rect.y()) + margins.bottom()


def _height(item: QLayoutItem, width: int) -> int:
    return item.heightForWidth(width) if item.hasHeightForWidth() else item.sizeHint().height()
