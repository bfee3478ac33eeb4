"""Pictures and LoRAs in the window: given in every way, kept, sent, taken over, compared."""

from __future__ import annotations

import asyncio
import base64
from contextlib import AbstractAsyncContextManager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from ai4artsed_desktop.adapters.lora_files import DiskLoraFiles
from ai4artsed_desktop.adapters.model_folders import MediaModelFolders
from ai4artsed_desktop.adapters.model_inventory import DiskModelShelf
from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.lora_library import STRIP_STRENGTHS
from ai4artsed_desktop.ui.create.image_lora_row import with_words
from ai4artsed_desktop.ui.create.strength_strip import StrengthStripSheet
from ai4artsed_desktop.ui.models.cards import CARD_ROLE, CardItem
from ai4artsed_desktop.ui.settings.folders import FoldersRow
from ai4artsed_desktop.ui.widgets.banner import Banner
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton
from ai4artsed_desktop.ui.widgets.mask_sheet import MaskSheet
from tests.conftest import RunInWindowLoop
from tests.support.fake_backend import FakeBackend
from tests.support.pictures import lora_file, no_places, picture
from tests.support.ui_kit import nameless
from tests.support.ui_window import WindowWorld, open_window, press

Run = RunInWindowLoop[None]
IMG2IMG, INPAINT, EDIT, SDXL = "sd35_large_img2img", "sd35_large_inpaint", "qwen_image_edit", "sdxl"


def window(
    home: Path, backend: FakeBackend, loras: Path | None = None, **more: Any
) -> AbstractAsyncContextManager[WindowWorld]:
    """Open the window with a backend for pictures and, perhaps, a folder of LoRAs."""
    settings = Settings(lora_folders=(loras,) if loras else (), comfyui_address="http://127.0.0.1:9")
    files = DiskLoraFiles(MediaModelFolders(lambda: settings, no_places))
    return open_window(home, backends={"comfyui": backend}, lora_files=files, **more)


async def pick(opened: WindowWorld, output: str) -> None:
    opened.create.choices.pick_interception("as_is")
    opened.create.choices.pick_output(output)
    opened.create.idea.set_text("A red apple")


