from __future__ import annotations

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyle
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.ui.create.work_area import NARROWEST_PX
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.roles import DARK
from ai4artsed_desktop.ui.theme import ThemeChoice
from ai4artsed_desktop.ui.widgets.stage_view import StageState, StageView
from tests.support.ui_kit import nameless

ERROR = ErrorInfo("error.sound.failed", detail="ENODEV\nline two")


@pytest.fixture
def stage(kit: Kit, qtbot: QtBot) -> StageView:
    stage = StageView(kit, "test.title", "test.words")
    qtbot.addWidget(stage)
    stage.resize(700, 300)
    stage.show()
    stage.activateWindow()
    return stage


def buttons_shown(stage: StageView) -> bool:
    return any(b.isVisible() for b in (stage.diff_button, stage.edit_button, stage.copy_button, stage.again_button))


def test_an_empty_stage_says_what_will_come_and_offers_nothing(stage: StageView) -> None:
    assert stage.state is StageState.EMPTY
    assert stage.text_view.placeholderText() == "Words en"
    assert not buttons_shown(stage)


def test_streamed_pieces_join_and_the_end_replaces_nothing_equal(stage: StageView, qtbot: QtBot) -> None:
    stage.begin("SmolLM2")
    for piece in ("A r", "ed ", "äpple 👩‍🎨\n", "on"):
        stage.append(piece)
    qtbot.waitUntil(lambda: stage.text_view.toPlainText() == "A red äpple 👩‍🎨\non")
    assert stage.status.text() == "working · SmolLM2"
    assert not buttons_shown(stage)
    stage.finish("A red äpple 👩‍🎨\non", elapsed_ms=1300)
    assert stage.text == "A red äpple 👩‍🎨\non"
    assert stage.status.text() == "done · SmolLM2 · 1.3\N{NO-BREAK SPACE}s"
    assert buttons_shown(stage)


def test_a_time_that_was_not_measured_is_not_shown(stage: StageView) -> None:
    stage.finish("x", "SmolLM2")
    assert stage.status.text() == "done · SmolLM2"


def test_ten_thousand_pieces_stream_in_a_moment(stage: StageView, qtbot: QtBot) -> None:
    begin = time.perf_counter()
    stage.begin()
    for _ in range(10_000):
        stage.append("word ")
    qtbot.waitUntil(lambda: len(stage.text_view.toPlainText()) == 50_000)
    # One by one they took 42 s.
    assert time.perf_counter() - begin < 5.0


def test_a_stage_that_ends_between_two_turns_loses_no_piece(stage: StageView) -> None:
    stage.begin()
    stage.append("last words")
    stage.cancel()
    assert stage.text_view.toPlainText() == "last words"


def test_streaming_does_not_pull_a_reader_down(stage: StageView, qtbot: QtBot) -> None:
    stage.begin()
    bar = stage.text_view.verticalScrollBar()
    stage.append("line\n" * 200)
    qtbot.waitUntil(lambda: 0 < bar.maximum() == bar.value())
    bar.setValue(0)
    stage.append("line\n" * 20)
    qtbot.waitUntil(lambda: stage.text_view.toPlainText().count("line") == 220)
    assert bar.value() == 0


def test_an_edit_is_used_only_when_confirmed(stage: StageView, qtbot: QtBot) -> None:
    stage.finish("model text")
    stage.edit_button.click()
    stage.text_view.selectAll()
    QTest.keyClicks(stage.text_view, "my words")
    assert stage.text == "model text"
    with qtbot.waitSignal(stage.text_edited) as signal:
        stage.use_button.click()
    assert signal.args == ["my words"]
    assert stage.text == "my words"
    assert stage.text_view.isReadOnly()


def test_a_discarded_or_unchanged_edit_announces_nothing(stage: StageView, qtbot: QtBot) -> None:
    stage.finish("model text")
    with qtbot.assertNotEmitted(stage.text_edited):
        stage.edit_button.click()
        QTest.keyClicks(stage.text_view, "x")
        stage.discard_button.click()
        stage.edit_button.click()
        stage.use_button.click()
    assert stage.text_view.toPlainText() == "model text"


def test_the_difference_is_marked_by_more_than_colour(stage: StageView) -> None:
    stage.set_original("A red apple")
    stage.finish("A green apple")
    stage.diff_button.click()
    assert stage.diff.isVisible()
    assert not stage.text_view.isVisible()
    html = stage.diff.toHtml()
    assert "line-through" in html
    assert "underline" in html
    assert "red" in stage.diff.toPlainText()
    assert "green" in stage.diff.toPlainText()


def test_the_difference_follows_a_new_text_and_a_new_theme(stage: StageView, kit: Kit) -> None:
    stage.set_original("one")
    stage.finish("two")
    stage.diff_button.click()
    stage.finish("three")
    assert "three" in stage.diff.toPlainText()
    kit.theme.configure(choice=ThemeChoice.DARK)
    assert DARK.good.lower() in stage.diff.toHtml()


