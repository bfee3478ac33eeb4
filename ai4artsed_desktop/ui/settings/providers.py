"""Ollama's address and the model services: which are switched on, where data go, and their keys."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QDate, QLocale
from PySide6.QtWidgets import QLineEdit, QWidget

from ai4artsed_desktop.domain.errors import AddressError
from ai4artsed_desktop.domain.events import Event, ModelsChanged
from ai4artsed_desktop.domain.settings import read_addresses
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.model_services import ModelService, ModelServices
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.settings.rows import Section, SettingsLink, section
from ai4artsed_desktop.ui.settings.servers import address_row
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.fields import CheckField

_FIELD_PX = 344
_LONGEST_KEY = 4096
_KeyPlace = Literal["environment", "keyring", "file"] | None


def providers_section(context: PageContext, link: SettingsLink) -> Section:
    """Return the card with Ollama's address and a row per service."""
    services = context.bridge.engine.model_services
    rows = [ServiceRow(context, link, services, service) for service in services.services()] if services else []
    return section(
        context.kit,
        "settings.providers",
        Label(context.kit, "settings.providers.text", "muted"),
        address_row(link, "ollama_address", has_text=True),
        *rows,
    )


class ServiceRow(QWidget):
    """One service: a switch, its data-protection note, its address and its key."""

    def __init__(
        self, context: PageContext, link: SettingsLink, services: ModelServices, service: ModelService
    ) -> None:
        super().__init__()
        kit = context.kit
        self.service = service
        self._context = context
        self._link = link
        self._services = services
        self.name = Label(kit, look="strong")
        self.name.setText(service.name)
        self.switch = CheckField(kit)
        self.switch.setAccessibleName(service.name)
        if not service.has_text_models:
            self.switch.hide()
        self.switch.setEnabled(not link.is_locked("providers"))
        self.note = Label(kit, look="small")
        self.address = QLineEdit()
        self.address.setPlaceholderText(service.address)
        self.address.setFixedWidth(_FIELD_PX)
        self._address_words = Label(kit, "providers.address", "small")
        self.key = KeyField(context, services, service)
        self.problem = Label(kit, look="small-warn")
        head = row(self.name, self.switch)
        head.setStretch(0, 1)
        place = row(self._address_words, self.address)
        place.setStretch(0, 1)
        self.setLayout(column(head, self.note, self.problem, place, self.key, space=r.SPACE_1))
        self.switch.toggled.connect(self._on_switch_toggled)
        self.address.editingFinished.connect(self._on_address_editing_finished)
        for signal in (link.changed, context.facts.changed, kit.translator.language_changed):
            signal.connect(self.refresh)
        self.refresh()

    @property
    def is_on(self) -> bool:
        """Whether its models are listed."""
        return self.service.id in self._link.get("providers")

    def _data_protection(self) -> str:
        """Return where data go, and how old that knowledge is."""
        kit, checked = self._context.kit, self.service.checked
        words = localized(self.service.data_protection, kit.translator.language)
        if self.service.is_local:
            return words
        if checked is None:
            return f"{words} {kit.text('providers.unchecked')}"
        day = QLocale(kit.translator.language).toString(
            QDate(checked.year, checked.month, checked.day), QLocale.FormatType.ShortFormat
        )
        return f"{words} {kit.text('providers.checked', day=day)}"

    def refresh(self) -> None:
        """Show the settings and the words of now."""
        kit = self._context.kit
        self.switch.blockSignals(True)
        self.switch.setChecked(self.is_on)
        self.switch.blockSignals(False)
        self.note.setText(self._data_protection())
        if not self.address.hasFocus():
            self.address.setText(self._link.get("providers").get(self.service.id, ""))
        self.address.setAccessibleName(f"{self.service.name}: {kit.text('providers.address')}")
        for widget in (self.address, self._address_words):
            widget.setVisible(self.is_on)
        self.key.setVisible(self.is_on or not self.service.has_text_models)
        reason = self._context.bridge.engine.models.problems().get(self.service.id) if self.is_on else None
        self.problem.set_key(reason.key if reason else "", **(reason.params if reason else {}))
        self.problem.setVisible(reason is not None)

    def _put(self, address: str | None) -> None:
        others = {name: kept for name, kept in self._link.get("providers").items() if name != self.service.id}
        self._link.put("providers", others if address is None else {**others, self.service.id: address})

    def _on_switch_toggled(self, is_on: bool) -> None:
        self._put("" if is_on else None)

    def _on_address_editing_finished(self) -> None:
        try:
            addresses = read_addresses(self.address.text()) or ("",)
            if len(addresses) != 1:
                raise AddressError(value=self.address.text())
        except AddressError as exc:
            self._link.failed.emit(exc.info())
            self.address.setText(self._link.get("providers").get(self.service.id, ""))
            return
        if self.is_on and addresses[0] != self._link.get("providers")[self.service.id]:
            self._put(addresses[0])


class KeyField(QWidget):
    """A service's key: it can be entered and forgotten, never read again; where it is kept is said."""

    def __init__(self, context: PageContext, services: ModelServices, service: ModelService) -> None:
        super().__init__()
        kit = context.kit
        self._context = context
        self._services = services
        self._service = service
        self.place: _KeyPlace = None
        self.state = Label(kit, look="small")
        self.field = QLineEdit()
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setMaxLength(_LONGEST_KEY)
        self.field.setFixedWidth(_FIELD_PX)
        self.save_button = Button(kit, "providers.key.save", "check")
        self.forget_button = Button(kit, "providers.key.forget", "trash", "quiet")
        self.save_button.clicked.connect(self._on_save_button_clicked)
        self.field.returnPressed.connect(self._on_save_button_clicked)
        self.forget_button.clicked.connect(self._on_forget_button_clicked)
        line = row(self.state, self.forget_button, self.field, self.save_button)
        line.setStretch(0, 1)
        self.setLayout(line)
        context.bridge.engine_event.connect(self._on_bridge_engine_event)
        kit.translator.language_changed.connect(self._retranslate)
        self._retranslate()
        self.refresh()

    def refresh(self) -> None:
        """Ask anew where the key is kept."""
        ask = self._context.bridge.ask
        ask(self._services.key_place(self._service.id), self._on_place_known, self._context.show_error)

    def _on_place_known(self, place: _KeyPlace) -> None:
        self.place = place
        self._retranslate()

    def _retranslate(self) -> None:
        kit = self._context.kit
        needed = "needed" if self._service.needs_key else "none"
        self.state.set_key(f"providers.key.{self.place or needed}", variable=self._service.key_variable)
        self.forget_button.setVisible(self.place in {"keyring", "file"})
        self.field.setAccessibleName(f"{self._service.name}: {kit.text('providers.key')}")
        self.field.setPlaceholderText(kit.text("providers.key"))

    def _on_save_button_clicked(self) -> None:
        key = self.field.text().strip()
        self.field.clear()
        if key:
            self._put(key)

    def _on_forget_button_clicked(self) -> None:
        self._put("")

    def _put(self, key: str) -> None:
        self._context.bridge.ask(self._services.put_key(self._service.id, key), failed=self._context.show_error)

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, ModelsChanged):
            self.refresh()
