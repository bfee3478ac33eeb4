"""A grid of small pictures with words below: thousands stay smooth, words are edited in place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPainterPath,
    QPen,
)
from PySide6.QtWidgets import QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.drops import local_paths
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.train.thumbnails import IMAGE_ROLE, ITEM_ROLE, PictureItem, PictureModel

_Index = QModelIndex | QPersistentModelIndex
_SIDE_PX = 132
_WORDS_PX = 38
_MARK_PX = 16


class PictureGrid(QListView):
    """Pictures side by side.

    Args:
        kit: Look, icons and words.
        model: The rows.
        name_key: Key of the grid's accessible name.
        takes_files: Files can be dropped here, and pasted.
    """

    #: Files (paths) were dropped here.
    files_dropped = Signal(list)
    #: The person wants to paste.
    paste_requested = Signal()
    #: The person wants what is chosen to go.
    removal_requested = Signal()
    #: What is chosen changed: ids.
    chosen = Signal(list)

    def __init__(self, kit: Kit, model: PictureModel, name_key: str, *, takes_files: bool = False) -> None:
        super().__init__()
        self._kit = kit
        self._pictures = model
        self._name_key = name_key
        self.setModel(model)
        self.setItemDelegate(_PictureDelegate(kit, self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSpacing(2)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QListView.EditTrigger.DoubleClicked | QListView.EditTrigger.EditKeyPressed)
        self.setAcceptDrops(takes_files)
        self.setTabKeyNavigation(False)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        model.modelReset.connect(lambda: self.chosen.emit([]))
        kit.theme.changed.connect(self.viewport().update)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def chosen_ids(self) -> list[str]:
        """Return the ids of what is chosen, in order."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [self._pictures.items[row].id for row in rows]

    def choose(self, ids: Iterable[str]) -> None:
        """Choose these rows and none else; the first one comes into sight."""
        selection = self.selectionModel()
        selection.clearSelection()
        indexes = [self._pictures.index(row) for item in ids if (row := self._pictures.row_of(item)) is not None]
        for index in indexes:
            selection.select(index, QItemSelectionModel.SelectionFlag.Select)
        if indexes:
            selection.setCurrentIndex(indexes[0], QItemSelectionModel.SelectionFlag.NoUpdate)
            self.scrollTo(indexes[0])

    def retranslate(self) -> None:
        """Set the words anew."""
        self.setAccessibleName(self._kit.text(self._name_key))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes, Ctrl+V pastes, Enter edits."""
        if event.key() == Qt.Key.Key_Delete:
            self.removal_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Paste) and self.acceptDrops():
            self.paste_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._can_edit(self.currentIndex()):
            if self.state() != QListView.State.EditingState:  # else it is the end of editing that comes by here
                self.edit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files."""
        if self.acceptDrops() and local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Take files anywhere in the grid."""
        if self.acceptDrops() and local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Tell which files were dropped."""
        event.acceptProposedAction()
        self.files_dropped.emit([Path(path) for path in local_paths(event.mimeData())])

    def _on_selection_changed(self) -> None:
        self.chosen.emit(self.chosen_ids())

    def _can_edit(self, index: QModelIndex) -> bool:
        return index.isValid() and bool(self._pictures.flags(index) & Qt.ItemFlag.ItemIsEditable)


class _PictureDelegate(QStyledItemDelegate):
    def __init__(self, kit: Kit, view: PictureGrid) -> None:
        super().__init__(view)
        self._kit = kit
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Every picture has the same place."""
        return QSize(_SIDE_PX, _SIDE_PX + _WORDS_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint the picture whole, its words below, the ring of what is chosen and the mark."""
        item = cast("PictureItem", index.data(ITEM_ROLE))
        image = cast("QImage | None", index.data(IMAGE_ROLE))
        theme = self._kit.theme
        place: QRect = option.rect.adjusted(3, 3, -3, -3)
        box = QRectF(place.adjusted(0, 0, 0, -_WORDS_PX))
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(box, r.RADIUS_FIELD, r.RADIUS_FIELD)
        painter.fillPath(shape, theme.color("sunken"))
        if image is not None and not image.isNull():
            size = image.size().scaled(box.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
            inner = QRectF(0, 0, size.width(), size.height())
            inner.moveCenter(box.center())
            painter.drawImage(inner, image)
        else:
            self._paint_nothing(painter, box, item, is_broken=image is not None)
        has_focus = bool(option.state & QStyle.StateFlag.State_HasFocus)
        ring = "focus" if is_chosen or has_focus else "line"
        painter.setPen(QPen(theme.color(ring), r.FOCUS_PX if ring == "focus" else 1))
        painter.drawPath(shape)
        if item.is_marked:
            mark = self._kit.icons.pixmap("warning", "warn", _MARK_PX, self._view.devicePixelRatioF())
            painter.drawPixmap(place.right() - _MARK_PX - 4, place.top() + 4, mark)
        painter.setPen(theme.color("ink"))
        painter.setFont(theme.font(r.TYPE_SMALL))
        words = QRect(place.left(), place.bottom() - _WORDS_PX + 4, place.width(), _WORDS_PX - 2)
        text = _two_lines(painter, item.caption, words.width())
        painter.drawText(words, int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignTop), text)
        painter.restore()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: _Index) -> QWidget:
        """Edit the words where they stand."""
        editor = QLineEdit(parent)
        editor.setAccessibleName(self._kit.text("train.caption"))
        return editor

    def setEditorData(self, editor: QWidget, index: _Index) -> None:
        """Fill the editor once: what changes in its row meanwhile (a mark, a picture) must not undo what is typed."""
        if not editor.property("is_filled"):
            editor.setProperty("is_filled", True)
            super().setEditorData(editor, index)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: _Index) -> None:
        """Give the editor room: twice the picture's width, inside the grid."""
        place: QRect = option.rect
        width = min(2 * _SIDE_PX, self._view.viewport().width())
        left = max(0, min(place.left(), self._view.viewport().width() - width))
        editor.setGeometry(left, place.bottom() - _WORDS_PX, width, self._kit.theme.hit_px)

    def _paint_nothing(self, painter: QPainter, box: QRectF, item: PictureItem, *, is_broken: bool) -> None:
        theme = self._kit.theme
        if item.note:
            painter.setPen(theme.color("muted"))
            painter.setFont(theme.font(r.TYPE_SMALL))
            words = box.adjusted(r.SPACE_2, r.SPACE_2, -r.SPACE_2, -r.SPACE_2)
            painter.drawText(words, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), item.note)
            return
        icon = self._kit.icons.pixmap(
            "error" if is_broken else "picture", "muted", r.SPACE_5, self._view.devicePixelRatioF()
        )
        painter.drawPixmap(round(box.center().x()) - r.SPACE_3, round(box.center().y()) - r.SPACE_3, icon)


def _two_lines(painter: QPainter, text: str, width_px: int) -> str:
    """Break words into two lines; the second one is cut where the room ends."""
    metrics = painter.fontMetrics()
    if metrics.horizontalAdvance(text) <= width_px:
        return text
    first = ""
    for word in text.split(" "):
        longer = f"{first} {word}".strip()
        if metrics.horizontalAdvance(longer) > width_px:
            break
        first = longer
    rest = text[len(first) :].strip()
    if not first:
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width_px)
    return f"{first}\n{metrics.elidedText(rest, Qt.TextElideMode.ElideRight, width_px)}"
