"""What Ollama's models take of the graphics card; fits ``engine.gpu_ports.VramSource``."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.local_only import is_on_this_machine
from ai4artsed_desktop.adapters.text_models.ollama import PROVIDER, Ollama
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.gpu import ProcessKind
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.domain.vram import VramNeed
from ai4artsed_desktop.engine.gpu_ports import VramHolder
from ai4artsed_desktop.engine.gpu_use import need_of_text_model

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.text_models.ollama_models import LoadedModel

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OllamaHolder:
    """One model in the server's memory; ``is_busy`` while it answers us (the server does not tell about others)."""

    id: str
    name: str
    used_bytes: int | None
    is_busy: bool
    ollama: Ollama
    process: ProcessKind = "ollama"

    async def free(self) -> None:
        """Let the server unload it, and wait until it has. Raises ModelError, ProviderError."""
        await self.ollama.unload(self.name)


class OllamaVram:
    """The models of an Ollama on this machine; one on another machine fills another card."""

    def __init__(self, ollama: Ollama) -> None:
        self._ollama = ollama

    async def holders(self) -> Sequence[VramHolder]:
        """Return the models that are loaded now; none where nothing answers."""
        loaded = await self._loaded()
        return [
            OllamaHolder(
                id=f"{PROVIDER}/{model.name}",
                name=model.name,
                used_bytes=model.size_vram_bytes,
                is_busy=self._ollama.is_answering(f"{PROVIDER}/{model.name}"),
                ollama=self._ollama,
            )
            for model in loaded
        ]

    async def warm(self, holder_id: str) -> bool:
        """Load a model without asking it anything. Raises ProviderError, ModelError."""
        if not any(info.id == holder_id and info.is_local for info in await self._ollama.list_models()):
            return False
        await self._ollama.load(holder_id)
        return True

    async def need_of(self, info: TextModelInfo) -> VramNeed | None:
        """Return what a model of this server needs; nothing where the server runs it on the processor."""
        if info.provider != PROVIDER or not is_on_this_machine(self._ollama.address):
            return None
        loaded = next((model for model in await self._loaded() if model.name == info.name), None)
        if loaded is not None and loaded.size_vram_bytes == 0:
            return None
        return need_of_text_model(info, "ollama", is_loaded=loaded is not None)

    async def _loaded(self) -> Sequence[LoadedModel]:
        """Ask what is loaded; nothing where nothing of this machine answers."""
        if not is_on_this_machine(self._ollama.address):
            return []
        try:
            return await self._ollama.loaded() if await self._ollama.is_there() else []
        except AppError as exc:
            _log.info("Ollama does not tell what it has loaded: %s", exc.detail)
            return []
