"""Playing sound. QtMultimedia is imported only when something shall be heard: on some systems it cannot be."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, Signal

from ai4artsed_desktop.domain.errors import AppError


class SoundUnavailableError(AppError):
    """QtMultimedia cannot be loaded here. Params: ``library``."""

    code = "error.sound.unavailable"


class NoSoundDeviceError(AppError):
    """There is no loudspeaker, headphone or other output."""

    code = "error.sound.no_device"


class Sound(QObject):
    """One recording, ready to be played.

    Args:
        data: The bytes of a file in any format the system plays.

    Raises:
        SoundUnavailableError, NoSoundDeviceError.
    """

    position_changed = Signal(int)
    playing_changed = Signal(bool)
    #: The system's own words about what went wrong.
    failed = Signal(str)

    def __init__(self, data: bytes, parent: QObject | None = None) -> None:
        super().__init__(parent)
        try:
            from PySide6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaPlayer
        except ImportError as exc:
            raise SoundUnavailableError(str(exc), library=str(exc).partition(":")[0]) from exc
        device = QMediaDevices.defaultAudioOutput()
        if device.isNull():
            raise NoSoundDeviceError
        self._buffer = QBuffer(self)
        self._buffer.setData(QByteArray(data))
        self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        self._output = QAudioOutput(device, self)
        self._player = QMediaPlayer(self)
        self._player.setAudioOutput(self._output)
        self._player.setSourceDevice(self._buffer)
        self._player.positionChanged.connect(self._on_player_position_changed)
        self._player.playingChanged.connect(self.playing_changed)
        self._player.errorOccurred.connect(self._on_player_error_occurred)

    def play(self) -> None:
        """Play from where it stands."""
        self._player.play()

    def pause(self) -> None:
        """Stop for now."""
        self._player.pause()

    def seek(self, position_ms: int) -> None:
        """Go to a place."""
        self._player.setPosition(position_ms)

    def close(self) -> None:
        """Stop and let the output go."""
        self._player.stop()
        self.deleteLater()

    def _on_player_position_changed(self, position_ms: int) -> None:
        # A slot between: a signal of "qlonglong" does not connect to a signal of "int".
        self.position_changed.emit(position_ms)

    def _on_player_error_occurred(self) -> None:
        self.failed.emit(self._player.errorString())
