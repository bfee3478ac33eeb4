"""The guided set-up: what was found here and what of it is used, and the installation of what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QLayout, QVBoxLayout, QWidget

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.services import FoundService
from ai4artsed_desktop.engine.service_choice import is_chosen, place_setting, settings_for
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.studio.install_card import InstallCard
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, column, frame, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard


class SetupPanel(QWidget):
    """Looks whenever it is shown; changes settings only when asked to.

    Args:
        context: What every page is given.
    """

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._kit = context.kit
        self._services = context.bridge.engine.services
        self._found: tuple[FoundService, ...] | None = None
        self._is_looking = False
        self._is_stale = False
        self._wanted: tuple[str, Path, object] | None = None
        self.rows: list[QWidget] = []
        kit = context.kit
        self.state = Label(kit, "setup.looking", "muted")
        self.problem = Label(kit, look="warn")
        self.error_card = ErrorCard(kit)
        self._list: QVBoxLayout = column(space=r.SPACE_2)
        card = frame("card")
        parts = (Label(kit, "setup.found", "section"), self.state, self.problem, self.error_card, self._list)
        card.setLayout(column(*parts, space=r.SPACE_2, margin=r.SPACE_4))
        self.installs = [InstallCard(context, name) for name in self._services.installable()]
        for install in self.installs:
            install.installed.connect(self._on_install_installed)
        self.setLayout(column(card, *self.installs, None, space=r.SPACE_3))
        self.problem.hide()
        kit.translator.language_changed.connect(self._show)

    def look(self) -> None:
        """Look through the usual folders and ports; while one look is under way, the next one waits for it."""
        if self._is_looking:
            self._is_stale = True
            return
        self._is_looking, self._is_stale = True, False
        self.state.show()
        self._context.bridge.ask(self._services.find_services(), self._on_found, self._on_failed)

    def showEvent(self, event: QShowEvent) -> None:
        """Look at once."""
        super().showEvent(event)
        self.look()

    def use(self, found: FoundService) -> None:
        """Use what was found from now on."""
        self._change(settings_for(found))

    def use_place(self, name: str, place: Path) -> None:
        """Use a folder or a program that the person chose, if the service is there; else all stays as it was."""
        setting = place_setting(name)
        self._wanted = (name, place, getattr(self._context.bridge.engine.settings, setting))
        self._change({setting: place})

    def _change(self, settings: dict[str, object]) -> None:
        self.problem.hide()
        self.error_card.hide()
        try:
            self._context.bridge.engine.change_settings(**settings)
        except AppError as exc:
            self.error_card.show_error(exc.info())
            return
        self.look()

    def _on_found(self, found: tuple[FoundService, ...]) -> None:
        self._is_looking = False
        if self._is_stale:
            self.look()
            return
        self._found = found
        self.state.hide()
        wanted, self._wanted = self._wanted, None
        if wanted is not None and not _has(found, wanted[0], wanted[1]):
            self._go_back(*wanted)
        self._show()

    def _go_back(self, name: str, place: Path, before: object) -> None:
        title = self._services.view(name).title
        self._change({place_setting(name): before})
        self.problem.set_key("setup.not_there", title=title, path=place)
        self.problem.show()

    def _on_failed(self, error: ErrorInfo) -> None:
        self._is_looking = False
        self.state.hide()
        self.error_card.show_error(error)

    def _on_install_installed(self, found: FoundService) -> None:
        self.use(found)

    def _show(self) -> None:
        """Show what was found, service by service, in the order of the cards."""
        for old in self.rows:
            self._list.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.rows = []
        for name in self._services.names if self._found is not None else ():
            of_it = [found for found in self._found or () if found.name == name]
            self.rows.append(self._head(name, is_found=bool(of_it)))
            self.rows += [self._row(found) for found in of_it]
        for new in self.rows:
            self._list.addWidget(new)

    def _head(self, name: str, *, is_found: bool) -> QWidget:
        kit = self._kit
        title = Label(kit, look="strong")
        title.setText(self._services.view(name).title)
        title.setWordWrap(False)
        setting = place_setting(name)
        is_program = setting.endswith("_program")
        key = "setup.choose_program" if is_program else "setup.choose_folder"
        choose = Button(kit, key, "folder", "quiet")
        choose.setAccessibleDescription(title.text())
        if not setting:
            choose.hide()
        choose.setEnabled(setting not in self._context.bridge.engine.settings_from_environment)
        choose.clicked.connect(partial(self._choose, name, is_program))
        missing = Label(kit, "" if is_found else "service.no_install", "muted")
        line = row(title, missing, choose)
        line.setStretch(1, 1)
        return _holding(line)

    def _row(self, found: FoundService) -> QWidget:
        kit, engine = self._kit, self._context.bridge.engine
        place = Label(kit)
        if found.install is not None:
            place.setText(found.install.folder)
        else:
            place.set_key("setup.answers", address=found.address)
        is_next = found.install is not None and found.install == engine.services.view(found.name).install
        if is_next or is_chosen(found, engine.settings):
            in_use = Label(kit, "setup.in_use", "good")
            in_use.setWordWrap(False)
            line = row(place, IconLabel(kit, "check", "good", 16), in_use)
        else:
            button = Button(kit, "setup.use")
            button.setAccessibleDescription(place.text())
            button.clicked.connect(partial(self._on_use_clicked, found))
            button.setEnabled(not engine.settings_from_environment.intersection(settings_for(found)))
            line = row(place, button)
        line.setStretch(0, 1)
        line.setContentsMargins(r.SPACE_4, 0, 0, 0)
        return _holding(line)

    def _on_use_clicked(self, found: FoundService, *_: object) -> None:
        self.use(found)

    def _choose(self, name: str, is_program: bool, *_: object) -> None:
        dialog = QFileDialog(self, self._services.view(name).title, "")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        kind = QFileDialog.FileMode.ExistingFile if is_program else QFileDialog.FileMode.Directory
        dialog.setFileMode(kind)

        def chosen(path: str) -> None:
            self.use_place(name, Path(path))

        dialog.fileSelected.connect(chosen)
        dialog.open()


def _has(found: Sequence[FoundService], name: str, place: Path) -> bool:
    """Tell whether a service was found at this very place."""
    installs = [item.install for item in found if item.name == name and item.install is not None]
    return any(place in (Path(install.folder), Path(install.program)) for install in installs)


def _holding(line: QLayout) -> QWidget:
    holder = QWidget()
    holder.setLayout(line)
    return holder
