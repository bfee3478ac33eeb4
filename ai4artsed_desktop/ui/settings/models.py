"""The text models on this machine: what each is, what is wrong with it, and its removal."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo
from ai4artsed_desktop.engine.served_models import SERVER, StoredModelInfo
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.settings.served_work import ServedWork
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout


class ModelRow(QWidget):
    """One model: name, facts, grade or problem, and a removal that asks before it deletes."""

    def __init__(
        self,
        kit: Kit,
        model: TextModelInfo,
        *,
        is_ours: bool,
        remove: Callable[[], None] | None,
        copy_out: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self.model = model
        name = Label(kit, look="strong")
        name.setText(model.name)
        small = Label(kit, look="small")
        small.setText(_facts(kit, model))
        words = column(name, small, _state(kit, model), space=2)
        self.remove_button = IconButton(kit, "trash", "models.remove")
        self.remove_button.setAccessibleDescription(model.name)
        if remove is None:
            self.remove_button.hide()
        self.copy_button = IconButton(kit, "copy", "models.copy_out")
        self.copy_button.setAccessibleDescription(model.name)
        if copy_out is None:
            self.copy_button.hide()
        buttons = row(self.copy_button, self.remove_button)
        head = row(words, column(buttons, None, space=0), space=r.SPACE_4)
        head.setStretch(0, 1)
        size = size_text(model.size_bytes or 0, kit.translator.language)
        self._question = QWidget()
        self.yes_button = Button(kit, "models.remove.yes" if is_ours else "models.forget.yes", "trash")
        no_button = Button(kit, "models.remove.no", "", "quiet")
        key = "models.remove.question" if is_ours else "models.forget.question"
        question = row(Label(kit, key, name=model.name, size=size), no_button, self.yes_button)
        question.setStretch(0, 1)
        self._question.setLayout(question)
        self._question.hide()
        self.remove_button.clicked.connect(self._question.show)
        no_button.clicked.connect(self._question.hide)
        if remove is not None:
            self.yes_button.clicked.connect(remove)
        if copy_out is not None:
            self.copy_button.clicked.connect(copy_out)
        self.setLayout(column(head, self._question, space=r.SPACE_1))


class ModelList(QWidget):
    """All models, with import and release of memory.

    Args:
        context: What every page is given.
    """

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        kit = context.kit
        self.rows: list[ModelRow] = []
        self._list: QVBoxLayout = column(space=r.SPACE_3)
        self.none = Label(kit, "models.none", "muted")
        self.import_button = Button(kit, "models.import", "folder")
        self.free_button = Button(kit, "remedy.free_memory", "eraser")
        self.copy_in_button = Button(kit, "models.copy_in", "folder")
        if context.bridge.engine.served_models is None:
            self.copy_in_button.hide()
        self.copy_in_button.clicked.connect(self._on_copy_in_button_clicked)
        self.import_button.clicked.connect(self._on_import_button_clicked)
        self.free_button.clicked.connect(lambda: context.actions.do("free_memory"))
        hint = Label(kit, "models.hint", "small")
        buttons = FlowLayout()  # three German buttons are wider than the page in its smallest window
        for button in (self.import_button, self.copy_in_button, self.free_button):
            buttons.addWidget(button)
        self.setLayout(column(self._list, self.none, buttons, ServedWork(context), hint, space=r.SPACE_3))
        context.facts.changed.connect(self.refresh)
        kit.translator.language_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the models that are here now."""
        for old in self.rows:
            self._list.removeWidget(old)
            old.hide()
            old.deleteLater()
        models = self._context.facts.snapshot.models
        self.rows = [self._row(model) for model in models]
        for new in self.rows:
            self._list.addWidget(new)
        self.none.setVisible(not models and self._context.facts.is_known)

    def _row(self, model: TextModelInfo) -> ModelRow:
        served = self._context.bridge.engine.served_models
        if model.provider == SERVER and served is not None:
            delete = partial(self._ask, partial(served.delete, model.name))
            copy_out = partial(self._choose_folder, partial(served.start_copy_out, model.name))
            return ModelRow(self._context.kit, model, is_ours=True, remove=delete, copy_out=copy_out)
        if not model.path:
            return ModelRow(self._context.kit, model, is_ours=False, remove=None)
        path = Path(model.path)
        is_ours = path.parent == self._context.desk.models_folder
        remove = partial(self._ask, partial(self._context.bridge.engine.model_files.remove, path))
        return ModelRow(self._context.kit, model, is_ours=is_ours, remove=remove)

    def _ask(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        self._context.bridge.ask(work(), failed=self._context.show_error)

    def _choose_folder(self, then: Callable[[Path], None]) -> None:
        dialog = QFileDialog(self, self._context.kit.text("models.folder"), "")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)

        def choose(folder: str) -> None:
            then(Path(folder))

        dialog.fileSelected.connect(choose)
        dialog.open()

    def _on_copy_in_button_clicked(self) -> None:
        self._choose_folder(self.copy_in)

    def copy_in(self, folder: Path) -> None:
        """Copy every whole model of a folder that is not here yet."""
        served = self._context.bridge.engine.served_models
        if served is None:
            return

        def begin(stored: Sequence[StoredModelInfo]) -> None:
            here = {model.name for model in self._context.facts.snapshot.models if model.provider == SERVER}
            for model in stored:
                if not model.problem and model.name not in here:
                    served.start_copy_in(model.name, folder)

        self._context.bridge.ask(served.list_store(folder), begin, self._context.show_error)

    def _on_import_button_clicked(self) -> None:
        kit = self._context.kit
        dialog = QFileDialog(self, kit.text("models.import"), "", kit.text("models.filter") + " (*.gguf)")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._on_dialog_file_selected)
        dialog.open()

    def _on_dialog_file_selected(self, path: str) -> None:
        self._context.import_model(Path(path))


def _facts(kit: Kit, model: TextModelInfo) -> str:
    language = kit.translator.language
    parts = (
        size_text(model.size_bytes, language) if model.size_bytes is not None else "",
        model.quantisation or "",
        kit.text("models.parameters", count=_short_count(model.parameters)) if model.parameters else "",
        kit.text("models.context", tokens=model.context_tokens) if model.context_tokens else "",
        model.licence or "",
        "" if model.is_local else kit.text("models.leaves_machine"),
        kit.text("models.loaded") if model.is_loaded else "",
        _processor_share(kit, model),
    )
    return " · ".join(filter(None, parts))


def _processor_share(kit: Kit, model: TextModelInfo) -> str:
    """What of a loaded model did not fit onto the graphics card, "" for nothing."""
    if not model.is_partly_on_processor or not model.loaded_bytes:
        return ""
    share = round(100 * (model.size_vram_bytes or 0) / model.loaded_bytes)
    return kit.text("models.partly_on_processor", share=share)


def _short_count(count: int) -> str:
    return f"{count / 1e9:.1f} B" if count >= 1e9 else f"{count / 1e6:.0f} M"


def _state(kit: Kit, model: TextModelInfo) -> QWidget:
    """Its grade, or what is wrong with it: an icon and words."""
    if model.problem is not None:
        face, look, key = ("warning", "warn"), "warn", model.problem
    elif model.grade is ModelGrade.TINY:
        face, look, key = ("info", "muted"), "small", "models.tiny"
    else:
        face, look, key = ("check", "good"), "small", "models.instruct"
    holder = QWidget()
    line = row(IconLabel(kit, *face, 16), Label(kit, key, look), space=r.SPACE_1)
    line.setStretch(1, 1)
    holder.setLayout(line)
    return holder
