"""The Settings page's card of the programs beside this one."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QLineEdit

from ai4artsed_desktop.ui.settings.rows import SettingRow
from tests.conftest import RunInWindowLoop
from tests.support.ui_window import WindowWorld, open_window

Run = RunInWindowLoop[None]


def row_of(opened: WindowWorld, name: str) -> SettingRow:
    words = opened.kit.text(f"settings.{name}")
    return next(row for row in opened.settings.findChildren(SettingRow) if row.title.text() == words)


def write(opened: WindowWorld, name: str, text: str) -> QLineEdit:
    """Write into a field and leave it."""
    field = row_of(opened, name).field
    assert isinstance(field, QLineEdit)
    field.setText(text)
    field.editingFinished.emit()
    return field


def test_folders_and_arguments_are_read_as_they_are_written(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("settings")
            engine = opened.world.engine
            write(opened, "comfyui_folder", "  /somewhere/ComfyUI größer ")
            write(opened, "comfyui_arguments", '--base-directory "/a b" --lowvram')
            assert engine.settings.comfyui_folder == Path("/somewhere/ComfyUI größer")
            assert engine.settings.comfyui_arguments == ("--base-directory", "/a b", "--lowvram")
            field = write(opened, "comfyui_arguments", 'unbalanced "quote')
            assert opened.settings.error_card.isVisibleTo(opened.settings)
            assert field.text() == "--base-directory '/a b' --lowvram", "the field goes back"
            write(opened, "comfyui_folder", " ")
            write(opened, "comfyui_arguments", "")
            assert (engine.settings.comfyui_folder, engine.settings.comfyui_arguments) == (None, ())

    run_in_window_loop(body)
