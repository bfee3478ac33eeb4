"""Media for the tests of previews, made on the spot, and a wait until one is shown."""

from __future__ import annotations

import io
import math
import struct
import wave

from PIL import Image
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui.previews.base import MediumView, PreviewWidget


def picture_bytes(size: tuple[int, int] = (64, 32), color: str = "#FF0000", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()


def moving_bytes(kind: str) -> bytes:
    frames = [Image.new("RGB", (16, 16), color) for color in ("#FF0000", "#00FF00", "#0000FF")]
    buffer = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:], duration=20, loop=0, **options)
    return buffer.getvalue()


def wav_bytes(seconds: float = 1.0, width: int = 2, channels: int = 1, rate: int = 8000, peak: float = 0.5) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as target:
        target.setnchannels(channels)
        target.setsampwidth(width)
        target.setframerate(rate)
        values = [peak * math.sin(i / 5) for i in range(round(rate * seconds))]
        if width == 1:
            samples = [bytes([round(128 + 127 * v)]) for v in values]
        else:
            samples = [struct.pack("<i", round(v * (2**31 - 1)))[4 - width :] for v in values]
        target.writeframes(b"".join(sample * channels for sample in samples))
    return buffer.getvalue()


def medium(data: bytes, mime: str, path: str = "") -> MediumView:
    return MediumView("07_output.x", mime, lambda: data, path)


def shown(preview: PreviewWidget, qtbot: QtBot, view: MediumView) -> None:
    qtbot.addWidget(preview)
    preview.resize(600, 400)
    preview.show()
    preview.activateWindow()
    preview.show_medium(view)
