"""The main job in the window: from typing to the preview, and everything a person does on the way."""

from __future__ import annotations

import asyncio
from itertools import cycle
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from ai4artsed_desktop.domain.code_art import RenderFailure
from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.domain.text_models import TextRequest
from ai4artsed_desktop.ui.create.parameter_sheet import ParameterSheet
from ai4artsed_desktop.ui.previews.audio import AudioPreview
from ai4artsed_desktop.ui.previews.code import CodePreview
from ai4artsed_desktop.ui.previews.image import ImagePreview
from ai4artsed_desktop.ui.widgets.fields import WholeField
from ai4artsed_desktop.ui.widgets.stage_view import StageState
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import TINY, FakeModels
from tests.support.fake_renderer import FakeRenderer
from tests.support.ui_window import open_window, press, type_into

Run = RunInWindowLoop[None]


def test_typing_and_ctrl_enter_make_a_picture_that_is_shown(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(())) as opened:
            create = opened.create
            assert create.idea.field.hasFocus(), "one can type at once"
            QTest.keyClicks(create.idea.field, "A red apple")
            press(create.idea.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
            await opened.until(lambda: create.shown_run is not None)
            run = await opened.ended()
            assert run.state == "finished"
            assert run.request.interception_id.startswith("procedure_"), "what works without a model was suggested"
            assert run.request.outputs[0].output_id == "sketchbook_p5js"
            await opened.until(lambda: isinstance(create.result.preview, ImagePreview))
            assert create.result.medium is not None
            assert await asyncio.to_thread(Path(create.result.path_of(create.result.medium)).is_file)
            view = create.stages.views[StageName.INTERCEPTION]
            assert view.state is StageState.DONE
            assert "procedure, not AI" in view.status.text()
            assert create.session.strip.model().rowCount() == 1
            assert create.idea.text == "A red apple", "what was typed stays"

    run_in_window_loop(body)


def test_streamed_text_is_seen_while_the_model_still_writes(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        models = FakeModels(answer=lambda _: "first second third")
        models.going_on.clear()
        async with open_window(app_home, models=models) as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            view = opened.create.stages.views[StageName.INTERCEPTION]
            await opened.until(lambda: view.text_view.toPlainText() == "first")
            assert view.state is StageState.WORKING
            assert "Good" in view.status.text()
            assert opened.create.choices.medium_box.make_button.text().startswith("Cancel")
            models.going_on.set()
            assert (await opened.ended()).stages[StageName.INTERCEPTION].text == "first second third"
            assert opened.create.choices.medium_box.make_button.text() == "Make"

    run_in_window_loop(body)


def test_a_tiny_models_proposals_are_offered_and_another_one_makes_the_medium_anew(
    run_in_window_loop: Run, app_home: Path
) -> None:
    said = cycle(
        (
            "The apple is a trumpet and the table wears a hat.",
            "A red table eats its apple and sings to a spoon.",
            "The apple counts the legs of the table, one shoe at a time.",
        )
    )

    def answer(_: TextRequest) -> str:
        return next(said)

    async def body() -> None:
        async with open_window(app_home, models=FakeModels((TINY,), answer)) as opened:
            await opened.make("A red apple on a table", "dada", "sketchbook_p5js")
            first = await opened.ended()
            view = opened.create.stages.views[StageName.INTERCEPTION]
            assert "tiny try-out model, English" in view.status.text()
            others = [t for t in first.stages[StageName.INTERCEPTION].candidates if t != view.text]
            assert len(view.proposals.buttons) == len(others) > 0
            view.proposals.buttons[0].click()
            await opened.until(lambda: opened.shown.run_id != first.run_id)
            second = await opened.ended()
            assert second.state == "finished"
            assert second.request.parent_run_id == first.run_id
            assert second.stages[StageName.INTERCEPTION].text == others[0]
            assert second.request.seed == first.request.seed, "the text alone makes the difference"

    run_in_window_loop(body)


def test_a_pause_lets_the_person_edit_and_go_on(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.create.choices.rules_box.pause.setChecked(True)
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            view = opened.create.stages.views[StageName.INTERCEPTION]
            await opened.until(lambda: view.state is StageState.PAUSED)
            type_into(view.text_view, "A blue pear")
            view.use_button.click()
            run = await opened.ended()
            assert run.stages[StageName.INTERCEPTION].text == "A blue pear"
            record = await opened.world.engine.record(run.run_id)
            assert next(s for s in record.stages if s.name is StageName.INTERCEPTION).edited_from is not None

    run_in_window_loop(body)


def test_looking_at_another_run_keeps_what_was_typed_in_a_pause(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("An earlier one", "as_is", "sketchbook_p5js")
            earlier = await opened.ended()
            opened.create.choices.rules_box.pause.setChecked(True)
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            paused = opened.shown
            view = opened.create.stages.views[StageName.INTERCEPTION]
            await opened.until(lambda: view.state is StageState.PAUSED)
            type_into(view.text_view, "half a sen")
            opened.create.show_run(earlier.run_id)
            assert view.state is not StageState.PAUSED
            opened.create.show_run(paused.run_id)
            assert view.text_view.toPlainText() == "half a sen"

    run_in_window_loop(body)


def test_an_edited_text_makes_the_medium_anew_with_the_same_seed(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            first = await opened.ended()
            view = opened.create.stages.views[StageName.INTERCEPTION]
            view.edit_button.click()
            type_into(view.text_view, "A green apple")
            view.use_button.click()
            await opened.until(lambda: opened.shown.run_id != first.run_id)
            second = await opened.ended()
            assert second.stages[StageName.INTERCEPTION].text == "A green apple"
            assert second.request.seed == first.request.seed
            view.again_button.click()
            await opened.until(lambda: opened.shown.run_id != second.run_id)
            third = await opened.ended()
            assert third.request.seed != second.request.seed, "the same text again shall give something new"

    run_in_window_loop(body)


def test_esc_cancels_what_works_and_keeps_the_text(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        renderer = FakeRenderer()
        renderer.going_on.clear()
        async with open_window(app_home, renderer=renderer) as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            await opened.until(renderer.rendering.is_set)
            press(opened.create.idea.field, Qt.Key.Key_Escape)
            run = await opened.ended()
            assert run.state == "cancelled"
            assert renderer.cancelled == 1
            assert run.stages[StageName.INTERCEPTION].state is StageState.DONE
            assert opened.create.result.working.isHidden()

    run_in_window_loop(body)


def test_code_that_fails_is_explained_and_its_line_is_one_press_away(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        renderer = FakeRenderer()
        renderer.failure = RenderFailure.RUNTIME
        answer = "function setup() {\n  createCanvas(9, 9);\n  nothing();\n}\n"
        async with open_window(app_home, renderer=renderer, models=FakeModels(answer=lambda _: answer)) as opened:
            await opened.make("A red apple", "as_is", "p5js_code")
            run = await opened.ended()
            assert run.state == "failed"
            card = opened.create.result.error_card
            assert card.isVisible()
            assert card.accessibleName() == "The code gave no picture and no sound."
            opened.window.actions_list.do("code")
            preview = opened.create.result.preview
            assert isinstance(preview, CodePreview)
            await opened.until(lambda: preview.editor.textCursor().blockNumber() == 2)

    run_in_window_loop(body)


def test_edited_code_runs_again_beside_the_first_result(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            first = await opened.ended()
            opened.window.actions_list.do("code")
            preview = opened.create.result.preview
            assert isinstance(preview, CodePreview)
            await opened.until(lambda: bool(preview.editor.toPlainText()))
            preview.editor.setFocus()
            QTest.keyClicks(preview.editor, "// mine")
            QTest.keyClick(preview.editor, Qt.Key.Key_Return)
            preview.run_button.click()
            await opened.until(lambda: opened.shown.run_id != first.run_id)
            second = await opened.ended()
            assert second.error is None
            assert opened.world.renderer.jobs[-1].code.startswith("// mine\n")
            assert opened.create.session.strip.model().rowCount() == 2
            await opened.until(lambda: isinstance(opened.create.result.preview, ImagePreview))

    run_in_window_loop(body)


def test_changed_code_is_kept_while_another_result_is_looked_at(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            first = await opened.ended()
            opened.window.actions_list.do("code")
            preview = opened.create.result.preview
            assert isinstance(preview, CodePreview)
            await opened.until(lambda: bool(preview.editor.toPlainText()))
            QTest.keyClicks(preview.editor, "// mine")
            QTest.keyClick(preview.editor, Qt.Key.Key_Return)
            await opened.make("A blue pear", "as_is", "sketchbook_p5js")
            await opened.ended()
            opened.create.show_run(first.run_id)
            opened.window.actions_list.do("code")
            await opened.until(lambda: preview.editor.toPlainText().startswith("// mine\n"))

    run_in_window_loop(body)


def test_three_runs_queue_up_and_each_can_be_looked_at_again(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        renderer = FakeRenderer()
        renderer.going_on.clear()
        async with open_window(app_home, renderer=renderer) as opened:
            for text in ("one", "two", "three"):
                type_into(opened.create.idea.field, text)
                press(opened.create.idea.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
            await opened.until(lambda: opened.create.session.strip.model().rowCount() == 3)
            await opened.until(renderer.rendering.is_set)
            await opened.until(lambda: opened.window.status_bar.queue.text() == "2 waiting")
            renderer.going_on.set()
            await opened.until(lambda: not opened.window.runs.live())
            assert opened.window.status_bar.queue.isHidden()
            strip = opened.create.session.strip
            strip.setFocus()
            QTest.keyClick(strip, Qt.Key.Key_End)
            assert opened.shown.request.text == "one", "the strip walks with the keyboard, newest first"
            assert opened.create.result.medium is not None

    run_in_window_loop(body)


def test_a_sound_and_a_picture_from_one_text(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js", "sketchbook_tonejs")
            run = await opened.ended()
            assert [o.output_id for o in run.request.outputs] == ["sketchbook_p5js", "sketchbook_tonejs"]
            result = opened.create.result
            words = [tab.text() for tab in result.tabs]
            assert any(word.startswith("Picture") for word in words)
            next(tab for tab in result.tabs if tab.text().startswith("Sound")).click()
            await opened.until(lambda: isinstance(result.preview, AudioPreview))

    run_in_window_loop(body)


def test_an_empty_idea_is_refused_with_a_way_on_and_nothing_is_lost(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            type_into(opened.create.idea.field, "   ")
            opened.create.choices.medium_box.make_button.click()
            card = opened.create.result.error_card
            assert card.isVisible()
            assert card.accessibleName() == "The run was not started."
            assert opened.create.idea.field.toPlainText() == "   "
            assert opened.create.shown_run is None

    run_in_window_loop(body)


def test_pressing_make_again_draws_a_new_seed_and_an_edited_idea_keeps_it(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            seeds: list[int | None] = []
            for text in ("A red apple", "A red apple", "A green apple"):
                await opened.make(text, "as_is", "sketchbook_p5js")
                seeds.append((await opened.ended()).request.seed)
            assert seeds[0] != seeds[1]
            assert seeds[1] == seeds[2]
            opened.create.choices.medium_box.seed.pin.setChecked(True)
            await opened.make("A green apple", "as_is", "sketchbook_p5js")
            assert (await opened.ended()).request.seed == seeds[2], "a pinned seed stays"

    run_in_window_loop(body)


def test_run_again_exactly_gives_the_same_files(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "procedure_cut_up", "sketchbook_p5js")
            first = await opened.ended()
            opened.window.actions_list.do("again")
            await opened.until(lambda: opened.shown.run_id != first.run_id)
            second = await opened.ended()
            assert [m.sha256 for m in second.media] == [m.sha256 for m in first.media]

    run_in_window_loop(body)


def test_a_result_taken_out_of_the_strip_comes_back(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            run = await opened.ended()
            strip = opened.create.session.strip
            strip.setFocus()
            press(strip, Qt.Key.Key_Delete)
            assert strip.model().rowCount() == 0
            press(opened.window.rail.buttons["create"], Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
            assert opened.shown.run_id == run.run_id

    run_in_window_loop(body)


def test_the_boxes_take_back_what_an_earlier_run_used(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "dada", "sketchbook_tonejs")
            await opened.ended()
            type_into(opened.create.choices.rules_box.field, "Other rules")
            type_into(opened.create.idea.field, "Something else")
            opened.create.choices.pick_output("sketchbook_p5js")
            opened.window.actions_list.do("reuse")
            assert opened.create.idea.text == "A red apple"
            assert opened.create.choices.output_ids == ["sketchbook_tonejs"]
            assert opened.create.choices.rules_box.rules is None

    run_in_window_loop(body)


def test_a_model_that_is_gone_says_so_and_opens_the_models(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        stage_models: dict[str, Any] = {"stage_models": {"interception": "fake/gone"}}
        async with open_window(app_home) as opened:
            opened.world.engine.change_settings(**stage_models)
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            run = await opened.ended()
            assert run.error is not None
            assert run.error.code == "error.model.missing"
            opened.window.actions_list.do("models")
            assert opened.window.stack.currentWidget() is opened.settings

    run_in_window_loop(body)


def test_a_run_that_ends_takes_neither_focus_nor_digits_from_a_field(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        renderer = FakeRenderer()
        renderer.going_on.clear()
        async with open_window(app_home, renderer=renderer) as opened:
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            width = opened.create.choices.medium_box.findChildren(WholeField)[0]
            width.setFocus()
            width.selectAll()
            QTest.keyClicks(width, "51")
            renderer.going_on.set()
            await opened.ended()
            QTest.keyClicks(width, "2")
            assert width.hasFocus()
            width.clearFocus()
            assert opened.create.choices.requests()[0].parameters["width"] == 512

    run_in_window_loop(body)


def test_values_of_the_sheet_reach_the_box_and_the_run(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            choices = opened.create.choices
            choices.open_parameters()
            (sheet,) = opened.create.findChildren(ParameterSheet)
            field = next(f for f in sheet.findChildren(WholeField) if f.accessibleName() == "Width")
            field.setValue(640)
            sheet.close_sheet()
            await opened.until(lambda: choices.medium_box.findChildren(WholeField)[0].value() == 640)
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            await opened.ended()
            assert opened.world.renderer.jobs[-1].width_px == 640

    run_in_window_loop(body)


def test_an_output_of_two_texts_shows_a_field_for_the_second(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            create = opened.create
            assert create.second_text.isHidden(), "a picture takes one text"
            create.choices.pick_output("ace_step")
            assert not create.second_text.isHidden()
            assert create.second_text.field.accessibleName() == "Lyrics"
            type_into(create.idea.field, "waltz")
            type_into(create.second_text.field, "[verse] red apples")
            create.make()
            await opened.ended()  # no server here: what was typed stays
            assert create.shown_run is not None and create.shown_run.request.secondary_text == "[verse] red apples"
            create.choices.pick_output("sketchbook_p5js")
            assert create.second_text.isHidden() and create.second_text.text == ""
            create.choices.pick_output("ace_step")
            assert create.second_text.text == "[verse] red apples", "it comes back with the output that takes it"

    run_in_window_loop(body)
