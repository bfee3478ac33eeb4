"""Video: play and pause, go anywhere, look closely, again and again."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QGuiApplication, QImage, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.film import Film
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.previews.base import MediumUnreadableError, MediumView, PreviewSpec, PreviewWidget
from ai4artsed_desktop.ui.previews.image import ImageView
from ai4artsed_desktop.ui.units import clock_text
from ai4artsed_desktop.ui.widgets.basics import IconButton, column
from ai4artsed_desktop.ui.widgets.file_drag import drag_file_out
from ai4artsed_desktop.ui.widgets.slider import Slider

_SKIP_MS = 1_000
_ARROWS = {Qt.Key.Key_Left: -_SKIP_MS, Qt.Key.Key_Right: _SKIP_MS}


class VideoPreview(PreviewWidget):
    """Plays a video, from its first frame; with reduced motion only when asked. It begins anew at its end while
    "repeat" is pressed.

    Args:
        kit: Look, icons and words.
        make_film: Opens the video for playing.
    """

    def __init__(self, kit: Kit, make_film: Callable[[bytes], Film] = Film) -> None:
        super().__init__(kit)
        self._make_film = make_film
        self._film: Film | None = None
        self._is_playing = False
        self._position_ms, self._duration_ms = 0, 0
        self.view = ImageView()
        self.slider = Slider(kit, 0, 1)
        self.play_button = IconButton(kit, "play", "action.play", shortcut_hint="Space")
        self.repeat_button = IconButton(kit, "again", "preview.repeat", checkable=True)
        self.repeat_button.setChecked(True)
        for tool in (self.play_button, self.repeat_button):
            self.tools.addWidget(tool)
        for icon, key, hint, do in (
            ("zoom-out", "preview.zoom_out", "−", lambda: self.view.zoom_by(-1)),
            ("zoom-in", "preview.zoom_in", "+", lambda: self.view.zoom_by(1)),
            ("zoom-fit", "preview.zoom_fit", "0", self.view.fit),
        ):
            button = IconButton(kit, icon, key, shortcut_hint=hint)
            button.clicked.connect(do)
            self.tools.addWidget(button)
        holder = QWidget()
        screen = column(self.view, self.slider, space=r.SPACE_1)
        screen.setStretch(0, 1)
        holder.setLayout(screen)
        self.stage.addWidget(holder)
        self.play_button.clicked.connect(self.toggle)
        self.slider.sliderMoved.connect(self.seek)
        self.slider.actionTriggered.connect(self._on_slider_action_triggered)
        self.view.drag_out_started.connect(self._on_view_drag_out_started)
        self.copy_button.clicked.connect(self._on_copy_button_clicked)
        self._loading = Background[bytes](self, self._on_loaded, self.show_error)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_medium(self, medium: MediumView) -> None:
        """Load and show ``medium``."""
        super().show_medium(medium)
        self.release()
        self.copy_button.setEnabled(bool(medium.path))
        self._loading.start(medium.load)

    def release(self) -> None:
        """Stop playing and let the video go."""
        self._loading.forget()
        if self._film is not None:
            self._film.close()
            self._film = None
        self._on_film_playing_changed(False)
        self.play_button.setEnabled(False)

    def toggle(self) -> None:
        """Play or pause; at the end, play from the beginning."""
        if self._film is None:
            return
        if self._is_playing:
            self._film.pause()
            return
        if self._duration_ms and self._position_ms >= self._duration_ms:
            self._film.seek(0)
        self._film.play()

    def seek(self, position_ms: int) -> None:
        """Go to a place in the video."""
        if self._film is not None:
            self._film.seek(max(0, min(self._duration_ms, position_ms)))

    def retranslate(self) -> None:
        """Set the words anew."""
        self.view.setAccessibleName(self.kit.text("preview.video"))
        self.slider.setAccessibleName(self.kit.text("preview.position"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space plays and pauses, arrows go a second back and forth, Home to the beginning, Ctrl+C copies the file."""
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Space:
            self.toggle()
        elif key in _ARROWS:
            self.seek(self._position_ms + _ARROWS[key])
        elif key == Qt.Key.Key_Home:
            self.seek(0)
        elif event.matches(QKeySequence.StandardKey.Copy):
            self._on_copy_button_clicked()
        else:
            super().keyPressEvent(event)

    def _on_loaded(self, data: bytes) -> None:
        try:
            film = self._make_film(data)
        except AppError as exc:
            self.show_error(exc.info())
            return
        self._film = film
        film.setParent(self)
        film.frame_changed.connect(self._on_film_frame_changed)
        film.position_changed.connect(self._on_film_position_changed)
        film.duration_changed.connect(self._on_film_duration_changed)
        film.playing_changed.connect(self._on_film_playing_changed)
        film.ended.connect(self._on_film_ended)
        film.failed.connect(self._on_film_failed)
        self.play_button.setEnabled(True)
        if not self.kit.theme.is_motion_reduced:
            film.play()

    def _on_film_frame_changed(self, image: QImage) -> None:
        self.view.set_image(image)

    def _on_film_position_changed(self, position_ms: int) -> None:
        self._position_ms = position_ms
        if not self.slider.isSliderDown():
            self.slider.setValue(position_ms)
        self.caption.setText(f"{clock_text(position_ms)} / {clock_text(self._duration_ms)}")

    def _on_film_duration_changed(self, duration_ms: int) -> None:
        self._duration_ms = duration_ms
        self.slider.setRange(0, max(1, duration_ms))
        self.slider.setPageStep(max(1, duration_ms // 10))
        self.slider.setSingleStep(min(_SKIP_MS, max(1, duration_ms // 20)))
        self._on_film_position_changed(self._position_ms)

    def _on_film_playing_changed(self, is_playing: bool) -> None:
        self._is_playing = is_playing
        word = "pause" if is_playing else "play"
        self.play_button.set_face(word, f"action.{word}")

    def _on_film_ended(self) -> None:
        if self.repeat_button.isChecked() and self._film is not None and not self.kit.theme.is_motion_reduced:
            self._film.seek(0)
            self._film.play()

    def _on_film_failed(self, words: str) -> None:
        name = self.medium.name if self.medium is not None else ""
        self.show_error(ErrorInfo(MediumUnreadableError.code, {"name": name}, words))

    def _on_slider_action_triggered(self, _action: int) -> None:
        # A click beside the knob, an arrow key: the new place is known before the value is.
        self.seek(self.slider.sliderPosition())

    def _on_view_drag_out_started(self) -> None:
        if self.medium is not None and self.medium.path:
            drag_file_out(self.view, self.medium.path)

    def _on_copy_button_clicked(self) -> None:
        if self.medium is not None and self.medium.path:
            mime = QMimeData()
            mime.setUrls([QUrl.fromLocalFile(self.medium.path)])
            QGuiApplication.clipboard().setMimeData(mime)


PREVIEW = PreviewSpec(("video/",), VideoPreview)
