"""Decoding pictures, still and moving. Runs in worker threads: no widget and no pixmap here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QImage, QImageReader, QImageWriter


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a moving one, and how long it stays."""

    image: QImage
    duration_ms: int


#: Qt refuses larger pictures, decoded: a photograph of 100 megapixels has 400 MB.
_LARGEST_MB = 512
#: Browsers show frames shorter than this for 100 ms; old GIFs rely on it.
_SHORTEST_MS, _INSTEAD_MS = 11, 100


class Frames:
    """The frames of an APNG, GIF or WebP, over and over; only one is in memory at a time.

    Not safe for two threads at once: ask for the next frame only after the last one came.
    """

    def __init__(self, data: bytes) -> None:
        # Lazy: the first paint of the window needs no Pillow.
        from PIL import Image

        self._source = Image.open(io.BytesIO(data))
        self.count: int = getattr(self._source, "n_frames", 1)
        self._order = self._numbers()

    def next(self) -> Frame:
        """Decode the next frame; after the last comes the first."""
        self._source.seek(next(self._order))
        pixels = self._source.convert("RGBA")
        duration = round(float(self._source.info.get("duration", 0) or 0))
        image = QImage(
            pixels.tobytes(), pixels.width, pixels.height, 4 * pixels.width, QImage.Format.Format_RGBA8888
        ).copy()
        return Frame(image, duration if duration >= _SHORTEST_MS else _INSTEAD_MS)

    def _numbers(self) -> Iterator[int]:
        while True:
            yield from range(self.count)


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture; ``frames`` only for a moving one."""

    image: QImage
    frames: Frames | None = None


def decode_picture(data: bytes) -> Picture | None:
    """Decode ``data``; None if it is no picture Qt or Pillow can read."""
    if may_move(data):
        frames = Frames(data)
        if frames.count > 1:
            return Picture(frames.next().image, frames)
    image = QImage.fromData(data)
    return None if image.isNull() else Picture(image)


def may_move(data: bytes) -> bool:
    """Whether ``data`` begins like a GIF, an animated PNG (chunk acTL before IDAT) or an animated WebP (chunk ANIM).

    Sources: GIF89a; PNG third edition, 11.3.6.1; WebP container specification, "Animation".
    """
    if data.startswith(b"\x89PNG"):
        return b"acTL" in data[: max(0, data.find(b"IDAT"))]
    if data[8:12] == b"WEBP":
        return b"ANIM" in data[12:64]
    return data.startswith(b"GIF8")


def read_upright(data: bytes, longest_px: int | None = None) -> QImage:
    """Decode one still picture the way up it was taken (EXIF orientation); a null image if Qt cannot read it.

    Args:
        longest_px: Scaled down to this longer side, if it is longer; None = as large as it is.
    """
    buffer = QBuffer()
    buffer.setData(QByteArray(data))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    QImageReader.setAllocationLimit(_LARGEST_MB)
    reader = QImageReader(buffer)
    reader.setAutoTransform(True)
    size = reader.size()
    if longest_px is not None and size.isValid() and max(size.width(), size.height()) > longest_px:
        # The decoder scales while it reads: a large photograph never lies in memory whole.
        reader.setScaledSize(size.scaled(longest_px, longest_px, Qt.AspectRatioMode.KeepAspectRatio))
    return reader.read()


def png_bytes(image: QImage) -> bytes:
    """Return a picture as a PNG file."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"png")).write(image)
    return bytes(buffer.data().data())
