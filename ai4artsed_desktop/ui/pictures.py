"""Decoding pictures, still and moving. Runs in worker threads: no widget and no pixmap here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtGui import QImage


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a moving one, and how long it stays."""

    image: QImage
    duration_ms: int


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
