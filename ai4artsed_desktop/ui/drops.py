"""What was dropped on the window: text, files, model files, run folders."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QMimeData

from ai4artsed_desktop.domain.errors import NoTextError
from ai4artsed_desktop.domain.text import clean_text

#: What counts as a picture when it is dropped, and what the file dialogs offer.
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
#: Files that are recognised by their headers; GGUF files are asked about elsewhere, most are text models.
MODEL_SUFFIXES = (".safetensors", ".sft")
#: Files in which ComfyUI leaves workflows.
WORKFLOW_SUFFIXES = (".json", ".png", ".webp", ".flac", ".mp3", ".ogg", ".opus", ".mp4", ".webm")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Control characters that a text has by mistake at most; of other files they are about a tenth.
_MOST_BY_MISTAKE = 0.05
_NOT_IN_TEXTS = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
#: Name of a run folder (FORMATS: ``run_<unix ms>_<6 hex>``).
_RUN_FOLDER = re.compile(r"run_\d{10,}_[0-9a-f]{6}")


class DropKind(StrEnum):
    """What can be dropped."""

    FILES = "files"
    TEXT = "text"


class DropPlace(StrEnum):
    """Where a dropped file belongs; its words are ``drop.<value>``."""

    TEXT_MODEL = "text_model"
    JSON = "json"
    RUN = "run"
    MODEL = "model"
    PICTURE = "picture"
    WORKFLOW = "workflow"
    IDEA = "idea"


def drop_place(path: Path) -> DropPlace:
    """Return where a file belongs, by its name."""
    suffix = path.suffix.lower()
    if suffix == ".gguf":
        return DropPlace.TEXT_MODEL
    if suffix == ".json":
        return DropPlace.JSON
    if is_run_folder(path):
        return DropPlace.RUN
    if suffix in MODEL_SUFFIXES:
        return DropPlace.MODEL
    if suffix in PICTURE_SUFFIXES:
        return DropPlace.PICTURE
    return DropPlace.WORKFLOW if suffix in WORKFLOW_SUFFIXES else DropPlace.IDEA


def drop_kind(mime: QMimeData) -> DropKind | None:
    """Return what is dropped, or None if there is no place for it."""
    if local_paths(mime):
        return DropKind.FILES
    return DropKind.TEXT if mime.hasText() and mime.text().strip() else None


def local_paths(mime: QMimeData) -> list[Path]:
    """Return the files and folders of this computer among what is dropped."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def read_words(path: Path, read_bytes: Callable[[Path], bytes]) -> str:
    """Return a text file's words: UTF-8, UTF-16 where it says so, else as older Windows programs write.

    Raises:
        NoTextError: A folder, or a file of another kind.
        StorageError: It cannot be read.
    """
    if path.is_dir():
        raise NoTextError(file=path.name)
    data = read_bytes(path)
    try:
        text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", errors="replace")
    if len(_NOT_IN_TEXTS.findall(text)) > len(text) * _MOST_BY_MISTAKE:
        raise NoTextError(file=path.name)
    return clean_text(text)


def is_run_folder(path: Path) -> bool:
    """Whether a path is called like a run folder."""
    return _RUN_FOLDER.fullmatch(path.name) is not None
