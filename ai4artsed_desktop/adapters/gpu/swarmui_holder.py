"""What SwarmUI's ComfyUIs take of the graphics card; fits ``engine.gpu_ports.VramSource``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.gpu.holders import LOOK_LIMIT_S, held_by
from ai4artsed_desktop.adapters.local_only import HERE_ONLY, answers, is_on_this_machine
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.gpu import ProcessKind
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.domain.vram import VramNeed
from ai4artsed_desktop.engine.gpu_ports import VramHolder

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient
    from ai4artsed_desktop.adapters.backends.swarmui_client import SwarmUiClient


@dataclass(frozen=True, slots=True)
class SwarmUiHolder:
    """The models of all ComfyUIs behind one SwarmUI; figures and work are those of the first, it names no others."""

    used_bytes: int | None
    is_busy: bool
    client: SwarmUiClient
    id: str = "swarmui"
    name: str = "SwarmUI"
    process: ProcessKind = "comfyui"

    async def free(self) -> None:
        """Let every ComfyUI behind it unload its models. Raises BackendUnavailableError, BackendError."""
        await self.client.free()


class SwarmUiVram:
    """A SwarmUI on this machine; one on another machine fills another card.

    Args:
        address: Returns where it may answer.
    """

    def __init__(self, address: Callable[[], str]) -> None:
        self._address = address
        self._client: SwarmUiClient | None = None
        self._behind: ComfyUiClient | None = None

    async def holders(self) -> Sequence[VramHolder]:
        """Return SwarmUI if it answers and has a ComfyUI that runs."""
        address = self._address()
        if not is_on_this_machine(address) or not await answers(address, HERE_ONLY):
            return []
        await self._use(address)
        assert self._client is not None and self._behind is not None
        try:
            async with asyncio.timeout(LOOK_LIMIT_S):
                stats, queue = await asyncio.gather(self._behind.system_stats(), self._behind.queue())
        except (AppError, TimeoutError):
            return []  # it runs, but no ComfyUI behind it does: nothing is loaded
        if "system" not in stats:
            return []
        return [SwarmUiHolder(held_by(stats), bool(queue.running or queue.pending), self._client)]

    async def warm(self, holder_id: str) -> bool:
        """Nothing to do: a server loads what its next graph names."""
        del holder_id
        return False

    async def need_of(self, info: TextModelInfo) -> VramNeed | None:
        """Return None: it serves no text models."""
        del info

    async def aclose(self) -> None:
        """Close all connections."""
        for client in (self._behind, self._client):
            if client is not None:
                await client.aclose()
        self._client = self._behind = None

    async def _use(self, address: str) -> None:
        if self._client is not None and self._client.address != address:
            await self.aclose()
        if self._client is None:
            # Imported when a server answers: the HTTP client behind it would cost every start of the window.
            from ai4artsed_desktop.adapters.backends.swarmui_client import SwarmUiClient

            self._client = SwarmUiClient(address)
            self._behind = self._client.comfyui()
