"""Several ComfyUI servers as one backend."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from ai4artsed_desktop.adapters.backends.comfyui import ComfyUiBackend, make_backend
from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient
from ai4artsed_desktop.adapters.backends.comfyui_pool import ComfyUiPool
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.backend_errors import BackendStoppedError, NodeFailedError
from ai4artsed_desktop.domain.chunks import OutputChunk
from ai4artsed_desktop.domain.errors import BackendUnavailableError, LocalOnlyError, NotRunnableError
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.ports import MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from tests.support.comfyui_client_kit import SHORT, WHOLE_TEST_S, post_foreign, sampling, saving
from tests.support.comfyui_double import ComfyUiDouble, running
from tests.support.comfyui_nodes import png
from tests.support.comfyui_records import graph_of


def request_for(graph: dict[str, Any], *, local_only: bool = False) -> MediaRequest:
    """Return what the engine hands to the backend."""
    raw = {"name": "output_test", "type": "output_chunk", "backend_type": "comfyui", "media_type": "image"}
    return MediaRequest(OutputChunk.model_validate({**raw, "workflow": graph}), {}, graph=graph, local_only=local_only)


@asynccontextmanager
async def pool_of(count: int, *, local_only: bool = False) -> AsyncGenerator[tuple[ComfyUiPool, list[ComfyUiDouble]]]:
    """Give a pool over so many doubles."""
    async with AsyncExitStack() as stack:
        doubles = [await stack.enter_async_context(running()) for _ in range(count)]
        servers = [ComfyUiBackend(double.url, ComfyUiClient(double.url, limits=SHORT)) for double in doubles]
        pool = ComfyUiPool(servers, NetworkGuard(lambda: local_only))
        stack.push_async_callback(pool.aclose)
        async with asyncio.timeout(WHOLE_TEST_S):
            yield pool, doubles


async def made_by(pool: ComfyUiPool, request: MediaRequest) -> list[ProducedMedium]:
    """Run a request and return its media."""
    async with aclosing(pool.generate(request)) as updates:
        return [update async for update in updates if isinstance(update, ProducedMedium)]


async def test_jobs_go_to_the_server_with_the_least_to_do() -> None:
    async with pool_of(3) as (pool, doubles):
        holds = [double.hold("1") for double in doubles]
        foreign = [await post_foreign(doubles[0], saving(90 + n, f"f{n}")) for n in range(3)]
        await holds[0].reached.wait()
        graphs = [saving(number, f"p{number}") for number in range(6)]
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(made_by(pool, request_for(graph))) for graph in graphs]
            for double in doubles[1:]:
                await double.until(lambda double=double: len(double.posted) == 3)
            assert len(doubles[0].posted) == len(foreign)
            assert await pool.load() == 9
            for hold in holds:
                hold.released.set()
    assert [job.result()[0].data for job in jobs] == [png(graph, "2") for graph in graphs]


async def test_each_medium_says_which_server_made_it() -> None:
    async with pool_of(2) as (pool, doubles):
        (medium,) = await made_by(pool, request_for(saving()))
    assert medium.metadata["address"] == doubles[0].url


async def test_a_server_that_stops_in_the_middle_hands_its_job_to_another() -> None:
    async with pool_of(2) as (pool, doubles):
        hold = doubles[0].hold("3", step=1)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(made_by(pool, request_for(sampling())))
            await hold.reached.wait()
            await doubles[0].kill()
        assert job.result()[0].data == png(sampling(), "9")
        assert len(doubles[1].posted) == 1
        await doubles[0].start()


async def test_a_job_that_fails_is_not_tried_on_every_server() -> None:
    failing = replace(request_for(saving()), graph=graph_of("new", "09"))
    async with pool_of(2) as (pool, doubles):
        with pytest.raises(NodeFailedError):
            await made_by(pool, failing)
        assert [len(double.posted) for double in doubles] == [1, 0]


async def test_when_all_have_stopped_the_last_one_s_error_counts() -> None:
    async with pool_of(2) as (pool, doubles):
        hold = doubles[0].hold("3", step=1)
        with pytest.raises((NotRunnableError, BackendUnavailableError)):
            async with aclosing(pool.generate(request_for(sampling()))) as updates:
                async for _ in updates:
                    if hold.reached.is_set():
                        for double in doubles:
                            await double.kill()
        for double in doubles:
            await double.start()


async def test_a_server_that_cannot_say_what_it_has_gets_no_job() -> None:
    async with pool_of(2) as (pool, doubles):
        doubles[0].faults.statuses["/object_info"] = [500] * 99
        assert await pool.problem(request_for(sampling()).chunk) is None
        await made_by(pool, request_for(sampling()))
        assert [len(double.posted) for double in doubles] == [0, 1]


async def test_a_job_goes_where_the_chosen_model_file_is() -> None:
    chosen = sampling()
    chosen["4"]["inputs"]["ckpt_name"] = "special.safetensors"
    async with pool_of(2) as (pool, doubles):
        doubles[1].more_checkpoints = ["special.safetensors"]
        await made_by(pool, replace(request_for(sampling()), graph=chosen))
        assert [len(double.posted) for double in doubles] == [0, 1]


async def test_a_single_server_is_used_without_questions() -> None:
    async with pool_of(1) as (pool, doubles):
        await made_by(pool, request_for(saving()))
        assert ("GET", "/object_info") not in doubles[0].requests
        assert ("GET", "/prompt") not in doubles[0].requests
        hold = doubles[0].hold("3", step=1)
        with pytest.raises(BackendStoppedError):
            async with aclosing(pool.generate(request_for(sampling()))) as updates:
                async for _ in updates:
                    if hold.reached.is_set():
                        await doubles[0].kill()
        await doubles[0].start()


@pytest.mark.parametrize("by_setting", [True, False], ids=["setting", "config"])
async def test_with_local_only_a_remote_server_gets_nothing(by_setting: bool) -> None:
    async with running() as double:
        here = ComfyUiBackend(double.url, ComfyUiClient(double.url, limits=SHORT))
        there = ComfyUiBackend("http://192.0.2.9:8188")
        pool = ComfyUiPool([there, here], NetworkGuard(lambda: by_setting))
        assert pool.is_local
        request = request_for(saving(), local_only=not by_setting)
        assert len(await made_by(pool, request)) == 1
        if by_setting:
            assert await pool.problem(request.chunk) is None
        await pool.aclose()


async def test_with_local_only_and_remote_servers_alone_nothing_runs() -> None:
    pool = ComfyUiPool([ComfyUiBackend("http://192.0.2.9:8188")], NetworkGuard(lambda: True))
    assert not pool.is_local
    reason = await pool.problem(request_for(saving()).chunk)
    assert reason is not None and reason.key == "reason.comfyui_not_local"
    with pytest.raises(LocalOnlyError) as caught:
        await made_by(pool, request_for(saving()))
    assert caught.value.params["host"] == "http://192.0.2.9:8188"
    await pool.aclose()


async def test_memory_is_freed_on_every_server_that_answers() -> None:
    async with pool_of(2) as (pool, doubles):
        await doubles[0].kill()
        await pool.free_memory()
        assert ("POST", "/free") in doubles[1].requests
        await doubles[1].kill()
        with pytest.raises(BackendUnavailableError):
            await pool.free_memory()
        for double in doubles:
            await double.start()


async def test_the_settings_name_the_servers_each_once() -> None:
    first, second = "http://127.0.0.1:9", "http://127.0.0.1:10"
    settings = Settings(comfyui_address=first, comfyui_more_addresses=(second, first))
    pool = make_backend(lambda: settings)
    assert isinstance(pool, ComfyUiPool)
    assert [server.address for server in pool.servers] == [first, second]
    assert settings.run_lanes == 3
    await pool.aclose()
