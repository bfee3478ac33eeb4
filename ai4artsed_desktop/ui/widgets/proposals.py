"""Several proposals of a model, of which the person takes one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, frame, row
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout

_MIN_WIDTH_PX = 220


class Proposals(QWidget):
    """Cards with one text each, side by side where there is room."""

    #: Number of the proposal that was taken, counted from 0.
    taken = Signal(int)

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._flow = FlowLayout(space=r.SPACE_3, fill=True)
        self._title = Label(kit, "proposals.title", "small")
        self.setLayout(column(self._title, self._flow))
        self.buttons: list[Button] = []
        self.hide()

    def show_proposals(self, texts: Sequence[str], title_key: str = "proposals.title") -> None:
        """Offer ``texts``; none = the choice is over and the cards go."""
        self._title.set_key(title_key)
        self.buttons.clear()
        while (item := self._flow.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for number, text in enumerate(texts):
            self._flow.addWidget(self._card(number, text))
        self.setVisible(bool(texts))

    def _card(self, number: int, text: str) -> QFrame:
        words = Label(self._kit)
        words.setText(text)
        button = Button(self._kit, "proposals.take", "check", "quiet", number=number + 1)
        button.setAccessibleDescription(text)
        button.clicked.connect(lambda: self.taken.emit(number))
        self.buttons.append(button)
        card = frame("card")
        card.setMinimumWidth(_MIN_WIDTH_PX)
        layout = column(words, None, row(button, None), space=r.SPACE_1, margin=r.SPACE_2)
        card.setLayout(layout)
        return card
