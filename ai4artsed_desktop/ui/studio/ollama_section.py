"""Language models of Ollama: what is there and loaded, download, import of a GGUF file, deletion."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QLineEdit, QVBoxLayout, QWidget

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.events import Event, ModelStateChanged
from ai4artsed_desktop.domain.services import ServiceState, ServiceStateChanged
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.engine.served_models import SERVER, ServedModels
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.settings.models import ModelRow
from ai4artsed_desktop.ui.studio.service_card import FACES
from ai4artsed_desktop.ui.studio.works import Works
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, column, frame, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard

_FREE_TO_START = (ServiceState.STOPPED, ServiceState.FAILED)


class OllamaSection(QWidget):
    """The models of the local model server.

    Args:
        context: What every page is given.
        served: Does the work.
    """

    def __init__(self, context: PageContext, served: ServedModels) -> None:
        super().__init__()
        self._context = context
        self._served = served
        self._gguf: Path | None = None
        self._was_usable = False
        kit = context.kit
        self.rows: list[ModelRow] = []
        self._list: QVBoxLayout = column(space=r.SPACE_3)
        self.icon = IconLabel(kit, "circle", "muted", 16)
        self.state = Label(kit)
        self.start_button = Button(kit, "service.start", "play")
        self.setup_button = Button(kit, "service.setup", "search")
        for button in (self.start_button, self.setup_button):
            button.setAccessibleDescription("Ollama")
        self.error_card = ErrorCard(kit)
        self.none = Label(kit, "ollama.none", "muted")
        self.total = Label(kit, look="small")
        self.works = Works(kit, context.bridge, f"{SERVER}/", lambda name: name in served.active(), served.cancel)
        self.name = QLineEdit()
        self.pull_button = Button(kit, "ollama.pull", "download")
        self.import_button = Button(kit, "ollama.import", "folder")
        self.import_name = QLineEdit()
        self.import_yes = Button(kit, "ollama.import.yes", "copy")
        self.import_no = Button(kit, "action.cancel", "", "quiet")
        self.import_words = Label(kit)
        self._import = QWidget()
        self._lay_out()
        self._connect()
        self.retranslate()
        self._refresh()

    def pull(self) -> None:
        """Download the model whose name stands in the field."""
        name = self.name.text().strip()
        if name and f"{SERVER}/{name}" not in self._served.active():
            self.works.begin(name)
            self._served.start_pull(name)
            self.name.clear()

    def offer_import(self, path: Path) -> None:
        """Ask for the name under which a GGUF file shall come in."""
        self._gguf = path
        self.import_words.set_key("ollama.import.question", name=path.name)
        self.import_name.setText(path.stem.lower().replace(" ", "-"))
        self._import.show()
        self.import_name.setFocus()

    def bring_in(self) -> None:
        """Bring the file in that was asked about."""
        name = self.import_name.text().strip()
        if self._gguf is not None and name:
            self.works.begin(name)
            self._served.start_import(self._gguf, name)
            self._close_import()

    def showEvent(self, event: QShowEvent) -> None:
        """See whether it runs, and what is loaded now."""
        super().showEvent(event)
        self._context.bridge.ask(self._context.bridge.engine.services.refresh())
        self._context.facts.refresh()

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._context.kit.text
        self.name.setPlaceholderText(text("ollama.pull.name"))
        self.name.setAccessibleName(text("ollama.pull.name"))
        self.import_name.setAccessibleName(text("ollama.import.name"))
        self.import_name.setPlaceholderText(text("ollama.import.name"))

    def _lay_out(self) -> None:
        kit = self._context.kit
        state = row(self.icon, self.state, self.start_button, self.setup_button)
        state.setStretch(1, 1)
        pull = row(self.name, self.pull_button)
        pull.setStretch(0, 1)
        question = row(self.import_name, self.import_yes, self.import_no)
        question.setStretch(0, 1)
        self._import.setLayout(column(self.import_words, question, space=r.SPACE_1))
        self._import.hide()
        get = frame("card")
        hint = Label(kit, "ollama.pull.text", "muted")
        parts = (Label(kit, "ollama.get", "section"), hint, pull, row(self.import_button, None), self._import)
        get.setLayout(column(*parts, self.works, margin=r.SPACE_4))
        have = frame("card")
        parts = (Label(kit, "ollama.models", "section"), state, self.error_card, self.none, self._list, self.total)
        have.setLayout(column(*parts, space=r.SPACE_3, margin=r.SPACE_4))
        self.setLayout(column(have, get, None, space=r.SPACE_3))

    def _connect(self) -> None:
        context = self._context
        self.start_button.clicked.connect(self._on_start_button_clicked)
        self.setup_button.clicked.connect(self._set_up)
        self.name.returnPressed.connect(self.pull)
        self.name.textChanged.connect(self._show_buttons)
        self.import_name.textChanged.connect(self._show_buttons)
        self.pull_button.clicked.connect(self.pull)
        self.import_button.clicked.connect(self._on_import_button_clicked)
        self.import_name.returnPressed.connect(self.bring_in)
        self.import_yes.clicked.connect(self.bring_in)
        self.import_no.clicked.connect(self._close_import)
        self.works.ended.connect(context.facts.refresh)
        context.facts.changed.connect(self._refresh)
        context.bridge.engine_event.connect(self._on_bridge_engine_event)
        context.kit.translator.language_changed.connect(self.retranslate)
        context.kit.translator.language_changed.connect(self._refresh)

    def _refresh(self) -> None:
        """Show the models that are here now."""
        for old in self.rows:
            self._list.removeWidget(old)
            old.hide()
            old.deleteLater()
        models = [model for model in self._context.facts.snapshot.models if model.provider == SERVER]
        self.rows = [self._row(model) for model in models]
        for new in self.rows:
            self._list.addWidget(new)
        size = sum(model.size_bytes or 0 for model in models)
        self.total.set_key(
            "ollama.total", count=len(models), size=size_text(size, self._context.kit.translator.language)
        )
        self.total.setVisible(bool(models))
        self.none.setVisible(not models and self._context.facts.is_known)
        self._show_state()
        self._show_buttons()

    def _row(self, model: TextModelInfo) -> ModelRow:
        return ModelRow(self._context.kit, model, is_ours=True, remove=partial(self._delete, model.name))

    def _delete(self, name: str) -> None:
        self._context.bridge.ask(self._served.delete(name), failed=self.error_card.show_error)

    def _show_state(self) -> None:
        services = self._context.bridge.engine.services
        is_known = SERVER in services.names
        for widget in (self.icon, self.state, self.start_button, self.setup_button):
            widget.setVisible(is_known)
        if is_known:
            view = services.view(SERVER)
            icon, role = FACES[view.state]
            self.icon.set_face(icon, role)
            is_absent = view.state is ServiceState.STOPPED and view.install is None
            self.state.set_key("service.no_install" if is_absent else f"service.state.{view.state}")
            set_look(self.state, role)
            self.start_button.setVisible(view.state in _FREE_TO_START and not is_absent)
            self.setup_button.setVisible(is_absent)

    def _show_buttons(self) -> None:
        self.pull_button.setEnabled(bool(self.name.text().strip()))
        self.import_yes.setEnabled(bool(self.import_name.text().strip()))

    def _close_import(self) -> None:
        self._gguf = None
        self._import.hide()

    def _on_start_button_clicked(self) -> None:
        try:
            self._context.bridge.engine.services.start(SERVER)
        except AppError as exc:
            self.error_card.show_error(exc.info())

    def _set_up(self) -> None:
        self._context.show_page("studio", "setup")

    def _on_import_button_clicked(self) -> None:
        kit = self._context.kit
        dialog = QFileDialog(self, kit.text("ollama.import"), "", kit.text("models.filter") + " (*.gguf)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._on_dialog_file_selected)
        dialog.open()

    def _on_dialog_file_selected(self, path: str) -> None:
        self.offer_import(Path(path))

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, ModelStateChanged) and self.isVisible():
            self._context.facts.refresh()
        elif isinstance(event, ServiceStateChanged) and event.service.name == SERVER:
            self._show_state()
            if event.service.last_error is not None and event.service.state is ServiceState.FAILED:
                self.error_card.show_error(event.service.last_error)
                self.error_card.add_action("service.setup", self._set_up)
            if event.service.is_usable != self._was_usable:
                self._was_usable = event.service.is_usable
                self._context.facts.refresh()
