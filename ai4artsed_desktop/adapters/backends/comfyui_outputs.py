"""What a job made: files and texts out of a history entry's free-form ``outputs``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_object, as_text

#: Extension → MIME type. Types by RFC 2046 ff., IANA registry; WAV as RFC 2361 has no single one.
MIMES: Mapping[str, str] = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "flac": "audio/flac",
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "ogg": "audio/ogg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "txt": "text/plain",
    "md": "text/markdown",
    "json": "application/json",
}


def extension_of(mime: str) -> str:
    """Return the extension of a MIME type, ``bin`` for an unknown one."""
    return next((extension for extension, known in MIMES.items() if known == mime), "bin")


@dataclass(frozen=True, slots=True)
class OutputFile:
    """One file on the server. ``type`` is ``output``, ``temp`` or ``input``; names are never parsed for meaning."""

    node_id: str
    filename: str
    subfolder: str = ""
    type: str = "output"

    @property
    def extension(self) -> str:
        """File name extension in lower case, without the dot."""
        return PurePosixPath(self.filename).suffix.lower().removeprefix(".")

    @property
    def mime(self) -> str | None:
        """MIME type by the extension, None for what is no medium (a latent, a model)."""
        return MIMES.get(self.extension)

    @property
    def kind(self) -> str | None:
        """``image``, ``audio``, ``video``, ``text``, or None for what is no medium."""
        mime = self.mime
        if mime is None:
            return None
        kind = mime.partition("/")[0]
        return "text" if kind == "application" else kind


@dataclass(frozen=True, slots=True)
class OutputText:
    """One text that a node shows as its result."""

    node_id: str
    text: str


Output = OutputFile | OutputText


def read_outputs(outputs: JsonObject) -> Iterator[Output]:
    """Yield every file (any object with a ``filename``, under any key) and every text, in the server's order."""
    for node_id, ui in outputs.items():
        for key, items in as_object(ui).items():
            for item in as_list(items):
                entry = as_object(item)
                if filename := as_text(entry.get("filename")):
                    yield OutputFile(
                        node_id, filename, as_text(entry.get("subfolder")), as_text(entry.get("type")) or "output"
                    )
                elif key == "text" and isinstance(item, str):
                    yield OutputText(node_id, item)


def choose_outputs(outputs: Sequence[Output], node_ids: Sequence[str], wants_text: bool) -> list[Output]:
    """Return the outputs that are results.

    With ``node_ids`` those of these nodes. Without, all files that are media; what a workflow only shows (``temp``) or
    says counts if there is nothing else, or, for texts, if a text is wanted.
    """
    media = [item for item in outputs if isinstance(item, OutputText) or item.mime is not None]
    if node_ids:
        return [item for item in media if item.node_id in node_ids]
    files = [item for item in media if isinstance(item, OutputFile)]
    saving = {item.node_id for item in files}  # a node that saves its text also says it
    texts: list[Output] = [item for item in media if isinstance(item, OutputText) and item.node_id not in saving]
    lasting: list[Output] = [item for item in files if item.type == "output"]
    chosen = lasting or list[Output](files)
    return [*chosen, *texts] if wants_text or not chosen else chosen
