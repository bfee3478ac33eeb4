"""The outline of a recording. Runs in worker threads; numpy is imported here and only when a sound is shown."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass

#: Columns of the outline; a wide preview on a sharp screen has about as many.
COLUMNS = 1_600
_FRAMES_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Waveform:
    """Lowest and highest sample of every column over all channels, -1 … 1, and the facts of the file."""

    lows: tuple[float, ...]
    highs: tuple[float, ...]
    duration_ms: int
    rate_hz: int
    channels: int


def read_waveform(data: bytes) -> Waveform:
    """Read a PCM WAV of 8, 16, 24 or 32 bit.

    Raises:
        wave.Error, EOFError: If it is none.
    """
    with wave.open(io.BytesIO(data)) as source:
        frames, rate, channels = source.getnframes(), source.getframerate(), source.getnchannels()
        lows, highs = _outline(source, frames)
    return Waveform(lows, highs, round(1000 * frames / rate), rate, channels)


def _outline(source: wave.Wave_read, frames: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    import numpy as np

    columns = max(1, min(COLUMNS, frames))
    lows, highs = np.zeros(columns), np.zeros(columns)
    done = 0
    while done < frames:
        raw = source.readframes(_FRAMES_AT_ONCE)
        # A recording that was cut off can end in the middle of a frame.
        whole = len(raw) - len(raw) % (source.getsampwidth() * source.getnchannels())
        if not whole:
            break
        chunk = _samples(raw[:whole], source.getsampwidth()).reshape(-1, source.getnchannels())
        places = (np.arange(done, done + len(chunk)) * columns) // frames
        np.minimum.at(lows, places, chunk.min(axis=1))
        np.maximum.at(highs, places, chunk.max(axis=1))
        done += len(chunk)
    return tuple(lows.tolist()), tuple(highs.tolist())


def _samples(raw: bytes, width: int):
    import numpy as np

    if width == 1:
        return (np.frombuffer(raw, np.uint8).astype(np.float32) - 128) / 128
    if width == 3:
        # 24 bit: three bytes become the upper ones of 32 bit.
        padded = np.zeros((len(raw) // 3, 4), np.uint8)
        padded[:, 1:] = np.frombuffer(raw, np.uint8).reshape(-1, 3)
        return padded.view("<i4").reshape(-1).astype(np.float32) / 2**31
    return np.frombuffer(raw, f"<i{width}").astype(np.float32) / 2 ** (8 * width - 1)
