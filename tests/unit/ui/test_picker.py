from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QAbstractItemModelTester, QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.cards import CardItem, CardModel
from ai4artsed_desktop.ui.theme import ThemeChoice
from ai4artsed_desktop.ui.widgets.picker import PickerButton, PickerSheet
from tests.support.ui_kit import nameless

BASE = CardItem("dada", "Dada", "Cuts the text apart.", "art", "Art history", "scissors", "#B4472E", False, "procedure")
ITEMS = (
    BASE,
    replace(BASE, id="surreal", name="Surréalisme", description="Lets the dream speak.", is_ai=True, label="AI model"),
    replace(BASE, id="snow", name="Snowball", group_id="play", group_name="Language games", min_age=12),
    replace(
        BASE, id="flux", name="Flux", group_id="play", group_name="Language games", runnable=False, fix="Import",
        reason="needs flux.safetensors, 16.5 GB",
    ),
)  # fmt: skip
Key = Qt.Key


@pytest.fixture
def page(kit: Kit, qtbot: QtBot) -> QWidget:
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    page.activateWindow()
    return page


@pytest.fixture
def sheet(kit: Kit, page: QWidget) -> PickerSheet:
    sheet = PickerSheet(kit, page, "test.title")
    sheet.set_items(ITEMS)
    sheet.open_for("dada")
    return sheet


def shown(model: CardModel) -> list[str]:
    return [str(model.index(row).data()) for row in range(model.rowCount())]


def test_the_model_keeps_qts_promises_and_groups_its_cards(qapp: QApplication) -> None:
    model = CardModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_items(ITEMS)
    assert shown(model) == ["Art history", "Dada", "Surréalisme", "Language games", "Snowball", "Flux"]
    model.set_filter("snow", None)
    assert shown(model) == ["Language games", "Snowball"]
    tester.deleteLater()


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("DADA", ["dada"]),
        ("surrealisme", ["surreal"]),
        ("dream ai", ["surreal"]),
        ("language games", ["snow", "flux"]),
        ("procedure cuts history", ["dada"]),
        ("  ", ["dada", "surreal", "snow", "flux"]),
        ("[.*\x00", []),
    ],
)
def test_search_finds_every_word_without_case_and_accents(search: str, ids: list[str]) -> None:
    model = CardModel()
    model.set_items(ITEMS)
    model.set_filter(search, None)
    assert [item.id for item in ITEMS if model.row_of(item.id) is not None] == ids


def test_the_age_filter_hides_what_is_for_older_people(sheet: PickerSheet) -> None:
    assert sheet.age.isVisible()
    sheet.age.setCurrentIndex(1)
    assert sheet.model.row_of("snow") is None
    assert sheet.model.row_of("dada") is not None


def test_the_age_filter_hides_itself_when_all_cards_are_for_all_ages(kit: Kit, page: QWidget) -> None:
    sheet = PickerSheet(kit, page, "test.title")
    sheet.set_items([BASE])
    sheet.open_for("")
    assert not sheet.age.isVisible()


def test_typing_searches_at_once_and_enter_picks(sheet: PickerSheet, qtbot: QtBot) -> None:
    assert QApplication.focusWidget() is sheet.search
    QTest.keyClicks(sheet.search, "dream")
    with qtbot.waitSignal(sheet.picked) as signal:
        QTest.keyClick(sheet.search, Key.Key_Return)
    assert signal.args == ["surreal"]
    assert sheet.isHidden()


def test_arrows_walk_the_cards_past_the_headings(sheet: PickerSheet) -> None:
    QTest.keyClick(sheet.search, Key.Key_Down)
    assert QApplication.focusWidget() is sheet.view
    names = [str(sheet.view.currentIndex().data())]
    for _ in range(4):
        QTest.keyClick(sheet.view, Key.Key_Right)
        names.append(str(sheet.view.currentIndex().data()))
    assert names == ["Dada", "Surréalisme", "Snowball", "Flux", "Flux"]
    QTest.keyClick(sheet.view, Key.Key_Up)
    assert str(sheet.view.currentIndex().data()) == "Surréalisme"


