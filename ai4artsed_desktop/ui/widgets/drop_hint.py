"""While something is dragged over the window: a ring around it, and what will become of what is dropped."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import IconLabel, Label, frame, row


class DropHint(QWidget):
    """Lies over a widget, as large as it is, and lets everything through.

    Args:
        kit: Look, icons and words.
        parent: What is dragged over.
    """

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(parent)
        self._kit = kit
        self._covered = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.words = Label(kit, look="strong")
        self.words.setWordWrap(False)
        self.card = frame("card")
        self.card.setParent(self)
        self.card.setLayout(row(IconLabel(kit, "arrow-down", "info"), self.words, space=r.SPACE_3, margin=r.SPACE_4))
        parent.installEventFilter(self)
        self.hide()

    def show_key(self, key: str) -> None:
        """Show what will happen."""
        self.words.set_key(key)
        self._fit()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size."""
        if watched is self._covered and event.type() == QEvent.Type.Resize and self.isVisible():
            self._fit()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._kit.theme.color("focus"), 2 * r.FOCUS_PX))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(2, 2, -2, -2), r.RADIUS_CARD, r.RADIUS_CARD)
        painter.end()

    def _fit(self) -> None:
        self.setGeometry(self._covered.rect())
        size = self.card.sizeHint()
        self.card.setGeometry(
            (self.width() - size.width()) // 2, self.height() - size.height() - r.SPACE_6, size.width(), size.height()
        )
