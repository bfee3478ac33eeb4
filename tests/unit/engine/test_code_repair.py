"""Code that a model wrote and the sandbox refused goes back to the model, at most three times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.domain.code_art import RenderFailure, RenderJob, RenderVerdict
from ai4artsed_desktop.domain.errors import ModelStoppedError
from ai4artsed_desktop.domain.events import RunFailed, RunFinished, StageRoundFinished, StageTextStreamed
from ai4artsed_desktop.domain.runs import RunRecord, StageName
from ai4artsed_desktop.domain.text_models import TextRequest
from ai4artsed_desktop.engine.code_repair import MAX_REPAIRS, complaint
from tests.support.fake_models import FakeModels, said
from tests.support.fake_renderer import FakeRenderer
from tests.support.world import CODE, TestWorld, open_world, request


class PickyRenderer(FakeRenderer):
    """Refuses code that holds the word "wrong"."""

    def __init__(self, failure: RenderFailure = RenderFailure.SYNTAX) -> None:
        super().__init__()
        self.refusal = failure

    async def render(self, job: RenderJob) -> RenderVerdict:
        if "wrong" in job.code:
            self.jobs.append(job)
            return RenderVerdict(ok=False, failure=self.refusal, message="Unexpected token", line=2)
        return await super().render(job)


class Coder:
    """Writes wrong code and mends it in its nth repair; 0 = never."""

    def __init__(self, mends_in: int) -> None:
        self.mends_in = mends_in
        self.complaints: list[str] = []

    def __call__(self, request: TextRequest) -> str:
        if not said(request).startswith("Error"):
            return "```js\nfunction setup() {}\nwrong 0\n```"
        self.complaints.append(said(request))
        count = len(self.complaints)
        return "function setup() { point(1, 1) }" if count == self.mends_in else f"function setup() {{}}\nwrong {count}"


def codes_of(world: TestWorld, record: RunRecord) -> list[str]:
    folder = world.folder_of(record.run_id)
    return [(folder / entity.filename).read_text() for entity in record.entities if entity.type == "p5"]


def repairs_of(world: TestWorld, record: RunRecord) -> list[dict[str, Any]]:
    folder = world.folder_of(record.run_id)
    return [json.loads((folder / e.filename).read_text()) for e in record.entities if "repair" in e.filename]


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_the_error_goes_back_until_the_code_runs(tmp_path: Path, count: int) -> None:
    coder = Coder(count)
    async with open_world(tmp_path, models=FakeModels(answer=coder), renderer=PickyRenderer()) as world:
        record = await world.run("A red apple", "as_is", CODE)
        assert record.state == "finished"
        assert codes_of(world, record)[-1] == "function setup() { point(1, 1) }"
        assert len(coder.complaints) == count
        assert "Unexpected token" in coder.complaints[0] and "Line 2: wrong 0" in coder.complaints[0]
        rounds = [event for event in world.probe.of(StageRoundFinished) if event.stage is StageName.OUTPUT]
        assert [event.label for event in rounds] == [f"round.repair_{n + 1}" for n in range(count)]
        assert all("Unexpected token" in event.text for event in rounds)
        told = repairs_of(world, record)
        assert [r["round"] for r in told] == list(range(1, count + 1))
        assert told[0]["code_before"].endswith("wrong 0") and told[-1]["error_after"] is None
        output = next(stage for stage in record.stages if stage.name is StageName.OUTPUT)
        assert len(output.facts["repairs"]) == count
        world.assert_tidy(record.run_id)


async def test_after_three_rounds_the_last_code_and_its_error_are_kept(tmp_path: Path) -> None:
    coder = Coder(0)
    async with open_world(tmp_path, models=FakeModels(answer=coder), renderer=PickyRenderer()) as world:
        record = await world.run("A red apple", "as_is", CODE)
        assert record.state == "failed" and record.error is not None
        assert record.error.code == "error.code_art.failed" and record.error.params["line"] == "2"
        assert len(coder.complaints) == MAX_REPAIRS == 3
        assert codes_of(world, record) == ["function setup() {}\nwrong 3"]
        assert len(repairs_of(world, record)) == 3
        assert isinstance(await world.end_of(record.run_id), RunFailed)


async def test_code_that_runs_is_left_alone(tmp_path: Path) -> None:
    models = FakeModels(answer=lambda _: "function setup() {}")
    async with open_world(tmp_path, models=models) as world:
        record = await world.run("A red apple", "as_is", CODE)
        assert len(models.requests) == 1 and repairs_of(world, record) == []
        assert isinstance(await world.end_of(record.run_id), RunFinished)


async def test_the_same_answer_is_not_rendered_again(tmp_path: Path) -> None:
    renderer = PickyRenderer()
    async with open_world(tmp_path, models=FakeModels(answer=lambda _: "wrong"), renderer=renderer) as world:
        record = await world.run("A red apple", "as_is", CODE)
        assert record.state == "failed"
        assert len(renderer.jobs) == 1 and codes_of(world, record) == ["wrong"]


async def test_code_that_a_person_changed_is_never_rewritten(tmp_path: Path) -> None:
    coder = Coder(1)
    async with open_world(tmp_path, models=FakeModels(answer=coder), renderer=PickyRenderer()) as world:
        record = await world.run("A red apple", "as_is", CODE, edits={StageName.OPTIMISATION: "wrong, but mine"})
        assert record.state == "failed" and coder.complaints == []
        assert codes_of(world, record) == ["wrong, but mine"]


async def test_code_that_a_person_wrote_is_never_rewritten(tmp_path: Path) -> None:
    coder = Coder(1)
    texts = {StageName.INTERCEPTION: "x", StageName.OPTIMISATION: "wrong, but mine"}
    async with open_world(tmp_path, models=FakeModels(answer=coder), renderer=PickyRenderer()) as world:
        record = await world.run("x", "as_is", CODE, start_stage=StageName.OUTPUT, stage_texts=texts)
        assert record.state == "failed" and coder.complaints == []


async def test_a_failure_that_is_not_the_codes_is_no_reason_to_repair(tmp_path: Path) -> None:
    coder, renderer = Coder(1), PickyRenderer(RenderFailure.CRASH)
    async with open_world(tmp_path, models=FakeModels(answer=coder), renderer=renderer) as world:
        record = await world.run("A red apple", "as_is", CODE)
        assert record.state == "failed" and coder.complaints == []


async def test_a_model_that_dies_while_mending_leaves_the_codes_own_error(tmp_path: Path) -> None:
    models = FakeModels()

    def answer(request: TextRequest) -> str:
        if said(request).startswith("Error"):
            raise ModelStoppedError(model="fake/good")
        return "wrong"

    models.answer = answer
    async with open_world(tmp_path, models=models, renderer=PickyRenderer()) as world:
        record = await world.run("A red apple", "as_is", CODE)
        assert record.error is not None and record.error.code == "error.code_art.failed"
        assert repairs_of(world, record)[0]["problem"]["code"] == "error.model.stopped"


async def test_cancelling_while_the_model_mends_keeps_the_code(tmp_path: Path) -> None:
    models, coder = FakeModels(), Coder(0)

    def answer(request: TextRequest) -> str:
        if said(request).startswith("Error"):
            models.going_on.clear()
        return coder(request)

    models.answer = answer
    async with open_world(tmp_path, models=models, renderer=PickyRenderer()) as world:
        run_id = world.engine.runs.submit(request("A red apple", "as_is", CODE))
        while (await world.probe.next(StageTextStreamed)).stage is not StageName.OUTPUT:
            pass
        world.engine.runs.cancel(run_id)
        record = await world.engine.runs.wait(run_id)
        assert record.state == "cancelled" and models.left_early == 1
        written = next(stage.text for stage in record.stages if stage.name is StageName.OPTIMISATION)
        assert "wrong 0" in written


def test_a_complaint_names_the_error_its_line_and_what_the_sandbox_refused() -> None:
    verdict = RenderVerdict(
        ok=False, failure=RenderFailure.LEFT_SANDBOX, message="refused", line=99, attempts=("network https://x",)
    )
    text = complaint("p5js", "a\nb", verdict)
    assert "left sandbox" in text and "network https://x" in text and text.endswith("Code:\na\nb")
    assert "Line 99" not in text
