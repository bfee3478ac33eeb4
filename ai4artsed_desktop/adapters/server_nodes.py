"""What a running ComfyUI says of its nodes, asked for outside of any run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast

from ai4artsed_desktop.adapters.local_only import NetworkGuard, is_on_this_machine
from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError


class ServerNodes:
    """Fits ``engine.workflows.NodeSource``: asks the servers in order until one answers.

    Args:
        addresses: Returns where ComfyUI may answer.
        guard: While nothing may leave the machine, servers elsewhere are not asked.
    """

    def __init__(self, addresses: Callable[[], Awaitable[Sequence[str]]], guard: NetworkGuard) -> None:
        self._addresses = addresses
        self._guard = guard

    async def object_info(self) -> Mapping[str, Mapping[str, Any]]:
        """Return ``{node class: description}``. Raises BackendUnavailableError."""
        # Imported with the first question: the HTTP client behind it would cost every start of the window.
        from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient

        last: BackendError = BackendUnavailableError("no address", backend="ComfyUI")
        for address in await self._addresses():
            if self._guard.is_on and not is_on_this_machine(address):
                continue
            async with aclosing(ComfyUiClient(address, guard=self._guard)) as client:
                try:
                    nodes = await client.object_info()
                except BackendError as exc:
                    last = exc
                    continue
                return {name: cast("dict[str, Any]", node) for name, node in nodes.items() if isinstance(node, dict)}
        raise BackendUnavailableError(last.detail, backend="ComfyUI") from last
