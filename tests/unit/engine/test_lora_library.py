"""LoRAs of a run: the interception's and the person's, their families, what is refused and when, what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.lora_files import DiskLoraFiles
from ai4artsed_desktop.adapters.model_folders import MediaModelFolders
from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.events import RunFailed, StageStarted
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import RunRecord, StageName
from ai4artsed_desktop.domain.safetensors import LoraFacts, ModelFamily
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.lora import NoLoraPlaceError
from ai4artsed_desktop.engine.lora_library import LoraFile, LoraLibrary, fit_problem, takes_loras
from tests.support.fake_backend import FakeBackend
from tests.support.pictures import lora_file, no_places
from tests.support.shipped_graphs import CHUNKS
from tests.support.world import TestWorld, open_world, request

NOWHERE = "http://127.0.0.1:9"


def library_of(folder: Path) -> DiskLoraFiles:
    settings = Settings(lora_folders=(folder,), comfyui_address=NOWHERE)
    return DiskLoraFiles(MediaModelFolders(lambda: settings, no_places))


def lora_nodes(backend: FakeBackend, number: int = 0) -> list[tuple[str, float]]:
    """(name, strength) of the graph's LoRA nodes."""
    graph: Any = backend.requests[number].graph
    inputs = [node["inputs"] for node in graph.values() if "lora_name" in node["inputs"]]
    return [(given["lora_name"], given["strength_model"]) for given in inputs]


def applied(record: RunRecord) -> list[dict[str, Any]]:
    return next(stage for stage in record.stages if stage.name is StageName.OUTPUT).facts["loras"]


def interception_with(world: TestWorld, *loras: dict[str, Any]) -> None:
    config = {
        "pipeline": "text_passthrough",
        "name": "With LoRAs",
        "description": "Unchanged, with LoRAs",
        "meta": {"skip_interception": True, "loras": list(loras), "is_ai": False},
    }
    world.entry("configs/interception/with_loras.json", config)


async def test_a_persons_lora_is_in_the_graph_and_in_the_record(app_home: Path, tmp_path: Path) -> None:
    lora_file(tmp_path / "art" / "x.safetensors", ss_base_model_version="sdxl_base_v1-0")
    backend = FakeBackend()
    async with open_world(app_home, backends={"comfyui": backend}, lora_files=library_of(tmp_path)) as world:
        record = await world.run("x", "as_is", "sdxl", loras=(LoraUse(name="art/x.safetensors", strength=0.4),))
        again = await world.engine.runs.request_of(record.run_id)
        second = await world.engine.runs.wait(world.engine.runs.submit(again))
    assert lora_nodes(backend) == lora_nodes(backend, 1) == [("art/x.safetensors", 0.4)]
    assert record.loras == second.loras == (LoraUse(name="art/x.safetensors", strength=0.4),)
    (said,) = applied(record)
    assert (said["name"], said["strength"], said["is_verified"]) == ("art/x.safetensors", 0.4, True)


async def test_the_interceptions_loras_come_first_and_the_persons_strength_wins(app_home: Path) -> None:
    backend = FakeBackend()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        interception_with(world, {"name": "a.safetensors"}, {"name": "b.safetensors", "strength": 0.9})
        await world.engine.reload_catalog()
        mine = (LoraUse(name="b.safetensors", strength=0.2), LoraUse(name="c.safetensors"))
        record = await world.run("x", "with_loras", "sdxl", loras=mine)
    assert lora_nodes(backend) == [("a.safetensors", 0.6), ("b.safetensors", 0.2), ("c.safetensors", 0.6)]
    assert record.loras == mine, "the interception's own are in its config"
    assert [said["is_verified"] for said in applied(record)] == [False, False, False]


async def test_a_lora_of_another_family_is_refused_before_any_text_is_made(app_home: Path, tmp_path: Path) -> None:
    lora_file(tmp_path / "f.safetensors", ss_base_model_version="flux1")
    backend = FakeBackend()
    async with open_world(app_home, backends={"comfyui": backend}, lora_files=library_of(tmp_path)) as world:
        asked = request("x", "dada", "sdxl", loras=(LoraUse(name="f.safetensors"),))
        end = await world.end_of(world.engine.runs.submit(asked))
        assert isinstance(end, RunFailed) and end.error.code == "error.lora.family"
        assert end.error.params == {"lora": "f.safetensors", "family": "flux1", "expected": "sdxl"}
        assert world.probe.of(StageStarted) == [] and backend.requests == []


async def test_a_damaged_lora_is_refused_with_its_name(app_home: Path, tmp_path: Path) -> None:
    lora_file(tmp_path / "cut.safetensors", cut=True)
    backend = FakeBackend()
    async with open_world(app_home, backends={"comfyui": backend}, lora_files=library_of(tmp_path)) as world:
        asked = request("x", "as_is", "sdxl", loras=(LoraUse(name="cut.safetensors"),))
        end = await world.end_of(world.engine.runs.submit(asked))
    assert isinstance(end, RunFailed) and end.error.code == "error.lora.file"
    assert end.error.params == {"lora": "cut.safetensors"}


async def test_a_lora_that_no_output_takes_is_refused_at_once(app_home: Path) -> None:
    async with open_world(app_home) as world:
        for outputs in ((), ("sketchbook_p5js",)):
            with pytest.raises(NoLoraPlaceError):
                world.engine.runs.submit(request("x", "as_is", *outputs, loras=(LoraUse(name="a.safetensors"),)))


class ListedFiles:
    """A library with one LoRA under another name than it was asked for."""

    async def files(self) -> Sequence[LoraFile]:
        return [LoraFile("x")]

    async def find(self, name: str) -> LoraFile | None:
        return LoraFile("below/x", facts=LoraFacts(True, ModelFamily.SDXL)) if name == "x" else None


async def test_choices_have_the_servers_names_and_the_families() -> None:
    choices = await LoraLibrary(ListedFiles()).choices([LoraUse(name="x", strength=1), LoraUse(name="y")])
    assert [(c.name, c.strength, c.family) for c in choices] == [
        ("below/x", 1.0, ModelFamily.SDXL),
        ("y", 0.6, None),
    ]
    assert await LoraLibrary().list() == () and await LoraLibrary().find("x") is None


def test_every_shipped_graph_takes_loras() -> None:
    assert [name for name, chunk in CHUNKS.items() if not takes_loras(chunk)] == []


def test_what_does_not_fit_says_why() -> None:
    sdxl, flux = CHUNKS["output_image_sdxl_text"], CHUNKS["output_image_flux1_dev"]
    for_flux = LoraFile("x", facts=LoraFacts(True, ModelFamily.FLUX1))
    assert fit_problem(for_flux, [flux]) is None
    assert fit_problem(for_flux, [flux, sdxl]) == Reason("reason.lora_family", {"family": "flux1", "expected": "sdxl"})
    assert fit_problem(LoraFile("x", facts=LoraFacts(True)), [sdxl]) is None
    broken = Reason("reason.lora_cut", {"detail": "1 of 2 bytes"})
    assert fit_problem(LoraFile("x", problem=broken), [sdxl]) == broken
