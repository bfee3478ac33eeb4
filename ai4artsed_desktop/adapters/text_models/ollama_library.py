"""Bringing models into an Ollama server and out of it: download, deletion, import of a GGUF file."""

from __future__ import annotations

import asyncio
import hashlib
import re
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.text_models.ollama_store import StoredModel, copy_model, default_store, list_store
from ai4artsed_desktop.adapters.text_models.ollama_wire import DEFAULT_HOST, NAME, PullStep, full_name, pull_step
from ai4artsed_desktop.domain.errors import InputError, ProviderError, StorageError
from ai4artsed_desktop.domain.events import DownloadPart
from ai4artsed_desktop.engine.downloads import ProgressListener

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.text_models.ollama_http import OllamaHttp

_PIECE_BYTES = 4 * 1024 * 1024

#: [host/][namespace/]model[:tag]; each part as Ollama allows it (its docs, "model naming").
_NAME = re.compile(r"(?:[\w][\w.-]*(?::\d+)?/)?(?:[\w-][\w.-]*/)?[\w][\w.-]*(?::[\w][\w.-]*)?", re.ASCII)

#: The server's words → ours. Other words of its are progress of a layer, or nothing a person waits for.
_STEPS = {
    "pulling manifest": "pull.step.manifest",
    "verifying sha256 digest": "pull.step.verifying",
    "writing manifest": "pull.step.writing",
    "removing unused layers": "pull.step.writing",
    "parsing GGUF": "pull.step.reading",
}


class OllamaLibrary:
    """Fits ``engine.served_models.ModelServer``.

    Args:
        address: Asked for with each work: it may change.
    """

    def __init__(self, address: Callable[[], str], guard: NetworkGuard) -> None:
        self._address = address
        self._guard = guard

    async def pull(self, name: str, on_progress: ProgressListener) -> None:
        """Let the server download a model. What an earlier try brought is not downloaded again; cancelling keeps it.

        Raises:
            InputError: That is no model name.
            LocalOnlyError: Nothing may leave the machine.
            ProviderError: As ProviderUnavailableError too; ``detail`` has the server's words.
        """
        name = _checked(name)
        self._guard.check(_host(name))
        http = self._connect()
        layers: dict[str, DownloadPart] = {}
        try:
            async with aclosing(http.events("/api/pull", {"model": name, "stream": True})) as events:
                async for event in events:
                    step = pull_step(event)
                    if step.is_end:
                        return
                    if step.digest:
                        layers[step.digest] = _layer(step)
                    done = sum(layer.done_bytes for layer in layers.values())
                    total = sum(layer.total_bytes for layer in layers.values())
                    on_progress(done, total or None, _STEPS.get(step.status, ""), tuple(layers.values()))
            raise ProviderError("the download broke off without an end mark", provider=NAME)
        finally:
            await http.aclose()

    async def delete(self, name: str) -> None:
        """Delete a model from the server's disk. Raises InputError, ProviderError."""
        http = self._connect()
        try:
            await http.ask("DELETE", "/api/delete", {"model": _checked(name)})
        finally:
            await http.aclose()

    async def import_gguf(self, path: Path, name: str, on_progress: ProgressListener) -> None:
        """Bring a GGUF file into the server under a name; for a while it lies on the disk twice.

        Raises:
            InputError, StorageError, ProviderError.
        """
        name = _checked(name)
        http = self._connect()
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
            on_progress(0, size, "pull.step.hashing")
            blob = f"sha256:{await asyncio.to_thread(_hash, path)}"
            if not await http.has(f"/api/blobs/{blob}"):
                await http.send_file(f"/api/blobs/{blob}", _pieces(path, size, on_progress), size)
            await self._create(http, name, path.name, blob, lambda words: on_progress(size, size, words))
        except OSError as exc:
            raise StorageError(str(exc), path=str(path)) from exc
        finally:
            await http.aclose()

    def _connect(self) -> OllamaHttp:
        # Imported with the first work: the HTTP client behind it would cost every start of the window.
        from ai4artsed_desktop.adapters.text_models.ollama_http import OllamaHttp

        return OllamaHttp(self._address(), self._guard)

    async def list_store(self, store: Path | None) -> Sequence[StoredModel]:
        """Return what lies in a store on disk, None = this machine's own. Raises StorageError."""
        return await asyncio.to_thread(list_store, store or default_store())

    async def copy(self, name: str, source: Path | None, target: Path | None, on_progress: ProgressListener) -> None:
        """Copy a model between two stores, None = this machine's own; see ``copy_model``. Works without a network.

        Raises:
            ModelMissingError, ChecksumError, DiskFullError, StorageError.
        """
        loop = asyncio.get_running_loop()
        is_wanted = threading.Event()
        is_wanted.set()

        def tell(done: int, total: int) -> None:
            if not is_wanted.is_set():
                raise StorageError("cancelled", path=str(target))
            loop.call_soon_threadsafe(on_progress, done, total, "")

        work = asyncio.to_thread(copy_model, source or default_store(), target or default_store(), name, tell)
        try:
            await work
        finally:
            is_wanted.clear()  # a cancelled copy ends with its next piece; a thread cannot be ended from outside

    async def _create(
        self, http: OllamaHttp, name: str, file_name: str, blob: str, tell: Callable[[str], None]
    ) -> None:
        body = {"model": name, "files": {file_name: blob}, "stream": True}
        async with aclosing(http.events("/api/create", body)) as events:
            async for event in events:
                step = pull_step(event)
                if step.is_end:
                    return
                tell(_STEPS.get(step.status, ""))
        raise ProviderError("the import broke off without an end mark", provider=NAME)


def _checked(name: str) -> str:
    name = name.strip()
    if not _NAME.fullmatch(name) or len(name) > 300:
        raise InputError(f"no model name: {name[:100]!r}")
    return full_name(name)


def _layer(step: PullStep) -> DownloadPart:
    return DownloadPart(step.digest.removeprefix("sha256:")[:12], step.done_bytes, step.total_bytes)


def _host(name: str) -> str:
    """Where a model is downloaded from: the first part of its name if it is a host, else Ollama's own registry."""
    first, slash, _ = name.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first)
    return first.partition(":")[0] if is_host else DEFAULT_HOST


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _pieces(path: Path, size_bytes: int, on_progress: ProgressListener) -> AsyncIterator[bytes]:
    file: BinaryIO = await asyncio.to_thread(path.open, "rb")
    sent = 0
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece
            sent += len(piece)
            on_progress(sent, size_bytes, "")
    finally:
        file.close()
