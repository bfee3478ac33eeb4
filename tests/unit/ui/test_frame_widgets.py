from __future__ import annotations

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.strip import StripItem, StripModel
from ai4artsed_desktop.ui.widgets.basics import Button, Label
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout
from ai4artsed_desktop.ui.widgets.notice import Notice
from ai4artsed_desktop.ui.widgets.rail import Rail, RailEntry
from ai4artsed_desktop.ui.widgets.session_strip import SessionStrip
from ai4artsed_desktop.ui.widgets.status_bar import ServiceState, ServiceStatus, StatusBar
from ai4artsed_desktop.ui.widgets.working import WorkingCard
from tests.support.ui_kit import nameless

Key = Qt.Key
ERROR = ErrorInfo("error.preview.unreadable", {"name": "<b>a & b</b>.png"}, "libpng: bad header")


# --- error card


def test_an_error_shows_what_why_and_next_in_the_language_of_the_moment(kit: Kit, qtbot: QtBot) -> None:
    card = ErrorCard(kit)
    qtbot.addWidget(card)
    card.show_error(ERROR)
    words = [label.text() for label in card.findChildren(Label)]
    assert words[0] == "<b>a & b</b>.png cannot be shown."
    assert all(words)
    kit.translator.set_language("de")
    assert card.accessibleName() == "<b>a & b</b>.png lässt sich nicht anzeigen."


def test_markup_in_a_name_is_shown_and_not_obeyed(kit: Kit, qtbot: QtBot) -> None:
    card = ErrorCard(kit)
    qtbot.addWidget(card)
    card.show_error(ERROR)
    assert {label.textFormat() for label in card.findChildren(Label)} == {Qt.TextFormat.PlainText}


def test_details_are_closed_at_first_and_can_be_copied(kit: Kit, qtbot: QtBot) -> None:
    card = ErrorCard(kit)
    qtbot.addWidget(card)
    card.show_error(ERROR)
    assert not card.details.isVisible()
    card.details_button.click()
    assert card.details.isVisible()
    card.copy_button.click()
    copied = QGuiApplication.clipboard().text()
    assert "error.preview.unreadable" in copied
    assert "libpng: bad header" in copied
    assert nameless(card) == []


def test_without_technical_text_there_is_no_door(kit: Kit, qtbot: QtBot) -> None:
    card = ErrorCard(kit)
    qtbot.addWidget(card)
    card.show_error(ErrorInfo("error.sound.no_device"))
    assert not card.details_button.isVisible()


def test_the_buttons_of_an_older_error_go(kit: Kit, qtbot: QtBot) -> None:
    card = ErrorCard(kit)
    qtbot.addWidget(card)
    pressed: list[str] = []
    card.show_error(ERROR)
    card.add_action("action.save", lambda: pressed.append("save"), primary=True).click()
    assert pressed == ["save"]
    card.show_error(ErrorInfo("error.sound.failed"))
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    assert [b.text() for b in card.findChildren(Button) if b.isVisible()] == []


def test_a_way_on_is_there_together_with_its_error(kit: Kit, qtbot: QtBot) -> None:
    card = ErrorCard(kit)
    qtbot.addWidget(card)
    card.show_error(ERROR)
    assert card.add_action("action.save", lambda: None).isVisibleTo(card)


def test_closing_an_error_hides_and_announces_it(kit: Kit, qtbot: QtBot) -> None:
    card = ErrorCard(kit)
    qtbot.addWidget(card)
    card.show_error(ERROR)
    with qtbot.waitSignal(card.closed):
        card.close_button.click()
    assert card.isHidden()


# --- notice and working


def test_an_empty_place_says_what_it_is_for_and_starts_it(kit: Kit, qtbot: QtBot) -> None:
    notice = Notice(kit, "picture", "test.title", "test.words")
    qtbot.addWidget(notice)
    done: list[bool] = []
    button = notice.add_action("action.play", lambda: done.append(True))
    notice.resize(600, 400)
    notice.show()
    QTest.keyClick(button, Key.Key_Space)
    assert done == [True]
    assert nameless(notice) == []
    assert notice.title.height() >= notice.title.heightForWidth(notice.title.width())
    notice.set_texts("error", "test.words")
    assert (notice.title.text(), notice.words.isVisible()) == ("Words en", False)


