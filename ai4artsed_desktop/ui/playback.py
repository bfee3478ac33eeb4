"""What playing a sound and playing a video have in common. QtMultimedia is imported only when something shall be
played: on some systems it cannot be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, Signal

from ai4artsed_desktop.domain.errors import AppError

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QAudioDevice


class Playback(QObject):
    """One recording, standing at its beginning.

    Args:
        data: The bytes of a file in any format the system plays.
        unavailable: The error that says that QtMultimedia cannot be loaded; params: ``library``.

    Raises:
        AppError: ``unavailable``.
    """

    position_changed = Signal(int)
    duration_changed = Signal(int)
    playing_changed = Signal(bool)
    #: The system's own words about what went wrong.
    failed = Signal(str)

    def __init__(self, data: bytes, unavailable: type[AppError], parent: QObject | None = None) -> None:
        super().__init__(parent)
        try:
            from PySide6.QtMultimedia import QMediaPlayer
        except ImportError as exc:
            raise unavailable(str(exc), library=str(exc).partition(":")[0]) from exc
        self._buffer = QBuffer(self)
        self._buffer.setData(QByteArray(data))
        self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        self._player = QMediaPlayer(self)
        # Slots between: signals of "qlonglong" do not connect to signals of "int".
        self._player.positionChanged.connect(self._on_player_position_changed)
        self._player.durationChanged.connect(self._on_player_duration_changed)
        self._player.playingChanged.connect(self.playing_changed)
        self._player.errorOccurred.connect(self._on_player_error_occurred)

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
        self.deleteLater()

    def _connect_loudspeaker(self) -> bool:
        """Let it be heard; return whether there is anything to hear it with."""
        from PySide6.QtMultimedia import QAudioOutput, QMediaDevices

        device: QAudioDevice = QMediaDevices.defaultAudioOutput()
        if device.isNull():
            return False
        self._output = QAudioOutput(device, self)
        self._player.setAudioOutput(self._output)
        return True

    def _on_player_position_changed(self, position_ms: int) -> None:
        self.position_changed.emit(position_ms)

    def _on_player_duration_changed(self, duration_ms: int) -> None:
        self.duration_changed.emit(duration_ms)

    def _on_player_error_occurred(self) -> None:
        self.failed.emit(self._player.errorString())
