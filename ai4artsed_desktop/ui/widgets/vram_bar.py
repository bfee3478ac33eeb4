"""A measured share as a bar; the number beside it says the same in words."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.ui import stylesheet
from ai4artsed_desktop.ui.kit import Kit

#: Beyond this share memory counts as short.
_SHORT_SHARE = 0.9


class VramBar(QWidget):
    """How full a memory is.

    Args:
        kit: Look, icons and words.
        height_px: In logical pixels.
        width_px: None = as wide as there is room.
    """

    def __init__(self, kit: Kit, height_px: int = 8, width_px: int | None = None) -> None:
        super().__init__()
        self._kit = kit
        self._share = 0.0
        self.setFixedHeight(height_px)
        if width_px is not None:
            self.setFixedSize(QSize(width_px, height_px))
        kit.theme.changed.connect(self.update)

    @property
    def share(self) -> float:
        """What is shown, 0 … 1."""
        return self._share

    def set_share(self, share: float) -> None:
        """Show ``share``, 0 … 1."""
        share = max(0.0, min(1.0, share))
        if share != self._share:
            self._share = share
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(stylesheet.track(self._kit.theme.roles)))
        filled = self.rect()
        filled.setWidth(round(self.width() * self._share))
        painter.fillRect(filled, self._kit.theme.color("warn" if self._share > _SHORT_SHARE else "muted"))
        painter.end()
