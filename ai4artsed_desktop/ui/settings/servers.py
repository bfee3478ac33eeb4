"""The servers that make pictures, sound and video: where they are, and how many runs work at a time."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit

from ai4artsed_desktop.domain.errors import AddressError
from ai4artsed_desktop.domain.settings import read_addresses
from ai4artsed_desktop.ui.settings.rows import Section, SettingRow, SettingsLink, section, switch_row, whole_row
from ai4artsed_desktop.ui.widgets.basics import Label

_LONGEST_TEXT = 4000


def servers_section(link: SettingsLink) -> Section:
    """Return the card with the servers' settings."""
    return section(
        link.kit,
        "settings.servers",
        Label(link.kit, "settings.servers.text", "muted"),
        address_row(link, "comfyui_address"),
        address_row(link, "comfyui_more_addresses", is_list=True, has_text=True),
        address_row(link, "swarmui_address"),
        switch_row(link, "comfyui_through_swarmui", has_text=True),
        whole_row(link, "parallel_runs", 0, 64, "", zero_key="settings.parallel_runs.auto", has_text=True),
    )


def address_row(link: SettingsLink, name: str, *, is_list: bool = False, has_text: bool = False) -> SettingRow:
    """Return a row with an address, or several with commas between them; saved when the person leaves the field."""
    field = QLineEdit()
    field.setMaxLength(_LONGEST_TEXT)

    def show() -> None:
        if not field.hasFocus():
            field.setText(", ".join(link.get(name)) if is_list else link.get(name))

    def save() -> None:
        try:
            addresses = read_addresses(field.text())
            if not is_list and len(addresses) != 1:
                raise AddressError(value=field.text() or "–")
        except AddressError as exc:
            link.failed.emit(exc.info())
            field.setText(", ".join(link.get(name)) if is_list else link.get(name))
            return
        value = addresses if is_list else addresses[0]
        if value != link.get(name):
            link.put(name, value)

    field.editingFinished.connect(save)
    link.changed.connect(show)
    show()
    return SettingRow(link, name, field, has_text=has_text)
