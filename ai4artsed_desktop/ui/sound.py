"""Playing sound."""

from __future__ import annotations

from PySide6.QtCore import QObject

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.ui.playback import Playback


class SoundUnavailableError(AppError):
    """QtMultimedia cannot be loaded here. Params: ``library``."""

    code = "error.sound.unavailable"


class NoSoundDeviceError(AppError):
    """There is no loudspeaker, headphone or other output."""

    code = "error.sound.no_device"


class Sound(Playback):
    """One recording, ready to be played.

    Raises:
        SoundUnavailableError, NoSoundDeviceError.
    """

    def __init__(self, data: bytes, parent: QObject | None = None) -> None:
        super().__init__(data, SoundUnavailableError, parent)
        if not self._connect_loudspeaker():
            raise NoSoundDeviceError
        self._player.setSourceDevice(self._buffer)
