"""The editor of interceptions: fields at the left, at the right a try-out and what is wrong; nothing typed is lost."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.catalog import CatalogProblem
from ai4artsed_desktop.engine.interception_files import InterceptionDraft
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.create.interception_editor_form import InterceptionForm
from ai4artsed_desktop.ui.create.interception_editor_preview import InterceptionPreview
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.sheet import Sheet

#: More than this at once is not read; errors come first.
_SHOWN_PROBLEMS = 3
_PREVIEW_PX = 400


class InterceptionEditor(Sheet):
    """Edits one draft. Closing it keeps the draft: what was typed is there when the sheet is opened again.

    Args:
        context: What every page is given.
        page: The widget it covers.
    """

    #: A draft was saved: its id.
    saved = Signal(str)

    def __init__(self, context: PageContext, page: QWidget) -> None:
        super().__init__(context.kit, page, "editor.title", max_width_px=1120, max_height_px=760)
        self._context = context
        kit = context.kit
        self.form = InterceptionForm(kit)
        self.preview = InterceptionPreview(context, lambda: self.form.draft)
        self.save_button = Button(kit, "editor.save", "save", "primary")
        self.problems = column(space=r.SPACE_1)
        self.error_card = ErrorCard(kit)
        self._begun: InterceptionDraft | None = None
        self._lay_out()
        self.form.changed.connect(self._show_problems)
        self.save_button.clicked.connect(self._on_save_button_clicked)
        self.closed.connect(self.preview.cancel)
        kit.translator.language_changed.connect(self._show_problems)

    def open_for(self, draft: InterceptionDraft, sample: str) -> None:
        """Open for a draft; the one that was left unsaved, if it began as this one.

        Args:
            sample: The idea to try it with.
        """
        if draft != self._begun:
            self._begun = draft
            self.form.show_draft(draft)
            self.preview.begin(sample)
        self.error_card.hide()
        self._show_problems()
        self.open_sheet(self.form.name)

    def _lay_out(self) -> None:
        scroll = QScrollArea()
        holder = QWidget()
        holder.setLayout(column(self.form, space=0, margin=0))
        scroll.setWidget(holder)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        right = QWidget()
        right.setFixedWidth(_PREVIEW_PX)
        said = column(self.preview, self.problems, self.error_card, row(None, self.save_button), space=r.SPACE_3)
        said.setStretch(0, 1)
        right.setLayout(said)
        middle = row(scroll, right, space=r.SPACE_4)
        middle.setStretch(0, 1)
        self.body.addLayout(middle, 1)

    def _show_problems(self) -> None:
        while (item := self.problems.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        found = list(self._context.facts.engine.interceptions.problems(self.form.draft))
        if line := self.form.wrong_example:
            found.insert(0, CatalogProblem("", "editor.problem.example", {"line": line[:40]}))
        for problem in found[:_SHOWN_PROBLEMS]:
            self.problems.addWidget(self._line(problem))
        has_error = any(problem.severity == "error" for problem in found)
        self.save_button.setEnabled(not has_error)
        self.preview.try_button.setEnabled(not has_error)

    def _line(self, problem: CatalogProblem) -> QWidget:
        is_error = problem.severity == "error"
        icon = IconLabel(self._kit, "error" if is_error else "info", "bad" if is_error else "info", 16)
        words = Label(self._kit, problem.code, "small", **problem.params)
        line = row(column(icon, None), words, space=r.SPACE_2)
        line.setStretch(1, 1)
        holder = QWidget()
        holder.setLayout(line)
        return holder

    def _on_save_button_clicked(self) -> None:
        service = self._context.facts.engine.interceptions
        self._context.bridge.ask(service.save(self.form.draft), self._on_saved, self._on_failed)

    def _on_saved(self, config_id: str) -> None:
        self._begun = None
        self.close_sheet()
        self.saved.emit(config_id)

    def _on_failed(self, error: ErrorInfo) -> None:
        self.error_card.show_error(error)