def test_another_proposal_of_a_finished_stage_is_taken_with_mouse_or_keyboard(stage: StageView, qtbot: QtBot) -> None:
    stage.finish("zero", "SmolLM2")
    stage.offer(["one", "two", "three"])
    assert [b.text() for b in stage.proposals.buttons] == [f"Take proposal {n}" for n in (1, 2, 3)]
    with qtbot.waitSignal(stage.proposal_taken) as signal:
        QTest.keyClick(stage.proposals.buttons[1], Qt.Key.Key_Space)
    assert signal.args == [1]
    stage.finish("two")
    assert stage.proposals.isHidden()
    assert stage.text_view.isVisible()


def test_a_paused_stage_waits_for_an_edit_or_a_proposal_and_goes_on_with_it(stage: StageView, qtbot: QtBot) -> None:
    stage.begin("SmolLM2")
    stage.pause("one", ["one", "two"])
    assert stage.status.text() == "your turn: edit the text, then go on · SmolLM2"
    assert not stage.text_view.isReadOnly()
    assert stage.use_button.text() == "Go on"
    with qtbot.assertNotEmitted(stage.proposal_taken):
        stage.proposals.buttons[1].click()
    assert stage.text_view.toPlainText() == "two"
    stage.text_view.undo()
    assert stage.text_view.toPlainText() == "one"
    stage.text_view.selectAll()
    QTest.keyClicks(stage.text_view, "three")
    with qtbot.waitSignal(stage.went_on) as signal:
        stage.use_button.click()
    assert signal.args == ["three"]


def test_discarding_in_a_pause_brings_the_text_back_and_keeps_waiting(stage: StageView) -> None:
    stage.pause("one")
    stage.text_view.selectAll()
    QTest.keyClicks(stage.text_view, "x")
    stage.discard_button.click()
    assert stage.text_view.toPlainText() == "one"
    assert not stage.text_view.isReadOnly()
    assert stage.use_button.text() == "Go on"


def test_a_failure_shows_three_lines_and_keeps_what_was_streamed(stage: StageView) -> None:
    stage.begin("SmolLM2")
    stage.append("half a sen")
    stage.fail(ERROR)
    assert stage.state is StageState.FAILED
    assert stage.text == "half a sen"
    assert stage.error_card.isVisible()
    assert stage.error_card.accessibleName() == "The sound is not played."
    stage.begin()
    assert not stage.error_card.isVisible()


def test_a_cancelled_stage_keeps_what_was_streamed(stage: StageView) -> None:
    stage.begin()
    stage.append("half")
    stage.cancel()
    assert (stage.text, stage.status.text()) == ("half", "cancelled")
    assert buttons_shown(stage)


def test_a_skipped_stage_passes_the_text_on(stage: StageView) -> None:
    stage.skip("as it was")
    assert (stage.text, stage.status.text()) == ("as it was", "skipped")


def test_copy_and_again(stage: StageView, qtbot: QtBot) -> None:
    stage.finish("copied words")
    stage.copy_button.click()
    assert QGuiApplication.clipboard().text() == "copied words"
    with qtbot.waitSignal(stage.again_requested):
        stage.again_button.click()


def test_everything_has_a_name_in_both_languages(stage: StageView, kit: Kit) -> None:
    stage.pause("one", ["one"])
    assert nameless(stage) == []
    stage.fail(ERROR)
    assert nameless(stage) == []
    kit.translator.set_language("de")
    assert nameless(stage) == []
    assert stage.status.text() == "fehlgeschlagen"
    assert stage.again_button.text() == "Ab hier neu"


def test_a_short_text_takes_little_room_and_a_long_one_scrolls(stage: StageView, qtbot: QtBot) -> None:
    stage.finish("short")
    low = stage.text_view.sizeHint().height()
    stage.finish("long words\n" * 100)
    qtbot.waitUntil(lambda: stage.text_view.sizeHint().height() > 2 * low)
    assert stage.text_view.sizeHint().height() < 260


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("title_key", ["stage.translation", "stage.interception", "stage.optimisation"])
def test_nothing_is_cut_in_the_narrowest_column(kit: Kit, qtbot: QtBot, language: str, title_key: str) -> None:
    view = StageView(kit, title_key, "stage.interception.empty")
    qtbot.addWidget(view)
    kit.translator.set_language(language)
    view.show()
    view.finish("A red apple", "llama3.2:latest", 61_000.0)
    narrowest_px = NARROWEST_PX - view.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
    assert view.minimumSizeHint().width() <= narrowest_px
    view.edit_button.click()
    assert view.minimumSizeHint().width() <= narrowest_px
    view.pause("A red apple", ["A red pear", "A blue apple"])
    assert view.minimumSizeHint().width() <= narrowest_px
    view.end(StageState.FAILED)
    assert view.minimumSizeHint().width() <= narrowest_px
