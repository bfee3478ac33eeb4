"""Playing video. QtMultimedia is imported only when something shall be seen: on some systems it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, Signal
from PySide6.QtGui import QImage

from ai4artsed_desktop.domain.errors import AppError

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QMediaPlayer, QVideoFrame


class FilmUnavailableError(AppError):
    """QtMultimedia cannot be loaded here. Params: ``library``."""

    code = "error.film.unavailable"


class Film(QObject):
    """One video, standing at its first frame. Without a loudspeaker it plays in silence.

    Args:
        data: The bytes of a file in any format the system plays.

    Raises:
        FilmUnavailableError: QtMultimedia cannot be loaded.
    """

    #: The frame in sight: a QImage.
    frame_changed = Signal(QImage)
    position_changed = Signal(int)
    duration_changed = Signal(int)
    playing_changed = Signal(bool)
    #: The last frame was shown.
    ended = Signal()
    #: The system's own words about what went wrong.
    failed = Signal(str)

    def __init__(self, data: bytes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        try:
            from PySide6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaPlayer, QVideoSink
        except ImportError as exc:
            raise FilmUnavailableError(str(exc), library=str(exc).partition(":")[0]) from exc
        self._buffer = QBuffer(self)
        self._buffer.setData(QByteArray(data))
        self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        self._player = QMediaPlayer(self)
        self._sink = QVideoSink(self)
        device = QMediaDevices.defaultAudioOutput()
        if not device.isNull():
            self._output = QAudioOutput(device, self)
            self._player.setAudioOutput(self._output)
        self._player.setVideoSink(self._sink)
        self._sink.videoFrameChanged.connect(self._on_sink_video_frame_changed)
        # Slots between: signals of "qlonglong" do not connect to signals of "int".
        self._player.positionChanged.connect(self._on_player_position_changed)
        self._player.durationChanged.connect(self._on_player_duration_changed)
        self._player.playingChanged.connect(self.playing_changed)
        self._player.mediaStatusChanged.connect(self._on_player_media_status_changed)
        self._player.errorOccurred.connect(self._on_player_error_occurred)
        self._player.setSourceDevice(self._buffer)
        self._player.pause()

    def play(self) -> None:
        """Play from where it stands."""
        self._player.play()

    def pause(self) -> None:
        """Stand still."""
        self._player.pause()

    def seek(self, position_ms: int) -> None:
        """Go to a place."""
        self._player.setPosition(position_ms)

    def close(self) -> None:
        """Stop and let everything go."""
        self._player.stop()
        self._sink.videoFrameChanged.disconnect(self._on_sink_video_frame_changed)
        self.deleteLater()

    def _on_sink_video_frame_changed(self, frame: QVideoFrame) -> None:
        image = frame.toImage()
        if not image.isNull():
            self.frame_changed.emit(image)

    def _on_player_position_changed(self, position_ms: int) -> None:
        self.position_changed.emit(position_ms)

    def _on_player_duration_changed(self, duration_ms: int) -> None:
        self.duration_changed.emit(duration_ms)

    def _on_player_media_status_changed(self, status: QMediaPlayer.MediaStatus) -> None:
        if status == type(status).EndOfMedia:
            self.ended.emit()

    def _on_player_error_occurred(self) -> None:
        self.failed.emit(self._player.errorString())
