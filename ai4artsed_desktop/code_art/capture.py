"""What the page hands over becomes files: checked, assembled, written whole or not at all. No Qt here.

Nothing is believed because the page says so: a picture is decoded and measured, samples are counted and looked at.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import os
import struct
import wave
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ai4artsed_desktop.domain.code_art import RenderedMedium

#: Longest text taken from the page in one piece; noise of 4096 × 4096 pixels comes to about 64 MB.
MAX_TEXT_CHARS = 64 * 1024 * 1024
#: All frames of one animation together.
MAX_ANIMATION_BYTES = 256 * 1024 * 1024
SAMPLE_RATE_HZ = 44_100
#: Full scale less 1 dB: headroom for players that resample.
PEAK_TARGET = 10 ** (-1 / 20)
#: Below this peak (-20 dBFS) a piece is raised to the target, below the next (-80 dBFS) it counts as silence.
QUIET_PEAK = 0.1
SILENT_PEAK = 1e-4

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DATA_URL_PREFIX = "data:image/png;base64,"

Samples = NDArray[np.float32]


class CaptureError(Exception):
    """What the page handed over is not what was asked for."""


class EmptyPictureError(CaptureError):
    """The canvas is fully transparent: nothing was drawn."""


class InvalidSoundError(CaptureError):
    """The samples are no numbers: a division by zero, an unstable filter."""


class SilenceError(CaptureError):
    """Nothing in the piece is loud enough to be heard."""


def decode_png(data_url: str, width_px: int, height_px: int) -> bytes:
    """Return the PNG inside a ``data:`` URL after decoding it fully.

    Raises:
        CaptureError: Not a PNG, damaged, or of another size.
    """
    if not data_url.startswith(_DATA_URL_PREFIX):
        raise CaptureError("the canvas gave no PNG")
    try:
        data = base64.b64decode(data_url[len(_DATA_URL_PREFIX) :], validate=True)
    except binascii.Error as error:
        raise CaptureError("the canvas gave a damaged PNG") from error
    # The header alone, before anything large is unpacked; PNG specification, 11.2.2 IHDR.
    if data[:8] != _PNG_SIGNATURE or struct.unpack(">II", data[16:24]) != (width_px, height_px):
        raise CaptureError("the canvas gave a picture of another size")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise CaptureError("the canvas gave a damaged PNG") from error
    return data


def require_something_drawn(png: bytes) -> None:
    """Raise ``EmptyPictureError`` if every pixel is fully transparent."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        if image.mode == "RGBA" and image.getchannel("A").getextrema() == (0, 0):
            raise EmptyPictureError("the sketch drew nothing on its canvas")


def assemble_apng(frames: Sequence[bytes], fps: int) -> bytes:
    """Join PNG frames of one size and colour type into an animation that repeats for ever.

    The frames' compressed data is taken over as it is. Source of the chunk layout: PNG specification, third edition,
    11.3.6 (acTL, fcTL, fdAT).

    Raises:
        CaptureError: If the frames' headers differ.
    """
    header = _chunk_data(frames[0], b"IHDR")
    width_px, height_px = struct.unpack(">II", header[:8])
    parts = [_PNG_SIGNATURE, _chunk(b"IHDR", header), _chunk(b"acTL", struct.pack(">II", len(frames), 0))]
    sequence = 0
    for index, frame in enumerate(frames):
        if _chunk_data(frame, b"IHDR") != header:
            raise CaptureError("the frames of the animation differ in size or colours")
        # delay 1/fps s; dispose 0 = leave, blend 0 = replace
        parts.append(_chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, width_px, height_px, 0, 0, 1, fps, 0, 0)))
        sequence += 1
        pixels = _chunk_data(frame, b"IDAT")
        if index == 0:
            parts.append(_chunk(b"IDAT", pixels))
        else:
            parts.append(_chunk(b"fdAT", struct.pack(">I", sequence) + pixels))
            sequence += 1
    return b"".join([*parts, _chunk(b"IEND", b"")])


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (type, data) of each chunk of a PNG that was decoded without error before."""
    offset = len(_PNG_SIGNATURE)
    while offset < len(png):
        (length,) = struct.unpack_from(">I", png, offset)
        yield png[offset + 4 : offset + 8], png[offset + 8 : offset + 8 + length]
        offset += 12 + length


def _chunk_data(png: bytes, kind: bytes) -> bytes:
    return b"".join(data for name, data in _chunks(png) if name == kind)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def decode_samples(text: str, expected: int) -> Samples:
    """Return the little-endian 32-bit floats inside a base64 text.

    Raises:
        CaptureError: Not base64, or another number of samples.
        InvalidSoundError: Samples that are no numbers.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise CaptureError("the page gave damaged samples") from error
    if len(data) != expected * 4:
        raise CaptureError(f"the page gave {len(data) // 4} samples instead of {expected}")
    samples: Samples = np.frombuffer(data, dtype="<f4")
    if not np.isfinite(samples).all():
        raise InvalidSoundError("the sound holds values that are no numbers")
    return samples


def join_samples(pieces: Sequence[Samples]) -> Samples:
    """Return the pieces of one channel as one."""
    return np.concatenate(pieces)


def encode_wav(channels: Sequence[Samples]) -> bytes:
    """Return a 16-bit WAV at 44.1 kHz, its peak brought to -1 dBFS if it is above that, or very quiet.

    Raises:
        SilenceError: If the peak lies below -80 dBFS.
    """
    stacked = np.stack(channels, axis=1)
    peak = float(np.abs(stacked).max(initial=0.0))
    if peak < SILENT_PEAK:
        raise SilenceError("the piece is silent")
    gain = PEAK_TARGET / peak if peak > PEAK_TARGET or peak < QUIET_PEAK else 1.0
    # Plain rounding, no dither: the same samples must always give the same bytes.
    scaled = np.rint(stacked.astype(np.float64) * gain * 32767.0).astype("<i2")
    target = io.BytesIO()
    with wave.open(target, "wb") as writer:
        writer.setnchannels(len(channels))
        writer.setsampwidth(2)
        writer.setframerate(SAMPLE_RATE_HZ)
        writer.writeframes(scaled.tobytes())
    return target.getvalue()


def write_medium(medium: RenderedMedium, data: bytes) -> RenderedMedium:
    """Write ``data`` to the medium's path in one step (``.part``, fsync, rename) and return it with size and hash.

    Raises:
        OSError: The folder cannot be written to.
    """
    part = medium.path.with_name(medium.path.name + ".part")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(medium.path)
    return medium.model_copy(update={"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})


def picture_medium(folder: Path, width_px: int, height_px: int, frames: int = 1, fps: int = 1) -> RenderedMedium:
    """Describe the PNG (one frame) or APNG (several) to be written into ``folder``."""
    is_still = frames == 1
    return RenderedMedium(
        path=folder / ("picture.png" if is_still else "animation.png"),
        mime="image/png" if is_still else "image/apng",
        sha256="",
        bytes=0,
        width_px=width_px,
        height_px=height_px,
        frames=None if is_still else frames,
        duration_s=None if is_still else frames / fps,
    )


def sound_medium(folder: Path, samples: int) -> RenderedMedium:
    """Describe the WAV of ``samples`` per channel to be written into ``folder``."""
    duration_s = samples / SAMPLE_RATE_HZ
    return RenderedMedium(path=folder / "sound.wav", mime="audio/wav", sha256="", bytes=0, duration_s=duration_s)
