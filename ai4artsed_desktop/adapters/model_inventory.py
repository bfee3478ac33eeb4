"""The media servers' model files on this machine: listed by folder, recognised by header, moved and brought in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from ai4artsed_desktop.adapters.file_copies import CopyStoppedError, copy_resuming
from ai4artsed_desktop.adapters.lora_files import read_safetensors_header
from ai4artsed_desktop.adapters.model_folders import (
    MODEL_SUFFIXES,
    OTHER_NAMES,
    MediaModelFolders,
    model_files,
    places,
)
from ai4artsed_desktop.adapters.storage.atomic import sync_folder, translated_errors
from ai4artsed_desktop.adapters.text_models.llama_files import read_header
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.gguf import GgufError
from ai4artsed_desktop.domain.model_kinds import kind_of, kind_of_gguf
from ai4artsed_desktop.domain.safetensors import SafetensorsError
from ai4artsed_desktop.engine.inventory import PlaceTakenError, Shelf, ShelfFile

_log = logging.getLogger(__name__)
#: Any name of a folder, in lower case → the catalogue's name.
_FOLDERS = {name.lower(): own for own, others in OTHER_NAMES.items() for name in (own, *others)}


class DiskModelShelf:
    """Fits ``engine.inventory.ModelShelf``. Headers are remembered until their files change."""

    def __init__(self, folders: MediaModelFolders) -> None:
        self._folders = folders
        self._kinds: dict[tuple[Path, int, int], str] = {}

    async def look(self, folders: Iterable[str]) -> Shelf:
        """Return every model file of the known folders, and the server's lists of ``folders``."""
        roots = await self._folders.roots()
        files = await asyncio.to_thread(lambda: [file for root in roots for file in self._below(root)])
        wanted = tuple(folders)
        return Shelf(tuple(roots), tuple(files), await self._folders.server_lists(*wanted) if wanted else None)

    async def scan(self, source: Path) -> Sequence[ShelfFile]:
        """Return the model files below a folder elsewhere, or the file itself. Raises StorageError."""
        return await asyncio.to_thread(self._scan, source)

    async def move(self, file: ShelfFile, folder: str, name: str) -> Path:
        """Move a file of a root into a folder of it. Raises PlaceTakenError, StorageError."""
        assert file.root is not None
        return await asyncio.to_thread(_move, file.path, _target(file.root, folder, name))

    async def bring_in(
        self, source: Path, root: Path, folder: str, name: str, on_progress: Callable[[int, int], None]
    ) -> Path:
        """Copy a file into a root; cancelling ends the copy and keeps what is there. Raises StorageError."""
        target = _target(root, folder, name)
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def report(done: int, total: int) -> None:
            loop.call_soon_threadsafe(on_progress, done, total)

        copying = loop.run_in_executor(None, copy_resuming, source, target, report, stop)
        try:
            await asyncio.shield(copying)
        except asyncio.CancelledError:
            stop.set()
            while not copying.done():  # the file must be closed before anybody goes on with it
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait({copying})
            if not isinstance(error := copying.exception(), CopyStoppedError | None):
                _log.info("a stopped copy ended with %s", error)
            raise
        return target

    def _below(self, root: Path) -> Iterator[ShelfFile]:
        for path in model_files(root):
            first, *rest = path.relative_to(root).parts
            folder = _FOLDERS.get(first.lower(), first) if rest else ""
            name = "/".join(rest) or first
            if (file := self._described(path, root, folder, name)) is not None:
                yield file

    def _scan(self, source: Path) -> list[ShelfFile]:
        with translated_errors(source):
            source.stat()
            is_file = source.is_file()
        paths = [source] if is_file and source.suffix.lower() in MODEL_SUFFIXES else []
        found = paths if is_file else model_files(source)
        return [file for path in found if (file := self._described(path, None, "", path.name)) is not None]

    def _described(self, path: Path, root: Path | None, folder: str, name: str) -> ShelfFile | None:
        try:
            stat = path.stat()
            key = (path, stat.st_size, stat.st_mtime_ns)
            if key not in self._kinds:
                self._kinds[key] = _kind(path)
        except OSError as exc:
            _log.info("%s cannot be read: %s", path, exc)
            return None
        return ShelfFile(path, root, folder, name, stat.st_size, self._kinds[key])


def _kind(path: Path) -> str:
    """Return the folder a file belongs in by its header, "" if it does not say."""
    try:
        if path.suffix.lower() == ".gguf":
            kind = kind_of_gguf(read_header(path))
        elif path.suffix.lower() in (".safetensors", ".sft"):
            kind = kind_of(read_safetensors_header(path))
        else:
            kind = None
    except (GgufError, SafetensorsError, StorageError) as exc:
        _log.info("%s does not say what it is: %s", path, exc)
        return ""
    return kind.value if kind is not None else ""


def _target(root: Path, folder: str, name: str) -> Path:
    """Return where a file belongs: in the folder that is there, under whichever of its names."""
    there = places(root, folder)
    return (there[0] if there else root / folder) / name


def _move(source: Path, target: Path) -> Path:
    with translated_errors(target):
        if target.exists():
            raise PlaceTakenError(path=str(target))
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.stat().st_dev == target.parent.stat().st_dev:
            source.rename(target)
            sync_folder(target.parent)
        else:
            copy_resuming(source, target, lambda done, total: None, threading.Event())
            source.unlink()
    return target
