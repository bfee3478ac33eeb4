from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.pictures import decode_picture, may_move
from ai4artsed_desktop.ui.previews.audio import AudioPreview
from ai4artsed_desktop.ui.previews.base import MediumView, PreviewSpec, PreviewWidget
from ai4artsed_desktop.ui.previews.code import CodePreview
from ai4artsed_desktop.ui.previews.image import ImagePreview
from ai4artsed_desktop.ui.previews.registry import discover, preview_for
from ai4artsed_desktop.ui.previews.text import TextPreview
from ai4artsed_desktop.ui.theme import ThemeChoice
from ai4artsed_desktop.ui.widgets.basics import Label
from tests.support.ui_kit import nameless
from tests.support.ui_media import medium, moving_bytes, picture_bytes, shown

Key = Qt.Key
CODE = "// a sketch\nfunction setup() {\n  const a = `two\n lines`; /* more\n still */ let b = 0x1f;\n}\n"


# --- registry


@pytest.mark.parametrize(
    ("mime", "made"),
    [
        ("image/png", ImagePreview),
        ("image/webp", ImagePreview),
        ("audio/wav", AudioPreview),
        ("text/plain", TextPreview),
        ("text/javascript", CodePreview),
        ("application/javascript", CodePreview),
        ("text/x-python", CodePreview),
    ],
)
def test_the_most_exact_preview_is_found(mime: str, made: type[PreviewWidget]) -> None:
    spec = preview_for(discover(), mime)
    assert spec is not None
    assert spec.make is made


def test_an_unknown_medium_has_no_preview() -> None:
    assert preview_for(discover(), "model/gltf-binary") is None


@pytest.mark.parametrize("spec", discover(), ids=lambda spec: spec.make.__name__)
def test_every_preview_names_what_can_have_focus_and_survives_theme_and_language(
    spec: PreviewSpec, kit: Kit, qtbot: QtBot
) -> None:
    preview = spec.make(kit)
    qtbot.addWidget(preview)
    preview.show()
    assert nameless(preview) == []
    kit.theme.configure(choice=ThemeChoice.DARK)
    kit.translator.set_language("de")
    assert nameless(preview) == []
    preview.release()


@pytest.mark.parametrize("spec", discover(), ids=lambda spec: spec.make.__name__)
def test_a_medium_that_cannot_be_loaded_is_said_in_three_lines(spec: PreviewSpec, kit: Kit, qtbot: QtBot) -> None:
    def refuse() -> bytes:
        raise StorageError("gone", path="/nowhere/x")

    preview = spec.make(kit)
    shown(preview, qtbot, MediumView("x", "image/png", refuse))
    qtbot.waitUntil(preview.error_card.isVisible)
    assert preview.save_button.isEnabled()
    lines = [label for label in preview.error_card.findChildren(Label) if label.isVisible()]
    qtbot.waitUntil(lambda: lines[-1].geometry().bottom() - lines[0].y() < 40 * len(lines))
    assert preview.height() > 350, "the lines stand together, though there is room"


def test_first_paint_needs_no_heavy_import() -> None:
    heavy = "{'numpy', 'PIL', 'PySide6.QtMultimedia', 'PySide6.QtWebEngineCore', 'pyqtgraph'}"
    program = (
        "import sys\n"
        "from ai4artsed_desktop.ui.previews.registry import discover\n"
        "from ai4artsed_desktop.ui.widgets import picker, stage_view, rail, status_bar, session_strip\n"
        f"discover(); print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


# --- pictures


def test_a_picture_is_decoded_off_the_windows_thread_and_fits(kit: Kit, qtbot: QtBot) -> None:
    from PySide6.QtCore import QThread

    threads: list[QThread] = []

    def load() -> bytes:
        threads.append(QThread.currentThread())
        return picture_bytes((2000, 1000))

    preview = ImagePreview(kit)
    shown(preview, qtbot, MediumView("a.png", "image/png", load))
    qtbot.waitUntil(lambda: not preview.view.image().isNull())
    assert threads != [preview.thread()]
    assert 0.2 < preview.view.zoom < 0.31
    assert preview.caption.text().startswith("2000 × 1000 px · ")


def test_keys_and_wheel_zoom(kit: Kit, qtbot: QtBot) -> None:
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(picture_bytes((1000, 1000)), "image/png"))
    qtbot.waitUntil(lambda: not preview.view.image().isNull())
    view, fitted = preview.view, preview.view.zoom
    QTest.keyClick(view, Key.Key_1)
    assert view.zoom == 1.0
    QTest.keyClick(view, Key.Key_Plus)
    assert view.zoom == 1.25
    QTest.keyClick(view, Key.Key_Minus)
    assert view.zoom == 1.0
    QTest.keyClick(view, Key.Key_0)
    assert view.zoom == pytest.approx(fitted)
    none, begin = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    no_keys = Qt.KeyboardModifier.NoModifier
    view.wheelEvent(QWheelEvent(QPointF(9, 9), QPointF(9, 9), QPoint(), QPoint(0, 120), none, no_keys, begin, False))
    assert view.zoom == pytest.approx(fitted * 1.25)


