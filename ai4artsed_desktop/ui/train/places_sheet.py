"""Where trainer, models and results lie, and how a trainer gets here: the guided way."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QFrame, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.training.settings import TrainingSettings
from ai4artsed_desktop.engine.training_ports import TrainerInfo
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.sheet import Sheet

#: Settings that are folders; the others are files.
_FOLDERS = frozenset({"kohya_dir", "lora_dir", "dataset_dir", "log_dir", "tokenizer_dir"})
_STEPS = 4


class PlacesSheet(Sheet):
    """Steps to a trainer, then one field per place; each is saved when it is left.

    Args:
        kit: Look, icons and words.
        page: The widget it covers.
        bridge: The way to the engine.
    """

    def __init__(self, kit: Kit, page: QWidget, bridge: EngineBridge) -> None:
        super().__init__(kit, page, "train.places", max_width_px=760)
        self._bridge = bridge
        self.found = Label(kit, look="strong")
        self.error_card = ErrorCard(kit)
        self.look_button = Button(kit, "train.places.look", "search")
        self.look_button.clicked.connect(self.look)
        self.fields: dict[str, QLineEdit] = {}
        self._lay_out()
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def open_for(self) -> None:
        """Open with the places as they are set, and look for the trainer."""
        training = self._bridge.engine.settings.training
        for name, field in self.fields.items():
            path: Path | None = getattr(training, name)
            field.setText("" if path is None else str(path))
        self.open_sheet(self.fields["kohya_dir"])
        self.look()

    def look(self) -> None:
        """Look for the trainer."""
        self.error_card.hide()
        self.found.set_key("train.places.looking")
        self._bridge.ask(self._bridge.engine.training_studio.trainer(), self._on_found, self._on_failed)

    def retranslate(self) -> None:
        """Set the words anew."""
        for name, field in self.fields.items():
            field.setAccessibleName(self._kit.text(f"train.place.{name}"))
            field.setPlaceholderText(self._kit.text("train.place.usual"))

    def _lay_out(self) -> None:
        kit = self._kit
        inner = column(space=r.SPACE_3)
        steps = [Label(kit, f"train.places.step{number}", "") for number in range(1, _STEPS + 1)]
        inner.addLayout(column(Label(kit, "train.places.way", "strong"), *steps, space=r.SPACE_1))
        for name in TrainingSettings.model_fields:
            inner.addLayout(self._line(name))
        holder = QWidget()
        holder.setLayout(inner)
        area = QScrollArea()
        area.setWidget(holder)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        head = row(self.found, self.look_button)
        head.setStretch(0, 1)
        self.body.addLayout(head)
        self.body.addWidget(self.error_card)
        self.body.addWidget(area, 1)

    def _line(self, name: str) -> QVBoxLayout:
        field = self.fields[name] = QLineEdit()
        field.editingFinished.connect(partial(self._save, name))
        button = IconButton(self._kit, "folder", "train.place.choose")
        button.clicked.connect(partial(self._choose, name))
        line = row(field, button, space=r.SPACE_1)
        line.setStretch(0, 1)
        return column(Label(self._kit, f"train.place.{name}", "overline"), line, space=2)

    def _choose(self, name: str) -> None:
        dialog = QFileDialog(self, self._kit.text(f"train.place.{name}"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        is_folder = name in _FOLDERS
        dialog.setFileMode(QFileDialog.FileMode.Directory if is_folder else QFileDialog.FileMode.ExistingFile)

        def take(path: str) -> None:
            self.fields[name].setText(path)
            self._save(name)

        dialog.fileSelected.connect(take)
        dialog.open()

    def _save(self, name: str) -> None:
        engine = self._bridge.engine
        text = self.fields[name].text().strip()
        path = Path(text) if text else None
        if getattr(engine.settings.training, name) == path:
            return
        engine.change_settings(training=engine.settings.training.model_copy(update={name: path}))
        if name.startswith("kohya"):
            self.look()

    def _on_found(self, trainer: TrainerInfo) -> None:
        self.found.set_key("train.places.found", version=trainer.version or "?", folder=str(trainer.folder))

    def _on_failed(self, error: ErrorInfo) -> None:
        self.found.set_key("train.places.none")
        self.error_card.show_error(error)
