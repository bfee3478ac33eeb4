"""What stands on the Settings page, as a list beside it: one click leads there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.settings.rows import Section
from ai4artsed_desktop.ui.widgets.basics import Button, column

_WIDTH_PX = 252


class SectionIndex(QWidget):
    """One button per section; the one in sight is marked."""

    #: A section was chosen.
    chosen = Signal(object)

    def __init__(self, kit: Kit, sections: Sequence[Section]) -> None:
        super().__init__()
        self.buttons = [Button(kit, section.title_key, "", "quiet") for section in sections]
        self._group = QButtonGroup(self)
        for button, section in zip(self.buttons, sections, strict=True):
            button.setCheckable(True)
            button.setStyleSheet("text-align: left;")
            button.clicked.connect(partial(self._on_button_clicked, section))
            self._group.addButton(button)
        self.setFixedWidth(_WIDTH_PX)
        self.setLayout(column(*self.buttons, None, space=r.SPACE_1))

    def _on_button_clicked(self, section: Section) -> None:
        self.chosen.emit(section)

    def mark(self, number: int) -> None:
        """Mark the section in sight."""
        self.buttons[number].setChecked(True)
