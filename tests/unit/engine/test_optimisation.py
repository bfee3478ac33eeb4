"""Rules that rewrite a text for one output: done where a model can, told where none can, never done by another one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.events import StageSkipped
from ai4artsed_desktop.domain.runs import StageName
from tests.support.fake_models import TINY, FakeModels
from tests.support.world import CODE, TestWorld, open_world

OUTPUTS = Path(__file__).parents[3] / "configs" / "output"
SHIPPED = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(OUTPUTS.glob("*.json"))}
WITH_RULES = {name: raw for name, raw in SHIPPED.items() if "optimization_instruction" in raw["meta"]}


async def with_own_output(world: TestWorld, **meta: Any) -> None:
    """Add an output that draws the text as code, with rules for it."""
    rules = {"en": "Write it as code.", "de": "Als Code schreiben."}
    content = {
        "pipeline": "code_generation",
        "name": "Own",
        "description": "Own.",
        "parameters": {"OUTPUT_CHUNK": "output_code_p5js"},
        "meta": {"optimization_instruction": rules, **meta},
    }
    world.entry("configs/output/own.json", content)
    await world.engine.reload_catalog()
    assert world.engine.catalog.errors == ()


@pytest.mark.parametrize("models", [(), (TINY,)], ids=["none", "tiny"])
async def test_optional_rules_are_left_out_and_said_so_where_no_model_can_follow_them(
    tmp_path: Path, models: tuple[Any, ...]
) -> None:
    async with open_world(tmp_path, models=FakeModels(models)) as world:
        await with_own_output(world, optimization_is_optional=True)
        config = world.engine.catalog.output("own").value
        assert await world.engine.output_problem(config, await world.engine.models.list_models()) is None
        record = await world.run("point(1, 1)", "as_is", "own")
        assert record.state == "finished"
        assert world.renderer.jobs[0].code == "point(1, 1)" and world.models.requests == []
        skipped = [event.reason for event in world.probe.of(StageSkipped) if event.stage is StageName.OPTIMISATION]
        assert skipped == ["stage.skipped.no_optimiser"]


async def test_optional_rules_are_followed_where_a_model_can(tmp_path: Path) -> None:
    async with open_world(tmp_path, models=FakeModels(answer=lambda _: "point(2, 2)")) as world:
        await with_own_output(world, optimization_is_optional=True)
        await world.run("point(1, 1)", "as_is", "own")
        assert world.renderer.jobs[0].code == "point(2, 2)"
        assert world.models.requests[0][1].messages[0].content == "Write it as code."


async def test_a_model_asked_for_by_name_is_never_left_out(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await with_own_output(world, optimization_is_optional=True, optimization_model="fake/gone")
        record = await world.run("point(1, 1)", "as_is", "own")
        assert record.error is not None and record.error.code == "error.model.missing"
        assert world.renderer.jobs == []


async def test_rules_that_are_needed_make_the_output_wait_for_a_model(tmp_path: Path) -> None:
    async with open_world(tmp_path, models=FakeModels((TINY,))) as world:
        record = await world.run("A red apple", "as_is", CODE)
        assert record.error is not None and record.error.code == "error.catalog.not_runnable"


@pytest.mark.parametrize("name", WITH_RULES)
def test_shipped_rules_are_complete_and_only_code_cannot_do_without(name: str) -> None:
    config = OutputConfig.model_validate({"id": name, **WITH_RULES[name]})
    rules = config.meta.optimization_instruction
    assert rules is not None and set(rules) == {"de", "en"}
    assert all(100 < len(text) < 1_200 and "{{" not in text for text in rules.values())
    assert config.meta.optimization_is_optional is (config.display.category != "code")


def test_code_video_music_and_sound_have_rules() -> None:
    assert {"p5js_code", "tonejs_code", "ace_step", "stable_audio_open", "wan22", "ltxv"} <= set(WITH_RULES)
