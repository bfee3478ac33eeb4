"""Sound: its outline, play and pause, go anywhere."""

from __future__ import annotations

import wave
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QMimeData, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.previews.base import MediumUnreadableError, MediumView, PreviewSpec, PreviewWidget
from ai4artsed_desktop.ui.sound import Sound
from ai4artsed_desktop.ui.units import clock_text
from ai4artsed_desktop.ui.waveform import Waveform, read_waveform
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column

_SKIP_MS = 5_000
_BAR_PX, _BAR_GAP_PX = 3, 1


@dataclass(frozen=True, slots=True)
class _Loaded:
    data: bytes
    waveform: Waveform | None


class WaveformView(QWidget):
    """Paints the outline; a click or the arrow keys go to a place, Space plays and pauses."""

    #: A place in the recording, in milliseconds.
    position_asked = Signal(int)
    play_toggled = Signal()

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._waveform: Waveform | None = None
        self._position_ms = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        kit.theme.changed.connect(self.update)

    def set_waveform(self, waveform: Waveform | None) -> None:
        """Show another recording, from its beginning; None = its outline is not known."""
        self._waveform = waveform
        self.set_position(0)

    def set_position(self, position_ms: int) -> None:
        """Mark the place that is heard now."""
        self._position_ms = position_ms
        self.update()

    def sizeHint(self) -> QSize:
        """Wide and low."""
        return QSize(480, 160)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the place under the pointer."""
        if self._waveform is not None and event.button() == Qt.MouseButton.LeftButton:
            share = max(0.0, min(1.0, event.position().x() / max(1, self.width())))
            self.position_asked.emit(round(share * self._waveform.duration_ms))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and pauses, arrows go five seconds back and forth, Home goes to the beginning."""
        if event.key() == Qt.Key.Key_Space:
            self.play_toggled.emit()
        elif event.key() == Qt.Key.Key_Home:
            self.position_asked.emit(0)
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._waveform is not None:
            step = _SKIP_MS if event.key() == Qt.Key.Key_Right else -_SKIP_MS
            self.position_asked.emit(max(0, min(self._waveform.duration_ms, self._position_ms + step)))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint bars, those already heard in the accent colour, and the ring."""
        painter = QPainter(self)
        theme = self._kit.theme
        painter.fillRect(self.rect(), theme.color("sunken"))
        if self._waveform is not None:
            self._paint_bars(painter, self._waveform)
        if self.hasFocus():
            painter.fillRect(0, 0, self.width(), r.FOCUS_PX, theme.color("focus"))
            painter.fillRect(0, self.height() - r.FOCUS_PX, self.width(), r.FOCUS_PX, theme.color("focus"))
            painter.fillRect(0, 0, r.FOCUS_PX, self.height(), theme.color("focus"))
            painter.fillRect(self.width() - r.FOCUS_PX, 0, r.FOCUS_PX, self.height(), theme.color("focus"))
        painter.end()

    def _paint_bars(self, painter: QPainter, waveform: Waveform) -> None:
        theme = self._kit.theme
        heard_x = self.width() * self._position_ms / max(1, waveform.duration_ms)
        middle, reach = self.height() / 2, self.height() / 2 - r.SPACE_4
        step = _BAR_PX + _BAR_GAP_PX
        columns = len(waveform.highs)
        for x in range(0, self.width(), step):
            first = x * columns // self.width()
            last = max(first + 1, min(columns, (x + step) * columns // self.width()))
            high, low = max(waveform.highs[first:last]), min(waveform.lows[first:last])
            top, bottom = middle - high * reach, middle - low * reach
            color = theme.color("accent" if x < heard_x else "muted")
            painter.fillRect(x, round(top), _BAR_PX, max(1, round(bottom - top)), color)


class AudioPreview(PreviewWidget):
    """Shows and plays a recording. Without sound output it says so; the file can be saved all the same.

    Args:
        kit: Look, icons and words.
        make_sound: Opens the recording for playing.
    """

    def __init__(self, kit: Kit, make_sound: Callable[[bytes], Sound] = Sound) -> None:
        super().__init__(kit)
        self._make_sound = make_sound
        self._sound: Sound | None = None
        self._data = b""
        self._is_playing = False
        self._position_ms, self._duration_ms = 0, 0
        self.view = WaveformView(kit)
        self.play_button = Button(kit, "action.play", "play")
        self.play_button.clicked.connect(self.toggle)
        self.note = Label(kit, look="warn")
        self.tools.addWidget(self.play_button)
        self.note.hide()
        holder = QWidget()
        outline = column(self.view, self.note, space=r.SPACE_1)
        outline.setStretch(0, 1)
        holder.setLayout(outline)
        self.stage.addWidget(holder)
        self.view.play_toggled.connect(self.toggle)
        self.view.position_asked.connect(self.seek)
        self.copy_button.clicked.connect(self._on_copy_button_clicked)
        self._loading = Background[_Loaded](self, self._on_loaded, self.show_error)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_medium(self, medium: MediumView) -> None:
        """Load and show ``medium``."""
        super().show_medium(medium)
        self.release()
        self.note.hide()
        self.play_button.setEnabled(False)
        self.copy_button.setEnabled(bool(medium.path))
        self.view.set_waveform(None)
        self._loading.start(lambda: _load(medium))

    def release(self) -> None:
        """Stop playing and give the output back."""
        self._loading.forget()
        if self._sound is not None:
            self._sound.close()
            self._sound = None
        self._on_sound_playing_changed(False)

    def toggle(self) -> None:
        """Play or pause."""
        if not self._data:
            return
        if self._is_playing and self._sound is not None:
            self._sound.pause()
        elif (sound := self._opened_sound()) is not None:
            sound.play()

    def seek(self, position_ms: int) -> None:
        """Go to a place in the recording."""
        if self._data and (sound := self._opened_sound()) is not None:
            sound.seek(position_ms)

    def retranslate(self) -> None:
        """Set the words anew."""
        self.view.setAccessibleName(self.kit.text("preview.audio"))

    def _opened_sound(self) -> Sound | None:
        """Open the recording on first use; say in words if nothing can be heard here."""
        if self._sound is None:
            try:
                self._sound = self._make_sound(self._data)
            except AppError as exc:
                self._say(exc.info())
                return None
            self._sound.setParent(self)
            self._sound.position_changed.connect(self._on_sound_position_changed)
            self._sound.playing_changed.connect(self._on_sound_playing_changed)
            self._sound.failed.connect(self._on_sound_failed)
        return self._sound

    def _say(self, error: ErrorInfo) -> None:
        self.note.setText(str(self.kit.translator.error(error)))
        self.note.setToolTip(error.detail)
        self.note.show()

    def _on_loaded(self, loaded: _Loaded) -> None:
        self._data = loaded.data
        self._duration_ms = loaded.waveform.duration_ms if loaded.waveform else 0
        self.play_button.setEnabled(True)
        self.view.set_waveform(loaded.waveform)
        self._on_sound_position_changed(0)

    def _on_sound_position_changed(self, position_ms: int) -> None:
        self._position_ms = position_ms
        self.view.set_position(position_ms)
        self.caption.setText(f"{clock_text(position_ms)} / {clock_text(self._duration_ms)}")

    def _on_sound_playing_changed(self, is_playing: bool) -> None:
        self._is_playing = is_playing
        word = "pause" if is_playing else "play"
        self.play_button.set_key(f"action.{word}", word)

    def _on_sound_failed(self, words: str) -> None:
        self._say(ErrorInfo("error.sound.failed", detail=words))

    def _on_copy_button_clicked(self) -> None:
        # A recording has no form of its own on the clipboard: it is copied as a file.
        if self.medium is not None and self.medium.path:
            mime = QMimeData()
            mime.setUrls([QUrl.fromLocalFile(self.medium.path)])
            QGuiApplication.clipboard().setMimeData(mime)


def _load(medium: MediumView) -> _Loaded:
    data = medium.load()
    if medium.mime not in ("audio/wav", "audio/x-wav", "audio/wave"):
        return _Loaded(data, None)
    try:
        return _Loaded(data, read_waveform(data))
    except (wave.Error, EOFError, ZeroDivisionError) as exc:
        raise MediumUnreadableError(str(exc), name=medium.name) from exc


PREVIEW = PreviewSpec(("audio/",), AudioPreview)
