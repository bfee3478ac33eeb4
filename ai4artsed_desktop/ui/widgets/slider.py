"""A slider that looks like the other fields and ignores a passing wheel."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QSlider, QStyle, QStyleOptionSlider

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit

_GROOVE_PX, _KNOB_PX = 4, 16


class Slider(QSlider):
    """A lying slider of whole steps."""

    def __init__(self, kit: Kit, low: int, high: int, width_px: int = 120) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._kit = kit
        self._width_px = width_px
        self.setRange(low, high)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        kit.theme.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """As high as anything to press."""
        return QSize(self._width_px, self._kit.theme.hit_px)

    def minimumSizeHint(self) -> QSize:
        """Half as wide."""
        return QSize(self._width_px // 2, self._kit.theme.hit_px)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the page scroll; only a slider that has the focus moves."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the groove, how far it is filled, and the knob with its ring."""
        theme = self._kit.theme
        groove = QRectF(_KNOB_PX / 2, (self.height() - _GROOVE_PX) / 2, self.width() - _KNOB_PX, _GROOVE_PX)
        x = self._knob_x()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("edge"))
        painter.drawRoundedRect(groove, 2, 2)
        painter.setBrush(theme.color("accent" if self.isEnabled() else "muted"))
        filled = QRectF(groove)
        if self.isRightToLeft():
            filled.setLeft(x)
        else:
            filled.setRight(x)
        painter.drawRoundedRect(filled, 2, 2)
        has_focus = self.hasFocus()
        painter.setBrush(theme.color("surface"))
        painter.setPen(QPen(theme.color("focus" if has_focus else "edge"), r.FOCUS_PX if has_focus else 1.5))
        painter.drawEllipse(QPointF(x, self.height() / 2), _KNOB_PX / 2 - 2, _KNOB_PX / 2 - 2)
        painter.end()

    def _knob_x(self) -> float:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        room = self.width() - _KNOB_PX
        place = QStyle.sliderPositionFromValue(
            self.minimum(), self.maximum(), self.sliderPosition(), room, self.isRightToLeft()
        )
        return _KNOB_PX / 2 + place
