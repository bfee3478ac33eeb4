from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import column
from ai4artsed_desktop.ui.widgets.text_box import COUNT_FROM_CHARS, TextBox
from tests.support.ui_kit import nameless

Key, Ctrl = Qt.Key, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def box(kit: Kit, qtbot: QtBot) -> TextBox:
    box = TextBox(kit, "test.title", "test.words", limit_chars=5000)
    qtbot.addWidget(box)
    box.resize(400, 300)
    box.show()
    box.activateWindow()
    box.field.setFocus()
    return box


def paste(box: TextBox, mime: QMimeData) -> None:
    QGuiApplication.clipboard().setMimeData(mime)
    QTest.keyClick(box.field, Key.Key_V, Ctrl)


def plain(text: str) -> QMimeData:
    mime = QMimeData()
    mime.setText(text)
    return mime


def drop(box: TextBox, mime: QMimeData) -> None:
    actions, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    box.dropEvent(QDropEvent(QPointF(QPoint(9, 9)), actions, mime, left, Qt.KeyboardModifier.NoModifier))


def test_typed_words_are_the_text_and_are_announced(box: TextBox, qtbot: QtBot) -> None:
    with qtbot.waitSignal(box.changed):
        QTest.keyClicks(box.field, "A red apple")
    assert box.text == "A red apple"


def test_pasting_keeps_the_words_and_drops_their_formatting(box: TextBox) -> None:
    mime = QMimeData()
    mime.setHtml("<h1 style='color:red'>Big</h1><script>x()</script>")
    mime.setText("Big")
    paste(box, mime)
    assert box.text == "Big"
    assert "color:red" not in box.field.toHtml()


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("a\x00b\x07c", "abc"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("שלום 👩‍🎨 e\u0301", "שלום 👩‍🎨 é"),
        ("tab\there", "tab\there"),
    ],
)
def test_what_no_model_can_take_is_gone_and_all_else_stays(box: TextBox, pasted: str, kept: str) -> None:
    paste(box, plain(pasted))
    assert box.text == kept


def test_one_undo_takes_a_whole_paste_back_and_redo_brings_it_again(box: TextBox) -> None:
    QTest.keyClicks(box.field, "before ")
    paste(box, plain("a long\npasted\ntext"))
    QTest.keyClick(box.field, Key.Key_Z, Ctrl)
    assert box.text == "before "
    box.field.redo()
    assert box.text == "before a long\npasted\ntext"


def test_a_text_set_by_the_program_can_be_undone(box: TextBox) -> None:
    QTest.keyClicks(box.field, "mine")
    box.set_text("a preset")
    assert box.text == "a preset"
    box.field.undo()
    assert box.text == "mine"


def test_nothing_to_undo_in_a_fresh_box(box: TextBox) -> None:
    assert not box.field.document().isUndoAvailable()


@pytest.mark.parametrize("text", ["word " * 200_000, "a line of words\n" * 62_500], ids=["one_line", "lines"])
def test_a_megabyte_is_pasted_in_reasonable_time_and_nothing_is_cut(box: TextBox, text: str) -> None:
    begin = time.perf_counter()
    paste(box, plain(text))
    elapsed_s = time.perf_counter() - begin
    assert len(box.text) == len(text)
    assert box.is_too_long
    assert elapsed_s < 5.0


def test_the_counter_appears_for_long_texts_and_warns_beyond_the_limit(box: TextBox) -> None:
    assert not box.counter.isVisible()
    box.set_text("x" * COUNT_FROM_CHARS)
    assert box.counter.isVisible()
    assert box.counter.text() == "1000 characters"
    box.set_text("x" * 5001)
    assert box.counter.property("look") == "small-warn"
    assert "5000 at most" in box.counter.text()
    box.set_text("short")
    assert not box.counter.isVisible()


def test_dropped_files_are_handed_to_the_page_and_not_opened_here(box: TextBox, qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "ein Text mit Ümlaut.txt"
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)), QUrl("https://example.org/x")])
    with qtbot.waitSignal(box.files_dropped) as signal:
        drop(box, mime)
    assert signal.args == [[str(path)]]
    assert box.text == ""


def test_dropped_words_land_in_the_field(box: TextBox) -> None:
    drop(box, plain("dropped\x00 words"))
    assert box.text == "dropped words"


def test_tab_leaves_the_field_and_writes_nothing(kit: Kit, qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    first, second = (TextBox(kit, "test.title", "test.words", limit_chars=9) for _ in range(2))
    page.setLayout(column(first, second))
    page.show()
    page.activateWindow()
    first.field.setFocus()
    qtbot.waitUntil(first.field.hasFocus)
    QTest.keyClick(first.field, Key.Key_Tab)
    qtbot.waitUntil(second.field.hasFocus)
    assert first.text == ""


def test_names_and_words_follow_the_language(box: TextBox, kit: Kit) -> None:
    assert nameless(box) == []
    assert (box.field.accessibleName(), box.field.placeholderText()) == ("Title en", "Words en")
    box.set_text("x" * 1000)
    kit.translator.set_language("de")
    assert (box.field.accessibleName(), box.field.placeholderText()) == ("Title de", "Words de")
    assert box.counter.text() == "1000 Zeichen"


def test_peoples_words_are_larger_than_our_labels(box: TextBox) -> None:
    assert box.field.font().pixelSize() == 16
    assert box.title.font().pixelSize() == 12
