"""The models of a model server (Ollama) as commands: download, deletion, import, copies to a stick and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ai4artsed_desktop.domain.events import ModelsChanged
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.downloads import Downloads, ProgressListener, Transfer

#: First part of these models' ids, and of their names in download events.
SERVER = "ollama"


class StoredModelInfo(Protocol):
    """One model in a store on disk."""

    @property
    def name(self) -> str:
        """As it is asked for: ``qwen3:8b``."""
        ...

    @property
    def size_bytes(self) -> int:
        """All its files together."""
        ...

    @property
    def problem(self) -> str:
        """Language-file key of what is wrong with it, "" for nothing."""
        ...


class ModelServer(Protocol):
    """The server's side of it."""

    async def pull(self, name: str, on_progress: ProgressListener) -> None:
        """Let the server download a model; cancelling keeps what came. Raises AppError."""
        ...

    async def delete(self, name: str) -> None:
        """Delete a model. Raises AppError."""
        ...

    async def import_gguf(self, path: Path, name: str, on_progress: ProgressListener) -> None:
        """Bring a GGUF file in under a name. Raises AppError."""
        ...

    async def list_store(self, store: Path | None) -> Sequence[StoredModelInfo]:
        """Return what lies in a store on disk, None = this machine's own. Raises AppError."""
        ...

    async def copy(self, name: str, source: Path | None, target: Path | None, on_progress: ProgressListener) -> None:
        """Copy a model between two stores on disk, None = this machine's own, checking every file. Raises AppError."""
        ...


class ServedModels:
    """Long works run in the background; ``DownloadProgressed`` and ``DownloadEnded`` tell of ``ollama/<name>``."""

    def __init__(self, bus: EventBus, server: ModelServer) -> None:
        self._bus = bus
        self._server = server
        self._downloads = Downloads(bus)

    def active(self) -> frozenset[str]:
        """Return the names (``ollama/qwen3:8b``) of works under way."""
        return self._downloads.active()

    def start_pull(self, name: str) -> None:
        """Begin or resume a download by the server."""
        self._start(name, lambda tell: self._server.pull(name, tell))

    def start_import(self, path: Path, name: str) -> None:
        """Begin to bring in a GGUF file under a name."""
        self._start(name, lambda tell: self._server.import_gguf(path, name, tell))

    def start_copy_out(self, name: str, folder: Path) -> None:
        """Begin to copy a model into a folder (a stick): ``list_store`` reads it, ``start_copy_in`` brings it back."""
        self._start(name, lambda tell: self._server.copy(name, None, folder, tell))

    def start_copy_in(self, name: str, folder: Path) -> None:
        """Begin to copy a model from a folder into this machine's store; a running server sees it at once."""
        self._start(name, lambda tell: self._server.copy(name, folder, None, tell))

    def cancel(self, name: str) -> None:
        """Stop a work; what came is kept for the next time."""
        self._downloads.cancel(f"{SERVER}/{name}")

    async def delete(self, name: str) -> None:
        """Delete a model from the server's disk. Raises AppError."""
        await self._server.delete(name)
        self._bus.publish(ModelsChanged())

    async def list_store(self, folder: Path | None = None) -> Sequence[StoredModelInfo]:
        """Return what lies in a folder that models were copied to, None = this machine's own store. Raises AppError."""
        return await self._server.list_store(folder)

    async def aclose(self) -> None:
        """Stop every work."""
        await self._downloads.aclose()

    def _start(self, name: str, transfer: Transfer) -> None:
        self._downloads.start(f"{SERVER}/{name}", transfer)
