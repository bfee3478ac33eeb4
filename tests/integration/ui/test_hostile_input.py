"""Bad input in the window: a clear message with a way on, and what was typed is never lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton

from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.ui.widgets.picker import PickerSheet
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import FakeModels
from tests.support.fake_renderer import FakeRenderer
from tests.support.ui_window import open_window

Run = RunInWindowLoop[None]
ENTRY = {
    "pipeline": "text_transformation",
    "name": {"en": "Mine"},
    "description": {"en": "My own."},
    "context": {"en": "Do something."},
}


def test_a_megabyte_is_refused_in_words_and_stays_in_the_field(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.create.idea.set_text("word " * 200_000)
            opened.create.make()
            card = opened.create.result.error_card
            assert card.isVisible()
            assert "1,000,000" in card.accessibleDescription()
            assert len(opened.create.idea.field.toPlainText()) == 1_000_000

    run_in_window_loop(body)


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        ("تفاحة حمراء על שולחן", "تفاحة حمراء על שולחן"),
        ("👩‍🎨🍎 e\N{COMBINING ACUTE ACCENT}", "👩‍🎨🍎 \N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("a\x00b\x1bc\ufffe", "abc"),
        ("{{PREVIOUS_OUTPUT}} \\ \" ' </script>", "{{PREVIOUS_OUTPUT}} \\ \" ' </script>"),
    ],
)
def test_every_writing_goes_through(run_in_window_loop: Run, app_home: Path, typed: str, used: str) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.create.choices.pick_interception("as_is")
            opened.create.idea.set_text(typed)
            opened.create.make()
            run = await opened.ended()
            assert run.error is None
            assert run.request.text == used
            assert opened.create.stages.views[StageName.INTERCEPTION].text == used

    run_in_window_loop(body)


def test_an_interception_deleted_while_it_is_picked_is_missed_in_words_and_not_replaced(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels()) as opened:
            path = opened.world.entry("configs/interception/mine.json", ENTRY)
            await opened.world.engine.reload_catalog()
            await opened.until(lambda: any(card.id == "mine" for card in opened.create.choices.cards()[0]))
            opened.create.choices.pick_interception("mine")
            path.unlink()
            await opened.world.engine.reload_catalog()
            await opened.until(lambda: all(card.id != "mine" for card in opened.create.choices.cards()[0]))
            opened.create.idea.set_text("A red apple")
            opened.create.make()
            card = opened.create.result.error_card
            assert card.isVisible()
            assert "mine" in card.accessibleDescription()
            assert opened.create.shown_run is None
            button = next(b for b in card.findChildren(QAbstractButton) if b.text() == "Choose other rules")
            await opened.until(button.isVisible)
            button.click()
            assert any(sheet.isVisible() for sheet in opened.create.findChildren(PickerSheet))

    run_in_window_loop(body)


def test_what_cannot_run_is_dimmed_with_its_reason(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        renderer = FakeRenderer()
        renderer.library = "libEGL.so.1"
        async with open_window(app_home, models=FakeModels(()), renderer=renderer) as opened:
            interceptions, outputs = opened.create.choices.cards()
            dada = next(card for card in interceptions if card.id == "dada")
            assert not dada.runnable
            assert dada.reason == "needs a text model; none is here"
            assert dada.fix == "Text models"
            drawing = next(card for card in outputs if card.id == "sketchbook_p5js")
            assert "libEGL.so.1" in drawing.reason
            opened.create.choices.open_interceptions()
            (sheet,) = [s for s in opened.create.findChildren(PickerSheet) if s.isVisible()]
            row = sheet.model.row_of("dada")
            assert row is not None
            sheet.view.setCurrentIndex(sheet.model.index(row))
            sheet.fix_button.click()
            assert opened.window.stack.currentWidget() is opened.settings

    run_in_window_loop(body)
