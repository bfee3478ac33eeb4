"""The Settings page's card of servers."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QLineEdit

from ai4artsed_desktop.ui.settings.rows import SettingRow
from tests.conftest import RunInWindowLoop
from tests.support.ui_window import WindowWorld, open_window

Run = RunInWindowLoop[None]


def field_of(opened: WindowWorld, name: str) -> QLineEdit:
    words = opened.kit.text(f"settings.{name}")
    row = next(row for row in opened.settings.findChildren(SettingRow) if row.title.text() == words)
    assert isinstance(row.field, QLineEdit)
    return row.field


def write(field: QLineEdit, text: str) -> None:
    """Write into a field and leave it."""
    field.setText(text)
    field.editingFinished.emit()


def test_addresses_are_read_as_people_write_them_and_nonsense_is_refused(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("settings")
            settings = opened.world.engine.settings
            write(field_of(opened, "comfyui_more_addresses"), " 10.0.0.7:8188,https://pics.example/ ;10.0.0.7:8188")
            more = opened.world.engine.settings.comfyui_more_addresses
            assert more == ("http://10.0.0.7:8188", "https://pics.example")
            assert opened.world.engine.settings.run_lanes == 3
            for name, text in (("comfyui_address", ""), ("swarmui_address", "a b"), ("comfyui_address", "ftp://x")):
                field = field_of(opened, name)
                write(field, text)
                assert opened.settings.error_card.isVisibleTo(opened.settings)
                assert field.text() == getattr(settings, name), "the field goes back"
                assert getattr(opened.world.engine.settings, name) == getattr(settings, name)
            write(field_of(opened, "swarmui_address"), "localhost:7802")
            assert opened.world.engine.settings.swarmui_address == "http://localhost:7802"

    run_in_window_loop(body)
