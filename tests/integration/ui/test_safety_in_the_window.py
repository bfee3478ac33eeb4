"""A refusal in the window: calm, explained, and with a way on; the gate's state in the bar; names only on purpose."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QLabel

from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.domain.settings import StageModels
from ai4artsed_desktop.ui.widgets.basics import Button
from ai4artsed_desktop.ui.widgets.stage_view import StageState
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import CLOUD, FakeModels
from tests.support.judges import SUITABLE, judging
from tests.support.ui_window import WindowWorld, open_window

Run = RunInWindowLoop[None]


def buttons(opened: WindowWorld, texts: tuple[str, ...]) -> list[Button]:
    card = opened.create.result.error_card
    return [button for button in card.findChildren(Button) if button.text() in texts and button.isVisibleTo(card)]


def test_a_child_reads_why_nothing_was_made_and_goes_on(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(()), safety_level="kids") as opened:
            await opened.make("Ein Porno am Strand", "as_is", "sketchbook_p5js")
            run = await opened.ended()
            card = opened.create.result.error_card
            await opened.until(card.isVisible)
            assert run.error is not None and run.error.code == "error.safety.blocked" and run.media == []
            words = " ".join(label.text() for label in card.findChildren(QLabel))
            assert "This is not made here" in words and "Found: Porno" in words
            (change,) = buttons(opened, ("Change the idea",))
            change.click()
            await opened.until(opened.create.idea.field.hasFocus)
            assert opened.create.idea.text == "Ein Porno am Strand", "what was typed stays"
            await opened.make("Ein roter Apfel", "as_is", "sketchbook_p5js")
            assert (await opened.ended()).state == "finished"
            await opened.until(lambda: not card.isVisible())

    run_in_window_loop(body)


def test_a_child_sees_a_text_only_after_it_was_checked(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        models = judging(SUITABLE, write=lambda _: "first second third")
        async with open_window(app_home, models=models, safety_level="kids") as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            run = await opened.ended()
            assert run.stages[StageName.INTERCEPTION].text == "first second third"
            assert opened.create.stages.views[StageName.INTERCEPTION].state is StageState.DONE
            assert opened.create.stages.safety.text() == "Safety check: fits the level"

    run_in_window_loop(body)


def test_the_bar_shows_the_gate_where_it_counts(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:

            def shown() -> str:
                bar = opened.window.status_bar
                return " ".join(label.text() for label in bar.findChildren(QLabel) if label.isVisibleTo(bar))

            assert "Safety" not in shown()
            opened.world.engine.change_settings(safety_level="youth")
            await opened.until(lambda: "Safety check" in shown())

    run_in_window_loop(body)


def test_a_name_is_sent_on_purpose_only(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        models = FakeModels([CLOUD])
        chosen = StageModels(interception=CLOUD.id)
        async with open_window(app_home, models=models, stage_models=chosen) as opened:
            await opened.make("John Smith paints a house", "dada", "sketchbook_p5js")
            run = await opened.ended()
            assert run.error is not None and run.error.code == "error.safety.person_named" and models.requests == []
            (send,) = buttons(opened, ("Send it with the name",))
            send.click()
            await opened.until(lambda: opened.create.shown_run is not run and opened.create.shown_run is not None)
            assert (await opened.ended()).state == "finished"
            assert len(models.requests) == 1

    run_in_window_loop(body)
