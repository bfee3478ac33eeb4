"""Where the ComfyUIs answer that make our media, wherever the services behind them have moved to."""

from __future__ import annotations

from collections.abc import Callable

from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.ports import Server

#: Returns the server of a service by its name, None if nothing starts it.
Servers = Callable[[str], Server | None]


def no_servers(name: str) -> Server | None:
    """Know of no service: only the settings tell where servers are."""
    del name
    return None


async def comfyui_places(settings: Settings, servers: Servers = no_servers) -> tuple[str, ...]:
    """Return the addresses at which to look for a ComfyUI, the likeliest first; nothing is started.

    A service answers at another port than the settings say when that one was taken as it started. A SwarmUI passes
    questions on to its own ComfyUI, whose port changes with every restart.
    """
    if settings.comfyui_through_swarmui:
        return (f"{await _running('swarmui', servers) or settings.swarmui_address}/ComfyBackendDirect",)
    running = await _running("comfyui", servers)
    known = (settings.comfyui_address, *settings.comfyui_more_addresses)
    return tuple(dict.fromkeys((running, *known) if running is not None else known))


async def _running(name: str, servers: Servers) -> str | None:
    server = servers(name)
    return None if server is None else await server.running()
