"""One lens of the lab: which interception, its text as it comes, and the way on into Create."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.lens.run_text import RunText
from ai4artsed_desktop.ui.models.cards import CardItem
from ai4artsed_desktop.ui.session_runs import RunFacts
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, row
from ai4artsed_desktop.ui.widgets.picker import PickerButton


class LensColumn(RunText):
    """Shows one interception and what it makes of the idea.

    Args:
        kit: Look, icons and words.
    """

    #: Another interception shall stand here.
    pick_requested = Signal()
    #: This one shall go.
    remove_requested = Signal()
    #: The way on leads from this text.
    carry_requested = Signal()

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self.config_id = ""
        self.picker = PickerButton(kit, "create.rules.pick")
        self.picker.clicked.connect(self.pick_requested)
        self.remove_button = IconButton(kit, "close", "lens.remove")
        self.remove_button.clicked.connect(self.remove_requested)
        self.carry_button = Button(kit, "lens.carry", "arrow")
        self.carry_button.clicked.connect(self.carry_requested)
        line = row(self.picker, self.remove_button, space=r.SPACE_1)
        line.setStretch(0, 1)
        self.head.addLayout(line)
        self.foot.addWidget(self.carry_button)
        # All lenses are of one size, whatever they have to say.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.show_run(None)

    def set_card(self, config_id: str, card: CardItem | None) -> None:
        """Show which interception stands here."""
        self.config_id = config_id
        self.picker.set_card(card)
        self.retranslate()

    def show_run(self, facts: RunFacts | None) -> None:
        """Show a run as it stands now; None = none yet."""
        super().show_run(facts)
        self.carry_button.setVisible(self.has_result)

    def retranslate(self) -> None:
        """Set the words anew."""
        super().retranslate()
        self.about.setText(self.picker.accessibleDescription())
        self.text_view.setAccessibleName(self.picker.accessibleName())