def test_progress_never_jumps_back_and_never_pretends(kit: Kit, qtbot: QtBot) -> None:
    card = WorkingCard(kit)
    qtbot.addWidget(card)
    card.start("test.words")
    assert not card.bar.isVisible()
    card.set_progress(None)
    assert not card.bar.isVisible()
    card.set_progress(0.5)
    card.set_progress(0.2)
    card.set_progress(None)
    assert (card.bar.isVisible(), card.bar.value()) == (True, 500)
    card.set_progress(7.0)
    assert card.bar.value() == 1000
    card.start("test.title")
    assert (card.bar.isVisible(), card.bar.value()) == (False, 0)


def test_cancel_is_asked_for_once(kit: Kit, qtbot: QtBot) -> None:
    card = WorkingCard(kit)
    qtbot.addWidget(card)
    asked: list[bool] = []
    card.cancel_requested.connect(lambda: asked.append(True))
    card.start("test.words")
    card.cancel_button.click()
    card.cancel_button.click()
    assert asked == [True]
    assert card.words.text() == "Stopping …"
    card.start("test.words")
    assert card.cancel_button.isEnabled()
    assert nameless(card) == []
    card.finish()
    assert card.isHidden()


# --- flow layout


def boxes_in(width_px: int, qtbot: QtBot, *, fill: bool, min_width_px: int = 300) -> list[QRect]:
    holder = QWidget()
    qtbot.addWidget(holder)
    layout = FlowLayout(holder, space=10, fill=fill)
    boxes = [QLabel("box") for _ in range(3)]
    for box in boxes:
        box.setMinimumWidth(min_width_px)
        layout.addWidget(box)
    holder.resize(width_px, 500)
    holder.show()
    return [box.geometry() for box in boxes]


def test_boxes_stand_side_by_side_and_share_the_width_where_there_is_room(qtbot: QtBot, kit: Kit) -> None:
    boxes = boxes_in(1000, qtbot, fill=True)
    assert len({box.top() for box in boxes}) == 1
    assert {box.width() for box in boxes} == {326}


def test_boxes_stack_where_there_is_none(qtbot: QtBot, kit: Kit) -> None:
    boxes = boxes_in(500, qtbot, fill=True)
    assert [box.left() for box in boxes] == [0, 0, 0]
    assert {box.width() for box in boxes} == {500}
    assert boxes[0].bottom() < boxes[1].top() < boxes[2].top()


def test_unfilled_boxes_keep_their_width(qtbot: QtBot, kit: Kit) -> None:
    assert {box.width() for box in boxes_in(1000, qtbot, fill=False)} == {300}


def test_hidden_items_take_no_room_and_an_empty_layout_has_no_height(qtbot: QtBot, kit: Kit) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    layout = FlowLayout(holder)
    assert layout.heightForWidth(100) == 0
    button = QPushButton("x")
    layout.addWidget(button)
    holder.show()
    assert layout.heightForWidth(100) > 0
    button.hide()
    assert layout.heightForWidth(100) == 0
    assert layout.takeAt(5) is None


# --- rail and status bar

ENTRIES = (RailEntry("create", "create", "test.title"), RailEntry("settings", "settings", "test.words", True))


def test_the_rail_asks_for_a_page_and_shows_where_one_is(kit: Kit, qtbot: QtBot) -> None:
    rail = Rail(kit, ENTRIES)
    qtbot.addWidget(rail)
    rail.resize(96, 600)
    rail.show()
    rail.show_page("create")
    with qtbot.waitSignal(rail.page_chosen) as signal:
        QTest.keyClick(rail.buttons["settings"], Key.Key_Space)
    assert signal.args == ["settings"]
    assert [button.isChecked() for button in rail.buttons.values()] == [False, True]
    assert rail.buttons["settings"].y() > 500
    assert nameless(rail) == []
    kit.translator.set_language("de")
    assert rail.buttons["create"].text() == "Title de"


def test_showing_a_page_does_not_ask_for_it(kit: Kit, qtbot: QtBot) -> None:
    rail = Rail(kit, ENTRIES)
    qtbot.addWidget(rail)
    with qtbot.assertNotEmitted(rail.page_chosen):
        rail.show_page("settings")


def labels(bar: StatusBar) -> list[str]:
    shown = [*bar.findChildren(Label), bar.vram_words]
    return [widget.text() for widget in shown if widget.isVisibleTo(bar)]


