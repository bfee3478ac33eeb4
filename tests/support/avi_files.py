"""A small video: Motion JPEG in AVI, written by hand, so that no encoder is needed.

Format: RIFF, AVI 1.0 (``avih``, ``strh``, ``strf``, ``movi``, ``idx1``).
"""

from __future__ import annotations

import io
import struct

from PIL import Image


def avi_bytes(frames: int = 10, fps: int = 10, size: tuple[int, int] = (64, 48)) -> bytes:
    """Return a video whose frames go from black to red."""
    pictures = [_jpeg(round(255 * number / max(1, frames - 1)), size) for number in range(frames)]
    width, height = size
    header = struct.pack("<14I", 1_000_000 // fps, 0, 0, 0x10, frames, 0, 1, 1 << 20, width, height, 0, 0, 0, 0)
    stream = b"vidsMJPG" + struct.pack("<IHHIIIIIIII4H", 0, 0, 0, 0, 1, fps, 0, frames, 1 << 20, 0, 0, 0, 0, *size)
    bitmap = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0)
    lists = _list(b"hdrl", _chunk(b"avih", header) + _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", bitmap)))
    movie, index = b"", b""
    for picture in pictures:
        index += struct.pack("<4sIII", b"00dc", 0x10, len(movie) + 4, len(picture))
        movie += _chunk(b"00dc", picture)
    body = lists + _list(b"movi", movie) + _chunk(b"idx1", index)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"AVI " + body


def _jpeg(red: int, size: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (red, 0, 0)).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _list(name: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", name + data)