def test_letters_typed_in_the_grid_go_to_the_search_field(sheet: PickerSheet) -> None:
    QTest.keyClick(sheet.search, Key.Key_Down)
    QTest.keyClick(sheet.view, Key.Key_S)
    assert sheet.search.text() == "s"
    assert QApplication.focusWidget() is sheet.search


def test_space_shows_and_hides_the_details(sheet: PickerSheet) -> None:
    QTest.keyClick(sheet.search, Key.Key_Down)
    assert not sheet.details.isVisible()
    QTest.keyClick(sheet.view, Key.Key_Space)
    assert sheet.details.isVisible()
    QTest.keyClick(sheet.view, Key.Key_Space)
    assert not sheet.details.isVisible()


def test_what_cannot_run_says_why_offers_the_fix_and_is_not_picked(sheet: PickerSheet, qtbot: QtBot) -> None:
    QTest.keyClicks(sheet.search, "flux")
    assert sheet.details.isVisible()
    with qtbot.assertNotEmitted(sheet.picked):
        QTest.keyClick(sheet.search, Key.Key_Return)
    assert sheet.isVisible()
    assert sheet.fix_button.text() == "Import"
    with qtbot.waitSignal(sheet.fix_requested) as signal:
        sheet.fix_button.click()
    assert signal.args == ["flux"]


def test_a_search_without_a_match_says_so_and_enter_does_nothing(sheet: PickerSheet, qtbot: QtBot) -> None:
    QTest.keyClicks(sheet.search, "xyzzy")
    assert sheet.nothing.isVisible()
    assert not sheet.view.isVisible()
    with qtbot.assertNotEmitted(sheet.picked):
        QTest.keyClick(sheet.search, Key.Key_Return)


def test_escape_closes_and_gives_the_focus_back(kit: Kit, page: QWidget, qtbot: QtBot) -> None:
    button = QPushButton("before", page)
    button.show()
    button.setFocus()
    sheet = PickerSheet(kit, page, "test.title")
    sheet.set_items(ITEMS)
    sheet.open_for("dada")
    with qtbot.waitSignal(sheet.closed):
        QTest.keyClick(sheet.search, Key.Key_Escape)
    assert sheet.isHidden()
    assert QApplication.focusWidget() is button


def test_tab_never_leaves_the_open_sheet(sheet: PickerSheet, page: QWidget) -> None:
    outside = QPushButton("outside", page)
    outside.show()
    seen: set[QWidget] = set()
    for key in [Key.Key_Tab] * 8 + [Key.Key_Backtab] * 8:
        widget = QApplication.focusWidget()
        assert widget is not None
        assert sheet.isAncestorOf(widget)
        seen.add(widget)
        QTest.keyClick(widget, key)
    assert {sheet.search, sheet.age, sheet.view, sheet.close_button} <= seen