def drop(target: Any, *paths: Path) -> None:
    """Drop files on a widget."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    event = QDropEvent(
        QPointF(QPoint(5, 5)),
        Qt.DropAction.CopyAction,
        mime,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    target.dropEvent(event)


def test_slots_are_there_only_where_an_output_takes_pictures(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with window(app_home, FakeBackend()) as opened:
            inputs = opened.create.inputs
            await pick(opened, "sketchbook_p5js")
            assert inputs.isHidden()
            await pick(opened, SDXL)
            assert not inputs.isHidden() and inputs.slots.isHidden() and not inputs.picks.isHidden()
            await pick(opened, EDIT)
            assert [slot.place.key for slot in inputs.slots.slots] == ["image", "image2", "image3"]
            assert nameless(inputs) == []

    run_in_window_loop(body)


def test_a_dropped_picture_is_shown_sent_and_recorded(run_in_window_loop: Run, app_home: Path, tmp_path: Path) -> None:
    async def body() -> None:
        backend = FakeBackend()
        photo = picture(tmp_path / "Foto.jpg", (60, 20), exif_orientation=6)
        async with window(app_home, backend) as opened:
            await pick(opened, IMG2IMG)
            slot = opened.create.inputs.slots.slots[0]
            drop(slot, photo)
            await opened.until(lambda: slot.picture is not None)
            assert slot.picture is not None and slot.picture.height() > slot.picture.width(), "upright, as taken"
            assert "Foto.jpg" in slot.accessibleName()
            opened.create.choices.medium_box.make_button.click()
            run = await opened.ended()
            assert run.state == "finished" and list(backend.read[0]) == ["Foto.jpg"]
            # What is made from this run later takes the run's own copy.
            await opened.until(lambda: run.request.images["image"].parent == run.folder)
            await asyncio.to_thread(photo.unlink)
            opened.window.actions_list.do("new_seed")
            await opened.until(lambda: opened.shown is not run)
            assert (await opened.ended()).state == "finished"
            assert backend.read[0] == backend.read[1]

    run_in_window_loop(body)


def test_a_missing_picture_is_said_before_anything_runs(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        backend = FakeBackend()
        async with window(app_home, backend) as opened:
            await pick(opened, IMG2IMG)
            opened.create.choices.medium_box.make_button.click()
            await opened.until(lambda: not opened.create.result.error_card.isHidden())
            assert opened.create.shown_run is None and backend.requests == []

    run_in_window_loop(body)


def test_pictures_are_pasted_also_while_the_idea_is_written(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with window(app_home, FakeBackend()) as opened:
            await pick(opened, EDIT)
            slots = opened.create.inputs.slots.slots
            image = QImage(20, 10, QImage.Format.Format_RGB32)
            image.fill(QColor("orange"))
            QGuiApplication.clipboard().setImage(image)
            press(opened.create.idea.field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
            await opened.until(lambda: slots[0].path is not None)
            assert opened.create.idea.text == "A red apple"
            press(slots[2], Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
            await opened.until(lambda: slots[2].path is not None)
            assert slots[1].path is None, "a slot that has the focus takes it itself"
            QGuiApplication.clipboard().setText("words")
            press(opened.create.idea.field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
            assert "words" in opened.create.idea.text
            QTest.keyClick(slots[0], Qt.Key.Key_Delete)
            assert slots[0].path is None and set(opened.create.inputs.images) == {"image3"}
            QGuiApplication.clipboard().clear()

    run_in_window_loop(body)


def test_a_picture_dropped_on_the_window_finds_its_place(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        first, second = picture(tmp_path / "a.png"), picture(tmp_path / "b.webp")
        async with window(app_home, FakeBackend()) as opened:
            await pick(opened, EDIT)
            opened.window.take_files([str(first), str(second)])
            assert opened.create.inputs.images == {"image": first, "image2": second}
            await pick(opened, "sketchbook_p5js")
            assert opened.create.inputs.images == {}
            opened.window.take_files([str(first)])
            # Said, not swallowed: the file is no workflow either.
            await opened.until(lambda: not opened.window.error_card.isHidden())
            await pick(opened, IMG2IMG)
            assert opened.create.inputs.images == {"image": first}, "it comes back with its place"

    run_in_window_loop(body)


def test_what_is_no_picture_leaves_its_slot_and_says_so(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        bad = tmp_path / "bad.png"
        await asyncio.to_thread(bad.write_bytes, b"<html>404</html>")
        async with window(app_home, FakeBackend()) as opened:
            await pick(opened, IMG2IMG)
            drop(opened.create.inputs.slots.slots[0], bad)
            await opened.until(lambda: not opened.create.result.error_card.isHidden())
            assert opened.create.inputs.images == {}

    run_in_window_loop(body)


def test_a_mask_is_painted_sent_and_goes_with_its_picture(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        backend = FakeBackend()
        async with window(app_home, backend) as opened:
            await pick(opened, INPAINT)
            slots = opened.create.inputs.slots
            drop(slots.slots[0], picture(tmp_path / "a.png", (4000, 2000)))
            slots.open_mask("mask")
            await opened.until(lambda: any(s.isVisible() for s in opened.create.findChildren(MaskSheet)))
            (sheet,) = opened.create.findChildren(MaskSheet)
            QTest.keyClick(sheet.canvas, Qt.Key.Key_Space)
            sheet.done_button.click()
            await opened.until(lambda: slots.slots[1].path is not None)
            opened.create.choices.medium_box.make_button.click()
            assert (await opened.ended()).state == "finished"
            (mask,) = [data for name, data in backend.read[0].items() if name != "a.png"]
            sent = QImage.fromData(mask)
            assert (sent.width(), sent.height()) == (4000, 2000)
            assert sent.pixelColor(2000, 1000).value() == 255 and sent.pixelColor(5, 5).value() == 0
            drop(slots.slots[0], picture(tmp_path / "b.png"))
            assert "mask" not in slots.images, "a mask belongs to one picture"

    run_in_window_loop(body)


def loras_in(folder: Path) -> Path:
    said = {"ss_base_model_version": "sdxl", "modelspec.trigger_phrase": "linocut, ink"}
    lora_file(folder / "fits.safetensors", said)
    lora_file(folder / "other.safetensors", ss_base_model_version="flux1")
    return folder


def test_a_lora_is_picked_weighed_sent_and_taken_over(run_in_window_loop: Run, app_home: Path, tmp_path: Path) -> None:
    async def body() -> None:
        backend, folder = FakeBackend(), await asyncio.to_thread(loras_in, tmp_path / "loras")
        async with window(app_home, backend, folder) as opened:
            await pick(opened, SDXL)
            picks = opened.create.inputs.picks
            picks.add_button.click()
            assert picks.sheet is not None
            model = picks.sheet.model
            await opened.until(lambda: model.row_of("fits.safetensors") is not None)
            rows = [model.data(model.index(row), CARD_ROLE) for row in model.card_rows()]
            cards = {card.id: card for card in rows if isinstance(card, CardItem)}
            assert cards["fits.safetensors"].runnable and not cards["other.safetensors"].runnable
            assert "FLUX.1" in cards["other.safetensors"].reason
            assert "rank 4" in cards["fits.safetensors"].facts
            press(picks.sheet.search, Qt.Key.Key_Return)
            (chip,) = picks.chips
            assert picks.loras == (LoraUse(name="fits.safetensors", strength=0.6),)
            QTest.keyClick(chip.slider, Qt.Key.Key_Right)
            assert chip.use.strength == 0.65
            chip.words_wanted.emit()
            assert opened.create.idea.text == "A red apple, linocut, ink"
            opened.create.choices.medium_box.make_button.click()
            run = await opened.ended()
            assert run.state == "finished" and run.request.loras == (LoraUse(name="fits.safetensors", strength=0.65),)
            chip.remove_button.click()
            assert picks.loras == ()
            opened.window.actions_list.do("reuse")
            assert picks.loras == run.request.loras
            opened.create.choices.pick_output("flux1_dev")
            assert not picks.chips[0].warning.isHidden() and "FLUX.1" in picks.chips[0].warning.toolTip()
            opened.create.choices.pick_output("sketchbook_p5js")
            assert picks.loras == () and picks.chips, "kept for an output that takes it"

    run_in_window_loop(body)


def test_the_picture_a_trainer_put_into_a_lora_is_on_its_card(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        made = BytesIO()
        Image.new("RGB", (24, 16), "red").save(made, "PNG")
        uri = "data:image/png;base64," + base64.b64encode(made.getvalue()).decode()
        folder = tmp_path / "loras"
        lora_file(folder / "seen.safetensors", {"modelspec.thumbnail": uri, "ss_base_model_version": "sdxl_base_v1-0"})
        lora_file(folder / "unseen.safetensors", ss_base_model_version="sdxl_base_v1-0")
        async with window(app_home, FakeBackend(), folder) as opened:
            await pick(opened, SDXL)
            picks = opened.create.inputs.picks
            picks.add_button.click()
            assert picks.sheet is not None
            model = picks.sheet.model

            def pictures() -> dict[str, QImage | None]:
                rows = [model.data(model.index(row), CARD_ROLE) for row in model.card_rows()]
                return {card.id: card.picture for card in rows if isinstance(card, CardItem)}

            await opened.until(lambda: pictures().get("seen.safetensors") is not None)
            shown = pictures()["seen.safetensors"]
            assert shown is not None and shown.width() * 2 == shown.height() * 3
            assert shown.pixelColor(0, 0).red() > 250 and pictures()["unseen.safetensors"] is None

    run_in_window_loop(body)


def test_the_strength_strip_makes_five_runs_on_one_seed(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        backend, folder = FakeBackend(), await asyncio.to_thread(loras_in, tmp_path / "loras")
        async with window(app_home, backend, folder) as opened:
            await pick(opened, SDXL)
            picks = opened.create.inputs.picks
            picks.set_loras((LoraUse(name="fits.safetensors"), LoraUse(name="grain.safetensors", strength=0.3)))
            picks.chips[0].strip_wanted.emit()
            (sheet,) = opened.create.findChildren(StrengthStripSheet)
            assert len(sheet.tiles) == 5 and nameless(sheet) == []
            await opened.until(lambda: all(tile.picture is not None for tile in sheet.tiles))
            runs = [tile.facts.request for tile in sheet.tiles]
            assert len({run.seed for run in runs}) == 1
            strengths = [{lora.name: lora.strength for lora in run.loras} for run in runs]
            assert [s["fits.safetensors"] for s in strengths] == list(STRIP_STRENGTHS)
            assert {s["grain.safetensors"] for s in strengths} == {0.3}
            QTest.keyClick(sheet.tiles[3], Qt.Key.Key_Space)
            assert sheet.isHidden() and opened.shown.run_id == sheet.tiles[3].facts.run_id

    run_in_window_loop(body)


def test_trigger_words_join_the_idea_once() -> None:
    assert with_words("", ["a", "b"]) == "a, b"
    assert with_words("A linocut of trees, ", ["linocut", "ink"]) == "A linocut of trees, ink"


def test_folders_are_added_and_forgotten_in_the_settings(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("settings")
            rows = opened.settings.findChildren(FoldersRow)
            assert len(rows) == 2
            loras = rows[1]
            loras.add(tmp_path / "a")
            loras.add(tmp_path / "b")
            loras.add(tmp_path / "a")
            assert opened.world.engine.settings.lora_folders == (tmp_path / "a", tmp_path / "b")
            assert nameless(loras) == []

            def buttons() -> list[IconButton]:
                return [button for button in loras.findChildren(IconButton) if button.isVisibleTo(loras)]

            await opened.until(lambda: len(buttons()) == 2)
            buttons()[0].click()
            assert opened.world.engine.settings.lora_folders == (tmp_path / "b",)

    run_in_window_loop(body)


def test_a_dropped_lora_is_offered_and_copied_to_its_place(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        root, lora = tmp_path / "models", lora_file(tmp_path / "stick" / "Stil ä.safetensors")
        settings = Settings(media_model_folders=(root,), comfyui_address="http://127.0.0.1:9")
        await asyncio.to_thread(root.mkdir)
        shelf = DiskModelShelf(MediaModelFolders(lambda: settings, no_places))
        async with open_window(app_home, model_shelf=shelf) as opened:

            def banners() -> list[Banner]:
                return [banner for banner in opened.window.findChildren(Banner) if not banner.isHidden()]

            opened.window.take_files([str(lora)])
            await opened.until(lambda: bool(banners()))
            (question,) = banners()
            assert "Stil ä.safetensors" in question.words.text() and "loras" in question.words.text()
            next(b for b in question.findChildren(Button) if b.text() == "Copy").click()
            await opened.until(lambda: any("in its place" in banner.words.text() for banner in banners()))
            assert len(banners()) == 1, "what was asked and what was under way are gone"
            copied = root / "loras" / "Stil ä.safetensors"
            assert await asyncio.to_thread(copied.read_bytes) == await asyncio.to_thread(lora.read_bytes)
            page = tmp_path / "page.safetensors"
            await asyncio.to_thread(page.write_bytes, b"<html>")
            opened.window.take_files([str(page)])
            await opened.until(lambda: not opened.window.error_card.isHidden())

    run_in_window_loop(body)


def test_esc_throws_no_painting_away(run_in_window_loop: Run, app_home: Path, tmp_path: Path) -> None:
    async def body() -> None:
        async with window(app_home, FakeBackend()) as opened:
            await pick(opened, INPAINT)
            slots = opened.create.inputs.slots
            drop(slots.slots[0], picture(tmp_path / "a.png", (400, 200)))
            slots.open_mask("mask")
            await opened.until(lambda: any(s.isVisible() for s in opened.create.findChildren(MaskSheet)))
            (sheet,) = opened.create.findChildren(MaskSheet)
            QTest.keyClick(sheet.canvas, Qt.Key.Key_Space)
            QTest.keyClick(sheet.canvas, Qt.Key.Key_Escape)
            assert sheet.isHidden() and slots.slots[1].path is None
            slots.open_mask("mask")
            assert sheet.isVisible() and not sheet.canvas.is_empty and sheet.canvas.can_undo

    run_in_window_loop(body)


def test_picked_loras_are_there_the_next_time_and_damage_is_not(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        backend = FakeBackend()
        async with window(app_home, backend) as opened:
            await pick(opened, SDXL)
            opened.create.inputs.picks.pick("a.safetensors")
            QTest.keyClick(opened.create.inputs.picks.chips[0].slider, Qt.Key.Key_Left)
            opened.window.memory.flush()
            saved = dict(opened.states[-1])
        assert saved["loras"] == [{"name": "a.safetensors", "strength": 0.55}]
        saved["loras"] = [*saved["loras"], {"name": "b", "strength": 99}, "c", None]
        async with window(app_home, backend, state=saved) as opened:
            picks = opened.create.inputs.picks
            assert picks.all_picked == (LoraUse(name="a.safetensors", strength=0.55),)

    run_in_window_loop(body)


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_result_of_this_session_becomes_the_next_picture(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with window(app_home, FakeBackend()) as opened:
            await opened.make("A red apple & a pear", "as_is", "sketchbook_p5js")
            run = await opened.ended()
            await opened.until(lambda: run.folder is not None)
            made = next(medium for medium in run.media if medium.type == "image")
            await pick(opened, IMG2IMG)
            slot = opened.create.inputs.slots.slots[0]
            QTest.keyClick(slot, Qt.Key.Key_Return)
            texts = {action.text(): action for menu in opened.create.findChildren(QMenu) for action in menu.actions()}
            assert not texts["Paste"].isEnabled() and not texts["Take out"].isEnabled()
            texts["A red apple && a pear"].trigger()
            assert run.folder is not None
            assert opened.create.inputs.images == {"image": run.folder / made.filename}
            for menu in opened.create.findChildren(QMenu):
                menu.close()

    run_in_window_loop(body)


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_pictures_of_earlier_runs_are_offered_and_those_that_are_gone_are_not(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        made: list[Path] = []
        async with window(app_home, FakeBackend()) as opened:
            for idea in ("A red apple", "A blue pear"):
                await opened.make(idea, "as_is", "sketchbook_p5js")
                run = await opened.ended()
                await opened.until(lambda run=run: run.folder is not None)
                assert run.folder is not None
                made += [run.folder / medium.filename for medium in run.media if medium.type == "image"]
        made[1].unlink()
        async with window(app_home, FakeBackend()) as opened:
            await pick(opened, IMG2IMG)
            slot = opened.create.inputs.slots.slots[0]

            def offered() -> dict[str, Any]:
                for menu in opened.create.findChildren(QMenu):
                    menu.close()
                QTest.keyClick(slot, Qt.Key.Key_Return)
                return {a.text(): a for menu in opened.create.findChildren(QMenu) for a in menu.actions()}

            await opened.until(lambda: "A red apple" in offered())
            actions = offered()
            assert "A blue pear" not in actions and not actions["From this session"].isEnabled()
            assert not actions["A red apple"].icon().isNull()
            actions["A red apple"].trigger()
            assert opened.create.inputs.images == {"image": made[0]}
            for menu in opened.create.findChildren(QMenu):
                menu.close()

    run_in_window_loop(body)
