"""The model inventory: what each output needs, what is here, what lies in the wrong place, what is missing.

Moving and importing happen on request only; nothing is ever deleted or replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ai4artsed_desktop.domain.configs import ModelFile
from ai4artsed_desktop.domain.errors import InputError, StorageError, UnknownEntryError
from ai4artsed_desktop.domain.events import ModelsChanged
from ai4artsed_desktop.domain.object_info import listed_name
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.downloads import Downloads, ProgressListener

NeedState = Literal["here", "misplaced", "missing"]


class NoModelFolderError(InputError):
    """No folder of a media server is known, so nothing can be put into one."""

    code = "error.inventory.no_folder"


class NoModelFileError(InputError):
    """A file is no model, or none that is known here. Params: ``path``."""

    code = "error.inventory.no_model"


class PlaceTakenError(StorageError):
    """Another file has the name already; neither is touched. Params: ``path``."""

    code = "error.inventory.taken"


class CopyDamagedError(StorageError):
    """A copy is not what was copied. Params: ``path``."""

    code = "error.inventory.copy_damaged"


@dataclass(frozen=True, slots=True)
class ShelfFile:
    """One model file on this machine.

    Attributes:
        root: The folder above ``checkpoints``, ``loras`` …; None = it lies elsewhere.
        folder: The kind of folder it lies in (the catalogue's name for it); ``""`` = none that is known.
        name: Its place below that folder, with ``/``: what a graph calls it.
        kind: The folder it belongs in, by its header; ``""`` = the header does not say.
    """

    path: Path
    root: Path | None
    folder: str
    name: str
    size_bytes: int
    kind: str = ""

    @property
    def is_misplaced(self) -> bool:
        """Whether its header says that it belongs into another folder."""
        return bool(self.kind and self.folder and self.kind != self.folder)


@dataclass(frozen=True, slots=True)
class Shelf:
    """One look. ``server`` holds a running server's lists by folder; None = no server answers."""

    roots: tuple[Path, ...]
    files: tuple[ShelfFile, ...]
    server: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One file that outputs need.

    Attributes:
        outputs: Ids of the outputs that need it.
        state: ``misplaced``: a file of that name is here, but not where a server looks for it.
        path: Where it is; None = nowhere, or only the server knows.
    """

    file: ModelFile
    outputs: tuple[str, ...]
    state: NeedState
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class InventoryReport:
    """What is here and what is not. ``misplaced`` are files whose header belongs into another folder."""

    roots: tuple[Path, ...]
    has_server: bool
    needs: tuple[Need, ...]
    misplaced: tuple[ShelfFile, ...]

    def of_output(self, output_id: str) -> tuple[Need, ...]:
        """Return the files of one output."""
        return tuple(need for need in self.needs if output_id in need.outputs)

    @property
    def missing_gb(self) -> float:
        """Size of all that is missing, as far as it is known, in GB (10^9 bytes)."""
        return sum(need.file.size_gb or 0.0 for need in self.needs if need.state == "missing")


@dataclass(frozen=True, slots=True)
class ImportCandidate:
    """A model file outside of the folders that could be brought in; ``folder`` is where it would go."""

    path: Path
    name: str
    folder: str
    size_bytes: int
    is_needed: bool


class ModelShelf(Protocol):
    """The disk and the server."""

    async def look(self, folders: Iterable[str]) -> Shelf:
        """Return every model file of the known folders, and the server's lists of ``folders``."""
        ...

    async def scan(self, source: Path) -> Sequence[ShelfFile]:
        """Return the model files below a folder elsewhere, or the file itself. Raises StorageError."""
        ...

    async def move(self, file: ShelfFile, folder: str, name: str) -> Path:
        """Move a file of a root into a folder of it, under ``name``, and return where it is now.

        Raises:
            PlaceTakenError, StorageError.
        """
        ...

    async def bring_in(
        self, source: Path, root: Path, folder: str, name: str, on_progress: Callable[[int, int], None]
    ) -> Path:
        """Copy a file into a root, hashed; a copy that broke off is gone on with. Cancelling keeps what was copied.

        Raises:
            PlaceTakenError, CopyDamagedError, StorageError, DiskFullError.
        """
        ...


class Inventory:
    """Looks, moves and imports. ``shelf`` None = there is no disk to look at."""

    def __init__(self, bus: EventBus, catalog: Callable[[], Catalog], shelf: ModelShelf | None = None) -> None:
        self._bus = bus
        self._catalog = catalog
        self._shelf = shelf
        self._imports = Downloads(bus)

    async def look(self) -> InventoryReport:
        """Return what every output needs and where it is."""
        wanted = _wanted(self._catalog())
        folders = dict.fromkeys(file.folder for file, _ in wanted.values() if file.folder)
        shelf = await self._shelf.look(folders) if self._shelf is not None else Shelf((), ())
        needs = tuple(_need(file, outputs, shelf) for file, outputs in wanted.values())
        return InventoryReport(
            shelf.roots, shelf.server is not None, needs, tuple(file for file in shelf.files if file.is_misplaced)
        )

    async def move(self, path: Path) -> Path:
        """Move a misplaced file to where it belongs, and return where it is now.

        Raises:
            UnknownEntryError: It is not misplaced, or in none of the known folders.
            PlaceTakenError, StorageError.
        """
        report = await self.look()
        shelf = await self._the_shelf().look(())
        file = next((file for file in shelf.files if file.path == path), None)
        need = next((need for need in report.needs if need.state == "misplaced" and need.path == path), None)
        if file is None or (need is None and not file.is_misplaced):
            raise UnknownEntryError(kind="misplaced file", id=str(path))
        folder, name = (need.file.folder, need.file.name) if need is not None else (file.kind, path.name)
        moved = await self._the_shelf().move(file, folder, name)
        self._bus.publish(ModelsChanged())
        return moved

    async def candidates(self, source: Path) -> tuple[ImportCandidate, ...]:
        """Return what of a folder (or one file) could be brought in: what outputs need first, then by header.

        Raises:
            StorageError: It cannot be read.
        """
        report = await self.look()
        needs = {need.file.name.rpartition("/")[2]: need for need in report.needs}
        found: list[ImportCandidate] = []
        for file in await self._the_shelf().scan(source):
            need = needs.get(file.path.name)
            folder = need.file.folder if need is not None else file.kind
            if folder:
                name = need.file.name if need is not None else file.path.name
                is_needed = need is not None and need.state == "missing"
                found.append(ImportCandidate(file.path, name, folder, file.size_bytes, is_needed))
        return tuple(sorted(found, key=lambda candidate: (not candidate.is_needed, candidate.name)))

    async def start_import(self, candidate: ImportCandidate) -> None:
        """Begin or resume to copy a file in; one under way goes on. Progress and end are events of its name.

        Raises:
            NoModelFolderError: There is no folder to put it into.
        """
        shelf = await self._the_shelf().look(())
        if not shelf.roots:
            raise NoModelFolderError
        root = shelf.roots[0]

        async def bring_in(on_progress: ProgressListener) -> None:
            await self._the_shelf().bring_in(
                candidate.path, root, candidate.folder, candidate.name, lambda done, total: on_progress(done, total, "")
            )

        self._imports.start(candidate.name, bring_in)

    def active_imports(self) -> frozenset[str]:
        """Return the names of files that are being copied."""
        return self._imports.active()

    def cancel_import(self, name: str) -> None:
        """Stop a copy; what was copied is kept for the next time."""
        self._imports.cancel(name)

    async def aclose(self) -> None:
        """Stop every copy."""
        await self._imports.aclose()

    def _the_shelf(self) -> ModelShelf:
        if self._shelf is None:
            raise NoModelFolderError
        return self._shelf


def _wanted(catalog: Catalog) -> dict[tuple[str, str], tuple[ModelFile, tuple[str, ...]]]:
    """Return each file once, with the outputs that need it."""
    wanted: dict[tuple[str, str], tuple[ModelFile, tuple[str, ...]]] = {}
    for config in catalog.sorted_outputs():
        for file in config.meta.model_files:
            _, outputs = wanted.get((file.folder, file.name), (file, ()))
            wanted[file.folder, file.name] = (file, (*outputs, config.id))
    return wanted


def _need(file: ModelFile, outputs: tuple[str, ...], shelf: Shelf) -> Need:
    own = {f.name: f.path for f in reversed(shelf.files) if f.folder == file.folder}
    listed = listed_name(file.name, (shelf.server or {}).get(file.folder, ()))
    here = listed_name((listed or file.name).replace("\\", "/"), own)
    if here is not None or listed is not None:  # in whichever subfolder: a graph is sent with the server's name for it
        return Need(file, outputs, "here", own.get(here or ""))
    wanted = file.name.rpartition("/")[2]
    elsewhere = next((f.path for f in shelf.files if f.path.name == wanted), None)
    return Need(file, outputs, "misplaced" if elsewhere is not None else "missing", elsewhere)
