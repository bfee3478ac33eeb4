"""A question in place: nothing stops while it stands."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFrame

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button, Label, row


class Confirm(QFrame):
    """Words, Yes and Cancel.

    Args:
        kit: Look, icons and words.
        yes_key: Key of what Yes says.
        icon: Its icon.
    """

    def __init__(self, kit: Kit, yes_key: str, icon: str = "") -> None:
        super().__init__()
        set_look(self, "bad-card")
        self.words = Label(kit)
        self.yes_button = Button(kit, yes_key, icon)
        self.no_button = Button(kit, "action.cancel", "", "quiet")
        self._do: Callable[[], object] = self.hide
        self.yes_button.clicked.connect(self._on_yes_button_clicked)
        self.no_button.clicked.connect(self.hide)
        line = row(self.words, self.yes_button, self.no_button, space=r.SPACE_2, margin=r.SPACE_2)
        line.setStretch(0, 1)
        self.setLayout(line)
        self.hide()

    def ask(self, key: str, do: Callable[[], object], **params: object) -> None:
        """Ask; ``do`` is done with Yes."""
        self._do = do
        self.words.set_key(key, **params)
        self.show()
        self.yes_button.setFocus()

    def _on_yes_button_clicked(self) -> None:
        self.hide()
        self._do()
