"""One life of the window: built, shown at once, filled when the engine has started, closed in order."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from ai4artsed_desktop.adapters import window_files
from ai4artsed_desktop.adapters.assembly import Assembly
from ai4artsed_desktop.adapters.language_files import load_messages, system_language
from ai4artsed_desktop.app.collector import Collector
from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import Event, SettingsChanged
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.ports import RunSummary
from ai4artsed_desktop.engine.tasks import TaskScope
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.desk import Desk
from ai4artsed_desktop.ui.i18n import Translator
from ai4artsed_desktop.ui.icons import Icons
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.main_window import MainWindow
from ai4artsed_desktop.ui.theme import Theme, ThemeChoice

logger = logging.getLogger(__name__)

#: How often the catalogue's folders are looked at while the window is open.
_CATALOG_CHECK_MS = 3000


class Session(QObject):
    """Owns the window and everything between it and the engine."""

    def __init__(self, app: QApplication, assembly: Assembly) -> None:
        super().__init__(app)
        self._assembly = assembly
        self._engine = assembly.engine
        self._scope = TaskScope("window")
        self._closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        settings = self._engine.settings
        paths = assembly.paths
        translator = Translator(load_messages(paths.resources, settings.language), self)
        theme = Theme(
            app,
            ThemeChoice(settings.theme),
            workshop_mode=settings.workshop_mode,
            reduced_motion=settings.reduced_motion,
        )
        icon_folder = paths.resources / "icons"

        def icon_source(name: str) -> bytes | None:
            path = icon_folder / f"{name}.svg"
            return path.read_bytes() if name.replace("-", "").replace("_", "").isalnum() and path.is_file() else None

        self._kit = Kit(theme, Icons(icon_source, theme), translator)
        self.bridge = EngineBridge(self._engine, self._scope, self)
        desk = Desk(
            read_bytes=window_files.read_bytes,
            copy_file=window_files.copy_file,
            keep_picture=partial(window_files.keep_picture, paths.cache / "pictures"),
            free_bytes=window_files.free_bytes,
            models_folder=paths.models,
            data_folder=paths.data,
            state=window_files.load_state(paths.window_file),
            save_state=partial(window_files.save_state, paths.window_file),
            is_administrator=hasattr(os, "geteuid") and os.geteuid() == 0,
        )
        self.window = MainWindow(self._kit, self.bridge, desk)
        self.window.close_confirmed.connect(self._on_window_close_confirmed)
        self.bridge.engine_event.connect(self._on_bridge_engine_event)
        self._catalog_timer = QTimer(self)
        self._catalog_timer.setInterval(_CATALOG_CHECK_MS)
        self._catalog_timer.timeout.connect(self._on_catalog_timer_timeout)
        self._collector = Collector(self)

    def show(self) -> None:
        """Show the window; the engine starts after the first paint."""
        self.window.show()
        QTimer.singleShot(0, self._start_engine)

    def raise_window(self) -> None:
        """Bring the window to the front."""
        if self.window.isMinimized():
            self.window.showNormal()
        self.window.raise_()
        self.window.activateWindow()

    def report(self, traceback_text: str) -> None:
        """Show an unexpected error with its technical text."""
        self.window.show_error(ErrorInfo("error.unexpected", {}, traceback_text))

    def quit_at_once(self) -> None:
        """Close without asking: the system or a terminal wants it."""
        self.window.close_without_asking()

    async def wait_until_closed(self) -> None:
        """Wait until the person has closed the window (and agreed to end what runs)."""
        await self._closed

    async def aclose(self) -> None:
        """End the engine first, then the window."""
        self._catalog_timer.stop()
        self._collector.stop()
        await self._scope.aclose()
        await self._assembly.aclose()
        self.bridge.close()
        self.window.release()
        self.window.deleteLater()

    def _start_engine(self) -> None:
        self.bridge.ask(self._assembly.end_leftovers())
        self.bridge.ask(self._engine.start(), self._on_engine_started, self.window.show_error)

    def _on_engine_started(self, interrupted: Sequence[RunSummary]) -> None:
        self.window.engine_started(interrupted)
        self._catalog_timer.start()

    def _on_catalog_timer_timeout(self) -> None:
        self.bridge.ask(self._engine.reload_catalog(only_if_changed=True))

    def _on_window_close_confirmed(self) -> None:
        if not self._closed.done():
            self._closed.set_result(None)

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, SettingsChanged):
            self._apply(self._engine.settings)

    def _apply(self, settings: Settings) -> None:
        theme = self._kit.theme
        theme.configure(
            choice=ThemeChoice(settings.theme),
            workshop_mode=settings.workshop_mode,
            reduced_motion=settings.reduced_motion,
        )
        language = system_language() if settings.language == "system" else settings.language
        self._kit.translator.set_language(language)
