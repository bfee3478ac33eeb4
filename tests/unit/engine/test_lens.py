"""The lens lab: one idea through several interceptions, each a run of its own, none stopping the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.errors import EmptyTextError, TooManyLensesError, UnknownEntryError
from ai4artsed_desktop.domain.runs import OutputRequest, RunRequest
from ai4artsed_desktop.domain.text_models import TextRequest
from ai4artsed_desktop.engine.lens import MAX_LENSES, lens_requests, run_lenses
from ai4artsed_desktop.engine.tasks import TaskScope
from tests.support.fake_models import FakeModels
from tests.support.world import DRAWING, TestWorld, open_world

IDEA = RunRequest("A red apple on the table", "", seed=7)


def rules_in_brackets(request: TextRequest) -> str:
    """Answer with the beginning of the rules, so that each lens is told by its text."""
    return f"<{request.messages[0].content[:24]}>"


async def test_results_come_in_the_order_asked_for_with_one_seed(tmp_path: Path) -> None:
    async with open_world(tmp_path, models=FakeModels(answer=rules_in_brackets)) as world:
        requests = lens_requests(IDEA, ["dada", "as_is", "procedure_cut_up", "telegram"], world.engine.catalog)
        results = await run_lenses(world.engine.runs, requests)
        assert [r.interception_id for r in results] == ["dada", "as_is", "procedure_cut_up", "telegram"]
        assert results[0].text == "<Turn the idea into a Dad>" and results[0].model == "fake/good"
        assert results[1].text == IDEA.text and results[3].text.startswith("<Turn the idea into a tel")
        assert results[2].model == "procedure/cut_up" and all(r.error is None for r in results)
        records = [await world.store.load(r.run_id) for r in results]
        assert {record.seed for record in records} == {7}
        assert all(record.outputs == () and record.state == "finished" for record in records)


async def test_a_seed_is_drawn_once_for_all(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        idea = RunRequest("apple", "", outputs=(OutputRequest(DRAWING),), rules="own")
        first, second = lens_requests(idea, ["dada", "telegram"], world.engine.catalog)
        assert first.seed == second.seed is not None
        assert first.outputs == () and first.rules is None


async def test_one_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        requests = lens_requests(IDEA, ["dada", "free", "telegram"], world.engine.catalog)
        results = await run_lenses(world.engine.runs, requests)
        assert [r.error.code if r.error else "" for r in results] == ["", "error.input.no_rules", ""]


@pytest.mark.parametrize("names", [[], ["dada"] * (MAX_LENSES + 1)])
async def test_none_and_too_many_are_refused(tmp_path: Path, names: list[str]) -> None:
    async with open_world(tmp_path) as world:
        with pytest.raises(TooManyLensesError):
            lens_requests(IDEA, names, world.engine.catalog)


async def test_an_unknown_one_is_named_before_anything_runs(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        with pytest.raises(UnknownEntryError) as caught:
            lens_requests(IDEA, ["dada", "nonsense"], world.engine.catalog)
        assert caught.value.params == {"kind": "interception", "id": "nonsense"}
        assert world.models.requests == [] and world.engine.runs.active() == ()


async def test_an_idea_that_cannot_be_used_leaves_nothing_behind(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        requests = lens_requests(RunRequest("  ", ""), ["dada", "telegram"], world.engine.catalog)
        with pytest.raises(EmptyTextError):
            await run_lenses(world.engine.runs, requests)
        assert world.engine.runs.active() == ()


async def test_the_model_is_asked_for_one_thing_at_a_time_and_cancelling_ends_all(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.models.going_on.clear()
        task = TaskScope("test").spawn(look(world), name="look")
        await world.models.streaming.wait()
        assert len(world.models.requests) == 1 and len(world.engine.runs.active()) == 3
        ids = world.engine.runs.active()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        records = [await world.engine.runs.wait(run_id) for run_id in ids]
        assert [record.state for record in records] == ["cancelled"] * 3
        assert len(world.models.requests) == 1 and world.models.left_early == 1


async def look(world: TestWorld) -> None:
    requests = lens_requests(IDEA, ["dada", "telegram", "cubism"], world.engine.catalog)
    await run_lenses(world.engine.runs, requests)
