"""What a model's work looks like from outside: rounds of repair, and reasoning that nobody has to read."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

from ai4artsed_desktop.domain.code_art import RenderFailure, RenderJob, RenderVerdict
from ai4artsed_desktop.domain.text_models import TextDelta, TextRequest
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import FakeModels, said
from tests.support.fake_renderer import FakeRenderer
from tests.support.ui_window import open_window

Run = RunInWindowLoop[None]


class PickyRenderer(FakeRenderer):
    """Refuses code that holds the word "wrong"."""

    async def render(self, job: RenderJob) -> RenderVerdict:
        if "wrong" in job.code:
            return RenderVerdict(ok=False, failure=RenderFailure.RUNTIME, message="wrong is not defined", line=1)
        return await super().render(job)


def test_repairs_of_code_are_seen_with_the_error_that_was_mended(run_in_window_loop: Run, app_home: Path) -> None:
    def answer(request: TextRequest) -> str:
        return "point(1, 1)" if said(request).startswith("Error") else "wrong"

    async def body() -> None:
        async with open_window(app_home, models=FakeModels(answer=answer), renderer=PickyRenderer()) as opened:
            await opened.make("A red apple", "as_is", "p5js_code")
            assert (await opened.ended()).state == "finished"
            assert opened.create.stages.rounds.text() == "Repair 1 of 3: wrong is not defined (1)"
            assert [medium.type for medium in opened.shown.media] == ["p5", "image"]

    run_in_window_loop(body)


class Thinker(FakeModels):
    async def stream(self, model_id: str, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        self.requests.append((model_id, request))
        yield TextDelta(text="<think>Pears are green.</think>A pear.")
        yield TextDelta(finish_reason="stop")


def test_reasoning_stands_apart_and_is_opened_on_demand(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=Thinker()) as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            await opened.ended()
            stages = opened.create.stages
            assert not stages.thinking_button.isHidden() and stages.thinking.isHidden()
            stages.thinking_button.click()
            assert stages.thinking.toPlainText() == "Pears are green." and not stages.thinking.isHidden()
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            await opened.ended()
            assert stages.thinking_button.isHidden() and stages.thinking.isHidden()

    run_in_window_loop(body)
