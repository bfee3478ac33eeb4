"""SwarmUI as a backend: which way a chunk goes, the ComfyUIs behind it, and what keeps it from working."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.backends.comfyui import make_backend as make_comfyui
from ai4artsed_desktop.adapters.backends.swarmui import SwarmUiBackend, call_arguments, make_backend
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.backend_errors import (
    BackendStoppedError,
    GraphRefusedError,
    InputFileMissingError,
    ModelFileMissingError,
    NoWorkerError,
)
from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.errors import BackendError, LocalOnlyError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import OutputRequest
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.ports import InputFile
from tests.support.comfyui_client_kit import saving
from tests.support.comfyui_nodes import png
from tests.support.comfyui_records import exchanges
from tests.support.comfyui_worker import recorded_preview
from tests.support.fake_backend import FakeBackend
from tests.support.swarmui_client_kit import backend_of, chunk_for, made_by, request_for
from tests.support.swarmui_double import SwarmUiDouble, running
from tests.support.swarmui_work import picture_for
from tests.support.world import TestWorld, open_world, request


def with_lora(graph: dict[str, Any]) -> dict[str, Any]:
    """Put a LoRA between the loader and its consumers."""
    inputs = {"model": ["4", 0], "clip": ["4", 1], "lora_name": "a.safetensors", "strength_model": 0.6}
    lora: dict[str, Any] = {"class_type": "LoraLoader", "inputs": inputs}
    return {**graph, "20": lora}


async def test_a_chunk_with_swarmui_s_own_parameters_is_a_plain_call() -> None:
    async with running() as double, backend_of(double) as backend:
        progress, (medium,) = await made_by(backend, request_for(is_call=True))
        (asked,) = double.work.asked
        assert not double.comfyuis["0"].posted
    assert medium.data == picture_for(7)
    assert (medium.kind, medium.mime, medium.extension) == ("image", "image/png", "png")
    wanted = {"prompt": "an apple", "model": "tiny-sd15-random.safetensors", "steps": 0, "seed": 7, "donotsave": True}
    assert {name: asked[name] for name in wanted} == wanted, "zero is a value"
    assert medium.metadata["request"] == wanted
    assert any(update.preview == recorded_preview() for update in progress)
    assert progress[-1].message == "progress.swarmui.fetching"


async def test_with_a_lora_the_same_chunk_is_a_full_graph() -> None:
    graph = with_lora(request_for().graph or {})  # pyright: ignore[reportArgumentType] - it is a dict
    async with running() as double, backend_of(double) as backend:
        _, (medium,) = await made_by(backend, request_for(graph, is_call=True))
        assert double.work.asked == []
        (posted,) = double.comfyuis["0"].posted
        assert posted["prompt"] == graph
    assert medium.data == png(graph, "9")


async def test_a_chunk_without_them_is_a_graph_with_progress_and_previews() -> None:
    async with running() as double, backend_of(double) as backend:
        double.comfyuis["0"].worker.preview = recorded_preview()
        double.comfyuis["0"].worker.step_s = 0.02
        progress, (medium,) = await made_by(backend, request_for())
        assert double.work.asked == []
    assert medium.data == png(dict(request_for().graph or {}), "9")
    assert medium.metadata["backend"] == "swarmui"
    assert any(update.preview == recorded_preview() for update in progress)
    assert {update.steps for update in progress} >= {4}


async def test_files_of_a_request_go_to_the_comfyui_that_runs_it(tmp_path: Path) -> None:
    picture = tmp_path / "Äpfel.png"
    picture.write_bytes(png(saving(), "2"))
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "input-1.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}},
    }
    async with running() as double, backend_of(double) as backend:
        comfyui = double.comfyuis["0"]
        comfyui.worker.disk.files["input", "", "input-1.png"] = b"another's"
        await made_by(backend, request_for(graph, files=(InputFile("input-1.png", picture),)))
        assert comfyui.posted[0]["prompt"]["1"]["inputs"]["image"] == "input-1 (1).png"
        assert comfyui.worker.disk.files["input", "", "input-1 (1).png"] == picture.read_bytes()
        gone = request_for(graph, files=(InputFile("input-2.png", tmp_path / "gone.png"),))
        with pytest.raises(InputFileMissingError) as caught:
            await made_by(backend, gone)
        assert caught.value.params["file"] == "gone.png"


async def test_graphs_are_spread_over_the_comfyuis_and_each_is_followed_on_its_own() -> None:
    async with running(comfyuis=3) as double, backend_of(double) as backend:
        holds = [comfyui.hold("1") for comfyui in double.comfyuis.values()]
        async with asyncio.TaskGroup() as group:
            graphs = [saving(number, f"p{number}") for number in range(9)]
            jobs = [group.create_task(made_by(backend, request_for(graph))) for graph in graphs]
            for hold in holds:
                await hold.reached.wait()
            for comfyui in double.comfyuis.values():
                await comfyui.until(lambda comfyui=comfyui: len(comfyui.posted) == 3)
            for hold in holds:
                hold.released.set()
    assert [job.result()[1][0].data for job in jobs] == [png(graph, "2") for graph in graphs]


async def test_cancelling_a_graph_hits_only_the_one_on_its_comfyui() -> None:
    async with running(comfyuis=2) as double, backend_of(double) as backend:
        holds = [comfyui.hold("3", step=1) for comfyui in double.comfyuis.values()]
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(made_by(backend, request_for())) for _ in holds]
            for hold in holds:
                await hold.reached.wait()
            jobs[0].cancel()
            with pytest.raises(asyncio.CancelledError):
                await jobs[0]
            assert sorted(comfyui.worker.remaining for comfyui in double.comfyuis.values()) == [0, 1]
            for hold in holds:
                hold.released.set()
        assert len(jobs[1].result()[1]) == 1


async def test_leaving_a_plain_call_interrupts_it() -> None:
    async with running() as double, backend_of(double) as backend:
        hold = double.work.hold(2)
        async with aclosing(backend.generate(request_for(is_call=True))) as updates:
            async for _ in updates:
                if hold.reached.is_set():
                    break
        assert double.work.remaining == 0


async def test_a_comfyui_that_goes_away_is_replaced_by_another() -> None:
    async with running(comfyuis=2) as double, backend_of(double) as backend:
        first, second = double.comfyuis.values()
        hold = first.hold("3", step=1)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(made_by(backend, request_for()))
            await hold.reached.wait()
            double.states["0"] = "errored"
            await first.kill()
        assert job.result()[1][0].data == png(dict(request_for().graph or {}), "9")
        assert len(second.posted) == 1
        await first.start()


async def test_the_last_comfyui_that_goes_away_is_an_error() -> None:
    async with running() as double, backend_of(double) as backend:
        hold = double.comfyuis["0"].hold("3", step=1)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(failure_of(backend))
            await hold.reached.wait()
            double.states["0"] = "errored"
            await double.comfyuis["0"].kill()
        assert isinstance(job.result(), BackendStoppedError)
        await double.comfyuis["0"].start()


async def failure_of(backend: SwarmUiBackend) -> BackendError:
    with pytest.raises(BackendError) as caught:
        await made_by(backend, request_for())
    return caught.value


@pytest.mark.parametrize(
    ("states", "reason"),
    [
        ({"0": "errored"}, Reason("reason.swarmui_no_worker", {"state": "errored"})),
        ({"0": "disabled"}, Reason("reason.swarmui_no_worker", {"state": "all_disabled"})),
        ({"0": "loading"}, Reason("reason.swarmui_loading", {})),
        ({}, Reason("reason.swarmui_no_worker", {"state": "empty"})),
    ],
)
async def test_without_a_comfyui_at_work_it_says_why(states: dict[str, str], reason: Reason) -> None:
    async with running() as double, backend_of(double) as backend:
        double.states = states
        told = await backend.problem(chunk_for())
        assert told is not None and told.key == reason.key
        assert told.params == {**reason.params, "address": double.url}
        with pytest.raises(NoWorkerError):
            await made_by(backend, request_for())


async def test_one_errored_comfyui_does_not_keep_the_other_from_working() -> None:
    async with running(comfyuis=2) as double, backend_of(double) as backend:
        double.states["0"] = "errored"
        assert await backend.problem(chunk_for()) is None
        await made_by(backend, request_for())
        assert {server_id for server_id, _ in double.chosen} == {"1"}


async def test_what_the_comfyui_lacks_is_told_as_for_comfyui_itself() -> None:
    graph = with_lora(request_for().graph or {})  # pyright: ignore[reportArgumentType] - it is a dict
    graph["20"]["inputs"]["lora_name"] = "gone.safetensors"
    async with running() as double, backend_of(double) as backend:
        reason = await backend.problem(chunk_for(graph))
    assert reason is not None and reason.key == "reason.comfyui_no_files"
    assert reason.params == {"files": "gone.safetensors"}


@pytest.mark.parametrize("answer", [{"error_id": "bad_permissions", "error": "You lack permissions for this route."}])
async def test_missing_rights_are_told(answer: dict[str, Any]) -> None:
    async with running() as double, backend_of(double) as backend:
        double.faults.answers["ListBackends"] = [(400, answer)]
        reason = await backend.problem(chunk_for())
    assert reason is not None and reason.key == "reason.swarmui_not_allowed"
    assert "permissions" in reason.params["words"]


async def test_nobody_there_and_something_else_there_are_both_not_swarmui() -> None:
    async with running() as double:
        await double.kill()
        reason = Reason("reason.swarmui_not_reachable", {"address": double.url})
        async with backend_of(double) as backend:
            assert await backend.problem(chunk_for()) == reason
        await double.start()
        double.faults.garbage["GetNewSession"] = 9
        async with backend_of(double) as backend:
            assert await backend.problem(chunk_for()) == reason


async def test_a_remote_swarmui_is_not_asked_when_nothing_may_leave_the_machine() -> None:
    remote = SwarmUiBackend("http://192.0.2.7:7801", NetworkGuard(lambda: True))
    assert not remote.is_local
    reason = await remote.problem(chunk_for())
    assert reason is not None and reason.key == "reason.swarmui_not_local"
    with pytest.raises(LocalOnlyError):
        await made_by(remote, request_for(is_call=True))
    free = SwarmUiBackend("http://192.0.2.7:7801", NetworkGuard(lambda: False))
    with pytest.raises(LocalOnlyError):
        await made_by(free, request_for(local_only=True))
    await remote.aclose()
    await free.aclose()


async def test_refusals_come_through_the_proxy_with_their_meaning() -> None:
    missing = next(e for e in exchanges("new", "prompt-errors") if "model file" in str(e.get("note")))
    async with running() as double, backend_of(double) as backend:
        with pytest.raises(ModelFileMissingError):
            await made_by(backend, request_for(missing["request"]["json"]["prompt"]))
        with pytest.raises(GraphRefusedError):
            nothing = {"1": {"class_type": "EmptyImage", "inputs": {"width": 1}}}
            await made_by(backend, request_for(nothing))


async def test_memory_is_freed_through_swarmui() -> None:
    async with running() as double, backend_of(double) as backend:
        await backend.free_memory()
        assert [body["backend"] for body in double.freed] == ["all"]


async def test_what_is_made_for_comfyui_goes_through_swarmui_if_the_settings_say_so() -> None:
    async with running() as double:
        settings = Settings(swarmui_address=double.url, comfyui_through_swarmui=True, local_only=True)
        backend = make_comfyui(lambda: settings)
        assert (backend.id, backend.is_local) == ("comfyui", True)
        assert await backend.problem(chunk_for(saving())) is None
        async with aclosing(backend.generate(request_for(saving()))) as updates:
            media = [update async for update in updates]
        assert len(double.comfyuis["0"].posted) == 1 and media
        await backend.aclose()
        own = make_backend(lambda: settings)
        assert own.id == "swarmui"
        await own.aclose()


def test_a_chunk_that_names_only_some_parameters_or_reads_files_is_a_graph(tmp_path: Path) -> None:
    request = request_for(is_call=True)
    assert call_arguments(request) is not None
    assert call_arguments(request_for()) is None
    assert call_arguments(request_for(is_call=True, files=(InputFile("a", tmp_path / "a"),))) is None


SHIPPED = "sdxl_swarmui"


@asynccontextmanager
async def shipped_world(home: Path, double: SwarmUiDouble) -> AsyncGenerator[TestWorld]:
    """Give an engine over a SwarmUI that has the model of the shipped output."""
    for comfyui in double.comfyuis.values():
        comfyui.more_checkpoints = ["sd_xl_base_1.0.safetensors"]
    async with (
        backend_of(double) as backend,
        open_world(home, backends={"swarmui": backend, "comfyui": FakeBackend()}) as world,
    ):
        yield world


async def test_the_shipped_output_is_a_plain_call_with_swarmui_s_own_names(app_home: Path) -> None:
    async with running() as double, shipped_world(app_home, double) as world:
        chosen = OutputRequest(SHIPPED, {"negative_prompt": "rain", "steps": 12, "cfg": 0.0, "width": 768})
        asked = replace(request("An <lora:evil:2> apple", "as_is"), outputs=(chosen,))
        record = await world.engine.runs.wait(world.engine.runs.submit(asked))
        assert record.state == "finished", record.error
        (call,) = double.work.asked
        assert not double.comfyuis["0"].posted
        world.assert_tidy(record.run_id)
    wanted = {
        "prompt": "An ‹lora:evil:2› apple",
        "negativeprompt": "rain",
        "model": "sd_xl_base_1.0.safetensors",
        "width": 768,
        "height": 1024,
        "steps": 12,
        "cfgscale": 0.0,
        "seed": 7,
        "donotsave": True,
    }
    assert {name: value for name, value in call.items() if name not in ("session_id", "images")} == wanted
    assert [entity.output_id for entity in record.entities if entity.type == "image"] == [SHIPPED]


async def test_the_shipped_output_with_a_lora_is_its_graph(app_home: Path) -> None:
    async with running() as double, shipped_world(app_home, double) as world:
        lora = LoraUse(name="tiny-lora.safetensors", strength=0.6)
        record = await world.run("An apple", "as_is", SHIPPED, loras=(lora,))
        kept = next(entity.filename for entity in record.entities if "workflow" in entity.filename)
        graph = json.loads((world.folder_of(record.run_id) / kept).read_text("utf-8"))
        assert double.work.asked == [], "SwarmUI's own call knows nothing of our LoRAs"
        assert [body["prompt"] for body in double.comfyuis["0"].posted] == [graph]
    assert any(node["inputs"].get("lora_name") == lora.name for node in graph.values())


async def test_the_shipped_output_says_what_is_missing(app_home: Path) -> None:
    async with running() as double, shipped_world(app_home, double) as world:
        config = world.engine.catalog.output(SHIPPED).value
        assert await world.engine.output_problem(config, ()) is None
    async with open_world(app_home) as world:
        assert await world.engine.output_problem(config, ()) == Reason("reason.backend_missing", {"backend": "swarmui"})
    gone = SwarmUiBackend("http://127.0.0.1:9", NetworkGuard(lambda: True))
    async with open_world(app_home, backends={"swarmui": gone}) as world:
        reason = await world.engine.output_problem(config, ())
        assert reason == Reason("reason.swarmui_not_reachable", {"address": "http://127.0.0.1:9"})
        record = await world.run("An apple", "as_is", SHIPPED)
        assert record.error is not None and record.error.params["reason"] == "reason.swarmui_not_reachable"
    await gone.aclose()
