"""What a file really is, by its first bytes: a wrong medium must not be saved under another's name (LESSONS 16)."""

from __future__ import annotations

from pathlib import Path

from ai4artsed_desktop.domain.errors import MediumMismatchError

#: Enough for every signature below.
HEAD_BYTES = 16
#: (offset, bytes, MIME type). Sources: PNG (W3C), JFIF, GIF89a, RIFF, Ogg RFC 3533, FLAC RFC 9639, ID3v2,
#: ISO/IEC 14496-12 (``ftyp`` box), Matroska (EBML header).
_SIGNATURES = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (0, b"OggS", "audio/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"ID3", "audio/mpeg"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
)


def sniff(head: bytes) -> str | None:
    """Return the MIME type that the first bytes of a file tell, or None if they tell none."""
    return next((mime for at, mark, mime in _SIGNATURES if head[at : at + len(mark)] == mark), None)


def check_content(head: bytes, mime: str) -> None:
    """Let content pass that is what its MIME type says, as far as its first bytes tell.

    Ogg, MP4 and WebM hold sound as well as video: those are let pass as either.

    Raises:
        MediumMismatchError: It is another medium, or binary data that claims to be text.
    """
    found = sniff(head)
    if found is None:
        return
    claimed, is_ = mime.partition("/")[0], found.partition("/")[0]
    is_container = found in {"audio/ogg", "video/mp4", "video/webm"} and claimed in {"audio", "video"}
    if claimed != is_ and not is_container:
        raise MediumMismatchError(declared=mime, found=found)


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
