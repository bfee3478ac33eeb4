"""Programs that fill graphics cards, as the arbiter sees them: ComfyUI servers of this machine, the built-in models.

A further program takes part by a source of its own, given to the engine's world or to ``engine.vram.register``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_object
from ai4artsed_desktop.adapters.local_only import HERE_ONLY, answers, is_on_this_machine
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels
from ai4artsed_desktop.adapters.text_models.llama_files import PROVIDER
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.gpu import ProcessKind
from ai4artsed_desktop.domain.text_models import TextModelInfo, TextRequest
from ai4artsed_desktop.domain.vram import VramNeed
from ai4artsed_desktop.engine.gpu_ports import VramHolder
from ai4artsed_desktop.engine.gpu_use import need_of_text_model

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient

#: A server that does not answer within this time is not asked to free anything.
LOOK_LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class ComfyUiHolder:
    """The models of one ComfyUI server, which unloads them all or none."""

    id: str
    name: str
    used_bytes: int | None
    is_busy: bool
    client: ComfyUiClient
    process: ProcessKind = "comfyui"

    async def free(self) -> None:
        """Let it unload its models; it does so between jobs. Raises BackendUnavailableError."""
        await self.client.free()


class ComfyUiVram:
    """The ComfyUI servers on this machine; fits ``engine.gpu_ports.VramSource``.

    Args:
        addresses: Returns where servers may answer; those on other machines are not ours to free.
    """

    def __init__(self, addresses: Callable[[], Sequence[str]]) -> None:
        self._addresses = addresses
        self._clients: dict[str, ComfyUiClient] = {}

    async def holders(self) -> Sequence[VramHolder]:
        """Return the servers that answer; a single one is just ``comfyui``, wherever it answers."""
        here = [address for address in dict.fromkeys(self._addresses()) if is_on_this_machine(address)]
        found = [holder for holder in await asyncio.gather(*map(self._look, here)) if holder is not None]
        return [replace(found[0], id="comfyui", name="ComfyUI")] if len(found) == 1 else found

    async def warm(self, holder_id: str) -> bool:
        """Nothing to do: a server loads what its next graph names."""
        del holder_id
        return False

    async def need_of(self, info: TextModelInfo) -> VramNeed | None:
        """Return None: it serves no text models."""
        del info

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()

    async def _look(self, address: str) -> ComfyUiHolder | None:
        if not await answers(address, HERE_ONLY):
            return None
        if address not in self._clients:
            # Imported when a server answers: the HTTP client behind it would cost every start of the window.
            from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient

            self._clients[address] = ComfyUiClient(address)
        client = self._clients[address]
        try:
            async with asyncio.timeout(LOOK_LIMIT_S):
                stats, queue = await asyncio.gather(client.system_stats(), client.queue())
        except (AppError, TimeoutError):
            return None
        if "system" not in stats:
            return None  # something else answers there
        name = f"ComfyUI {address.partition('://')[2]}"
        is_busy = bool(queue.running or queue.pending)
        return ComfyUiHolder(f"comfyui {address}", name, held_by(stats), is_busy, client)


@dataclass(frozen=True, slots=True)
class BuiltInHolder:
    """One loaded model of the built-in ones."""

    id: str
    name: str
    is_busy: bool
    models: BuiltInModels
    used_bytes: int | None = None
    process: ProcessKind = "llama_cpp"

    async def free(self) -> None:
        """Unload it, once its running requests have ended."""
        await self.models.release()


class BuiltInVram:
    """The built-in text models; fits ``engine.gpu_ports.VramSource``."""

    def __init__(self, models: BuiltInModels) -> None:
        self._models = models

    async def holders(self) -> Sequence[VramHolder]:
        """Return the models that are loaded; whether they fill a card is for the driver to say."""
        loaded = self._models.loaded().items()
        return [BuiltInHolder(i, server.info.name, self._models.is_busy(i), self._models) for i, server in loaded]

    async def warm(self, holder_id: str) -> bool:
        """Load a model by letting it say one token. Raises ModelError."""
        if not any(info.id == holder_id and info.problem is None for info in await self._models.list_models()):
            return False
        request = TextRequest(prompt=".", max_tokens=1)
        async with aclosing(self._models.stream(holder_id, request)) as deltas:
            async for _ in deltas:
                pass
        return True

    async def need_of(self, info: TextModelInfo) -> VramNeed | None:
        """Return what a model needs; nothing where llama.cpp was built without a way to a card."""
        if info.provider != PROVIDER or not await self._models.can_use_cards():
            return None
        return need_of_text_model(info, "llama_cpp", is_loaded=info.id in self._models.loaded())


def held_by(stats: JsonObject) -> int | None:
    """Return what a server's PyTorch keeps of its cards; 0 on a processor. Source: contract comfyui, system_stats."""
    devices = [as_object(device) for device in as_list(stats.get("devices"))]
    sizes = [0 if device.get("type") == "cpu" else device.get("torch_vram_total") for device in devices]
    known = [size for size in sizes if isinstance(size, int) and size >= 0]
    return sum(known) if known and len(known) == len(sizes) else None