def test_zoom_stays_within_its_limits(kit: Kit, qtbot: QtBot) -> None:
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(picture_bytes(), "image/png"))
    qtbot.waitUntil(lambda: not preview.view.image().isNull())
    preview.view.zoom_by(1000)
    assert preview.view.zoom == 32.0
    preview.view.zoom_by(-1000)
    assert preview.view.zoom == 0.05


def test_a_fitted_picture_stays_fitted_and_a_zoomed_one_keeps_its_zoom(kit: Kit, qtbot: QtBot) -> None:
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(picture_bytes((1000, 1000)), "image/png"))
    qtbot.waitUntil(lambda: not preview.view.image().isNull())
    before = preview.view.zoom
    preview.resize(900, 800)
    qtbot.waitUntil(lambda: preview.view.zoom > before)
    preview.view.set_zoom(1.0)
    preview.resize(600, 400)
    assert preview.view.zoom == 1.0


def test_copy_puts_the_picture_on_the_clipboard(kit: Kit, qtbot: QtBot) -> None:
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(picture_bytes((8, 8), "#123456"), "image/png"))
    qtbot.waitUntil(lambda: not preview.view.image().isNull())
    preview.view.setFocus()
    QTest.keyClick(preview.view, Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().image().pixelColor(4, 4) == QColor("#123456")


def test_pulling_at_a_picture_in_sight_drags_it_out_and_at_a_zoomed_one_pans(kit: Kit, qtbot: QtBot) -> None:
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(picture_bytes((900, 900)), "image/png"))
    qtbot.waitUntil(lambda: not preview.view.image().isNull())
    pulled: list[bool] = []
    preview.view.drag_out_started.connect(lambda: pulled.append(True))
    target = preview.view.viewport()
    for zoom, expected in ((None, [True]), (2.0, [True])):
        if zoom is not None:
            preview.view.set_zoom(zoom)
        QTest.mousePress(target, Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
        QTest.mouseMove(target, QPoint(160, 160))
        QTest.mouseRelease(target, Qt.MouseButton.LeftButton, pos=QPoint(160, 160))
        assert pulled == expected


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_a_moving_picture_plays_only_when_asked_where_motion_is_reduced(kit: Kit, qtbot: QtBot, kind: str) -> None:
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(moving_bytes(kind), f"image/{kind.lower()}"))
    qtbot.waitUntil(preview.play_button.isVisible)
    seen: list[str] = []

    def has_seen_all() -> bool:
        color = preview.view.image().pixelColor(8, 8).name()
        if color not in seen:
            seen.append(color)
        return {"#ff0000", "#00ff00", "#0000ff"} <= set(seen)

    assert preview.view.image().pixelColor(8, 8).name() == "#ff0000"
    QTest.keyClick(preview.view, Key.Key_Space)
    qtbot.waitUntil(has_seen_all)
    QTest.keyClick(preview.view, Key.Key_Space)
    assert preview.play_button.accessibleName() == "Play"
    preview.release()


def test_a_moving_picture_plays_by_itself_elsewhere_and_stops_when_replaced(kit: Kit, qtbot: QtBot) -> None:
    kit.theme.configure(reduced_motion=False)
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(moving_bytes("GIF"), "image/gif"))
    qtbot.waitUntil(preview.play_button.isVisible)
    qtbot.waitUntil(lambda: preview.view.image().pixelColor(8, 8).name() == "#0000ff")
    preview.show_medium(medium(picture_bytes((10, 10), "#ABCDEF"), "image/png"))
    qtbot.waitUntil(lambda: preview.view.image().pixelColor(4, 4).name() == "#abcdef")
    assert not preview.play_button.isVisible()


def test_stills_are_told_from_moving_pictures_by_their_bytes() -> None:
    assert [may_move(moving_bytes(kind)) for kind in ("PNG", "GIF", "WEBP")] == [True, True, True]
    assert not may_move(picture_bytes())
    assert not may_move(picture_bytes(kind="WEBP"))
    assert not may_move(b"")
    assert decode_picture(b"no picture at all") is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 50,
        moving_bytes("PNG")[:100],
        moving_bytes("WEBP")[:70],
        b"<svg",
    ],
    ids=["empty", "gif_head", "png_head", "cut_apng", "cut_webp", "not_a_picture"],
)
def test_a_damaged_picture_is_said_in_words(kit: Kit, qtbot: QtBot, data: bytes) -> None:
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(data, "image/png"))
    qtbot.waitUntil(preview.error_card.isVisible)
    assert preview.error_card.accessibleName() == "07_output.x cannot be shown."
    assert not preview.stage.isVisible()


def test_a_moving_picture_that_breaks_off_keeps_its_last_frame_and_says_so(kit: Kit, qtbot: QtBot) -> None:
    preview = ImagePreview(kit)
    shown(preview, qtbot, medium(moving_bytes("PNG")[:200], "image/png"))
    qtbot.waitUntil(preview.play_button.isVisible)
    preview.play_button.click()
    qtbot.waitUntil(preview.error_card.isVisible)
    assert preview.stage.isVisible()
    assert preview.view.image().width() == 16
    assert preview.play_button.accessibleName() == "Play"


