"""The sheet that makes a project: what a bad name is wrong with is said while it is typed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QLineEdit, QPlainTextEdit, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.training.errors import ProjectNameError
from ai4artsed_desktop.domain.training.families import discover_families
from ai4artsed_desktop.domain.training.names import check_project_name
from ai4artsed_desktop.domain.training.records import TrainingProject
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.fields import ChoiceField
from ai4artsed_desktop.ui.widgets.sheet import Sheet
from ai4artsed_desktop.ui.widgets.working import WorkingCard


class NewProjectSheet(Sheet):
    """Name, trigger words, family, notes, and the first pictures if there are any.

    Args:
        kit: Look, icons and words.
        page: The widget it covers.
        bridge: The way to the engine.
    """

    #: A project was made: its name.
    made = Signal(str)

    def __init__(self, kit: Kit, page: QWidget, bridge: EngineBridge) -> None:
        super().__init__(kit, page, "train.new", max_width_px=560, fits_content=True)
        self._bridge = bridge
        self._folder: Path | None = None
        self.name, self.trigger, self.notes = QLineEdit(), QLineEdit(), QPlainTextEdit()
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(64)
        self.name_problem = Label(kit, look="bad")
        self.family = ChoiceField(kit)
        self.family_note = Label(kit, look="small")
        self.folder_label = Label(kit, look="muted")
        self.folder_button = Button(kit, "train.new.folder", "folder")
        self.make_button = Button(kit, "train.new.make", "check", "primary")
        self.working = WorkingCard(kit)
        self.working.cancel_button.hide()
        self.error_card = ErrorCard(kit)
        families = discover_families()
        self.family.set_options([(family.id, family.name) for family in families.values()], "sdxl")
        self._lay_out()
        self._connect()
        self.retranslate()

    def open_for(self, folder: Path | None = None) -> None:
        """Open empty, perhaps with the pictures of a folder."""
        self._folder = folder
        for field in (self.name, self.trigger):
            field.clear()
        self.notes.clear()
        self.error_card.hide()
        self.working.finish()
        self._check()
        self.name_problem.hide()
        self.open_sheet(self.name)

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        fields = ((self.name, "name"), (self.trigger, "trigger"), (self.notes, "notes"), (self.family, "family"))
        for field, key in fields:
            field.setAccessibleName(text(f"train.new.{key}"))
        self.name.setPlaceholderText(text("train.new.name.example"))
        self.trigger.setPlaceholderText(text("train.new.trigger.example"))
        self._check()

    def _lay_out(self) -> None:
        kit = self._kit
        pictures = row(self.folder_label, self.folder_button)
        pictures.setStretch(0, 1)
        parts = (
            column(Label(kit, "train.new.name", "overline"), self.name, self.name_problem, space=r.SPACE_1),
            column(
                Label(kit, "train.new.trigger", "overline"),
                self.trigger,
                Label(kit, "train.new.trigger.text", "small"),
                space=r.SPACE_1,
            ),
            column(Label(kit, "train.new.family", "overline"), self.family, self.family_note, space=r.SPACE_1),
            column(Label(kit, "train.new.notes", "overline"), self.notes, space=r.SPACE_1),
            column(Label(kit, "train.new.pictures", "overline"), pictures, space=r.SPACE_1),
        )
        for part in parts:
            self.body.addLayout(part)
        self.body.addWidget(self.working)
        self.body.addWidget(self.error_card)
        self.body.addLayout(row(None, self.make_button))

    def _connect(self) -> None:
        self.name.textChanged.connect(self._check)
        self.family.chosen.connect(self._check)
        self.folder_button.clicked.connect(self._choose_folder)
        self.make_button.clicked.connect(self._make)
        self.name.returnPressed.connect(self.make_button.click)
        self.trigger.returnPressed.connect(self.make_button.click)
        self._kit.translator.language_changed.connect(self.retranslate)

    def _check(self) -> None:
        """Say at once what a name is wrong with."""
        problem = ""
        try:
            check_project_name(self.name.text())
        except ProjectNameError as exc:
            problem = exc.params["reason"]
        self.name_problem.set_key(problem)
        self.name_problem.setVisible(bool(problem) and bool(self.name.text()))
        self.make_button.setEnabled(not problem)
        family = discover_families()[str(self.family.value)]
        self.family_note.set_key("train.new.family.text", needed=family.min_vram_gb)
        if self._folder is None:
            self.folder_label.set_key("train.new.pictures.later")
        else:
            self.folder_label.set_key("train.new.pictures.from", folder=str(self._folder))
        if self.isVisible():
            self._fit()

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, self._kit.text("train.new.folder"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._on_folder_chosen)
        dialog.open()

    def _on_folder_chosen(self, name: str) -> None:
        self._folder = Path(name)
        self._check()

    def _make(self) -> None:
        if not self.make_button.isEnabled():
            return
        project = TrainingProject(
            name=self.name.text(),
            family=str(self.family.value),
            trigger=" ".join(self.trigger.text().split()),
            notes=self.notes.toPlainText().strip(),
        )
        self.make_button.setEnabled(False)
        self.error_card.hide()
        self.working.start("train.new.working")
        self._fit()
        self._bridge.ask(self._bridge.engine.training.create(project, self._folder), self._on_made, self._on_failed)

    def _on_made(self, project: TrainingProject) -> None:
        self.working.finish()
        self.close_sheet()
        self.made.emit(project.name)

    def _on_failed(self, error: ErrorInfo) -> None:
        self.working.finish()
        self.make_button.setEnabled(True)
        self.error_card.show_error(error)
        self._fit()
