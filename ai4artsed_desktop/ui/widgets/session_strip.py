"""The strip of this session's results: small pictures, arrows walk, drag takes a result out as a file."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.strip import STRIP_ROLE, StripItem, StripModel
from ai4artsed_desktop.ui.widgets.file_drag import drag_file_out

THUMB_PX = 88
_Index = QModelIndex | QPersistentModelIndex


class SessionStrip(QListView):
    """One column or one row of results, newest first.

    Args:
        kit: Look, icons and words.
        model: The results.
        orientation: A column beside the preview, or a row below it.
    """

    #: Id of the run the person went to.
    run_chosen = Signal(str)
    #: The person pressed Delete: the run in sight shall leave the strip.
    removal_requested = Signal()

    def __init__(self, kit: Kit, model: StripModel, orientation: Qt.Orientation = Qt.Orientation.Vertical) -> None:
        super().__init__()
        self._kit = kit
        self._runs = model
        self.setModel(model)
        self.setItemDelegate(_ThumbDelegate(kit, self))
        self.setUniformItemSizes(True)
        self.setDragEnabled(True)
        self.setDragDropMode(QListView.DragDropMode.DragOnly)
        self.set_orientation(orientation)
        self.selectionModel().currentChanged.connect(self._on_current_changed)
        kit.theme.changed.connect(self.viewport().update)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def set_orientation(self, orientation: Qt.Orientation) -> None:
        """Stand upright or lie down."""
        is_column = orientation is Qt.Orientation.Vertical
        room = THUMB_PX + 2 * r.FOCUS_PX + r.SPACE_4
        self.setFlow(QListView.Flow.TopToBottom if is_column else QListView.Flow.LeftToRight)
        self.setMaximumSize(room if is_column else 16_777_215, 16_777_215 if is_column else room)
        self.setMinimumSize(room if is_column else 0, 0 if is_column else room)
        always_off, as_needed = Qt.ScrollBarPolicy.ScrollBarAlwaysOff, Qt.ScrollBarPolicy.ScrollBarAsNeeded
        self.setHorizontalScrollBarPolicy(always_off if is_column else as_needed)
        self.setVerticalScrollBarPolicy(as_needed if is_column else always_off)

    def show_run(self, run_id: str) -> None:
        """Make a run the current one."""
        row = self._runs.row_of(run_id)
        if row is not None:
            self.setCurrentIndex(self._runs.index(row))

    def retranslate(self) -> None:
        """Set the words anew."""
        self.setAccessibleName(self._kit.text("strip.name"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete takes the current result out of the strip."""
        if event.key() == Qt.Key.Key_Delete:
            self.removal_requested.emit()
        else:
            super().keyPressEvent(event)

    def startDrag(self, supportedActions: Qt.DropAction) -> None:  # noqa: N803 - Qt's name
        """Give the medium out as a file."""
        index = self.currentIndex()
        if index.isValid() and (path := self._runs.item(index.row()).path):
            drag_file_out(self, path)

    def _on_current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            self.run_chosen.emit(self._runs.item(current.row()).run_id)


class _ThumbDelegate(QStyledItemDelegate):
    def __init__(self, kit: Kit, view: QListView) -> None:
        super().__init__(view)
        self._kit = kit
        self._view = view

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Every result has the same place."""
        return QSize(THUMB_PX, THUMB_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint the picture, cut to a square, or an icon."""
        item = cast("StripItem", index.data(STRIP_ROLE))
        theme = self._kit.theme
        rect: QRect = option.rect.adjusted(3, 3, -3, -3)
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        path = QPainterPath()
        path.addRoundedRect(rect, r.RADIUS_FIELD, r.RADIUS_FIELD)
        painter.fillPath(path, theme.color("surface"))
        if item.picture is not None and not item.picture.isNull():
            painter.setClipPath(path)
            side = min(item.picture.width(), item.picture.height())
            cut = QRect((item.picture.width() - side) // 2, (item.picture.height() - side) // 2, side, side)
            painter.drawImage(rect, item.picture, cut)
            painter.setClipping(False)
        else:
            icon = self._kit.icons.pixmap(item.icon, "muted", r.SPACE_5, self._view.devicePixelRatioF())
            painter.drawPixmap(rect.center().x() - r.SPACE_3, rect.center().y() - r.SPACE_3, icon)
        is_current = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setPen(QPen(theme.color("focus" if is_current else "line"), r.FOCUS_PX if is_current else 1))
        painter.drawPath(path)
        painter.restore()
