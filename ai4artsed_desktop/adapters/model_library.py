"""The model files on disk, the shipped catalogue and the downloader as one library."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.engine.model_files import ModelOffer

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.downloads import Downloader, DownloadProgress
    from ai4artsed_desktop.adapters.model_catalogue import OfferedModel


class DiskModelLibrary:
    """Fits ``engine.model_files.ModelLibrary``.

    Args:
        catalogue: ``resources/models/catalogue.json``; read when it is first asked for.
        downloader: Makes the downloader when the first download begins.
        hub: Where offered models lie; another address in tests, None = the catalogue's.
    """

    def __init__(
        self, store: ModelsStore, catalogue: Path, downloader: Callable[[], Downloader], hub: str | None = None
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._downloader = downloader
        self._hub = hub
        self._offered: tuple[OfferedModel, ...] | None = None

    def offers(self) -> Sequence[ModelOffer]:
        """Return what can be downloaded, smallest first."""
        return [
            ModelOffer(
                id=model.id,
                name=model.name,
                description=model.note,
                size_bytes=model.size_bytes,
                memory_gb=model.memory_gb,
                licence=model.licence,
                languages=model.languages,
                parameters=model.parameters,
                quantisation=model.quantisation,
            )
            for model in self._models()
        ]

    async def download(self, offer_id: str, on_progress: Callable[[int, int | None], None]) -> Path:
        """Download a model into our models folder. Raises AppError."""
        model = next((m for m in self._models() if m.id == offer_id), None)
        if model is None:
            raise UnknownEntryError(kind="model", id=offer_id)

        def report(progress: DownloadProgress) -> None:
            on_progress(progress.received_bytes, progress.total_bytes)

        from ai4artsed_desktop.adapters.model_catalogue import HUB

        spec = model.download_spec(HUB if self._hub is None else self._hub)
        return await self._downloader().download(spec, self._store.folder, report)

    async def add(self, path: Path, *, copy: bool) -> Path:
        """Bring a GGUF file in, as a copy or where it lies. Raises AppError."""
        return await asyncio.to_thread(self._store.add_copy if copy else self._store.add_reference, path)

    async def remove(self, path: Path) -> None:
        """Delete our own copy, or forget a file that lies elsewhere. Raises AppError."""
        await asyncio.to_thread(self._store.remove, path)

    def _models(self) -> tuple[OfferedModel, ...]:
        if self._offered is None:
            # Imported with the first look at what there is: no run from the command line needs it.
            from ai4artsed_desktop.adapters.model_catalogue import read_model_catalogue

            self._offered = read_model_catalogue(self._catalogue)
        return self._offered
