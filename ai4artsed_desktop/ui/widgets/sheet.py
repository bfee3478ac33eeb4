"""A sheet: an inline overlay instead of a dialog. Nothing stops while it is open."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QRectF, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import IconButton, Label, column, frame, row

_SHADOW_PX = 16


class Sheet(QWidget):
    """Lies over its parent, holds the keyboard focus, and closes with Esc or a click beside it.

    Args:
        kit: Look, icons and words.
        parent: The widget it covers, usually the page.
        title_key: Key of the heading.
        max_width_px: The sheet is never wider.
        max_height_px: Nor higher.
        fits_content: It is no higher than its content; otherwise it takes the height there is.
    """

    #: Emitted after the sheet went away, however it was closed.
    closed = Signal()

    def __init__(
        self,
        kit: Kit,
        parent: QWidget,
        title_key: str,
        *,
        max_width_px: int = 960,
        max_height_px: int = 680,
        fits_content: bool = False,
    ) -> None:
        super().__init__(parent)
        self._fits_content = fits_content
        self._max_width_px, self._max_height_px = max_width_px, max_height_px
        self._focus_before: QWidget | None = None
        self._shade = 1.0
        self._fade = QVariantAnimation(self, startValue=0.0, endValue=1.0)
        self._fade.valueChanged.connect(self._on_fade_value_changed)
        self._kit = kit
        self._covered = parent
        self.panel = frame("sheet")
        self.panel.setParent(self)
        self.title = Label(kit, title_key, "section")
        self.close_button = IconButton(kit, "close", "action.close", shortcut_hint="Esc")
        self.close_button.clicked.connect(self.close_sheet)
        head = row(self.title, self.close_button)
        head.setStretch(0, 1)
        self.body = column(space=r.SPACE_3)
        layout = column(head, self.body, space=r.SPACE_3, margin=r.SPACE_4)
        layout.setStretch(1, 1)
        self.panel.setLayout(layout)
        parent.installEventFilter(self)
        self.hide()

    def open_sheet(self, first_focus: QWidget | None = None) -> None:
        """Show the sheet above everything else in its parent and move the focus into it."""
        self._focus_before = QApplication.focusWidget()
        self._fit()
        self.show()
        self.raise_()
        (first_focus or self.close_button).setFocus(Qt.FocusReason.PopupFocusReason)
        self._fade.stop()
        self._shade = 1.0
        if self._kit.theme.fade_ms:
            self._fade.setDuration(self._kit.theme.fade_ms)
            self._fade.start()

    def close_sheet(self) -> None:
        """Hide the sheet and give the focus back to whatever had it."""
        if self.isHidden():
            return
        self.hide()
        before, self._focus_before = self._focus_before, None
        if before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the parent's size."""
        if watched is self._covered and event.type() == QEvent.Type.Resize and self.isVisible():
            self._fit()
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_sheet()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Close with a click beside the panel."""
        if not self.panel.geometry().contains(event.position().toPoint()):
            self.close_sheet()
        event.accept()

    def focusNextPrevChild(self, next: bool) -> bool:  # noqa: A002 - Qt's name
        """Keep the focus inside: behind the last widget comes the first."""
        start = QApplication.focusWidget()
        if start is None or not self.isAncestorOf(start):
            start = self.close_button
        candidate = _neighbour(start, next)
        while candidate is not start and not (_takes_tab(candidate) and self.isAncestorOf(candidate)):
            candidate = _neighbour(candidate, next)
        candidate.setFocus(Qt.FocusReason.TabFocusReason if next else Qt.FocusReason.BacktabFocusReason)
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the veil and the window's only shadow."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(0, 0, 0, round(70 * self._shade))
        painter.fillRect(self.rect(), veil)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, round(8 * self._shade)))
        panel = QRectF(self.panel.geometry())
        for spread in range(_SHADOW_PX, 0, -2):
            edge = panel.adjusted(-spread, -spread + 4, spread, spread + 4)
            painter.drawRoundedRect(edge, r.RADIUS_CARD + spread, r.RADIUS_CARD + spread)

    def _fit(self) -> None:
        area = self._covered.rect()
        self.setGeometry(area)
        width = min(self._max_width_px, area.width() - 2 * r.SPACE_5)
        height = min(self._max_height_px, area.height() - 2 * r.SPACE_5)
        if self._fits_content:
            height = min(height, self._content_height(width))
        self.panel.setGeometry((area.width() - width) // 2, (area.height() - height) // 2, width, height)

    def _content_height(self, width: int) -> int:
        layout = self.panel.layout()
        assert layout is not None, "made in the constructor"
        layout.activate()
        return layout.heightForWidth(width) if layout.hasHeightForWidth() else layout.sizeHint().height()

    def _on_fade_value_changed(self, value: float) -> None:
        self._shade = value
        self.update()


def _neighbour(widget: QWidget, forward: bool) -> QWidget:
    found = widget.nextInFocusChain() if forward else widget.previousInFocusChain()
    assert found is not None, "the focus chain is a ring"
    return found


def _takes_tab(widget: QWidget) -> bool:
    policy = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    return policy == Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled()
