"""Model files as commands: what can be downloaded, downloads under way, files brought in and taken out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed, ModelsChanged
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.rates import RateMeter
from ai4artsed_desktop.engine.runs import as_error_info
from ai4artsed_desktop.engine.tasks import TaskScope

#: Progress is announced at most this often; a fast disk would else flood the bus.
_ANNOUNCE_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """One model that can be downloaded; sizes in bytes, memory while loaded in GB (10^9 bytes)."""

    id: str
    name: str
    description: Mapping[str, str]
    size_bytes: int
    memory_gb: float
    licence: str
    languages: tuple[str, ...]
    parameters: int
    quantisation: str


class ModelLibrary(Protocol):
    """Where model files lie and where they come from."""

    def offers(self) -> Sequence[ModelOffer]:
        """Return what can be downloaded, smallest first."""
        ...

    async def download(self, offer_id: str, on_progress: Callable[[int, int | None], None]) -> Path:
        """Download a model; ``on_progress`` gets bytes done and in all. Cancelling keeps what came. Raises AppError."""
        ...

    async def add(self, path: Path, *, copy: bool) -> Path:
        """Bring a GGUF file in, as a copy or where it lies. Raises AppError."""
        ...

    async def remove(self, path: Path) -> None:
        """Delete our own copy, or forget a file that lies elsewhere. Raises AppError."""
        ...


class ModelFileService:
    """Downloads in the background, one task each; everything else is quick."""

    def __init__(self, bus: EventBus, library: ModelLibrary) -> None:
        self._bus = bus
        self._library = library
        self._scope = TaskScope("downloads")
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def offers(self) -> Sequence[ModelOffer]:
        """Return what can be downloaded, smallest first."""
        return self._library.offers()

    def active_downloads(self) -> frozenset[str]:
        """Return the ids of offers that are being downloaded."""
        return frozenset(self._tasks)

    def start_download(self, offer_id: str) -> None:
        """Begin or resume a download; one that is under way goes on. Progress and end are events.

        Raises:
            UnknownEntryError: There is no such offer.
        """
        if all(offer.id != offer_id for offer in self._library.offers()):
            raise UnknownEntryError(kind="model", id=offer_id)
        if offer_id not in self._tasks:
            self._tasks[offer_id] = self._scope.spawn(
                self._download(offer_id), name=offer_id, on_done=lambda task: self._ended(offer_id, task)
            )

    def cancel_download(self, offer_id: str) -> None:
        """Stop a download; what came is kept for the next time."""
        if (task := self._tasks.get(offer_id)) is not None:
            task.cancel()

    async def import_file(self, path: Path, *, copy: bool) -> Path:
        """Bring in a GGUF file and return where it is used from. Raises AppError."""
        placed = await self._library.add(path, copy=copy)
        self._bus.publish(ModelsChanged())
        return placed

    async def remove(self, path: Path) -> None:
        """Delete our own copy, or forget a file that lies elsewhere. Raises AppError."""
        await self._library.remove(path)
        self._bus.publish(ModelsChanged())

    async def aclose(self) -> None:
        """Stop every download."""
        await self._scope.aclose()

    async def _download(self, offer_id: str) -> None:
        meter = RateMeter()
        announced_s = 0.0
        loop = asyncio.get_running_loop()

        def on_progress(done_bytes: int, total_bytes: int | None) -> None:
            nonlocal announced_s
            now_s = loop.time()
            meter.add(now_s, done_bytes)
            if now_s - announced_s >= _ANNOUNCE_EVERY_S or done_bytes == total_bytes:
                announced_s = now_s
                self._bus.publish(DownloadProgressed(offer_id, done_bytes, total_bytes, meter.per_s()))

        await self._library.download(offer_id, on_progress)

    def _ended(self, offer_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[offer_id]
        if task.cancelled():
            self._bus.publish(DownloadEnded(offer_id, is_cancelled=True))
            return
        error = task.exception()
        self._bus.publish(DownloadEnded(offer_id, as_error_info(error) if error is not None else None))
        if error is None:
            self._bus.publish(ModelsChanged())
