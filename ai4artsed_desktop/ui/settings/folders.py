"""Settings that hold folders: each with a button that takes it out, and one that adds another."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.settings.rows import Section, SettingsLink, section
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, Label, column, row


class FoldersRow(QWidget):
    """Words, the folders below each other, and "add".

    Args:
        link: Reads and changes the setting, a tuple of paths.
        name: The setting's name; its texts are ``settings.<name>`` and ``settings.<name>.text``.
    """

    def __init__(self, link: SettingsLink, name: str) -> None:
        super().__init__()
        self._link = link
        self._name = name
        kit = link.kit
        self.add_button = Button(kit, "settings.add_folder", "plus", "quiet")
        self.add_button.clicked.connect(self._on_add_button_clicked)
        self.lock = Label(kit, "settings.locked", "small-warn", variable=f"AI4ARTSED_{name.upper()}")
        if not link.is_locked(name):
            self.lock.hide()
        self.add_button.setEnabled(not link.is_locked(name))
        self._list = column(space=r.SPACE_1)
        words = column(Label(kit, f"settings.{name}"), Label(kit, f"settings.{name}.text", "small"), self.lock, space=2)
        head = row(words, self.add_button, space=r.SPACE_4)
        head.setStretch(0, 1)
        self.setLayout(column(head, self._list, space=r.SPACE_2))
        link.changed.connect(self._fill)
        self._fill()

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that are set."""
        return self._link.get(self._name)

    def add(self, folder: Path) -> None:
        """Add a folder; one that is there already stays where it is."""
        if folder not in self.folders:
            self._link.put(self._name, (*self.folders, folder))

    def remove(self, folder: Path) -> None:
        """Forget a folder; nothing in it is touched."""
        self._link.put(self._name, tuple(other for other in self.folders if other != folder))

    def _fill(self) -> None:
        while (item := self._list.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for folder in self.folders:
            self._list.addWidget(self._line(folder))

    def _line(self, folder: Path) -> QWidget:
        kit = self._link.kit
        name = Label(kit, look="muted")
        name.setText(str(folder))
        button = IconButton(kit, "close", "settings.remove_folder")
        button.setAccessibleDescription(str(folder))
        button.setEnabled(not self._link.is_locked(self._name))
        button.clicked.connect(partial(self.remove, folder))
        line = QWidget()
        parts = row(name, button, space=r.SPACE_2)
        parts.setStretch(0, 1)
        line.setLayout(parts)
        return line

    def _on_add_button_clicked(self) -> None:
        dialog = QFileDialog(self, self._link.kit.text(f"settings.{self._name}"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)

        def take(path: str) -> None:
            self.add(Path(path))

        dialog.fileSelected.connect(take)
        dialog.open()


def media_folders_section(link: SettingsLink) -> Section:
    """Return the section with the folders of the media servers' models and of further LoRAs."""
    return section(
        link.kit, "settings.folders", FoldersRow(link, "media_model_folders"), FoldersRow(link, "lora_folders")
    )
