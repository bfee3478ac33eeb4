"""ComfyUI workflows inside files: JSON, and pictures, sounds and videos that carry one. Pure: bytes in, JSON out.

Where ComfyUI writes them: PNG text chunks ``prompt`` and ``workflow``; EXIF of WebP (``prompt:{…}``); comments of FLAC,
Ogg, MP3, MP4 and WebM. Only PNG compresses them and only Ogg cuts them into pages: elsewhere they lie in one piece.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from ai4artsed_desktop.domain.errors import InputError
from ai4artsed_desktop.domain.graph_links import class_of

#: No workflow is longer, and a file's own data may look like the beginning of one very often.
MAX_WORKFLOW_BYTES = 16_000_000
_MAX_TRIES = 200
_PNG = b"\x89PNG\r\n\x1a\n"
#: How an API-format graph begins: an object of objects with class or inputs.
_API_START = re.compile(rb'\{\s*"[^"\\]{1,80}"\s*:\s*\{\s*"(?:inputs|class_type|_meta|is_changed)"\s*:')
_UI_KEY = re.compile(rb'"nodes"\s*:\s*\[')
#: In UI format plain values stand before ``nodes``; that many bytes at most.
_UI_HEAD_BYTES = 600


class WorkflowFileError(InputError):
    """No workflow was found. Params: ``name`` (of the file), ``reason``."""

    code = "error.workflow.unreadable"


@dataclass(frozen=True, slots=True)
class FoundWorkflow:
    """What a file holds: ``api`` is ready to send, ``ui`` needs a conversion with a server's ``/object_info``."""

    api: dict[str, Any] | None = None
    ui: dict[str, Any] | None = None


def read_workflow(data: bytes, name: str = "") -> FoundWorkflow:
    """Find the workflow in a file's bytes.

    Args:
        data: The whole file; JSON in UTF-8, or a medium.
        name: The file's name, for the error.

    Raises:
        WorkflowFileError: There is none.
    """
    found = FoundWorkflow()
    for text in _texts(data):
        for value in _json_values(text):
            found = FoundWorkflow(found.api or _as_api(value), found.ui or _as_ui(value))
            if found.api is not None and found.ui is not None:
                return found
    if found.api is None and found.ui is None:
        raise WorkflowFileError(name=name, reason="reason.no_workflow")
    return found


def _as_api(value: dict[str, Any]) -> dict[str, Any] | None:
    """Return ``value`` if it is a graph in API format; also as the ``prompt`` of a request to the server."""
    inner = value.get("prompt")
    if isinstance(inner, dict) and "class_type" not in inner:
        value = cast("dict[str, Any]", inner)
    is_graph = bool(value) and all(class_of(node) for node in value.values())
    return value if is_graph else None


def _as_ui(value: dict[str, Any]) -> dict[str, Any] | None:
    return value if isinstance(value.get("nodes"), list) and isinstance(value.get("links"), list) else None


def _texts(data: bytes) -> Iterator[bytes]:
    """Yield the parts of a file in which a workflow may lie."""
    if data.startswith(_PNG):
        yield from _png_texts(data)
    elif data.startswith(b"OggS"):
        yield _without_ogg_pages(data)
    else:
        yield data


def _json_values(text: bytes) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in ``text`` that look like workflows: the whole of it, or what begins in its middle."""
    whole = _decode(text.strip()) if text.lstrip()[:1] == b"{" else None
    if whole is not None:
        yield whole
        return
    # What surrounds a workflow is binary data: as Latin-1 any of it decodes, and positions stay those of the bytes.
    characters = text.decode("latin-1")
    end = 0
    for start in _starts(text):
        if start < end:
            continue  # inside the one before
        end = _end_of_json(characters, start) or end
        value = _decode(text[start:end]) if end > start else None
        if value is not None:
            yield value


def _starts(text: bytes) -> list[int]:
    """Return where workflows may begin, first ones first."""
    starts = {match.start() for match in _API_START.finditer(text)}
    starts |= {
        text.rfind(b"{", max(0, match.start() - _UI_HEAD_BYTES), match.start()) for match in _UI_KEY.finditer(text)
    }
    return sorted(start for start in starts if start >= 0)[:_MAX_TRIES]


def _end_of_json(text: str, start: int) -> int | None:
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return end


def _decode(text: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(text.decode("utf-8", errors="replace"), strict=False)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _png_texts(data: bytes) -> Iterator[bytes]:
    """Yield the texts of a PNG, ``prompt`` and ``workflow`` only. A damaged rest is ignored: the texts come first."""
    at = len(_PNG)
    while at + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        at += length + 12
        key, _, rest = body.partition(b"\0")
        if kind in (b"tEXt", b"zTXt", b"iTXt") and key in (b"prompt", b"workflow"):
            text = _png_text(kind, rest)
            if text is not None:
                yield text


def _png_text(kind: bytes, rest: bytes) -> bytes | None:
    if kind == b"tEXt":
        return rest if _is_utf8(rest) else rest.decode("latin-1").encode()  # Latin-1 by the book, UTF-8 by habit
    if kind == b"zTXt":
        return _inflate(rest[1:])
    text = rest[2:].split(b"\0", 2)[-1]  # behind two flags, the language and the translated key
    return _inflate(text) if rest[:1] == b"\1" else text


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _inflate(data: bytes) -> bytes | None:
    """Return the uncompressed text, or None if it is damaged or grows beyond all bounds."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(data, MAX_WORKFLOW_BYTES)
    except zlib.error:
        return None
    return None if unpacker.unconsumed_tail else text


def _without_ogg_pages(data: bytes) -> bytes:
    """Return the first megabytes of an Ogg stream without page headers, which cut long comments.

    Source: RFC 3533: 27 bytes, the last of them the number of segments, then one length per segment.
    """
    pieces: list[bytes] = []
    at = size = 0
    while data[at : at + 4] == b"OggS" and at + 27 <= len(data) and size < MAX_WORKFLOW_BYTES:
        segments = data[at + 27 : at + 27 + data[at + 26]]
        start = at + 27 + len(segments)
        at = start + sum(segments)
        pieces.append(data[start:at])
        size += at - start
    return b"".join(pieces)
