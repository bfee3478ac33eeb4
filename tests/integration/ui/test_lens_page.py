"""The lens lab in the window: columns that stream, one queue, and the way on into Create."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.domain.text_models import TextRequest
from ai4artsed_desktop.ui.pages.lens import LensPage
from ai4artsed_desktop.ui.widgets.stage_view import StageState
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import FakeModels
from tests.support.ui_kit import nameless
from tests.support.ui_window import WindowWorld, open_window, press, type_into

Run = RunInWindowLoop[None]
LENSES = ["dada", "procedure_cut_up", "telegram"]


def rules_in_brackets(request: TextRequest) -> str:
    return f"<{request.messages[0].content[:20]}>"


def lab(opened: WindowWorld, *lenses: str) -> LensPage:
    opened.window.show_page("lens")
    page = opened.window.pages["lens"]
    assert isinstance(page, LensPage)
    page.set_lenses(lenses or LENSES)
    return page


def test_ctrl_enter_sends_one_idea_through_all_lenses(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(answer=rules_in_brackets)) as opened:
            page = lab(opened)
            QTest.keyClicks(page.idea.field, "A red apple lies here")
            press(page.idea.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
            await opened.until(lambda: all(lens.state is StageState.DONE for lens in page.columns))
            texts = [lens.text_view.toPlainText() for lens in page.columns]
            assert texts[0] == "<Turn the idea into a>" and texts[1] and texts[1] != "A red apple lies here"
            seeds = {lens.facts.request.seed for lens in page.columns if lens.facts is not None}
            assert len(seeds) == 1 and None not in seeds
            assert opened.create.shown_run is None, "the lab's runs do not crowd the strip of Create"
            assert not nameless(page)

    run_in_window_loop(body)


def test_columns_stream_one_after_another_and_cancel_ends_them_all(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        models = FakeModels(answer=lambda _: "first second")
        models.going_on.clear()
        async with open_window(app_home, models=models) as opened:
            page = lab(opened, "dada", "telegram", "cubism")
            type_into(page.idea.field, "A red apple")
            page.look_button.click()
            first, second, third = page.columns
            await opened.until(lambda: first.text_view.toPlainText() == "first")
            assert first.state is StageState.WORKING and second.status.text() == "waiting its turn"
            assert not page.cancel_button.isHidden() and len(models.requests) == 1
            press(page.idea.field, Qt.Key.Key_Escape)
            await opened.until(lambda: third.state is StageState.CANCELLED and first.state is StageState.CANCELLED)
            assert page.cancel_button.isHidden() and len(models.requests) == 1
            assert first.text_view.toPlainText() == "first", "what was said stays readable"

    run_in_window_loop(body)


def test_one_that_fails_says_why_beside_the_others(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            page = lab(opened, "free", "dada")
            type_into(page.idea.field, "A red apple")
            page.look()
            await opened.until(lambda: page.columns[1].state is StageState.DONE)
            assert page.columns[0].state is StageState.FAILED and not page.columns[0].error_card.isHidden()
            assert page.columns[0].carry_button.isHidden() and not page.columns[1].carry_button.isHidden()

    run_in_window_loop(body)


def test_a_lens_is_carried_over_into_create_and_makes_the_same_text_there(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels(answer=rules_in_brackets)) as opened:
            page = lab(opened)
            type_into(page.idea.field, "A red apple")
            page.look()
            await opened.until(lambda: page.columns[2].state is StageState.DONE)
            page.columns[2].carry_button.click()
            await opened.until(lambda: opened.create.shown_run is not None)
            assert opened.window.stack.currentWidget() is opened.create
            assert opened.create.idea.text == "A red apple"
            assert opened.create.choices.interception_id == "telegram"
            view = opened.create.stages.views[StageName.INTERCEPTION]
            assert view.text == page.columns[2].text_view.toPlainText()
            carried = opened.shown.run_id
            opened.create.choices.medium_box.make_button.click()
            await opened.until(lambda: opened.shown.run_id != carried)
            made = await opened.ended()
            assert made.state == "finished" and made.media
            assert page.columns[2].facts is not None and made.request.seed == page.columns[2].facts.request.seed
            assert made.stages[StageName.INTERCEPTION].text == view.text

    run_in_window_loop(body)


def test_the_keys_belong_to_the_page_in_sight(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            page = lab(opened)
            assert opened.window.actions_list.get("make").do == page.look
            opened.window.show_page("create")
            assert opened.window.actions_list.get("make").do == opened.create.make

    run_in_window_loop(body)


def test_lenses_are_added_changed_removed_and_remembered(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            page = lab(opened, "dada")
            page.add_button.click()
            picker = page._picker  # pyright: ignore[reportPrivateUsage] - the sheet is the page's own
            assert picker is not None and not picker.isHidden()
            picker.search.setText("telegram")
            press(picker.search, Qt.Key.Key_Return)
            assert page.lenses == ["dada", "telegram"]
            page.set_lenses(["dada", "cubism", *(["telegram"] * 9)])
            assert len(page.lenses) == 6 and not page.add_button.isEnabled()
            page.columns[0].remove_button.click()
            assert page.lenses[0] == "cubism" and page.add_button.isEnabled()
            opened.window.memory.flush()
            assert opened.states[-1]["lenses"] == page.lenses
            page.set_lenses([])
            assert not page.empty.isHidden() and page.area.isHidden() and not page.look_button.isEnabled()

    run_in_window_loop(body)


def test_an_empty_idea_is_refused_in_words(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            page = lab(opened)
            page.look()
            assert not page.error_card.isHidden() and opened.world.engine.runs.active() == ()

    run_in_window_loop(body)


def test_at_the_first_visit_three_different_lenses_stand_there(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("lens")
            page = opened.window.pages["lens"]
            assert isinstance(page, LensPage)
            catalog = opened.world.engine.catalog
            groups = [catalog.interception(name).value.display.category for name in page.lenses]
            assert len(groups) == len(set(groups)) == 3

    run_in_window_loop(body)


def test_runs_of_the_lab_count_in_the_queue_and_hold_the_window_open(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        models = FakeModels(answer=lambda _: "first second")
        models.going_on.clear()
        async with open_window(app_home, models=models) as opened:
            page = lab(opened, "dada", "telegram", "cubism")
            type_into(page.idea.field, "A red apple")
            page.look()
            await opened.until(lambda: page.columns[0].state is StageState.WORKING)
            assert opened.window.status_bar.queue.text() == "2 waiting"
            opened.window.close()
            assert opened.window.isVisible() and opened.window.close_sheet is not None
            opened.window.close_sheet.close_sheet()
            page.cancel()
            await opened.until(lambda: opened.world.engine.runs.active() == ())

    run_in_window_loop(body)


def test_a_narrow_window_shows_fewer_side_by_side_and_scrolls(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            page = lab(opened, "dada", "telegram", "cubism", "bauhaus")
            opened.window.resize(1280, 720)
            await opened.until(lambda: page.columns[2].x() > page.columns[1].x() > page.columns[0].x())
            assert page.area.verticalScrollBar().maximum() == 0
            opened.window.resize(760, 560)
            await opened.until(lambda: page.columns[2].x() == page.columns[0].x())
            assert all(lens.height() >= 150 for lens in page.columns)

    run_in_window_loop(body)
