"""One setting: its words at the left, its field at the right; locked where the environment sets it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QWidget

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.events import Event, SettingsChanged
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Label, column, row
from ai4artsed_desktop.ui.widgets.fields import CheckField, ChoiceField, WholeField

_FIELD_PX = 344


class SettingsLink(QObject):
    """Reads and changes settings for the rows, and tells them when any changed.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine.
        parent: The page.
    """

    #: Any setting changed, wherever.
    changed = Signal()
    #: A change was refused: an ErrorInfo.
    failed = Signal(object)

    def __init__(self, kit: Kit, bridge: EngineBridge, parent: QObject) -> None:
        super().__init__(parent)
        self.kit = kit
        self.bridge = bridge
        bridge.engine_event.connect(self._on_bridge_engine_event)

    def get(self, name: str) -> Any:
        """Return a setting's value."""
        return getattr(self.bridge.engine.settings, name)

    def put(self, name: str, value: object) -> None:
        """Change a setting; what cannot be saved is told, and the fields go back."""
        try:
            self.bridge.engine.change_settings(**{name: value})
        except AppError as exc:
            self.failed.emit(exc.info())
            self.changed.emit()

    def is_locked(self, name: str) -> bool:
        """Whether the environment sets it."""
        return name in self.bridge.engine.settings_from_environment

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, SettingsChanged):
            self.changed.emit()


class SettingRow(QWidget):
    """Words and a field.

    Args:
        link: Reads and changes the setting.
        name: The setting's name; its texts are ``settings.<name>`` and, if there is one, ``settings.<name>.text``.
        field: What the person changes.
    """

    def __init__(self, link: SettingsLink, name: str, field: QWidget, *, has_text: bool = False) -> None:
        super().__init__()
        self._link = link
        self._name = name
        self.field = field
        kit = link.kit
        self.title = Label(kit, f"settings.{name}")
        self.text = Label(kit, f"settings.{name}.text" if has_text else "", "small")
        if not has_text:
            self.text.hide()
        variable = f"AI4ARTSED_{name.upper()}"
        self.lock = Label(kit, "settings.locked", "small-warn", variable=variable)
        is_locked = link.is_locked(name)
        if not is_locked:
            self.lock.hide()
        field.setEnabled(not is_locked)
        words = column(self.title, self.text, self.lock, space=2)
        side = row(words, field, space=r.SPACE_4)
        side.setStretch(0, 1)
        if not isinstance(field, CheckField):
            field.setFixedWidth(_FIELD_PX)
        self.setLayout(side)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the words anew."""
        self.field.setAccessibleName(self.title.text())
        self.field.setAccessibleDescription(self.text.text())


def choice_row(
    link: SettingsLink, name: str, options: Callable[[], Iterable[tuple[object, str]]], *, has_text: bool = False
) -> SettingRow:
    """Return a row with a choice; ``options`` returns (value, text) in the language of the moment."""
    field = ChoiceField(link.kit)

    def show() -> None:
        field.set_options(options(), link.get(name))

    field.chosen.connect(partial(link.put, name))
    link.changed.connect(show)
    link.kit.translator.language_changed.connect(show)
    show()
    return SettingRow(link, name, field, has_text=has_text)


def switch_row(link: SettingsLink, name: str, *, has_text: bool = False) -> SettingRow:
    """Return a row with a switch."""
    field = CheckField(link.kit)

    def show() -> None:
        field.blockSignals(True)
        field.setChecked(bool(link.get(name)))
        field.blockSignals(False)

    field.toggled.connect(partial(link.put, name))
    link.changed.connect(show)
    show()
    return SettingRow(link, name, field, has_text=has_text)


def whole_row(
    link: SettingsLink, name: str, low: int, high: int, unit: str, *, zero_key: str = "", has_text: bool = False
) -> SettingRow:
    """Return a row with a whole number; ``zero_key`` is what the lowest value is called."""
    field = WholeField(link.kit)
    field.setRange(low, high)
    field.setSuffix(f" {unit}" if unit else "")

    def show() -> None:
        field.blockSignals(True)
        field.setSpecialValueText(link.kit.text(zero_key) if zero_key else "")
        field.setValue(int(link.get(name)))
        field.blockSignals(False)

    field.valueChanged.connect(partial(link.put, name))
    link.changed.connect(show)
    link.kit.translator.language_changed.connect(show)
    show()
    return SettingRow(link, name, field, has_text=has_text)


def line_row(link: SettingsLink, name: str, limit_chars: int, *, has_text: bool = False) -> SettingRow:
    """Return a row with a short text; it is saved when the person leaves the field."""
    field = QLineEdit()
    field.setMaxLength(limit_chars)

    def show() -> None:
        if not field.hasFocus():
            field.setText(str(link.get(name)))

    def save() -> None:
        if field.text() != link.get(name):
            link.put(name, field.text())

    field.editingFinished.connect(save)
    link.changed.connect(show)
    show()
    return SettingRow(link, name, field, has_text=has_text)


class Section(QFrame):
    """A titled card of rows."""

    def __init__(self, kit: Kit, title_key: str, *parts: QWidget) -> None:
        super().__init__()
        self.title_key = title_key
        set_look(self, "card")
        self.setLayout(column(Label(kit, title_key, "section"), *parts, space=r.SPACE_3, margin=r.SPACE_4))


def section(kit: Kit, title_key: str, *parts: QWidget) -> Section:
    """Return a titled card of rows."""
    return Section(kit, title_key, *parts)