def test_a_click_beside_the_sheet_closes_it_and_a_click_on_it_does_not(sheet: PickerSheet) -> None:
    QTest.mouseClick(sheet, Qt.MouseButton.LeftButton, pos=sheet.panel.geometry().center())
    assert sheet.isVisible()
    QTest.mouseClick(sheet, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert sheet.isHidden()


def test_a_click_on_a_card_picks_it(sheet: PickerSheet, qtbot: QtBot) -> None:
    row = sheet.model.row_of("surreal")
    assert row is not None
    place = sheet.view.visualRect(sheet.model.index(row)).center()
    with qtbot.waitSignal(sheet.picked) as signal:
        QTest.mouseClick(sheet.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert signal.args == ["surreal"]


def test_cards_stand_in_several_columns_and_headings_on_lines_of_their_own(sheet: PickerSheet) -> None:
    rects = [sheet.view.visualRect(sheet.model.index(row)) for row in range(sheet.model.rowCount())]
    heading, first, second, next_heading = rects[:4]
    assert heading.bottom() < first.top()
    assert first.top() == second.top()
    assert second.left() > first.right()
    assert next_heading.top() > first.bottom()
    assert next_heading.left() == heading.left()


def test_the_sheet_follows_the_size_of_its_page(sheet: PickerSheet, page: QWidget) -> None:
    page.resize(600, 500)
    assert sheet.size() == page.size()
    assert page.rect().contains(sheet.panel.geometry())


def test_new_items_keep_the_search(sheet: PickerSheet) -> None:
    QTest.keyClicks(sheet.search, "snow")
    sheet.set_items([*ITEMS, replace(BASE, id="new", name="Snowfall")])
    assert sheet.model.row_of("new") is not None
    assert sheet.model.row_of("dada") is None


def test_assistive_technology_hears_names_sentences_and_reasons(sheet: PickerSheet) -> None:
    assert nameless(sheet.panel) == []
    row = sheet.model.row_of("flux")
    assert row is not None
    words = str(sheet.model.index(row).data(Qt.ItemDataRole.AccessibleDescriptionRole))
    assert "Cuts the text apart." in words
    assert "needs flux.safetensors, 16.5 GB" in words


def test_the_sheet_speaks_the_new_language_at_once(sheet: PickerSheet, kit: Kit) -> None:
    kit.translator.set_language("de")
    assert sheet.search.placeholderText() == "Suchen"
    assert sheet.title.text() == "Title de"
    assert sheet.age.itemText(0) == "Alle Altersstufen"


def test_the_grid_is_painted_in_the_colours_of_the_theme(sheet: PickerSheet, kit: Kit) -> None:
    light = sheet.panel.grab().toImage()
    kit.theme.configure(choice=ThemeChoice.DARK)
    dark = sheet.panel.grab().toImage()
    assert mean_lightness(light) > 180
    assert mean_lightness(dark) < 80


@pytest.mark.parametrize("key", [Key.Key_Space, Key.Key_Return, Key.Key_Down])
def test_the_button_opens_with_the_keys_of_a_drop_down_list(kit: Kit, qtbot: QtBot, key: Qt.Key) -> None:
    button = PickerButton(kit, "test.title")
    qtbot.addWidget(button)
    button.show()
    with qtbot.waitSignal(button.clicked):
        QTest.keyClick(button, key)


def test_the_button_says_what_is_picked_in_the_language_of_the_moment(kit: Kit, qtbot: QtBot) -> None:
    button = PickerButton(kit, "test.title")
    qtbot.addWidget(button)
    assert button.accessibleName() == "Title en: Nothing chosen yet"
    button.set_card(BASE)
    kit.translator.set_language("de")
    assert button.accessibleName() == "Title de: Dada"
    assert button.accessibleDescription() == "Cuts the text apart."


def test_the_button_shows_the_cards_own_colour_at_its_edge(kit: Kit, qtbot: QtBot) -> None:
    button = PickerButton(kit, "test.title")
    qtbot.addWidget(button)
    button.resize(280, 56)
    button.set_card(BASE)
    assert button.grab().toImage().pixelColor(3, 28).name().upper() == BASE.color


def test_a_hostile_card_is_painted_without_trouble(kit: Kit, sheet: PickerSheet) -> None:
    hostile = replace(
        BASE, id="x", name="<b>א</b>\n" + "W" * 5000, description="👩‍👩‍👧 " * 2000, color="no colour", icon="../../x"
    )
    sheet.set_items([hostile])
    assert not sheet.view.grab().isNull()


def test_leaving_events_do_not_reach_a_closed_sheet(sheet: PickerSheet, page: QWidget) -> None:
    sheet.close_sheet()
    QApplication.sendEvent(page, QEvent(QEvent.Type.Resize))
    assert sheet.isHidden()


def mean_lightness(image: QImage) -> float:
    small = image.scaled(40, 40)
    return sum(small.pixelColor(x, y).lightness() for x in range(40) for y in range(40)) / 1600
