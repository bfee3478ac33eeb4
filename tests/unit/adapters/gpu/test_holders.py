"""Who can be asked for memory: ComfyUI servers over real sockets, and the built-in models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ai4artsed_desktop.adapters.gpu.holders import ComfyUiVram
from ai4artsed_desktop.adapters.gpu.swarmui_holder import SwarmUiVram
from ai4artsed_desktop.domain.errors import AppError
from tests.support.comfyui_client_kit import post_foreign, sampling
from tests.support.comfyui_double import running
from tests.support.swarmui_double import running as swarmui_running


@asynccontextmanager
async def source_of(*addresses: str) -> AsyncGenerator[ComfyUiVram]:
    source = ComfyUiVram(lambda: addresses)
    try:
        yield source
    finally:
        await source.aclose()


@asynccontextmanager
async def swarmui_source_of(address: str) -> AsyncGenerator[SwarmUiVram]:
    source = SwarmUiVram(lambda: address)
    try:
        yield source
    finally:
        await source.aclose()


async def test_an_idle_server_can_be_asked_to_unload() -> None:
    async with running() as double, source_of(double.url) as source:
        (holder,) = await source.holders()
        assert (holder.id, holder.name, holder.process, holder.is_busy) == ("comfyui", "ComfyUI", "comfyui", False)
        assert holder.used_bytes == 0, "a server on the processor holds nothing of a card"
        await holder.free()
        assert [path for method, path in double.requests if method == "POST"] == ["/free"]


async def test_a_server_with_a_job_is_busy_whoever_sent_it() -> None:
    async with running() as double, source_of(double.url) as source:
        hold = double.hold("3")
        await post_foreign(double, sampling())
        await double.until(lambda: double.worker.remaining)
        (holder,) = await source.holders()
        assert holder.is_busy
        hold.released.set()


async def test_no_server_and_one_on_another_machine_are_nobody() -> None:
    async with source_of("http://127.0.0.1:9", "http://192.0.2.7:8188") as source:
        assert await source.holders() == []
        assert not await source.warm("comfyui")


async def test_two_servers_are_told_apart() -> None:
    async with running() as one, running() as other, source_of(one.url, other.url) as source:
        holders = await source.holders()
    assert len({holder.id for holder in holders}) == 2 and all(h.name.startswith("ComfyUI 127.") for h in holders)


async def test_a_server_that_ends_says_so_when_it_is_asked() -> None:
    async with running() as double, source_of(double.url) as source:
        (holder,) = await source.holders()
        await double.kill()
        with pytest.raises(AppError):
            await holder.free()
        assert await source.holders() == []


async def test_something_else_at_the_address_is_nobody() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, source_of(f"http://127.0.0.1:{port}") as source:
        assert await source.holders() == []


async def test_a_swarmui_frees_what_is_behind_it() -> None:
    async with swarmui_running() as swarm, swarmui_source_of(swarm.url) as source:
        (holder,) = await source.holders()
        assert (holder.id, holder.name, holder.process, holder.is_busy) == ("swarmui", "SwarmUI", "comfyui", False)
        await holder.free()
        assert [asked["backend"] for asked in swarm.freed] == ["all"]


async def test_a_swarmui_whose_comfyui_works_is_busy() -> None:
    async with swarmui_running() as swarm, swarmui_source_of(swarm.url) as source:
        (double,) = swarm.comfyuis.values()
        hold = double.hold("3")
        await post_foreign(double, sampling())
        await double.until(lambda: double.worker.remaining)
        (holder,) = await source.holders()
        assert holder.is_busy
        hold.released.set()


async def test_a_swarmui_without_a_running_comfyui_holds_nothing() -> None:
    async with swarmui_running(comfyuis=0) as swarm, swarmui_source_of(swarm.url) as source:
        assert await source.holders() == []


async def test_no_swarmui_and_one_elsewhere_are_nobody() -> None:
    for address in ("http://127.0.0.1:9", "http://192.0.2.7:7801"):
        async with swarmui_source_of(address) as source:
            assert await source.holders() == [] and not await source.warm("swarmui")


async def test_a_swarmui_that_moved_is_found_at_its_new_address() -> None:
    async with swarmui_running() as one, swarmui_running() as other:
        address = [one.url]
        source = SwarmUiVram(lambda: address[0])
        try:
            await source.holders()
            address[0] = other.url
            (holder,) = await source.holders()
            await holder.free()
        finally:
            await source.aclose()
        assert other.freed and not one.freed
