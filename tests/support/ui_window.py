"""The whole window over a real engine, with a fake model and a fake renderer, on the loop of the window."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QThreadPool
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from ai4artsed_desktop.adapters import window_files
from ai4artsed_desktop.engine.tasks import TaskScope
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.desk import Desk
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.main_window import MainWindow
from ai4artsed_desktop.ui.pages.create import CreatePage
from ai4artsed_desktop.ui.pages.settings import SettingsPage
from ai4artsed_desktop.ui.session_runs import RunFacts
from tests.support.fake_models import FakeModels
from tests.support.fake_renderer import FakeRenderer
from tests.support.ui_kit import make_kit
from tests.support.world import TestWorld, open_world


@dataclass
class WindowWorld:
    """A window at work and everything around it; ``states`` holds what it remembered, newest last."""

    world: TestWorld
    window: MainWindow
    kit: Kit
    states: list[Mapping[str, Any]] = field(default_factory=list[Mapping[str, Any]])

    @property
    def create(self) -> CreatePage:
        page = self.window.pages["create"]
        assert isinstance(page, CreatePage)
        return page

    @property
    def settings(self) -> SettingsPage:
        page = self.window.pages["settings"]
        assert isinstance(page, SettingsPage)
        return page

    @property
    def shown(self) -> RunFacts:
        facts = self.create.shown_run
        assert facts is not None, "no run is in sight"
        return facts

    async def until(self, condition: Callable[[], bool], limit_s: float = 10.0) -> None:
        """Let the window work until ``condition`` holds; fail the test if it never does."""
        give_up_s = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > give_up_s:
                # Not pytest.fail: what is no Exception never leaves the loop of the window.
                raise AssertionError(f"not within {limit_s} s; heard:\n{self.world.probe.report()}")
            await asyncio.sleep(0.005)

    async def ended(self) -> RunFacts:
        """Wait until the run in sight has ended and return it."""
        await self.until(lambda: self.create.shown_run is not None and not self.shown.is_live)
        return self.shown

    async def make(self, text: str, interception: str = "as_is", *outputs: str) -> None:
        """Fill the boxes as a person would and press Make."""
        self.create.choices.pick_interception(interception)
        for number, output in enumerate(outputs):
            self.create.choices.pick_output(output, is_added=number > 0)
        type_into(self.create.idea.field, text)
        before = self.create.shown_run
        self.create.choices.medium_box.make_button.click()
        await self.until(lambda: self.create.shown_run is not before)


def type_into(field: QWidget, text: str) -> None:
    """Replace a field's text by typing."""
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(field, text)


def press(widget: QWidget, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key in a widget; the window's shortcuts come first, as they do for a person.

    Not through the window handle: that would turn a loop inside the loop.
    """
    QTest.keyClick(widget, key, modifier)


class StrayWindows(QObject):
    """Notes every part that is shown before it has its place in the window: it would flash up as one of its own."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        self.seen: list[str] = []
        app.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget):
            # What has no parent is a plain window; dialogs, menus, pop-ups and tool tips are of their own kinds.
            is_stray = watched.windowType() == Qt.WindowType.Window and not isinstance(watched, MainWindow)
            self.seen += [f"{type(watched).__name__} {watched.accessibleName()}"] if is_stray else []
        return False


@asynccontextmanager
async def open_window(
    home: Path,
    *,
    language: str = "en",
    models: FakeModels | None = None,
    renderer: FakeRenderer | None = None,
    state: Mapping[str, Any] | None = None,
    is_administrator: bool = False,
    prepare: Callable[[TestWorld], object] | None = None,
    **settings: Any,
) -> AsyncGenerator[WindowWorld, None]:
    """Open the window over an engine whose data lie below ``home``.

    Args:
        state: How the window was left.
        prepare: Called with the engine's world before the window is made.
    """
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    settings.setdefault("language", language)
    strays = StrayWindows(app)
    async with open_world(home, models=models, renderer=renderer, **settings) as world:
        if prepare is not None:
            prepare(world)
        states: list[Mapping[str, Any]] = []
        kit = make_kit(app, language=language)
        scope = TaskScope("test window")
        bridge = EngineBridge(world.engine, scope)
        desk = Desk(
            read_bytes=window_files.read_bytes,
            copy_file=window_files.copy_file,
            keep_picture=partial(window_files.keep_picture, world.paths.cache / "pictures"),
            free_bytes=window_files.free_bytes,
            models_folder=world.paths.models,
            data_folder=world.paths.data,
            state=state or {},
            save_state=lambda saved: states.append(dict(saved)),
            is_administrator=is_administrator,
        )
        window = MainWindow(kit, bridge, desk)
        opened = WindowWorld(world, window, kit, states)
        window.show()
        window.activateWindow()
        window.engine_started(await world.store.mark_interrupted())
        try:
            await opened.until(lambda: window.facts.is_known)
            yield opened
            assert not strays.seen, f"shown without a place in the window: {strays.seen}"
        finally:
            await scope.aclose()
            bridge.close()
            window.release()
            window.hide()
            window.deleteLater()
            kit.theme.deleteLater()
            QThreadPool.globalInstance().waitForDone()
            for _ in range(2):
                QCoreApplication.sendPostedEvents(None, int(QEvent.Type.DeferredDelete))
