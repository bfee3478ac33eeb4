"""Backends whose server the supervisor starts: what can be started is no problem, and its address is followed."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ai4artsed_desktop.adapters.backends.comfyui import ComfyUiBackend
from ai4artsed_desktop.adapters.backends.comfyui_pool import ComfyUiPool
from ai4artsed_desktop.adapters.backends.registry import Backends
from ai4artsed_desktop.adapters.backends.swarmui import SwarmUiBackend
from ai4artsed_desktop.adapters.comfyui_places import comfyui_places
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.model_folders import MediaModelFolders
from ai4artsed_desktop.adapters.server_nodes import ServerNodes
from ai4artsed_desktop.domain.chunks import OutputChunk
from ai4artsed_desktop.domain.errors import BackendUnavailableError
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.ports import MediaBackend, Server, SupervisedBackend
from tests.support.comfyui_double import running
from tests.support.pictures import no_places
from tests.support.swarmui_double import running as running_swarmui

CHUNK = OutputChunk.model_validate(
    {
        "name": "output_test",
        "type": "output_chunk",
        "backend_type": "comfyui",
        "media_type": "image",
        "workflow": {"1": {"class_type": "EmptyImage", "inputs": {}}},
        "output_mapping": {"node_ids": ["1"]},
    }
)
GUARD = NetworkGuard(lambda: False)


@dataclass
class FakeServer:
    """A server that is started, or not."""

    where: str | None = None
    is_startable: bool = True

    async def running(self) -> str | None:
        return self.where

    async def can_start(self) -> bool:
        return self.is_startable

    async def address(self) -> str:
        assert self.where is not None
        return self.where


def pool(address: str) -> ComfyUiPool:
    return ComfyUiPool([ComfyUiBackend(address)], GUARD)


def swarmui(address: str) -> SwarmUiBackend:
    return SwarmUiBackend(address, GUARD)


@pytest.mark.parametrize("make", [pool, swarmui])
@pytest.mark.parametrize("is_startable", [True, False])
async def test_a_server_that_can_be_started_is_no_problem(
    make: Callable[[str], ComfyUiPool | SwarmUiBackend], is_startable: bool
) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        backend = make(f"http://127.0.0.1:{held.getsockname()[1]}")
        backend.use_servers(lambda _: FakeServer(is_startable=is_startable))
        try:
            reason = await backend.problem(CHUNK)
        finally:
            await backend.aclose()
    assert (reason is None) is is_startable


async def test_a_server_that_took_another_port_is_found_there() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        backend = ComfyUiBackend(f"http://127.0.0.1:{held.getsockname()[1]}")
        async with running("new") as double:
            address = f"http://127.0.0.1:{double.port}"
            backend.use_server(FakeServer(address))
            try:
                await backend.problem(CHUNK)
                assert backend.address == address
                assert ("GET", "/system_stats") in double.requests
            finally:
                await backend.aclose()


async def test_a_swarmui_that_took_another_port_is_found_there() -> None:
    async with running_swarmui() as double:
        backend = swarmui("http://127.0.0.1:9")
        backend.use_servers(lambda _: FakeServer(double.url))
        try:
            reason = await backend.problem(CHUNK)
            assert reason is not None and reason.key == "graph.problem.no_input", "its ComfyUI was asked"
        finally:
            await backend.aclose()


@pytest.mark.parametrize("is_through_swarmui", [False, True])
async def test_nodes_and_models_are_asked_of_the_server_where_it_moved_to(is_through_swarmui: bool) -> None:
    """Both doubles are moved twice, as by two restarts: each question goes to where the service answers now."""
    settings = Settings(
        comfyui_address="http://127.0.0.1:9",
        swarmui_address="http://127.0.0.1:9",
        comfyui_through_swarmui=is_through_swarmui,
    )
    server, asked = FakeServer(), list[str]()

    def servers(name: str) -> Server:
        asked.append(name)
        return server

    nodes = ServerNodes(lambda: comfyui_places(settings, servers), GUARD)
    folders = MediaModelFolders(lambda: settings, no_places, servers)
    with pytest.raises(BackendUnavailableError):
        await nodes.object_info()
    for _ in range(2):
        async with running_swarmui() if is_through_swarmui else running("new") as double:
            server.where = double.url
            assert "EmptyImage" in await nodes.object_info()
            assert await folders.server_lists("checkpoints") == {"checkpoints": ("tiny-sd15-random.safetensors",)}
    assert set(asked) == {"swarmui" if is_through_swarmui else "comfyui"}


async def test_without_a_service_the_settings_tell_where_to_look() -> None:
    settings = Settings(comfyui_more_addresses=("http://127.0.0.1:9", "http://127.0.0.1:8188"))
    assert await comfyui_places(settings) == ("http://127.0.0.1:8188", "http://127.0.0.1:9")
    through = settings.model_copy(update={"comfyui_through_swarmui": True})
    assert await comfyui_places(through) == ("http://127.0.0.1:7801/ComfyBackendDirect",)


def test_the_registry_hands_the_servers_on() -> None:
    asked: list[str] = []

    def servers(name: str) -> Server | None:
        asked.append(name)
        return None

    backends = Backends(Settings, servers=servers)
    made: list[MediaBackend] = [backends["comfyui"], backends["swarmui"]]
    assert all(isinstance(backend, SupervisedBackend) for backend in made)
    assert asked == ["comfyui", "swarmui"]
