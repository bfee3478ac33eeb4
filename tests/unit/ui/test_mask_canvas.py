"""Painting a mask: hand and keys, erasing, undo, zoom, and a mask in the picture's own size."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.mask_canvas import BRUSH_MAX, BRUSH_MIN, MaskCanvas
from ai4artsed_desktop.ui.widgets.mask_sheet import MaskSheet
from tests.support.ui_kit import nameless

LEFT = Qt.MouseButton.LeftButton


def plain(width: int = 400, height: int = 200) -> QImage:
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(QColor("teal"))
    return image


@pytest.fixture
def canvas(kit: Kit, qtbot: QtBot) -> MaskCanvas:
    made = MaskCanvas(kit)
    qtbot.addWidget(made)
    made.resize(800, 400)
    made.set_picture(plain())
    return made


def white(canvas: MaskCanvas, x: int, y: int) -> bool:
    """Whether a place of the picture is marked."""
    return canvas.painted_mask().pixelColor(x, y).value() > 127


def share(canvas: MaskCanvas) -> float:
    """How much of the picture is marked."""
    mask = canvas.painted_mask()
    points = [(x, y) for x in range(0, mask.width(), 4) for y in range(0, mask.height(), 4)]
    return sum(mask.pixelColor(x, y).value() > 127 for x, y in points) / len(points)


def drag(canvas: MaskCanvas, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Paint a line between two places of the widget."""
    QTest.mousePress(canvas, LEFT, pos=QPoint(*start))
    QTest.mouseMove(canvas, QPoint(*end))
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(*end))


def test_a_line_marks_what_it_covers_in_the_pictures_own_pixels(canvas: MaskCanvas) -> None:
    assert canvas.is_empty
    drag(canvas, (200, 200), (600, 200))
    assert not canvas.is_empty
    assert white(canvas, 200, 100) and white(canvas, 110, 100) and white(canvas, 290, 100)
    assert not white(canvas, 200, 10) and not white(canvas, 10, 100)
    mask = canvas.painted_mask()
    assert (mask.width(), mask.height(), mask.format()) == (400, 200, QImage.Format.Format_Grayscale8)


def test_erasing_takes_marks_away(canvas: MaskCanvas) -> None:
    drag(canvas, (200, 200), (600, 200))
    canvas.set_erasing(True)
    drag(canvas, (400, 200), (400, 200))
    assert not white(canvas, 200, 100) and white(canvas, 110, 100)


def test_undo_and_redo_go_through_every_change(canvas: MaskCanvas) -> None:
    drag(canvas, (200, 200), (300, 200))
    drag(canvas, (500, 200), (600, 200))
    canvas.invert()
    canvas.clear()
    states = [share(canvas)]
    for _ in range(4):
        canvas.undo()
        states.append(share(canvas))
    assert not canvas.can_undo and canvas.is_empty
    assert states[0] == 0 and states[1] > 0.8 and states[2] == pytest.approx(1 - states[1], abs=0.03)
    assert states[3] == pytest.approx(states[2] / 2, abs=0.02) and states[4] == 0
    again = []
    while canvas.can_redo:
        canvas.redo()
        again.append(share(canvas))
    assert again == states[-2::-1]


def test_a_new_change_forgets_what_was_taken_back(canvas: MaskCanvas) -> None:
    canvas.invert()
    canvas.undo()
    drag(canvas, (10, 10), (20, 10))
    assert not canvas.can_redo


def test_keys_paint_without_a_hand(canvas: MaskCanvas) -> None:
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    assert white(canvas, 200, 100)
    for _ in range(5):
        QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert white(canvas, 250, 100)
    for _ in range(40):
        QTest.keyClick(canvas, Qt.Key.Key_Up)
    QTest.keyClick(canvas, Qt.Key.Key_Space)
    assert white(canvas, 280, 1), "the brush stops at the edge"
    QTest.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not white(canvas, 280, 1)
    before = canvas.brush
    QTest.keyClicks(canvas, "]")
    assert canvas.brush > before
    QTest.keyClicks(canvas, "e")
    assert canvas.is_erasing
    QTest.keyClicks(canvas, "i")
    assert share(canvas) > 0.5


def test_the_brush_has_bounds(canvas: MaskCanvas) -> None:
    QTest.keyClicks(canvas, "]" * 60)
    assert canvas.brush == BRUSH_MAX
    QTest.keyClicks(canvas, "[" * 60)
    assert canvas.brush == BRUSH_MIN


def test_zoomed_in_the_hand_paints_where_the_pointer_is(canvas: MaskCanvas) -> None:
    canvas.set_brush(BRUSH_MIN)
    QTest.keyClicks(canvas, "++++")
    assert canvas.zoom > 2
    drag(canvas, (400, 200), (400, 200))
    assert white(canvas, 200, 100) and share(canvas) < 0.01
    canvas.zoom_by(-99)
    assert canvas.zoom == 1.0


def test_a_large_picture_gets_its_mask_in_its_own_size(kit: Kit, qtbot: QtBot) -> None:
    canvas = MaskCanvas(kit)
    qtbot.addWidget(canvas)
    canvas.resize(400, 400)
    canvas.set_picture(plain(1536, 1152), full_size=QSize(4000, 3001))
    canvas.invert()
    mask = canvas.painted_mask()
    assert (mask.width(), mask.height()) == (4000, 3001) and mask.pixelColor(3999, 3000).value() == 255


def test_an_earlier_mask_comes_back(kit: Kit, qtbot: QtBot, canvas: MaskCanvas) -> None:
    canvas.invert()
    other = MaskCanvas(kit)
    qtbot.addWidget(other)
    other.set_picture(plain(), canvas.painted_mask())
    assert share(other) == 1.0 and not other.can_undo


def test_the_sheet_hands_out_the_mask_and_names_everything(kit: Kit, qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(1280, 720)
    page.show()
    sheet = MaskSheet(kit, page)
    sheet.open_for(plain(), None)
    assert nameless(sheet) == []
    assert not sheet.done_button.isEnabled() and not sheet.undo_button.isEnabled()
    QTest.keyClick(sheet.canvas, Qt.Key.Key_Space)
    assert sheet.done_button.isEnabled() and sheet.undo_button.isEnabled()
    sheet.size_slider.setValue(100)
    assert sheet.canvas.brush == pytest.approx(BRUSH_MAX)
    with qtbot.waitSignal(sheet.mask_painted) as heard:
        sheet.done_button.click()
    assert heard.args is not None
    assert heard.args[0].size() == plain().size() and sheet.isHidden()
