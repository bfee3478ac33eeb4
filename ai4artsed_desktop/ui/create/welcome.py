"""What works here at once, for somebody who opens the window for the first time."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.settings.offers import Offers
from ai4artsed_desktop.ui.widgets.basics import IconButton, IconLabel, Label, column, frame, row
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout

_FACT_PX = 280


class Welcome(QScrollArea):
    """Three facts and the models on offer; it goes for good when it is closed."""

    closed = Signal()

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        kit = context.kit
        self._facts = context.facts
        title = Label(kit, "welcome.title", "section")
        self.close_button = IconButton(kit, "close", "action.close")
        self.close_button.clicked.connect(self.closed)
        head = row(title, self.close_button)
        head.setStretch(0, 1)
        self._flow = FlowLayout(space=r.SPACE_4, fill=True)
        self._flow.addWidget(_fact(kit, "scissors", "welcome.procedures"))
        self._flow.addWidget(_fact(kit, "sketch", "welcome.sketchbook"))
        self._model = _fact(kit, "model", "welcome.tiny")
        self._flow.addWidget(self._model)
        card = frame("card")
        card.setLayout(
            column(
                head,
                self._flow,
                r.SPACE_2,
                Label(kit, "welcome.better", "strong"),
                Label(kit, "settings.offers.text", "muted"),
                Offers(kit, context.bridge, context.facts),
                space=r.SPACE_2,
                margin=r.SPACE_4,
            )
        )
        holder = QWidget()
        holder.setLayout(column(card, None, space=0))
        self.setWidget(holder)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        context.facts.changed.connect(self._on_facts_changed)
        self._on_facts_changed()

    def _on_facts_changed(self) -> None:
        """The try-out model is spoken of only where it is."""
        self._model.setVisible(self._facts.snapshot.interception_model is not None)


def _fact(kit: Kit, icon: str, key: str) -> QWidget:
    words = column(Label(kit, key, "strong"), Label(kit, f"{key}.text"), None, space=2)
    line = row(column(IconLabel(kit, icon), None), words, space=r.SPACE_3)
    line.setStretch(1, 1)
    holder = QWidget()
    holder.setMinimumWidth(_FACT_PX)
    holder.setLayout(line)
    return holder
