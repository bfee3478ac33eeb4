"""Playing video."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.ui.playback import Playback

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QMediaPlayer, QVideoFrame


class FilmUnavailableError(AppError):
    """QtMultimedia cannot be loaded here. Params: ``library``."""

    code = "error.film.unavailable"


class Film(Playback):
    """One video, standing at its first frame. Without a loudspeaker it plays in silence.

    Raises:
        FilmUnavailableError: QtMultimedia cannot be loaded.
    """

    #: The frame in sight: a QImage.
    frame_changed = Signal(QImage)
    #: The last frame was shown.
    ended = Signal()

    def __init__(self, data: bytes, parent: QObject | None = None) -> None:
        super().__init__(data, FilmUnavailableError, parent)
        from PySide6.QtMultimedia import QVideoSink

        self._sink = QVideoSink(self)
        self._connect_loudspeaker()
        self._player.setVideoSink(self._sink)
        self._sink.videoFrameChanged.connect(self._on_sink_video_frame_changed)
        self._player.mediaStatusChanged.connect(self._on_player_media_status_changed)
        self._player.setSourceDevice(self._buffer)
        self._player.pause()

    def close(self) -> None:
        """Stop and let everything go."""
        self._sink.videoFrameChanged.disconnect(self._on_sink_video_frame_changed)
        super().close()

    def _on_sink_video_frame_changed(self, frame: QVideoFrame) -> None:
        image = frame.toImage()
        if not image.isNull():
            self.frame_changed.emit(image)

    def _on_player_media_status_changed(self, status: QMediaPlayer.MediaStatus) -> None:
        if status == type(status).EndOfMedia:
            self.ended.emit()
