"""Work in progress: what happens in plain words, how far it is, how long it has taken, and Cancel."""

from __future__ import annotations

import time

from PySide6.QtCore import QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QFrame, QProgressBar, QSizePolicy, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import duration_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, column, row

#: Servers send previews of up to 512 px; where there is less room, they are seen smaller, but whole.
_PREVIEW_PX, _LOWEST_PREVIEW_PX = 512, 96


class LivePreview(QWidget):
    """A picture as large as there is room, whole and in its own shape."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = QPixmap()
        self.setMinimumHeight(_LOWEST_PREVIEW_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_picture(self, picture: QPixmap) -> None:
        """Show another one."""
        self.picture = picture
        self.update()

    @property
    def place(self) -> QRect:
        """Where the picture lies in this widget."""
        size = self.picture.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        return QRect((self.width() - size.width()) // 2, 0, size.width(), size.height())

    def sizeHint(self) -> QSize:
        """As large as servers send them."""
        return QSize(_PREVIEW_PX, _PREVIEW_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(self.place, self.picture)
        painter.end()


class WorkingCard(QFrame):
    """Shown while something runs. Progress never jumps back; unknown progress shows no bar at all."""

    cancel_requested = Signal()

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._started_s = 0.0
        self._fraction = 0.0
        set_look(self, "card")
        self.words = Label(kit)
        self.elapsed = Label(kit, look="small")
        self.elapsed.setWordWrap(False)
        self.cancel_button = Button(kit, "action.cancel", "cancel")
        self.cancel_button.clicked.connect(self._on_cancel_button_clicked)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(r.SPACE_1)
        head = row(IconLabel(kit, "hourglass", "muted"), self.words, self.elapsed, self.cancel_button, space=r.SPACE_3)
        head.setStretch(1, 1)
        self.detail = Label(kit, look="small")
        self.detail.hide()
        self.preview = LivePreview()
        self.preview.hide()
        layout = column(head, self.bar, self.detail, self.preview, space=r.SPACE_2, margin=r.SPACE_3)
        layout.setStretch(3, 1)
        self.setLayout(layout)
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._show_elapsed)
        self.hide()

    def start(self, key: str, *, since_s: float | None = None, **params: object) -> None:
        """Begin with a sentence about what happens; ``since_s`` (``time.monotonic``): it began earlier."""
        self._started_s = time.monotonic() if since_s is None else since_s
        self._fraction = 0.0
        self.bar.setValue(0)
        self.bar.hide()
        self.detail.hide()
        self.preview.hide()
        self.cancel_button.setEnabled(True)
        self.words.set_key(key, **params)
        self._show_elapsed()
        self._clock.start()
        self.show()

    def count_from(self, since_s: float) -> None:
        """Show the time since ``since_s`` (``time.monotonic``); nothing else begins anew."""
        if since_s != self._started_s:
            self._started_s = since_s
            self._show_elapsed()

    def say(self, key: str, **params: object) -> None:
        """Say what happens now."""
        self.words.set_key(key, **params)

    def set_progress(self, fraction: float | None) -> None:
        """Show how far it is, 0 … 1; None = unknown, then nothing is pretended."""
        if fraction is None:
            return
        self._fraction = max(self._fraction, min(1.0, fraction))
        self.bar.setValue(round(self._fraction * 1000))
        self.bar.setAccessibleName(self.words.text())
        self.bar.show()

    def show_detail(self, node: str, step: int, steps: int, queue_position: int | None) -> None:
        """Show which part works, its step, or how many jobs come before; nothing if none is known."""
        parts = [node] if node else []
        if steps:
            parts.append(self._kit.text("working.step", step=step, steps=steps))
        if queue_position:
            parts.append(self._kit.text("working.queue", count=queue_position))
        self.detail.setText(" · ".join(parts))
        self.detail.setVisible(bool(parts))

    def show_preview(self, data: bytes) -> None:
        """Show a picture (PNG or JPEG) of the work in progress; one that cannot be read leaves the last one."""
        picture = QPixmap()
        if not picture.loadFromData(data):
            return
        self.preview.show_picture(picture)
        if self.preview.isHidden():
            self.preview.setAccessibleName(self._kit.text("working.preview"))
            self.preview.show()

    def finish(self) -> None:
        """Hide the card."""
        self._clock.stop()
        self.hide()

    def _show_elapsed(self) -> None:
        elapsed_ms = (time.monotonic() - self._started_s) * 1000
        self.elapsed.setText(duration_text(elapsed_ms, self._kit.translator.language, is_running=True))

    def _on_cancel_button_clicked(self) -> None:
        # One press is enough; a second one has nothing left to cancel.
        self.cancel_button.setEnabled(False)
        self.words.set_key("working.cancelling")
        self.cancel_requested.emit()
