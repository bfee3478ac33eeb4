"""Deleting a project with everything it made: listed first, confirmed, and proven afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.training import TrainingService
from ai4artsed_desktop.engine.training_studio import TrainingStudio
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button, Label, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.sheet import Sheet


class DeleteSheet(Sheet):
    """Lists what goes, deletes it when told to, and looks whether it is gone.

    Args:
        kit: Look, icons and words.
        page: The widget it covers.
        bridge: The way to the engine.
    """

    #: A project was deleted: its name.
    deleted = Signal(str)

    def __init__(self, kit: Kit, page: QWidget, bridge: EngineBridge) -> None:
        super().__init__(kit, page, "train.delete", max_width_px=720, fits_content=True)
        self._bridge = bridge
        self._name = ""
        self.words = Label(kit)
        self.places = QPlainTextEdit()
        self.places.setReadOnly(True)
        self.places.setTabChangesFocus(True)
        self.places.setFixedHeight(160)
        set_look(self.places, "code")
        self.error_card = ErrorCard(kit)
        self.yes_button = Button(kit, "train.delete.yes", "trash")
        self.no_button = Button(kit, "train.delete.no", "", "primary")
        self.yes_button.clicked.connect(self._delete)
        self.no_button.clicked.connect(self.close_sheet)
        self.body.addWidget(self.words)
        self.body.addWidget(self.places)
        self.body.addWidget(self.error_card)
        self.body.addLayout(row(None, self.yes_button, self.no_button, space=r.SPACE_2))
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def open_for(self, name: str) -> None:
        """List what belongs to a project and ask."""
        self._name = name
        self.error_card.hide()
        self.places.clear()
        self.yes_button.setEnabled(False)
        self.yes_button.show()
        self.no_button.set_key("train.delete.no")
        self.words.set_key("train.delete.listing", name=name)
        self.open_sheet(self.no_button)
        self._bridge.ask(self._bridge.engine.training.belongings(name), self._on_listed, self._on_failed)

    def retranslate(self) -> None:
        """Set the words anew."""
        self.places.setAccessibleName(self._kit.text("train.delete.places"))

    def _on_listed(self, places: Sequence[Path]) -> None:
        self.places.setPlainText("\n".join(map(str, places)))
        self.words.set_key("train.delete.question", name=self._name)
        self.yes_button.setEnabled(True)
        self._fit()

    def _delete(self) -> None:
        self.yes_button.setEnabled(False)
        engine = self._bridge.engine
        self._bridge.ask(
            _delete_and_prove(engine.training, engine.training_studio, self._name), self._on_deleted, self._on_failed
        )

    def _on_deleted(self, answer: tuple[Sequence[Path], Sequence[Path]]) -> None:
        removed, left = answer
        self.yes_button.hide()
        self.no_button.set_key("action.close")
        self.places.setPlainText("\n".join(map(str, left or removed)))
        if left:
            self.words.set_key("train.delete.left", count=len(left))
        else:
            self.words.set_key("train.delete.done", name=self._name, count=len(removed))
        self._fit()
        self.deleted.emit(self._name)

    def _on_failed(self, error: ErrorInfo) -> None:
        self.error_card.show_error(error)
        self._fit()


async def _delete_and_prove(
    service: TrainingService, studio: TrainingStudio, name: str
) -> tuple[Sequence[Path], Sequence[Path]]:
    """Return what was removed, and what of it is still there."""
    removed = await service.delete(name)
    return removed, await studio.left_of(removed)
