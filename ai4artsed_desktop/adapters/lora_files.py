"""LoRA files in the folders of this machine and in the lists of the running server, with what their headers say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath, PureWindowsPath

from ai4artsed_desktop.adapters.model_folders import MediaModelFolders, model_files
from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.safetensors import (
    LoraFacts,
    SafetensorsError,
    SafetensorsHeader,
    SafetensorsIncompleteError,
    lora_facts,
    parse_safetensors_header,
)
from ai4artsed_desktop.engine.lora import LoraFileError
from ai4artsed_desktop.engine.lora_library import LoraFile

#: LoRA headers are mostly below 1 MB; longer ones are read again in full.
_FIRST_READ_BYTES = 1_000_000
#: Formats with such a header; others say nothing about themselves.
_WITH_HEADER = frozenset({".safetensors", ".sft"})
_LORAS = "loras"


class DiskLoraFiles:
    """Fits ``engine.lora_library.LoraFiles``. Headers are remembered until their files change."""

    def __init__(self, folders: MediaModelFolders) -> None:
        self._folders = folders
        self._known: dict[tuple[Path, int, int], LoraFile] = {}
        #: What only the server can read, as it told it.
        self._far: dict[str, LoraFile] = {}

    async def files(self) -> Sequence[LoraFile]:
        """Return every LoRA of the folders and of the server that runs, by name."""
        folders = await self._folders.lora_folders()
        found = {_plain(lora.name): lora for lora in reversed(await asyncio.to_thread(self._list, folders))}
        lists = await self._folders.server_lists(_LORAS)
        if lists is None:
            return _sorted(found.values())
        listed = {_plain(name) for name in lists[_LORAS]}
        found = {key: lora if key in listed else _unlisted(lora) for key, lora in found.items()}
        far = [name for name in lists[_LORAS] if _plain(name) not in found]
        said = await self._folders.server_metadata(_LORAS, [name for name in far if name not in self._far])
        self._far |= {name: _told(name, metadata) for name, metadata in said.items() if metadata}
        found |= {_plain(name): self._far.get(name, LoraFile(name)) for name in far}
        return _sorted(found.values())

    async def find(self, name: str) -> LoraFile | None:
        """Return one by its name or its path; None if it cannot be reached from here. Raises LoraFileError."""
        folders = await self._folders.lora_folders()
        found = await asyncio.to_thread(self._find, name, folders)
        if found is None:
            said = (await self._folders.server_metadata(_LORAS, [name])).get(name)
            return _told(name, said) if said else None
        if found.problem is not None:
            raise LoraFileError(found.problem.params.get("detail", ""), lora=name)
        return found

    def _list(self, folders: Sequence[Path]) -> list[LoraFile]:
        return [self._read(path, str(path.relative_to(folder))) for folder in folders for path in model_files(folder)]

    def _find(self, name: str, folders: Sequence[Path]) -> LoraFile | None:
        path = Path(name)
        if path.is_file() and (path.is_absolute() or len(path.parts) > 1 or not folders):
            return self._read(path.absolute(), server_name(path, folders))
        relative = Path(*PurePosixPath(_plain(name)).parts)
        inside = (folder / relative for folder in folders if not relative.is_absolute())
        here = next((file for file in inside if file.is_file()), path if path.is_file() else None)
        return self._read(here.absolute(), server_name(here, folders)) if here is not None else None

    def _read(self, path: Path, name: str) -> LoraFile:
        try:
            stat = path.stat()
            key = (path, stat.st_size, stat.st_mtime_ns)
            if key not in self._known:
                self._known[key] = _described(path, name, stat.st_size)
            return self._known[key]
        except (OSError, StorageError) as exc:
            return LoraFile(name, path, problem=Reason("reason.lora_unreadable", {"detail": str(exc)}))


def server_name(path: Path, folders: Sequence[Path] = ()) -> str:
    """Return what a server calls a LoRA file: its place below a LoRA folder; elsewhere, its name alone."""
    whole = path.absolute()
    for folder in folders:
        if whole.is_relative_to(folder.absolute()):
            return str(whole.relative_to(folder.absolute()))
    parts = whole.parts
    if _LORAS in parts[:-1]:
        return str(Path(*parts[parts.index(_LORAS) + 1 :]))
    return path.name


def read_safetensors_header(path: Path) -> SafetensorsHeader:
    """Read a file's header, and no more of it. Blocks.

    Raises:
        SafetensorsError: It has none, or a damaged one.
        StorageError: It cannot be read.
    """
    with translated_errors(path), path.open("rb") as file:
        start = file.read(_FIRST_READ_BYTES)
        try:
            return parse_safetensors_header(start)
        except SafetensorsIncompleteError as exc:
            return parse_safetensors_header(start + file.read(exc.needed_bytes - len(start)))


def _described(path: Path, name: str, size_bytes: int) -> LoraFile:
    if path.suffix.lower() not in _WITH_HEADER:
        return LoraFile(name, path, size_bytes)
    try:
        header = read_safetensors_header(path)
    except SafetensorsError as exc:
        return LoraFile(name, path, size_bytes, problem=Reason("reason.lora_unreadable", {"detail": str(exc)}))
    facts: LoraFacts = lora_facts(header)
    if header.file_bytes > size_bytes:
        detail = f"{size_bytes} of {header.file_bytes} bytes"
        return LoraFile(name, path, size_bytes, facts, Reason("reason.lora_cut", {"detail": detail}))
    return LoraFile(name, path, size_bytes, facts)


def _sorted(loras: Iterable[LoraFile]) -> list[LoraFile]:
    return sorted(loras, key=lambda lora: lora.name.casefold())


def _unlisted(lora: LoraFile) -> LoraFile:
    """Return a LoRA with what hinders it: it lies in a folder that the running server does not read."""
    return lora if lora.problem is not None else replace(lora, problem=Reason("reason.lora_not_listed"))


def _told(name: str, metadata: Mapping[str, str]) -> LoraFile:
    """Return a LoRA that only the server can read."""
    return LoraFile(name, facts=lora_facts(SafetensorsHeader({}, metadata, 0)))


def _plain(name: str) -> str:
    """Return a name that is the same for both kinds of slashes."""
    return PureWindowsPath(name).as_posix()
