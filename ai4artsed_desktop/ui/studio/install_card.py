"""Installs one service through its makers' installer: where to, how much room there is, what happens, cancel."""

from __future__ import annotations

import asyncio
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QFrame, QWidget

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.domain.services import FoundService, ServiceLogGrew, SetupEnded, SetupProgressed
from ai4artsed_desktop.engine.service_log import KEPT_LINES
from ai4artsed_desktop.engine.service_setup import LOG_PREFIX
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.log_view import LogView
from ai4artsed_desktop.ui.widgets.working import WorkingCard

_LOG_PX = 190


class InstallCard(QFrame):
    """One installation.

    Args:
        context: What every page is given.
        name: The service.
    """

    #: It is there: a ``FoundService``.
    installed = Signal(object)

    def __init__(self, context: PageContext, name: str) -> None:
        super().__init__()
        self._context = context
        self._services = context.bridge.engine.services
        self.name = name
        self._title = self._services.view(name).title
        self.folder = context.desk.data_folder / "services" / self._title
        self._free_bytes: int | None = None
        kit = context.kit
        set_look(self, "card")
        self.place = Label(kit)
        self.room = Label(kit, look="small")
        self.folder_button = Button(kit, "setup.other_folder", "folder", "quiet")
        self.start_button = Button(kit, "setup.install", "download", "primary", title=self._title)
        self.words = Label(kit, f"setup.{name}.text", "muted")
        self.start_row = QWidget()
        self.start_row.setLayout(row(self.start_button, None))
        self.working = WorkingCard(kit)
        self.result = Label(kit)
        self.error_card = ErrorCard(kit)
        self.log = LogView(kit, KEPT_LINES)
        self.log.setFixedHeight(_LOG_PX)
        self.log.follow(self._title, self._services.install_log(name))
        for widget in (self.result, self.log):
            widget.hide()
        self._lay_out()
        self.folder_button.clicked.connect(self._on_folder_button_clicked)
        self.start_button.clicked.connect(self.start)
        self.working.cancel_requested.connect(lambda: self._services.cancel_install(name))
        context.bridge.engine_event.connect(self._on_bridge_engine_event)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def start(self) -> None:
        """Install into the folder shown; one that broke off goes on."""
        self.error_card.hide()
        self.result.hide()
        try:
            self._services.install(self.name, self.folder)
        except AppError as exc:
            self.error_card.show_error(exc.info())
            return
        self.working.start("setup.checking")
        self._show_work(is_working=True)
        self.log.show()

    def set_folder(self, folder: Path) -> None:
        """Install somewhere else: into a folder of the service's name, unless the chosen one is called that."""
        self.folder = folder if folder.name == self._title else folder / self._title
        self._free_bytes = None
        self.retranslate()
        self._ask_room()

    def showEvent(self, event: QShowEvent) -> None:
        """See how much room there is."""
        super().showEvent(event)
        self._ask_room()

    def retranslate(self) -> None:
        """Set the words anew."""
        kit = self._context.kit
        self.place.set_key("setup.place", path=self.folder)
        free = "–" if self._free_bytes is None else size_text(self._free_bytes, kit.translator.language)
        self.room.set_key("setup.room", free=free)

    def _lay_out(self) -> None:
        kit = self._context.kit
        head = Label(kit, "setup.install", "section", title=self._title)
        where = row(column(self.place, self.room, space=2), self.folder_button)
        where.setStretch(0, 1)
        parts = (head, self.words, where, self.start_row, self.working, self.error_card, self.result, self.log)
        self.setLayout(column(*parts, space=r.SPACE_2, margin=r.SPACE_4))

    def _show_work(self, *, is_working: bool) -> None:
        for widget in (self.words, self.start_row, self.folder_button):
            widget.setVisible(not is_working)
        if not is_working:
            self.working.finish()

    def _ask_room(self) -> None:
        folder = self.folder

        def take(free_bytes: int) -> None:
            if folder == self.folder:
                self._free_bytes = free_bytes
                self.retranslate()

        work = asyncio.to_thread(self._context.desk.free_bytes, folder)
        self._context.bridge.ask(work, take, self.error_card.show_error)

    def _on_folder_button_clicked(self) -> None:
        dialog = QFileDialog(self, self._context.kit.text("setup.install", title=self._title), "")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._on_dialog_file_selected)
        dialog.open()

    def _on_dialog_file_selected(self, folder: str) -> None:
        self.set_folder(Path(folder))

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, ServiceLogGrew) and event.name == LOG_PREFIX + self.name:
            self.log.look()
        elif isinstance(event, SetupProgressed) and event.name == self.name:
            self.working.say(event.key)
            self.working.show_detail("", event.step, event.steps, None)
        elif isinstance(event, SetupEnded) and event.name == self.name:
            self._end(event)

    def _end(self, event: SetupEnded) -> None:
        self._show_work(is_working=False)
        self._ask_room()
        if event.error is not None:
            self._show_error(event.error)
        elif event.install is not None:
            self.result.set_key("setup.done", title=self._title, path=event.install.folder)
            self.result.show()
            self.installed.emit(FoundService(event.name, self._title, event.install))
        else:
            self.result.set_key("setup.cancelled")
            self.result.show()

    def _show_error(self, error: ErrorInfo) -> None:
        self.error_card.show_error(error)
        self.error_card.add_action("setup.try_again", self.start)
