"""Whole runs through the engine: what the server makes lies in the run's folder, whatever goes wrong on the way."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.backends.comfyui import ComfyUiBackend
from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient
from ai4artsed_desktop.adapters.backends.comfyui_pool import ComfyUiPool
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.events import MediumSaved, RunCancelled, RunFailed, RunFinished, RunProgressed
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import OutputRequest
from tests.support.comfyui_client_kit import SHORT, sampling, saving
from tests.support.comfyui_double import ComfyUiDouble, running
from tests.support.comfyui_nodes import png
from tests.support.comfyui_worker import recorded_preview
from tests.support.fake_children import until
from tests.support.user_outputs import add_output
from tests.support.world import TestWorld, open_world, request

LIMIT_S = 30.0


@asynccontextmanager
async def open_worlds(
    home: Path, servers: int = 1, **settings: Any
) -> AsyncGenerator[tuple[TestWorld, list[ComfyUiDouble]]]:
    """Give an engine over doubles, with the outputs ``plain`` (no steps) and ``sampled`` (four of them)."""
    async with asyncio.timeout(LIMIT_S), running() as first, running() as second:
        doubles = [first, second][:servers]
        clients = [ComfyUiBackend(double.url, ComfyUiClient(double.url, limits=SHORT)) for double in doubles]
        pool = ComfyUiPool(clients, NetworkGuard(lambda: False))
        try:
            async with open_world(home, backends={"comfyui": pool}, **settings) as world:
                prefix = {"node_id": "2", "field": "inputs.filename_prefix", "source": "x"}
                add_output(world, "plain", saving(), {"filename_prefix": prefix})
                add_output(world, "sampled", sampling())
                await world.engine.reload_catalog()
                yield world, doubles
        finally:
            await pool.aclose()


async def test_a_run_s_medium_is_recorded_with_its_graph_and_told_with_previews(tmp_path: Path) -> None:
    async with open_worlds(tmp_path) as (world, (double,)):
        double.worker.preview = recorded_preview()
        double.worker.step_s = 0.02
        record = await world.run("A red apple", "as_is", "sampled")
        assert record.state == "finished"
        medium = next(entity for entity in record.entities if entity.type == "image")
        folder = world.folder_of(record.run_id)
        assert (folder / medium.filename).read_bytes() == png(sampling(), "9")
        kept = next(entity for entity in record.entities if "workflow" in entity.filename)
        assert double.posted[0]["prompt"] == json.loads((folder / kept.filename).read_text("utf-8"))
        assert any(event.preview == recorded_preview() for event in world.probe.of(RunProgressed))
        world.assert_tidy(record.run_id)


async def test_a_disk_that_is_full_while_saving_is_told_and_the_next_run_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with open_worlds(tmp_path) as (world, (double,)):
        hold = double.hold("1")
        run_id = world.engine.runs.submit(request("A red apple", "as_is", "plain"))
        await hold.reached.wait()
        with monkeypatch.context() as full:
            full.setattr(os, "fsync", no_space)
            hold.released.set()
            failed = await world.end_of(run_id)
        assert isinstance(failed, RunFailed) and failed.error.code == "error.storage.full"
        assert world.probe.of(MediumSaved) == []
        left = [path.name for path in world.folder_of(run_id).iterdir()]
        assert not [name for name in left if name.endswith((".png", ".part"))]
        assert double.worker.remaining == 0
        assert (await world.run("A red apple", "as_is", "plain")).state == "finished"


@pytest.mark.parametrize("moment", ["queued", "running", "saving"])
async def test_a_cancel_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str) -> None:
    async with open_worlds(tmp_path, parallel_runs=2) as (world, (double,)):
        hold = double.hold("3", step=1)
        run_id = world.engine.runs.submit(request("A red apple", "as_is", "sampled"))
        await hold.reached.wait()
        waiting = world.engine.runs.submit(request("A red pear", "as_is", "plain"))
        await double.until(lambda: len(double.posted) == 2)
        if moment == "saving":
            await cancel_while_it_saves(world, waiting, hold.released, monkeypatch)
        else:
            world.engine.runs.cancel(waiting if moment == "queued" else run_id)
        cancelled = run_id if moment == "running" else waiting
        assert isinstance(await world.end_of(cancelled), RunCancelled)
        hold.released.set()
        other = waiting if moment == "running" else run_id
        assert isinstance(await world.end_of(other), RunFinished)
        for ended in (run_id, waiting):
            world.assert_tidy(ended)
        assert double.worker.remaining == 0


async def cancel_while_it_saves(
    world: TestWorld, run_id: str, released: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancel while the picture is on its way to the disk."""
    loop, real, is_saving = asyncio.get_running_loop(), os.fsync, asyncio.Event()

    def slow(descriptor: int) -> None:
        loop.call_soon_threadsafe(is_saving.set)
        real(descriptor)

    # The server may begin before the folder is there.
    await until(lambda: any(world.paths.runs.glob(f"*/{run_id}")))
    folder = world.folder_of(run_id)
    with monkeypatch.context() as watched:
        released.set()
        while not list(folder.glob("*.png*")):
            watched.setattr(os, "fsync", slow)
            await is_saving.wait()
            is_saving.clear()
        world.engine.runs.cancel(run_id)


