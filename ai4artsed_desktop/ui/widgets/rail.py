"""The navigation rail: one button per page, Settings at the bottom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QSizePolicy, QToolButton

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import column

_WIDTH_PX = 104


@dataclass(frozen=True, slots=True)
class RailEntry:
    """One page: its id, its icon, its word's key, and whether it stands at the bottom."""

    page_id: str
    icon: str
    key: str
    is_at_bottom: bool = False


class Rail(QFrame):
    """Always shows where one is; arrow keys and Tab reach every page."""

    #: Id of the page asked for.
    page_chosen = Signal(str)

    def __init__(self, kit: Kit, entries: Sequence[RailEntry]) -> None:
        super().__init__()
        self._kit = kit
        self._entries = tuple(entries)
        self.buttons = {entry.page_id: self._button(entry) for entry in entries}
        self._group = QButtonGroup(self)
        for button in self.buttons.values():
            self._group.addButton(button)
        top = [self.buttons[e.page_id] for e in entries if not e.is_at_bottom]
        bottom = [self.buttons[e.page_id] for e in entries if e.is_at_bottom]
        set_look(self, "rail")
        self.setLayout(column(*top, None, *bottom, space=r.SPACE_1, margin=r.SPACE_1))
        self.setFixedWidth(_WIDTH_PX)
        kit.translator.language_changed.connect(self.retranslate)
        kit.theme.changed.connect(self._on_theme_changed)
        self.retranslate()
        self._on_theme_changed()

    def show_page(self, page_id: str) -> None:
        """Mark a page as the current one, without asking for it."""
        self.buttons[page_id].setChecked(True)

    def retranslate(self) -> None:
        """Set the words anew."""
        for entry in self._entries:
            text = self._kit.text(entry.key)
            self.buttons[entry.page_id].setText(text)
            self.buttons[entry.page_id].setAccessibleName(text)

    def _button(self, entry: RailEntry) -> QToolButton:
        button = QToolButton()
        set_look(button, "rail")
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(QSize(r.ICON_PX, r.ICON_PX))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: self.page_chosen.emit(entry.page_id))
        return button

    def _on_theme_changed(self) -> None:
        for entry in self._entries:
            self.buttons[entry.page_id].setIcon(self._kit.icons.icon(entry.icon))
