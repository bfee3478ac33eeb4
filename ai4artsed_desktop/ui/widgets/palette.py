"""The command palette: everything that can be done or picked, found by typing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPainterPath
from PySide6.QtWidgets import QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui import stylesheet
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.cards import folded
from ai4artsed_desktop.ui.widgets.basics import Label
from ai4artsed_desktop.ui.widgets.sheet import Sheet

_ENTRY_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_ROW_PX = 40
_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


@dataclass(frozen=True, slots=True)
class PaletteEntry:
    """One line: its words, the group it belongs to, a hint such as its shortcut, and what it does."""

    text: str
    group: str
    icon: str
    do: Callable[[], object]
    hint: str = ""


class _Entries(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._all: tuple[PaletteEntry, ...] = ()
        self._shown: tuple[PaletteEntry, ...] = ()

    def set_entries(self, entries: Iterable[PaletteEntry]) -> None:
        self._all = tuple(entries)
        self.search("")

    def search(self, text: str) -> None:
        words = folded(text).split()
        self.beginResetModel()
        self._shown = tuple(e for e in self._all if all(w in folded(f"{e.text} {e.group}") for w in words))
        self.endResetModel()

    def rowCount(self, parent: _Index = _ROOT) -> int:
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        entry = self._shown[index.row()]
        if role == _ENTRY_ROLE:
            return entry
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry.text
        if role == Qt.ItemDataRole.AccessibleDescriptionRole:
            return f"{entry.group} {entry.hint}".strip()
        return None


class CommandPalette(Sheet):
    """Search field and list; arrows move, Enter does it, Esc closes."""

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(kit, parent, "palette.title", max_width_px=640, max_height_px=520)
        self._entries = _Entries(self)
        self.search = QLineEdit()
        self.search.setClearButtonEnabled(True)
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._on_search_text_changed)
        self.view = QListView()
        self.view.setModel(self._entries)
        self.view.setItemDelegate(_EntryDelegate(kit, self.view))
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.clicked.connect(self._do)
        self.view.activated.connect(self._do)
        self.nothing = Label(kit, "picker.no_match", "muted")
        self.body.addWidget(self.search)
        self.body.addWidget(self.view, 1)
        self.body.addWidget(self.nothing, 1, Qt.AlignmentFlag.AlignTop)
        kit.theme.changed.connect(self.view.viewport().update)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def open_with(self, entries: Iterable[PaletteEntry]) -> None:
        """Open with these entries and an empty search."""
        self._entries.set_entries(entries)
        self.search.clear()
        self._make_first_current()
        self.open_sheet(self.search)

    def retranslate(self) -> None:
        """Set the words anew."""
        self.search.setPlaceholderText(self._kit.text("palette.search"))
        self.search.setAccessibleName(self._kit.text("palette.search"))
        self.view.setAccessibleName(self._kit.text("palette.title"))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let arrows and Enter work from the search field."""
        if watched is self.search and event.type() == QEvent.Type.KeyPress:
            key = Qt.Key(cast("QKeyEvent", event).key())
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self._move(1 if key == Qt.Key.Key_Down else -1)
                return True
            if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._do(self.view.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def _move(self, step: int) -> None:
        row = self.view.currentIndex().row() + step
        if 0 <= row < self._entries.rowCount():
            self.view.setCurrentIndex(self._entries.index(row))

    def _make_first_current(self) -> None:
        has_any = self._entries.rowCount() > 0
        self.view.setCurrentIndex(self._entries.index(0) if has_any else QModelIndex())
        self.view.setVisible(has_any)
        self.nothing.setVisible(not has_any)

    def _do(self, index: QModelIndex) -> None:
        entry = cast("object", index.data(_ENTRY_ROLE)) if index.isValid() else None
        if isinstance(entry, PaletteEntry):
            self.close_sheet()
            entry.do()

    def _on_search_text_changed(self, text: str) -> None:
        self._entries.search(text)
        self._make_first_current()


class _EntryDelegate(QStyledItemDelegate):
    def __init__(self, kit: Kit, view: QListView) -> None:
        super().__init__(view)
        self._kit = kit
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(200, max(_ROW_PX, self._kit.theme.hit_px))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        entry = cast("PaletteEntry", index.data(_ENTRY_ROLE))
        theme = self._kit.theme
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            path = QPainterPath()
            path.addRoundedRect(rect.adjusted(2, 1, -2, -1), r.RADIUS_FIELD, r.RADIUS_FIELD)
            is_current = bool(state & QStyle.StateFlag.State_Selected)
            ground = stylesheet.picked(theme.roles) if is_current else stylesheet.hover(theme.roles)
            painter.fillPath(path, QColor(ground))
        inner = rect.adjusted(r.SPACE_3, 0, -r.SPACE_3, 0)
        top = inner.center().y() - r.ICON_PX // 2
        icon = self._kit.icons.pixmap(entry.icon, "ink", r.ICON_PX, self._view.devicePixelRatioF())
        is_mirrored = self._view.isRightToLeft()
        painter.drawPixmap(inner.right() - r.ICON_PX if is_mirrored else inner.left(), top, icon)
        shift = r.ICON_PX + r.SPACE_3
        words = inner.adjusted(0 if is_mirrored else shift, 0, -shift if is_mirrored else 0, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(theme.font(r.TYPE_BODY))
        painter.setPen(theme.color("ink"))
        painter.drawText(words, int(Qt.AlignmentFlag.AlignLeading | middle), entry.text)
        painter.setFont(theme.font(r.TYPE_SMALL))
        painter.setPen(theme.color("muted"))
        right = " · ".join(filter(None, (entry.group, entry.hint)))
        painter.drawText(words, int(Qt.AlignmentFlag.AlignTrailing | middle), right)
        painter.restore()