@pytest.mark.parametrize("servers", [1, 2])
async def test_what_counts_is_the_model_that_is_chosen_and_not_the_chunk_s_own(tmp_path: Path, servers: int) -> None:
    there, lost = "tiny-sd15-random.safetensors", "lost.safetensors"
    graph = sampling()
    graph["4"]["inputs"]["ckpt_name"] = lost
    mappings = {"ckpt_name": {"node_id": "4", "field": "inputs.ckpt_name", "default": lost}}
    async with open_worlds(tmp_path, servers) as (world, _):
        add_output(world, "as_shipped", graph, mappings)
        add_output(world, "by_config", graph, mappings, CKPT_NAME=there)
        await world.engine.reload_catalog()
        reasons = {
            name: await world.engine.output_problem(world.engine.catalog.output(name).value, ())
            for name in ("as_shipped", "by_config")
        }
        assert reasons == {"as_shipped": Reason("reason.comfyui_no_files", {"files": lost}), "by_config": None}
        assert (await world.run("An apple", "as_is", "as_shipped")).state == "failed"
        assert (await world.run("An apple", "as_is", "by_config")).state == "finished"
        for name, file, state in (("as_shipped", there, "finished"), ("by_config", "none.safetensors", "failed")):
            asked = replace(request("An apple", "as_is"), outputs=(OutputRequest(name, {"checkpoint": file}),))
            record = await world.engine.runs.wait(world.engine.runs.submit(asked))
            assert record.state == state, record.error
        assert record.error is not None and record.error.params["files"] == "none.safetensors"


async def test_two_runs_that_cross_keep_their_own_media(tmp_path: Path) -> None:
    async with open_worlds(tmp_path, parallel_runs=4) as (world, (double,)):
        for number in range(6):
            add_output(world, f"colour{number}", saving(number, "same"))
        await world.engine.reload_catalog()
        hold = double.hold("1")
        ids = [world.engine.runs.submit(request("An apple", "as_is", f"colour{n}")) for n in range(6)]
        await double.until(lambda: len(double.posted) == 4)
        hold.released.set()
        for number, run_id in enumerate(ids):
            record = await world.engine.runs.wait(run_id)
            medium = next(entity for entity in record.entities if entity.type == "image")
            made = (world.folder_of(run_id) / medium.filename).read_bytes()
            assert made == png(saving(number), "2")


async def test_runs_work_side_by_side_on_several_servers_and_begin_in_order(tmp_path: Path) -> None:
    async with open_worlds(tmp_path, servers=2, comfyui_more_addresses=("http://127.0.0.1:9",)) as (world, doubles):
        holds = [double.hold("3", step=1) for double in doubles]
        ids = [world.engine.runs.submit(request("An apple", "as_is", "sampled", seed=n)) for n in range(3)]
        for hold in holds:
            await hold.reached.wait()
        assert sorted(len(double.posted) for double in doubles) == [1, 1], "the third waits for a lane"
        assert set(world.engine.runs.active()) == set(ids)
        for hold in holds:
            hold.released.set()
        assert [(await world.engine.runs.wait(run_id)).state for run_id in ids] == ["finished"] * 3


async def test_a_server_killed_in_the_middle_of_a_run_is_a_failure_with_a_next_step(tmp_path: Path) -> None:
    async with open_worlds(tmp_path) as (world, (double,)):
        hold = double.hold("3", step=1)
        run_id = world.engine.runs.submit(request("An apple", "as_is", "sampled"))
        await hold.reached.wait()
        await double.kill()
        failed = await world.end_of(run_id)
        assert isinstance(failed, RunFailed) and failed.error.code == "error.backend.stopped"
        world.assert_tidy(run_id)
        await double.start()
        assert (await world.run("An apple", "as_is", "sampled")).state == "finished"
