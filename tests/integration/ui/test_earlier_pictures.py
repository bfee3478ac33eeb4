"""Pictures of earlier runs in the menus: looked for in time, and offered once."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QThreadPool
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu, QWidget

from ai4artsed_desktop.ui.earlier_pictures import earlier_pictures
from tests.conftest import RunInWindowLoop
from tests.support.fake_backend import FakeBackend
from tests.support.pictures import picture
from tests.support.train_window import train_window
from tests.support.ui_window import open_window

Run = RunInWindowLoop[None]


def close_menus(root: QWidget) -> None:
    for menu in root.findChildren(QMenu):
        menu.close()


def offered(root: QWidget) -> list[str]:
    """Every entry of every menu."""
    return [action.text() for menu in root.findChildren(QMenu) for action in menu.actions()]


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_what_was_made_while_slots_are_shown_is_offered_when_the_session_has_it_no_more(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        async with open_window(
            app_home, backends={"comfyui": FakeBackend()}, comfyui_address="http://127.0.0.1:9"
        ) as opened:
            opened.create.choices.pick_output("sd35_large_img2img")
            slot = opened.create.inputs.slots.slots[0]
            slot.given.emit(picture(tmp_path / "Foto.jpg", (60, 20)))
            await opened.make("A red apple", "as_is", "sd35_large_img2img")
            run = await opened.ended()
            assert run.state == "finished" and run.media
            opened.create.tools.remove()

            def is_offered() -> bool:
                close_menus(opened.create)
                QTest.keyClick(slot, Qt.Key.Key_Return)
                return "A red apple" in offered(opened.create)

            await opened.until(is_offered)
            close_menus(opened.create)

    run_in_window_loop(body)


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_picture_of_an_earlier_run_is_taken_into_the_project(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            train.opened.window.show_page("create")
            await train.opened.make("A red apple", "as_is", "sketchbook_p5js")
            run = await train.opened.ended()
            await train.opened.until(lambda: run.folder is not None)
            assert run.folder is not None
            made = [run.folder / medium.filename for medium in run.media if medium.type == "image"]
        before = made[0].read_bytes()
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            pictures = train.page.pictures
            pictures.add_button.click()

            def offered() -> dict[str, QAction]:
                return {a.text(): a for menu in pictures.findChildren(QMenu) for a in menu.actions()}

            await train.opened.until(lambda: "A red apple" in offered())
            offered()["A red apple"].trigger()
            await train.opened.until(lambda: len(pictures.model.items) == 7)
            for menu in pictures.findChildren(QMenu):
                menu.close()
        assert made[0].read_bytes() == before

    run_in_window_loop(body)


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_menu_that_is_opened_again_during_the_first_look_offers_each_picture_once(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch, page="create") as train:
            await train.opened.make("A red apple", "as_is", "sketchbook_p5js")
            await train.opened.ended()
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            pictures, engine, gate = train.page.pictures, train.opened.world.engine, threading.Event()
            workers = QThreadPool.globalInstance()
            workers.waitForDone()
            most = workers.maxThreadCount()
            workers.setMaxThreadCount(1)
            workers.start(gate.wait)
            pictures.add_button.click()
            for _ in range(3):  # by then the first look has been begun
                await earlier_pictures(engine)
            close_menus(pictures)
            pictures.add_button.click()
            gate.set()
            workers.waitForDone()
            workers.setMaxThreadCount(most)
            await train.opened.until(lambda: "A red apple" in offered(pictures))
            for _ in range(3):  # by then the second one would have ended, too
                await earlier_pictures(engine)
                workers.waitForDone()
                await asyncio.sleep(0)
            assert offered(pictures).count("A red apple") == 1
            close_menus(pictures)

    run_in_window_loop(body)
