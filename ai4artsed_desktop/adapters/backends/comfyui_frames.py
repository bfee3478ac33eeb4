"""What comes over ComfyUI's websocket, as data. Anything that is not understood is None, never an error.

Source: recorded frames; text frames are ``{"type", "data"}``, binary ones start with a big-endian event number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from ai4artsed_desktop.adapters.backends.comfyui_json import as_object

_PREVIEW, _TEXT, _PREVIEW_WITH_METADATA = 1, 3, 4
_IMAGE_MIMES = {1: "image/jpeg", 2: "image/png"}
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xae\x42\x60\x82"
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Frame:
    """One text frame. ``prompt_id`` is None where the server names no job."""

    type: str
    data: Mapping[str, object]

    @property
    def prompt_id(self) -> str | None:
        """The job it belongs to."""
        value = self.data.get("prompt_id")
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """One picture: a preview, or a result of a SaveImageWebsocket node. Event 1 names neither node nor job."""

    image: bytes
    mime: str
    node_id: str | None = None
    prompt_id: str | None = None


@dataclass(frozen=True, slots=True)
class NoteFrame:
    """A text that a node shows while it works."""

    node_id: str
    text: str


AnyFrame = Frame | ImageFrame | NoteFrame


def parse_message(message: str | bytes) -> AnyFrame | None:
    """Return a message as data, None if it is broken or unknown."""
    return _parse_text(message) if isinstance(message, str) else _parse_binary(message)


def is_whole_image(data: bytes, mime: str) -> bool:
    """Tell whether a JPEG or PNG has its beginning and its end; other kinds are taken as they are.

    Something may follow the end: some writers pad, others append data of their own.
    """
    if mime == "image/png":
        return data.startswith(_PNG_START) and _PNG_END in data
    if mime == "image/jpeg":
        return data.startswith(_JPEG_START) and _JPEG_END in data
    return bool(data)


def _parse_text(message: str) -> Frame | None:
    try:
        parsed = as_object(json.loads(message))
    except (ValueError, RecursionError):
        return None
    kind, data = parsed.get("type"), parsed.get("data")
    if not isinstance(kind, str) or not isinstance(data, Mapping):
        return None
    return Frame(kind, cast("Mapping[str, object]", data))


def _parse_binary(message: bytes) -> ImageFrame | NoteFrame | None:
    event, rest = int.from_bytes(message[:4]), message[4:]
    if event == _PREVIEW:
        return _image(rest[4:], _IMAGE_MIMES.get(int.from_bytes(rest[:4]), ""), {})
    length, body, tail = int.from_bytes(rest[:4]), rest[4:], b""
    if len(rest) < 4 or len(body) < length:
        return None
    body, tail = body[:length], body[length:]
    try:
        if event == _TEXT:
            return NoteFrame(body.decode(), tail.decode())
        if event == _PREVIEW_WITH_METADATA:
            metadata = as_object(json.loads(body))
            return _image(tail, str(metadata.get("image_type", "")), metadata)
    except (ValueError, RecursionError):
        return None
    return None


def _image(data: bytes, mime: str, metadata: Mapping[str, object]) -> ImageFrame | None:
    if mime not in _IMAGE_MIMES.values() or not is_whole_image(data, mime):
        return None
    node_id, prompt_id = metadata.get("node_id"), metadata.get("prompt_id")
    return ImageFrame(
        data,
        mime,
        node_id if isinstance(node_id, str) else None,
        prompt_id if isinstance(prompt_id, str) else None,
    )
