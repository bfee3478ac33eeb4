"""The window around the pages: closing, coming back, dropping, finding, languages, names."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.runs import RunRecord, StageName, StageRecord
from ai4artsed_desktop.ui.previews.image import ImagePreview
from ai4artsed_desktop.ui.widgets.banner import Banner
from tests.conftest import RunInWindowLoop
from tests.support.fake_renderer import FakeRenderer
from tests.support.run_records import created
from tests.support.ui_kit import nameless, shipped_tables
from tests.support.ui_window import WindowWorld, open_window, press, type_into
from tests.support.world import open_world

Run = RunInWindowLoop[None]
CTRL = Qt.KeyboardModifier.ControlModifier


def drop(opened: WindowWorld, mime: QMimeData) -> None:
    event = QDropEvent(
        QPointF(300, 300), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    opened.window.dropEvent(event)
    assert event.isAccepted()


def files(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def banners(opened: WindowWorld) -> list[Banner]:
    return [banner for banner in opened.window.findChildren(Banner) if banner.isVisible()]


def button(root: Banner, words: str) -> QAbstractButton:
    return next(b for b in root.findChildren(QAbstractButton) if b.text() == words)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a.safetensors",), "a model or LoRA"),
        (("a.gguf",), "a text model"),
        (("idea.txt",), "becomes the idea"),
        (("a.png", "b.PNG"), "a picture for the medium"),
        (("a.png", "b.gguf"), "each file goes to its place"),
        (("run_1764447600000_0a1b2c",), "the run is shown again"),
    ],
)
def test_what_is_dragged_over_the_window_is_told_what_becomes_of_it(
    run_in_window_loop: Run, app_home: Path, names: tuple[str, ...], words: str
) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            mime, left, none = files(*map(Path, names)), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
            entering = QDragEnterEvent(QPoint(300, 300), Qt.DropAction.CopyAction, mime, left, none)
            hint = opened.window.drop_hint
            opened.window.dragEnterEvent(entering)
            assert entering.isAccepted() and hint.isVisible() and words in hint.words.text()
            assert hint.rect().contains(hint.card.geometry()), "seen whole"
            opened.window.dragLeaveEvent(QDragLeaveEvent())
            assert not hint.isVisible()

    run_in_window_loop(body)


def test_what_is_no_text_does_not_land_in_the_idea(run_in_window_loop: Run, app_home: Path, tmp_path: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            idea, card = opened.create.idea, opened.window.error_card
            (tmp_path / "old.txt").write_bytes("Käse über Öl".encode("latin-1"))
            (tmp_path / "windows.txt").write_text("Ein Apfel", encoding="utf-16")
            (tmp_path / "archive.zip").write_bytes(bytes(range(256)) * 9)
            (tmp_path / "folder").mkdir()
            drop(opened, files(tmp_path / "windows.txt"))
            await opened.until(lambda: idea.text == "Ein Apfel")
            for name in ("archive.zip", "folder"):
                drop(opened, files(tmp_path / name))
                await opened.until(lambda name=name: card.isVisible() and name in card.accessibleName())
                assert idea.text == "Ein Apfel", "what was typed stays"
            drop(opened, files(tmp_path / "old.txt"))
            await opened.until(lambda: idea.text == "Käse über Öl")

    run_in_window_loop(body)


def test_an_idle_window_closes_at_once_and_remembers_what_was_typed(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            closed: list[bool] = []
            opened.window.close_confirmed.connect(lambda: closed.append(True))
            type_into(opened.create.idea.field, "Half an idea")
            opened.window.close()
            assert closed == [True]
            assert opened.window.isHidden()
            assert opened.states[-1]["idea"] == "Half an idea"

    run_in_window_loop(body)


def test_closing_while_a_run_works_asks_and_both_answers_count(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        renderer = FakeRenderer()
        renderer.going_on.clear()
        async with open_window(app_home, renderer=renderer) as opened:
            closed: list[bool] = []
            opened.window.close_confirmed.connect(lambda: closed.append(True))
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            await opened.until(renderer.rendering.is_set)
            opened.window.close()
            sheet = opened.window.close_sheet
            assert sheet is not None
            assert sheet.isVisible()
            assert sheet.stay_button.hasFocus(), "a hasty Enter keeps the work"
            press(sheet.stay_button, Qt.Key.Key_Space)
            assert not sheet.isVisible()
            assert closed == []
            opened.window.close()
            sheet.close_now_button.click()
            assert closed == [True]

    run_in_window_loop(body)


def test_what_was_typed_is_saved_within_a_second_without_closing(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            type_into(opened.create.idea.field, "Typed before the crash")
            await opened.until(lambda: bool(opened.states) and "idea" in opened.states[-1], limit_s=2.0)
            assert opened.states[-1]["idea"].startswith("T")

    run_in_window_loop(body)


def test_the_window_comes_back_as_it_was_left(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.resize(760, 620)  # the offscreen screen has 800 × 800
            create = opened.create
            create.idea.set_text("An idea\N{SNOWMAN} with “quotes”")
            create.choices.pick_interception("dada")
            type_into(create.choices.rules_box.field, "My own rules")
            create.choices.pick_output("sketchbook_tonejs")
            create.choices.values.put("sketchbook_tonejs", "duration_s", 12.0)
            create.choices.medium_box.seed.set_value(77, is_pinned=True)
            opened.window.show_page("settings")
            opened.window.close()
            state = opened.states[-1]
        async with open_window(app_home, state=state) as again:
            assert again.window.stack.currentWidget() is again.settings
            again.window.show_page("create")
            create = again.create
            assert create.idea.text == "An idea\N{SNOWMAN} with “quotes”"
            assert create.choices.interception_id == "dada"
            assert create.choices.rules_box.rules == "My own rules"
            assert create.choices.requests()[0].parameters == {"duration_s": 12.0}
            assert create.choices.medium_box.seed.is_pinned
            assert create.choices.medium_box.seed.value == 77
            assert (again.window.width(), again.window.height()) == (760, 620)

    run_in_window_loop(body)


@pytest.mark.parametrize(
    "state",
    [
        {"idea": 7, "outputs": "x", "measured": [], "parameters": None, "rules": 1, "geometry": "?", "page": "gone"},
        {"interception": "gone", "outputs": ["gone", 3], "pinned_seed": "no", "division": {"high": "x"}},
    ],
)
def test_a_damaged_memory_costs_only_that(run_in_window_loop: Run, app_home: Path, state: dict[str, object]) -> None:
    async def body() -> None:
        async with open_window(app_home, state=state) as opened:
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            assert (await opened.ended()).state == "finished"

    run_in_window_loop(body)


def test_the_language_changes_everything_at_once(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            await opened.ended()
            opened.window.show_page("settings")
            opened.window.show_page("create")
            opened.kit.translator.set_language("de")
            tables = shipped_tables()
            english = {text for key, text in tables["en"].items() if tables["de"].get(key) != text}
            german = set(tables["de"].values())
            shown = [label.text() for label in opened.window.findChildren(QLabel) if label.isVisibleTo(opened.window)]
            shown += [b.text() for b in opened.window.findChildren(QAbstractButton) if b.isVisibleTo(opened.window)]
            assert [text for text in shown if text in english and text not in german] == []
            assert opened.create.choices.rules_box.field.toPlainText().startswith("Die Idee")

    run_in_window_loop(body)


@pytest.mark.parametrize("language", ["en", "de"])
def test_everything_the_tab_key_reaches_has_a_name(run_in_window_loop: Run, app_home: Path, language: str) -> None:
    async def body() -> None:
        async with open_window(app_home, language=language) as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js", "sketchbook_tonejs")
            await opened.ended()
            choices = opened.create.choices
            choices.open_interceptions()
            choices.open_outputs()
            choices.open_parameters()
            choices.open_details()
            opened.window.open_palette()
            opened.window.show_page("settings")
            assert nameless(opened.window) == []

    run_in_window_loop(body)


def test_tab_walks_through_all_of_the_create_page_and_comes_back(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            await opened.make("A red apple", "dada", "sketchbook_p5js")
            await opened.ended()
            await opened.until(lambda: isinstance(opened.create.result.preview, ImagePreview))
            opened.create.idea.field.setFocus()
            seen: list[object] = []
            for _ in range(120):
                focus = QApplication.focusWidget()
                assert focus is not None
                if seen and focus is seen[0]:
                    break
                seen.append(focus)
                QTest.keyClick(focus, Qt.Key.Key_Tab)
            box = opened.create.choices.medium_box
            preview = opened.create.result.preview
            assert isinstance(preview, ImagePreview)
            # In the rail, Tab stops at the page of the moment and the arrow keys go on from there.
            wanted = {box.make_button, box.picker, opened.create.session.strip, opened.window.rail.buttons["create"]}
            assert wanted <= set(seen)
            assert preview.view in seen
            assert QApplication.focusWidget() is seen[0], "the walk is a ring"

    run_in_window_loop(body)


def test_dropped_text_files_and_text_become_the_idea(run_in_window_loop: Run, app_home: Path, tmp_path: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            path = tmp_path / "Grüße.txt"
            path.write_bytes("Ein grüner Apfel\x00\r\nliegt da".encode())
            drop(opened, files(path))
            await opened.until(lambda: opened.create.idea.text == "Ein grüner Apfel\nliegt da")
            mime = QMimeData()
            mime.setText("Dropped words")
            drop(opened, mime)
            assert opened.create.idea.text == "Dropped words"
            opened.create.idea.field.undo()
            assert opened.create.idea.text == "Ein grüner Apfel\nliegt da"

    run_in_window_loop(body)


def test_a_dropped_file_that_is_gone_is_reported_in_words(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            drop(opened, files(tmp_path / "gone.txt"))
            await opened.until(opened.window.error_card.isVisible)
            assert opened.window.error_card.accessibleName()

    run_in_window_loop(body)


def test_a_dropped_run_folder_is_opened_in_the_strip(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            record = await opened.world.run("A blue pear", "as_is", "sketchbook_p5js")
            folder = await opened.world.store.folder_of(record.run_id)
            drop(opened, files(folder))
            await opened.until(lambda: opened.create.shown_run is not None)
            assert opened.shown.request.text == "A blue pear"
            await opened.until(lambda: isinstance(opened.create.result.preview, ImagePreview))

    run_in_window_loop(body)


def test_a_dropped_model_file_asks_whether_to_copy_and_says_what_is_wrong_with_it(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        path = tmp_path / "model.gguf"
        path.write_bytes(b"no model at all")
        async with open_window(app_home) as opened:
            drop(opened, files(path))
            await opened.until(lambda: bool(banners(opened)))
            (banner,) = banners(opened)
            assert "model.gguf" in banner.words.text()
            button(banner, "Copy").click()
            await opened.until(opened.window.error_card.isVisible)
            assert opened.window.stack.currentWidget() is opened.settings

    run_in_window_loop(body)


def test_interrupted_runs_are_offered_and_go_on(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_world(app_home) as world:
            stage = StageRecord(name=StageName.INTERCEPTION, state="done", text="A blue pear")
            record = RunRecord(
                run_id="run_1700000000000_abcdef",
                created="2026-01-01T00:00:00.000+00:00",
                state="running",
                input_text="A red apple",
                interception_id="dada",
                seed=5,
                outputs=({"output_id": "sketchbook_p5js", "parameters": {}},),
                stages=(stage,),
                process={"pid": 2**22 + 1, "started": 1.0},
            )
            await created(world.store, record)
        async with open_window(app_home, prepare=None) as opened:
            # The engine has marked it at its own start; the window was told so.
            summary = next(s for s in await opened.world.store.list_runs() if s.run_id == record.run_id)
            assert summary.state == "interrupted"
            opened.window.engine_started([summary])
            await opened.until(lambda: bool(banners(opened)))
            (banner,) = banners(opened)
            assert "A red apple" in banner.words.text()
            button(banner, "Go on").click()
            await opened.until(lambda: opened.create.shown_run is not None)
            run = await opened.ended()
            assert run.state == "finished"
            assert run.request.text == "A red apple"

    run_in_window_loop(body)


def test_the_palette_finds_and_does(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            press(opened.create.idea.field, Qt.Key.Key_K, CTRL)
            palette = opened.window.palette_sheet
            assert palette is not None
            assert palette.isVisible()
            QTest.keyClicks(palette.search, "surreal")
            QTest.keyClick(palette.search, Qt.Key.Key_Return)
            assert not palette.isVisible()
            assert opened.create.choices.interception_id == "surrealism"
            opened.window.open_palette()
            QTest.keyClicks(palette.search, "settings page")
            QTest.keyClick(palette.search, Qt.Key.Key_Escape)
            assert not palette.isVisible()

    run_in_window_loop(body)


def test_an_unexpected_error_is_shown_and_the_program_goes_on(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_error(ErrorInfo("error.unexpected", {}, "Traceback: boom"))
            card = opened.window.error_card
            assert card.isVisible()
            card.details_button.click()
            assert card.details.toPlainText() == "Traceback: boom"
            await opened.make("A red apple", "as_is", "sketchbook_p5js")
            assert (await opened.ended()).state == "finished"

    run_in_window_loop(body)


def test_the_administrator_is_warned_once(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, is_administrator=True) as opened:
            await opened.until(lambda: bool(banners(opened)))
            (banner,) = banners(opened)
            banner.close_button.click()
            opened.window.close()
            state = opened.states[-1]
        async with open_window(app_home, is_administrator=True, state=state) as again:
            assert banners(again) == []

    run_in_window_loop(body)


@pytest.mark.parametrize(("width", "height", "is_stacked"), [(1280, 720, False), (1100, 720, False), (1000, 720, True)])
def test_the_boxes_stack_in_a_narrow_window_and_nothing_scrolls_in_the_smallest_usual_one(
    run_in_window_loop: Run, app_home: Path, width: int, height: int, is_stacked: bool
) -> None:
    async def body() -> None:
        for language in ("en", "de"):
            async with open_window(app_home, language=language, state={"welcome_seen": True}) as opened:
                opened.window.resize(width, height)
                await opened.make("A red apple", "dada", "sketchbook_p5js")
                await opened.ended()
                await opened.until(lambda: opened.create.boxes.is_stacked is is_stacked)
                if not is_stacked:
                    assert opened.create.area.verticalScrollBar().maximum() == 0, language
                assert opened.window.width() == width, "nothing is too wide"

    run_in_window_loop(body)
