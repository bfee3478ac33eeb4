"""The facade: settings, the catalogue's reload, what can run here, and media backends behind their port."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.events import CatalogReloaded, RunProgressed, SettingsChanged
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import OutputRequest
from ai4artsed_desktop.domain.settings import Settings, StageModels
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from tests.support.broken_catalog import API_CHUNK, GRAPH_CHUNK, INTERCEPTION, OUTPUT
from tests.support.fake_models import CLOUD, GOOD, TINY, FakeModels
from tests.support.world import TestWorld, open_world

PNG = b"\x89PNG\r\n\x1a\n and the rest"


class FakeBackend:
    """Makes one picture of each request, with progress, and remembers the requests."""

    def __init__(self, backend_id: str, *, is_local: bool = True) -> None:
        self.id = backend_id
        self.is_local = is_local
        self.requests: list[MediaRequest] = []
        self.complaint: Reason | None = None

    async def problem(self, chunk: Chunk) -> Reason | None:
        return self.complaint

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium, None]:
        self.requests.append(request)
        yield MediaProgress(
            0.5, "progress.rendering", node="KSampler", step=2, steps=4, preview=PNG, preview_mime="image/png"
        )
        yield ProducedMedium("image", "image/png", "png", data=PNG)

    async def aclose(self) -> None:
        """Nothing is open."""


def add_outputs(world: TestWorld) -> None:
    """Give the person two outputs: a graph and a cloud service."""
    mappings: dict[str, Any] = {
        "prompt": {"node_id": "1", "field": "inputs.text", "source": "{{PREVIOUS_OUTPUT}}"},
        "steps": {"node_id": "1", "field": "inputs.steps", "type": "int", "default": 20},
    }
    world.entry("chunks/mine.json", {**GRAPH_CHUNK, "input_mappings": mappings})
    world.entry("chunks/cloudy.json", API_CHUNK)
    for chunk in ("mine", "cloudy"):
        world.entry(f"configs/output/{chunk}.json", {**OUTPUT, "parameters": {"OUTPUT_CHUNK": chunk}})


async def test_a_graph_reaches_its_backend_filled_and_its_picture_the_disk(app_home: Path) -> None:
    comfy = FakeBackend("comfyui")
    async with open_world(app_home, backends={"comfyui": comfy}) as world:
        add_outputs(world)
        await world.engine.reload_catalog()
        request = OutputRequest("mine", {"STEPS": "0"})
        record = await world.run('say "hi" {{NOBODY}}', "as_is", outputs=(request,))
    assert record.state == "finished", record.error
    (sent,) = comfy.requests
    assert sent.graph is not None and sent.body is None
    inputs: Any = sent.graph["1"]
    assert inputs["inputs"]["text"] == 'say "hi" {{NOBODY}}' and inputs["inputs"]["steps"] == 0
    assert record.stages[-1].parameters == {"prompt": 'say "hi" {{NOBODY}}', "steps": 0}
    (progress,) = world.probe.of(RunProgressed)
    assert (progress.fraction, progress.node, progress.step, progress.steps) == (0.5, "KSampler", 2, 4)
    assert (progress.preview, progress.preview_mime) == (PNG, "image/png")
    assert [e.mime for e in record.entities if e.output_id] == ["image/png"]


@pytest.mark.parametrize("where", ["settings", "interception", "output"])
async def test_local_only_sends_nothing_to_a_cloud_service(app_home: Path, where: str) -> None:
    cloud = FakeBackend("api")
    async with open_world(app_home, backends={"api": cloud}, local_only=where == "settings") as world:
        add_outputs(world)
        world.entry("configs/interception/mine.json", {**INTERCEPTION, "meta": {"force_local": True}})
        parameters = {"OUTPUT_CHUNK": "cloudy"}
        world.entry("configs/output/tied.json", {**OUTPUT, "parameters": parameters, "meta": {"force_local": True}})
        await world.engine.reload_catalog()
        interception = "mine" if where == "interception" else "as_is"
        record = await world.run("x", interception, "tied" if where == "output" else "cloudy")
    assert record.error is not None and record.error.code == "error.local_only" and cloud.requests == []


async def test_local_only_sends_nothing_to_a_server_on_another_machine(app_home: Path) -> None:
    comfy = FakeBackend("comfyui", is_local=False)
    async with open_world(app_home, backends={"comfyui": comfy}, local_only=True) as world:
        add_outputs(world)
        await world.engine.reload_catalog()
        record = await world.run("x", "as_is", "mine")
    assert record.error is not None and record.error.code == "error.local_only" and comfy.requests == []


async def test_the_graph_that_was_sent_and_the_loras_in_it_are_recorded(app_home: Path) -> None:
    comfy = FakeBackend("comfyui")
    async with open_world(app_home, backends={"comfyui": comfy}) as world:
        world.entry("configs/output/drawn.json", {**OUTPUT, "parameters": {"OUTPUT_CHUNK": "output_image_sd15_text"}})
        loras = [{"name": "ink.safetensors", "strength": 0.5}]
        world.entry("configs/interception/mine.json", {**INTERCEPTION, "meta": {"loras": loras}})
        await world.engine.reload_catalog()
        record = await world.run("x", "mine", "drawn")
        folder = world.folder_of(record.run_id)
    assert record.state == "finished", record.error
    (kept,) = [e for e in record.entities if e.filename.endswith("_workflow.json")]
    assert json.loads((folder / kept.filename).read_text()) == comfy.requests[0].graph
    (applied,) = record.stages[-1].facts["loras"]
    assert (applied["name"], applied["strength"]) == ("ink.safetensors", 0.5)
    graph: Any = comfy.requests[0].graph
    loaders = [node for node in graph.values() if node["class_type"] == "LoraLoader"]
    assert [node["inputs"]["lora_name"] for node in loaders] == ["ink.safetensors"]


async def test_without_local_only_the_service_gets_the_filled_body(app_home: Path) -> None:
    cloud = FakeBackend("api")
    async with open_world(app_home, backends={"api": cloud}) as world:
        add_outputs(world)
        await world.engine.reload_catalog()
        record = await world.run("ein Apfel", "as_is", "cloudy")
    assert record.state == "finished"
    assert cloud.requests[0].body == {"messages": [{"content": "ein Apfel"}]}


async def test_a_missing_or_complaining_backend_is_said_before_the_text_is_touched(app_home: Path) -> None:
    comfy = FakeBackend("comfyui")
    comfy.complaint = Reason("reason.model_missing")
    async with open_world(app_home, backends={"comfyui": comfy}) as world:
        add_outputs(world)
        await world.engine.reload_catalog()
        for output, reason in (("mine", "reason.model_missing"), ("cloudy", "reason.backend_missing")):
            record = await world.run("x", "bauhaus", output)
            assert record.error is not None and record.error.params["reason"] == reason
            config = world.engine.catalog.output(output).value
            problem = await world.engine.output_problem(config, ())
            assert problem is not None and problem.key == reason
        assert world.models.requests == [] and comfy.requests == []


@pytest.mark.parametrize(
    ("models", "chosen", "expected"),
    [
        ([GOOD], "auto", {"bauhaus": None, "telephone_game": None, "p5js_code": None}),
        (
            [TINY],
            "auto",
            {"bauhaus": None, "telephone_game": "reason.chain_needs_model", "p5js_code": "reason.tiny_model"},
        ),
        ([], "auto", {"bauhaus": "reason.no_model", "p5js_code": "reason.no_model", "as_is": None}),
        ([CLOUD], "auto", {"bauhaus": "reason.no_model"}),
        ([CLOUD], CLOUD.id, {"bauhaus": None}),
        ([GOOD, TINY], TINY.id, {"telephone_game": "reason.chain_needs_model", "p5js_code": "reason.tiny_model"}),
    ],
)
async def test_what_is_said_to_run_here_is_what_runs_here(
    app_home: Path, models: list[Any], chosen: str, expected: dict[str, str | None]
) -> None:
    stages = StageModels(interception=chosen, coding=chosen)
    async with open_world(app_home, models=FakeModels(models), stage_models=stages) as world:
        listed = await world.engine.models.list_models()
        for name, reason in expected.items():
            if name in world.engine.catalog.interceptions:
                said = await world.engine.interception_problem(world.engine.catalog.interception(name).value, listed)
                record = await world.run("A red apple", name)
            else:
                said = await world.engine.output_problem(world.engine.catalog.output(name).value, listed)
                record = await world.run("A red apple", "as_is", name)
            assert (said.key if said else None) == reason, name
            blocked = record.error is not None and record.error.code == "error.catalog.not_runnable"
            assert blocked is (reason is not None), (name, record.error)


async def test_settings_are_saved_announced_and_kept(app_home: Path) -> None:
    async with open_world(app_home) as world:
        world.engine.change_settings(language="de", theme="dark")
        assert (await world.probe.next(SettingsChanged)).names == {"language", "theme"}
    async with open_world(app_home) as world:
        assert world.engine.settings == Settings(language="de", theme="dark")


async def test_a_reload_happens_only_when_something_changed(app_home: Path) -> None:
    async with open_world(app_home) as world:
        assert not await world.engine.reload_catalog(only_if_changed=True)
        world.entry("configs/interception/mine.json", INTERCEPTION)
        assert await world.engine.reload_catalog(only_if_changed=True)
        assert "mine" in world.engine.catalog.interceptions
        world.entry("configs/interception/mine.json", "{")
        await world.engine.reload_catalog()
        assert world.probe.of(CatalogReloaded)[-1].errors == 1 and "mine" not in world.engine.catalog.interceptions


async def test_the_chosen_text_model_hears_the_configs_own_parameters(app_home: Path) -> None:
    async with open_world(app_home) as world:
        parameters = {"Temperature": 0, "MAX_TOKENS": 33}
        world.entry("configs/interception/mine.json", {**INTERCEPTION, "parameters": parameters})
        await world.engine.reload_catalog()
        await world.run("x", "mine")
    sent = world.models.requests[0][1]
    assert (sent.temperature, sent.max_tokens, sent.seed) == (0, 33, 7)
    assert [m.content for m in sent.messages] == ["Rewrite it.", "x"]
