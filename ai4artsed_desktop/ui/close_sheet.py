"""The question before closing while something works."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button, Label, row
from ai4artsed_desktop.ui.widgets.sheet import Sheet


class CloseSheet(Sheet):
    """Keep working (the default) or end it and close."""

    close_agreed = Signal()

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(kit, parent, "close.title", max_width_px=520, fits_content=True)
        self._words = Label(kit)
        self.stay_button = Button(kit, "close.stay", "", "primary")
        self.close_now_button = Button(kit, "close.end", "stop")
        self.stay_button.clicked.connect(self.close_sheet)
        self.close_now_button.clicked.connect(self.close_agreed)
        self.body.addWidget(self._words)
        self.body.addStretch(1)
        self.body.addLayout(row(None, self.close_now_button, self.stay_button))

    def open_for(self, count: int) -> None:
        """Ask; ``count`` runs have not ended."""
        self._words.set_key("close.one" if count == 1 else "close.many", count=count)
        self.open_sheet(self.stay_button)
