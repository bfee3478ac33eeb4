"""Model files as commands: what can be downloaded, downloads under way, files brought in and taken out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.domain.events import ModelsChanged
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.downloads import Downloads


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
        self._downloads = Downloads(bus)

    def offers(self) -> Sequence[ModelOffer]:
        """Return what can be downloaded, smallest first."""
        return self._library.offers()

    def active_downloads(self) -> frozenset[str]:
        """Return the ids of offers that are being downloaded."""
        return self._downloads.active()

    def start_download(self, offer_id: str) -> None:
        """Begin or resume a download; one that is under way goes on. Progress and end are events.

        Raises:
            UnknownEntryError: There is no such offer.
        """
        if all(offer.id != offer_id for offer in self._library.offers()):
            raise UnknownEntryError(kind="model", id=offer_id)
        self._downloads.start(
            offer_id, lambda tell: self._library.download(offer_id, lambda done, total: tell(done, total, ""))
        )

    def cancel_download(self, offer_id: str) -> None:
        """Stop a download; what came is kept for the next time."""
        self._downloads.cancel(offer_id)

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
        await self._downloads.aclose()