def test_the_status_bar_shows_only_what_is_known(kit: Kit, qtbot: QtBot) -> None:
    bar = StatusBar(kit)
    qtbot.addWidget(bar)
    bar.show()
    assert labels(bar) == []
    assert not bar.vram_bar.isVisible()
    bar.set_vram(round(9.1 * 2**30), 24 * 2**30)
    bar.set_queue(2)
    bar.set_local_only(True)
    assert sorted(labels(bar)) == ["2 waiting", "VRAM 9.1/24.0 GB"]
    assert (bar.local_only.text(), bar.local_only.isChecked()) == ("local only: on", True)
    bar.set_vram(None, None)
    bar.set_queue(0)
    assert labels(bar) == []
    bar.set_vram(0, 24 * 2**30)
    assert "VRAM 0.0/24.0 GB" in labels(bar)
    with qtbot.waitSignal(bar.vram_asked):
        bar.vram_words.click()


@pytest.mark.parametrize("state", list(ServiceState))
def test_a_service_is_said_in_words_and_not_by_colour_alone(kit: Kit, qtbot: QtBot, state: ServiceState) -> None:
    bar = StatusBar(kit)
    qtbot.addWidget(bar)
    bar.show()
    bar.set_services([ServiceStatus("c", "ComfyUI", state)])
    qtbot.waitUntil(lambda: len(labels(bar)) == 1)
    (english,) = labels(bar)
    assert english.startswith("ComfyUI: ")
    kit.translator.set_language("de")
    (german,) = labels(bar)
    assert german.startswith("ComfyUI: ")
    assert german != english


def test_a_service_that_changes_is_shown_once(kit: Kit, qtbot: QtBot) -> None:
    bar = StatusBar(kit)
    qtbot.addWidget(bar)
    bar.show()
    for state in (ServiceState.STARTING, ServiceState.READY, ServiceState.READY):
        bar.set_services([ServiceStatus("c", "ComfyUI", state)])
    qtbot.waitUntil(lambda: labels(bar) == ["ComfyUI: ready"])


# --- session strip


def strip_item(run_id: str, picture: QImage | None = None, path: str = "") -> StripItem:
    return StripItem(run_id, f"Run {run_id}", "done", "picture", picture, path)


def test_the_strip_keeps_qts_promises_newest_first_and_updates_in_place(qapp: QApplication) -> None:
    model = StripModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    for run_id in "abc":
        model.upsert(strip_item(run_id))
    model.upsert(strip_item("a", path="/somewhere/a.png"))
    assert [model.item(row).run_id for row in range(3)] == ["c", "b", "a"]
    assert model.item(2).path == "/somewhere/a.png"
    model.remove("b")
    model.remove("unknown")
    assert [model.item(row).run_id for row in range(2)] == ["c", "a"]
    tester.deleteLater()


@pytest.mark.parametrize(
    ("orientation", "key"), [(Qt.Orientation.Vertical, Key.Key_Down), (Qt.Orientation.Horizontal, Key.Key_Right)]
)
def test_arrows_walk_the_strip(kit: Kit, qtbot: QtBot, orientation: Qt.Orientation, key: Qt.Key) -> None:
    model = StripModel()
    for run_id in "abc":
        model.upsert(strip_item(run_id))
    strip = SessionStrip(kit, model, orientation)
    qtbot.addWidget(strip)
    strip.resize(500, 500)
    strip.show()
    strip.show_run("c")
    with qtbot.waitSignal(strip.run_chosen) as signal:
        QTest.keyClick(strip, key)
    assert signal.args == ["b"]
    assert nameless(strip) == []


def test_pictures_are_painted_and_a_null_picture_is_no_trouble(kit: Kit, qtbot: QtBot) -> None:
    picture = QImage(300, 100, QImage.Format.Format_RGB32)
    picture.fill(QColor("#00FF00"))
    model = StripModel()
    model.upsert(strip_item("null", QImage()))
    model.upsert(strip_item("green", picture))
    strip = SessionStrip(kit, model)
    qtbot.addWidget(strip)
    strip.resize(120, 400)
    strip.show()
    place = strip.visualRect(model.index(0)).center()
    assert strip.viewport().grab().toImage().pixelColor(place) == QColor("#00FF00")


def test_only_what_lies_on_disk_can_be_dragged(qapp: QApplication) -> None:
    model = StripModel()
    model.upsert(strip_item("a"))
    model.upsert(strip_item("b", path="/somewhere/b.png"))
    drags = [bool(model.flags(model.index(row)) & Qt.ItemFlag.ItemIsDragEnabled) for row in range(2)]
    assert drags == [True, False]


# --- words on buttons


def test_an_ampersand_in_a_word_is_no_shortcut(kit: Kit, qtbot: QtBot) -> None:
    button = Button(kit, "status.service.ready", name="Salt & Pepper")
    qtbot.addWidget(button)
    assert button.accessibleName() == "Salt & Pepper: ready"
    assert button.shortcut().isEmpty()
