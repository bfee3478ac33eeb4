"""The three boxes: side by side where there is room, below each other where not."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QWidget

from ai4artsed_desktop.ui import roles as r

#: Below this width of the row the boxes stack; the whole window is then about 1100 px wide.
STACK_BELOW_PX = 960


class BoxRow(QWidget):
    """Three widgets of equal width, or of equal importance."""

    def __init__(self, *boxes: QWidget) -> None:
        super().__init__()
        self._boxes = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._boxes.setContentsMargins(0, 0, 0, 0)
        self._boxes.setSpacing(r.SPACE_3)
        for box in boxes:
            # Equal widths, whatever one of them would like to have.
            box.setSizePolicy(QSizePolicy.Policy.Ignored, box.sizePolicy().verticalPolicy())
            self._boxes.addWidget(box, 1)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    @property
    def is_stacked(self) -> bool:
        """Whether the boxes stand below each other."""
        return self._boxes.direction() is QBoxLayout.Direction.TopToBottom

    def minimumSizeHint(self) -> QSize:
        """Narrow enough to be stacked by a narrow window, whatever stands side by side now."""
        size = super().minimumSizeHint()
        return QSize(min(size.width(), 320), size.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the direction."""
        super().resizeEvent(event)
        directions = QBoxLayout.Direction
        wanted = directions.TopToBottom if event.size().width() < STACK_BELOW_PX else directions.LeftToRight
        if self._boxes.direction() is not wanted:
            self._boxes.setDirection(wanted)
            self.updateGeometry()
