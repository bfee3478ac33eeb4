"""The programs beside this one: whether they are started by themselves, and where they lie if not in a usual place."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import cast

from PySide6.QtWidgets import QLineEdit

from ai4artsed_desktop.domain.errors import ParameterError
from ai4artsed_desktop.ui.settings.rows import Section, SettingRow, SettingsLink, section, switch_row, whole_row
from ai4artsed_desktop.ui.widgets.basics import Label

_LONGEST_TEXT = 4000


def services_section(link: SettingsLink) -> Section:
    """Return the card with the settings of ComfyUI, SwarmUI and Ollama as programs."""
    return section(
        link.kit,
        "settings.services",
        Label(link.kit, "settings.services.text", "muted"),
        switch_row(link, "services_auto_start", has_text=True),
        whole_row(link, "services_startup_timeout_s", 1, 3_600, "s", has_text=True),
        whole_row(link, "services_health_interval_s", 1, 300, "s"),
        text_row(link, "comfyui_folder", _path_text, _read_path),
        text_row(link, "comfyui_python", _path_text, _read_path, has_text=True),
        text_row(link, "comfyui_arguments", _arguments_text, _read_arguments, has_text=True),
        text_row(link, "swarmui_folder", _path_text, _read_path),
        text_row(link, "ollama_program", _path_text, _read_path),
    )


def text_row(
    link: SettingsLink,
    name: str,
    write: Callable[[object], str],
    read: Callable[[str], object],
    *,
    has_text: bool = False,
) -> SettingRow:
    """Return a row with a value as text; saved when the person leaves the field, told and put back if it is none.

    Args:
        write: The text of a value.
        read: The value of a text; raises ValueError.
    """
    field = QLineEdit()
    field.setMaxLength(_LONGEST_TEXT)

    def show() -> None:
        if not field.hasFocus():
            field.setText(write(link.get(name)))

    def save() -> None:
        try:
            value = read(field.text().strip())
        except ValueError as exc:
            expected = link.kit.text(f"settings.{name}")
            link.failed.emit(ParameterError(str(exc), name=name, value=field.text(), expected=expected).info())
            field.setText(write(link.get(name)))
            return
        if value != link.get(name):
            link.put(name, value)

    field.editingFinished.connect(save)
    link.changed.connect(show)
    show()
    return SettingRow(link, name, field, has_text=has_text)


def _path_text(value: object) -> str:
    return "" if value is None else str(value)


def _read_path(text: str) -> Path | None:
    return Path(text) if text else None


def _arguments_text(value: object) -> str:
    return shlex.join(cast("tuple[str, ...]", value))


def _read_arguments(text: str) -> tuple[str, ...]:
    return tuple(shlex.split(text))
