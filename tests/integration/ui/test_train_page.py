"""The Train page over a fake trainer: projects, pictures, captions and plan."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QImage, QUndoStack
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit

from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo, TextRequest
from ai4artsed_desktop.ui.train.page import TrainPage
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import GOOD, FakeModels
from tests.support.train_window import TrainWindow, choose, digests, train_window
from tests.support.training_kit import draw_pictures
from tests.support.ui_kit import nameless
from tests.support.ui_window import open_window, press, type_into

Run = RunInWindowLoop[None]
SEEING = TextModelInfo("fake/eyes", "Eyes", "fake", ModelGrade.INSTRUCT, parameters=8_000_000_000, can_see=True)
SEEING_AFAR = TextModelInfo("fake/far", "Far", "fake", ModelGrade.INSTRUCT, is_local=False, can_see=True)


def captions_on_disk(window: TrainWindow) -> dict[str, str]:
    return {p.name: p.path.with_suffix(".txt").read_text("utf-8") for p in window.page.pictures.book.pictures}


def in_red(_request: TextRequest) -> str:
    return "a red shape"


def drop(target: Any, *paths: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    target.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, mime, left, none))


# ---- projects


def test_a_project_is_made_and_bad_names_are_refused_while_they_are_typed(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.shows("Teach a model something of one's own")
            await train.press("New project")
            sheet = train.page.new_sheet
            for bad, words in (("..", "Two dots"), ("a/b", "folder's name"), ("CON", "Windows"), (" ", "empty")):
                sheet.name.setText(bad)
                assert words in sheet.name_problem.text() and sheet.name_problem.isVisible()
                assert not sheet.make_button.isEnabled()
            sheet.name.setText("Bäume & Häuser")
            type_into(sheet.trigger, "  linoxy   tree ")
            sheet.notes.setPlainText("Linocuts of 1926")
            assert not sheet.name_problem.isVisible() and nameless(sheet) == []
            press(sheet.name, Qt.Key.Key_Return)
            await train.opened.until(lambda: train.page.link.name == "Bäume & Häuser")
            await train.shows("No pictures yet")
            project = train.page.link.project
            assert (project.family, project.trigger, project.notes) == ("sdxl", "linoxy tree", "Linocuts of 1926")
            assert not sheet.isVisible() and nameless(train.page) == []

    run_in_window_loop(body)


def test_the_same_name_twice_is_refused_in_words_and_nothing_typed_is_lost(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Übung 1")
            train.page.new_project()
            sheet = train.page.new_sheet
            sheet.name.setText("Übung 1")
            sheet.make_button.click()
            await train.opened.until(sheet.error_card.isVisible)
            assert "Übung 1" in sheet.error_card.accessibleName() and sheet.name.text() == "Übung 1"
            assert sheet.make_button.isEnabled()

    run_in_window_loop(body)


# ---- pictures and captions


def test_pictures_come_by_drop_folder_and_paste_and_originals_stay_as_they_are(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        more = draw_pictures(tmp_path / "Mehr", 3)
        before = digests(more)
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            pictures, model = train.page.pictures, train.page.pictures.model
            drop(pictures.grid, more / "Bild 0.png", more / "Bild 0.txt", more / "Bild 1.png")
            await train.opened.until(lambda: len(model.items) == 8)
            drop(pictures.grid, more)
            await train.opened.until(lambda: len(model.items) == 11)
            image = QImage(64, 48, QImage.Format.Format_RGB32)
            image.fill(Qt.GlobalColor.red)
            QGuiApplication.clipboard().setImage(image)
            QTest.keyClick(pictures.grid, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
            await train.opened.until(lambda: len(model.items) == 12)
            assert digests(more) == before
            assert pictures.book.captions["0007.png"] == "sks form, an ellipse, number 0"
            await train.opened.until(lambda: all(model.loader.get(item.path) for item in model.items if item.path))

    run_in_window_loop(body)


def test_a_file_that_is_no_picture_is_refused_in_words(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n but not really")
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            drop(train.page.pictures.grid, tmp_path / "cut.png")
            await train.shows("The pictures cannot be used.")
            assert len(train.page.pictures.model.items) == 6

    run_in_window_loop(body)


def test_captions_are_edited_in_place_changed_together_and_undone(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            pictures = train.page.pictures
            book, tools, grid = pictures.book, pictures.tools, pictures.grid
            grid.choose(["0002.png"])
            grid.setFocus()
            press(grid, Qt.Key.Key_F2)
            editor = grid.viewport().findChild(QLineEdit)
            assert editor is not None and editor.accessibleName() == "Caption"
            assert editor.text() == "sks form, an ellipse, number 1"
            editor.setText("a tree; “quoted” & 100 %")
            here = pictures.model.index(1)
            pictures.model.dataChanged.emit(here, here)  # the check found something meanwhile
            press(editor, Qt.Key.Key_Return)
            await train.opened.until(lambda: captions_on_disk(train)["0002.png"] == "a tree; “quoted” & 100 %")
            grid.choose(["0001.png", "0002.png"])
            tools.words.setText("linocut")
            tools.add_button.click()
            assert tools.said.text() == "Captions changed: 2"
            grid.clearSelection()
            tools.words.setText("ellipse")
            tools.replacement.setText("circle")
            tools.replace_button.click()
            tools.words.setText("sks form")
            tools.remove_button.click()
            await train.opened.until(lambda: captions_on_disk(train)["0001.png"] == "an circle, number 0, linocut")
            await train.opened.until(lambda: captions_on_disk(train)["0003.png"] == "an circle, number 2")
            for _ in range(4):
                train.opened.window.actions_list.do("undo_remove")
            assert book.captions["0001.png"] == "sks form, an ellipse, number 0" and not book.can_undo
            await train.opened.until(lambda: captions_on_disk(train)["0002.png"] == "sks form, an ellipse, number 1")
            train.opened.window.actions_list.do("train_redo")
            assert book.captions["0002.png"] == "a tree; “quoted” & 100 %"
            assert pictures.findChild(QUndoStack) is not None

    run_in_window_loop(body)


def test_an_emptied_caption_gets_the_trigger_words_because_the_trainer_dies_of_empty_ones(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            book = train.page.pictures.book
            book.change({"0001.png": "   "})
            await train.opened.until(lambda: book.captions["0001.png"] == "sks form")
            assert captions_on_disk(train)["0001.png"] == "sks form"

    run_in_window_loop(body)


def test_tags_are_counted_and_filter_the_pictures(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            pictures = train.page.pictures
            tags = pictures.tools.tags
            await train.opened.until(lambda: tags.rowCount() == 8)
            shown = [tags.data(tags.index(row)) for row in range(3)]
            assert shown[:2] == ["6 × an ellipse", "6 × sks form"]
            row = next(row for row in range(8) if tags.tag(row) == "number 3")
            pictures.tools.tag_view.activated.emit(tags.index(row))
            assert [item.id for item in pictures.model.items] == ["0004.png"] and pictures.count.text() == "1/6"
            assert pictures.targets() == ["0004.png"]
            pictures.tools.all_button.click()
            pictures.search.setText("0006 ELLIPSE")
            assert [item.id for item in pictures.model.items] == ["0006.png"]

    run_in_window_loop(body)


def test_a_model_that_sees_writes_captions_and_without_one_the_page_says_so(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        models = FakeModels((GOOD, SEEING_AFAR), lambda _: "a blue shape\non noise")
        async with train_window(tmp_path, monkeypatch, models=models) as train:
            await train.project()
            tools, book = train.page.pictures.tools, train.page.pictures.book
            train.page.pictures.grid.choose(["0001.png", "0003.png"])
            await train.press("Describe")
            await train.opened.until(tools.error_card.isVisible)
            assert models.requests == [], "a picture never leaves the machine for a caption"
            models.models = (GOOD, SEEING_AFAR, SEEING)
            await train.press("Describe")
            await train.opened.until(lambda: book.captions["0003.png"] == "sks form, a blue shape on noise")
            assert book.captions["0001.png"] == "sks form, a blue shape on noise"
            assert book.captions["0002.png"] == "sks form, an ellipse, number 1"
            assert [model for model, _ in models.requests] == ["fake/eyes"] * 2
            (picture,) = models.requests[0][1].messages[-1].images
            assert picture.startswith(b"\x89PNG")
            await train.opened.until(lambda: not tools.working.isVisible())

    run_in_window_loop(body)


def test_describing_can_be_stopped_and_what_was_not_yet_described_stays(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        models = FakeModels((SEEING,), lambda _: "a blue shape")
        models.going_on.clear()
        async with train_window(tmp_path, monkeypatch, models=models) as train:
            await train.project()
            tools, book = train.page.pictures.tools, train.page.pictures.book
            await train.press("Describe")
            await train.shows("Eyes describes picture 1 of 6")
            tools.working.cancel_button.click()
            models.going_on.set()
            await train.opened.until(lambda: not tools.working.isVisible())
            models.answer = in_red
            train.page.pictures.grid.choose(["0002.png"])
            await train.press("Describe")
            await train.opened.until(lambda: book.captions["0002.png"] == "sks form, a red shape")
            assert len(models.requests) == 2 and "ellipse" in book.captions["0001.png"]

    run_in_window_loop(body)


def test_the_check_finds_what_is_wrong_and_its_fixes_touch_our_copies_only(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        folder = draw_pictures(tmp_path / "Gemischt", 4, (640, 512))
        Image.open(folder / "Bild 0.png").save(folder / "Zwilling.png")
        (folder / "Bild 1.txt").write_text("word " * 80, encoding="utf-8")
        before = digests(folder)
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project(pictures=folder)
            await train.shows("Look alike: 1")
            await train.shows("Caption too long: 1")
            await train.press("Shorten")
            book = train.page.pictures.book
            await train.opened.until(lambda: len(captions_on_disk(train)["0002.png"].split()) == 57)
            await train.press("Check")
            await train.shows("Look alike: 1")
            await train.opened.until(lambda: "Caption too long" not in train.words())
            train.buttons("Remove")[-1].click()  # the check's; the grid's has nothing chosen and cannot be pressed
            await train.shows("Originals stay where they are.")
            train.page.pictures.confirm.yes_button.click()
            await train.opened.until(lambda: len(book.pictures) == 4)
            await train.shows("Nothing stands out.")
            assert digests(folder) == before

    run_in_window_loop(body)


def test_removed_copies_come_back_with_their_captions_in_the_order_of_what_was_done(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            pictures = train.page.pictures
            book, undo = pictures.book, train.opened.window.actions_list
            book.change({"0001.png": "first", "0002.png": "second"})
            before = {
                caption: picture.path.read_bytes()
                for picture in book.pictures
                for caption in [book.captions[picture.name]]
            }
            pictures.grid.choose(["0001.png", "0004.png"])
            QTest.keyClick(pictures.grid, Qt.Key.Key_Delete)
            assert pictures.confirm.isVisible() and len(book.pictures) == 6
            pictures.confirm.yes_button.click()
            await train.opened.until(lambda: len(book.pictures) == 4)
            book.change({"0002.png": "later"})
            undo.do("undo_remove")
            assert book.captions["0002.png"] == "second" and len(book.pictures) == 4
            undo.do("undo_remove")
            await train.opened.until(lambda: len(book.pictures) == 6)
            after = {book.captions[picture.name]: picture.path.read_bytes() for picture in book.pictures}
            assert after == before

    run_in_window_loop(body)


def test_five_thousand_pictures_are_shown_at_once_and_only_those_in_sight_are_decoded(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            folder = train.page.pictures.book.pictures[0].path.parent
            for number in range(7, 5_001):
                (folder / f"{number:04d}.png").hardlink_to(folder / "0001.png")
            reads: list[Path] = []
            model = train.page.pictures.model
            inner = model.loader.read

            def read(path: Path) -> bytes:
                reads.append(path)
                return inner(path)

            model.loader.read = read
            train.page.pictures.load()
            await train.opened.until(lambda: len(model.items) == 5_000, 60)
            await train.opened.until(lambda: model.loader.is_idle, 60)
            assert 0 < len(reads) < 100, "what is not in sight is not read"
            train.page.pictures.grid.scrollToBottom()
            await train.opened.until(lambda: folder / "5000.png" in reads, 60)
            await train.opened.until(lambda: model.loader.is_idle, 60)
            assert len(reads) < 300 and "Not checked yet." in train.words()

    run_in_window_loop(body)


# ---- plan


def test_the_plan_says_steps_memory_disk_and_reasons_and_follows_every_choice(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project(vram_gb=16.0, steps=None)
            page = train.page
            page.show_tab("plan")
            await train.shows("Stable Diffusion 1.5 with 16 GB")
            for words in (
                "200 steps (pictures per step: 8)",
                "Rank 32",
                "not measured here yet",
                "are free",
                "Fewer than 8",
            ):
                assert words in train.words(), words
            choose(page.plan.memory, 8.0)
            await train.shows("Stable Diffusion 1.5 with 8 GB")
            page.plan.steps.setValue(700)
            await train.shows("700 steps")
            assert (page.link.project.vram_gb, page.link.project.steps) == (8.0, 700)
            train.opened.kit.translator.set_language("de")
            await train.shows("Stable Diffusion 1.5 mit 8 GB")
            await train.shows("Rang 16")
            assert nameless(page) == []

    run_in_window_loop(body)


def test_an_option_is_searched_explained_changed_refused_and_given_back(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            page, expert = train.page, train.page.plan.expert
            page.show_tab("plan")
            await train.opened.until(lambda: expert.model.rowCount() > 20)
            shown = expert.model.rowCount()
            expert.only_set.setChecked(False)
            assert expert.model.rowCount() > 150 > shown
            expert.search.setText("learning_rate")
            expert.choose("learning_rate")
            assert "How far each step goes." in expert.about.text() and "float" in expert.about.text()
            expert.text.setText("quick")
            expert.set_button.click()
            await train.shows("The option learning_rate was refused.")
            expert.text.setText("5e-5")
            expert.set_button.click()
            await train.opened.until(
                lambda: page.plan.plan is not None and page.plan.plan.options["learning_rate"] == 5e-5
            )
            assert page.link.project.changes == {"learning_rate": 5e-5}
            await train.press("Back to the preset")
            await train.opened.until(lambda: page.link.project.changes == {})

    run_in_window_loop(body)


def test_options_that_exclude_each_other_are_refused_before_the_start_and_can_be_taken_back(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project(changes={"lr_scheduler": "constant", "lr_warmup_steps": 10})
            train.page.show_tab("plan")
            await train.shows("does not fit the others")
            assert not train.page.plan.can_start
            await train.press("Take back all own options")
            await train.shows("10 steps (pictures per step: 8)")
            assert train.page.plan.can_start

    run_in_window_loop(body)


# ---- what is missing


def test_without_a_trainer_everything_else_works_and_the_way_to_one_is_shown(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch, has_trainer=False) as train:
            await train.shows("No trainer here yet.")
            await train.project()
            train.page.show_tab("plan")
            await train.shows("10 steps (pictures per step: 8)")
            await train.press("Start training")
            await train.shows("No trainer was found.")
            await train.press("The way to a trainer")
            sheet = train.page.places_sheet
            await train.opened.until(lambda: sheet.found.text() == "No trainer found.")
            (tmp_path / "leer").mkdir()
            sheet.fields["kohya_dir"].setText(str(tmp_path / "leer"))
            sheet.fields["kohya_dir"].editingFinished.emit()
            await train.shows("There is no train_network.py in")
            assert train.opened.world.engine.settings.training.kohya_dir == tmp_path / "leer"
            assert nameless(sheet) == []

    run_in_window_loop(body)


def test_where_trainings_are_switched_off_the_page_says_so(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("train")
            page = opened.window.pages["train"]
            assert isinstance(page, TrainPage)
            assert page.off.isVisible() and not page.new_button.isEnabled()

    run_in_window_loop(body)


def test_the_window_starts_without_the_pages_parts() -> None:
    code = "import sys; import ai4artsed_desktop.app.window; "
    code += "from ai4artsed_desktop.ui.paging import discover_pages; discover_pages(); "
    code += "print([m for m in sys.modules if 'ui.train' in m or m in ('pyqtgraph', 'numpy', 'PIL')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
