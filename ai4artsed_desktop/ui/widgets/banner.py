"""A quiet line at the top of a page: something worth knowing, with one or two actions, until it is closed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, IconLabel, Label, row


class Banner(QFrame):
    """Icon, words, actions and a cross.

    Args:
        kit: Look, icons and words.
        icon: An icon's name.
        role: The icon's colour, such as ``info``.
        key: The text's key.
    """

    closed = Signal()

    def __init__(self, kit: Kit, icon: str, role: str, key: str, **params: object) -> None:
        super().__init__()
        self._kit = kit
        set_look(self, "card")
        self.words = Label(kit, key, "", **params)
        self._actions = row(space=r.SPACE_1)
        self.close_button = IconButton(kit, "close", "action.close")
        self.close_button.clicked.connect(self.dismiss)
        line = row(IconLabel(kit, icon, role), self.words, self._actions, self.close_button, space=r.SPACE_3)
        line.setStretch(1, 1)
        line.setContentsMargins(r.SPACE_3, r.SPACE_1, r.SPACE_1, r.SPACE_1)
        self.setLayout(line)

    def add_action(self, key: str, do: Callable[[], None], icon: str = "") -> Button:
        """Offer something to do; the banner goes then."""
        button = Button(self._kit, key, icon, "quiet")

        def act() -> None:
            self.dismiss()
            do()

        button.clicked.connect(act)
        self._actions.addWidget(button)
        return button

    def dismiss(self) -> None:
        """Go away for good."""
        if not self.isHidden():
            self.hide()
            self.closed.emit()
            self.deleteLater()
