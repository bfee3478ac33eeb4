"""The seed of the next run: drawn by itself, thrown anew, or pinned."""

from __future__ import annotations

import secrets

from PySide6.QtCore import QRegularExpression, Signal
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QLineEdit, QWidget

from ai4artsed_desktop.domain.parameters import SEED_LIMIT
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import IconButton, Label, row


class SeedField(QWidget):
    """A number and two buttons. Typing a number pins it; the dice draw a new one."""

    changed = Signal()

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self.label = Label(kit, "create.seed", "small")
        self.number = QLineEdit()
        # Ten digits at most; what is above the limit is cut back when it is used.
        self.number.setValidator(QRegularExpressionValidator(QRegularExpression(r"[0-9]{0,10}"), self))
        self.dice = IconButton(kit, "dice", "create.seed.new")
        self.pin = IconButton(kit, "pin", "create.seed.pin", checkable=True)
        self.dice.clicked.connect(self.throw)
        self.pin.toggled.connect(self._on_pin_toggled)
        self.number.textEdited.connect(self._on_number_text_edited)
        self.label.setWordWrap(False)
        self.label.setBuddy(self.number)
        parts = row(self.label, self.number, self.dice, self.pin, space=r.SPACE_1)
        parts.setStretch(1, 1)
        self.setLayout(parts)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    @property
    def value(self) -> int | None:
        """The seed in the field; None if it is empty."""
        text = self.number.text()
        return min(int(text), SEED_LIMIT - 1) if text else None

    @property
    def is_pinned(self) -> bool:
        """Whether the next run takes this number whatever else changes."""
        return self.pin.isChecked() and self.value is not None

    def set_value(self, seed: int, *, is_pinned: bool | None = None) -> None:
        """Show a seed; the pin stays as it is unless told otherwise."""
        self.number.setText(str(seed))
        if is_pinned is not None:
            self.pin.setChecked(is_pinned)
        self.changed.emit()

    def throw(self) -> int:
        """Draw a new seed, show and return it; it is not pinned."""
        seed = secrets.randbelow(SEED_LIMIT)
        self.set_value(seed, is_pinned=False)
        return seed

    def retranslate(self) -> None:
        """Set the words anew."""
        self.number.setAccessibleName(self._kit.text("create.seed"))
        self.number.setPlaceholderText(self._kit.text("create.seed.chance"))
        self.number.setToolTip(self._kit.text("create.seed.tip"))

    def _on_pin_toggled(self) -> None:
        self.changed.emit()

    def _on_number_text_edited(self, text: str) -> None:
        self.pin.setChecked(bool(text))
        self.changed.emit()
