"""Asks where a medium shall be saved. Nothing waits meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from ai4artsed_desktop.ui.kit import Kit


def ask_where_to_save(kit: Kit, parent: QWidget, source: Path, save: Callable[[Path], None]) -> None:
    """Open the system's dialog with the medium's own name; ``save`` gets the place the person chose."""
    dialog = QFileDialog(parent, kit.text("action.save"))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(source.suffix.lstrip("."))
    dialog.selectFile(source.name)

    def take(target: str) -> None:
        save(Path(target))

    dialog.fileSelected.connect(take)
    dialog.open()