def test_the_newest_medium_wins_even_if_an_older_one_loads_longer(kit: Kit, qtbot: QtBot) -> None:
    from threading import Event

    may_go_on = Event()

    def slow() -> bytes:
        assert may_go_on.wait(10)
        return picture_bytes((50, 50), "#FF0000")

    preview = ImagePreview(kit)
    shown(preview, qtbot, MediumView("slow.png", "image/png", slow))
    preview.show_medium(medium(picture_bytes((30, 30), "#00FF00"), "image/png"))
    qtbot.waitUntil(lambda: preview.view.image().width() == 30)
    may_go_on.set()
    from PySide6.QtCore import QThreadPool

    QThreadPool.globalInstance().waitForDone()
    QApplication.processEvents()
    assert preview.view.image().width() == 30


def test_a_preview_may_go_while_its_medium_still_loads(kit: Kit, qtbot: QtBot) -> None:
    from threading import Event

    started, may_go_on = Event(), Event()

    def slow() -> bytes:
        started.set()
        assert may_go_on.wait(10)
        return picture_bytes()

    preview = ImagePreview(kit)
    preview.show_medium(MediumView("slow.png", "image/png", slow))
    assert started.wait(10)
    preview.deleteLater()
    QApplication.sendPostedEvents(None, 52)  # QEvent.DeferredDelete
    may_go_on.set()


# --- code and text


@pytest.fixture
def code(kit: Kit, qtbot: QtBot) -> CodePreview:
    preview = CodePreview(kit)
    shown(preview, qtbot, medium(CODE.encode(), "text/javascript"))
    qtbot.waitUntil(lambda: preview.editor.toPlainText() == CODE)
    return preview


def test_changed_code_runs_again_as_it_stands(code: CodePreview, qtbot: QtBot) -> None:
    assert not code.revert_button.isVisible()
    QTest.keyClicks(code.editor, "x();")
    assert code.revert_button.isVisible()
    with qtbot.waitSignal(code.run_requested) as signal:
        code.run_button.click()
    assert signal.args == ["x();" + CODE]


def test_back_to_the_original_can_be_undone(code: CodePreview) -> None:
    QTest.keyClicks(code.editor, "mine")
    code.revert_button.click()
    assert code.editor.toPlainText() == CODE
    assert not code.revert_button.isVisible()
    code.editor.undo()
    assert code.editor.toPlainText() == "mine" + CODE


def test_empty_code_cannot_run(code: CodePreview) -> None:
    code.editor.setPlainText("")
    assert not code.run_button.isEnabled()


def test_an_errors_line_is_found(code: CodePreview) -> None:
    code.editor.go_to_line(3)
    assert code.editor.textCursor().blockNumber() == 2
    code.editor.go_to_line(9999)
    assert code.editor.textCursor().blockNumber() == 2


def test_code_is_coloured_over_the_ends_of_lines(code: CodePreview, kit: Kit) -> None:
    def color_at(needle: str) -> str:
        block = code.editor.document().findBlock(CODE.index(needle))
        column = CODE.index(needle) - block.position()
        for span in block.layout().formats():
            if span.start <= column < span.start + span.length:
                return span.format.foreground().color().name().upper()
        return ""

    roles = kit.theme.roles
    expected = {"// a": roles.muted, "function": roles.accent, "setup": roles.info, "lines`": roles.good}
    expected |= {"still": roles.muted, "let b": roles.accent, "0x1f": roles.warn, "{\n": ""}
    assert {needle: color_at(needle) for needle in expected} == expected


@pytest.mark.parametrize("hostile", ["`" * 5000, "/*" * 5000, '"\\' * 5000, "a(" * 20000, "\x00\u2028\ud83d"])
def test_hostile_code_is_coloured_soon(kit: Kit, qtbot: QtBot, hostile: str) -> None:
    preview = CodePreview(kit)
    qtbot.addWidget(preview)
    preview.editor.setPlainText(hostile)
    assert preview.editor.blockCount() >= 1


def test_text_is_shown_clean_and_can_be_copied(kit: Kit, qtbot: QtBot) -> None:
    preview = TextPreview(kit)
    shown(preview, qtbot, medium("\ufeffÄpfel\x00 <b>x</b>\r\n".encode() + b"\xff", "text/plain"))
    qtbot.waitUntil(lambda: preview.view.toPlainText() == "Äpfel <b>x</b>\n\ufffd")
    preview.copy_button.click()
    assert QGuiApplication.clipboard().text() == "Äpfel <b>x</b>\n\ufffd"


def test_a_preview_loads_only_through_what_it_was_given(kit: Kit, qtbot: QtBot) -> None:
    calls: list[str] = []
    load: Callable[[], bytes] = lambda: (calls.append("load"), b"words")[1]  # noqa: E731
    preview = TextPreview(kit)
    shown(preview, qtbot, MediumView("x.txt", "text/plain", load, "/no/such/file.txt"))
    qtbot.waitUntil(lambda: preview.view.toPlainText() == "words")
    assert calls == ["load"]
