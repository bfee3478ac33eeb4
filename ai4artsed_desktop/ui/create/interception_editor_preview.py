"""Trying a draft: one sample idea, one model, and what comes out, before anything is saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.runs import RunRequest, StageName
from ai4artsed_desktop.engine.interception_files import InterceptionDraft
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.cards import model_name
from ai4artsed_desktop.ui.lens.run_text import RunText
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.session_runs import RunFacts, SessionRuns
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.fields import ChoiceField
from ai4artsed_desktop.ui.widgets.prose import ProseEdit


class InterceptionPreview(QWidget):
    """Runs a draft as it stands, by the models and the queue that serve every run; the runs are recorded.

    Args:
        context: What every page is given.
        draft: Returns the draft of the moment.
    """

    def __init__(self, context: PageContext, draft: Callable[[], InterceptionDraft]) -> None:
        super().__init__()
        self._context = context
        self._draft = draft
        self._runs = SessionRuns(context.bridge, self)
        kit = context.kit
        self.sample_label = Label(kit, "editor.sample", "overline")
        self.sample = ProseEdit(kit, min_lines=2, max_lines=3)
        self.model_label = Label(kit, "editor.model", "overline")
        self.model = ChoiceField(kit)
        self.try_button = Button(kit, "editor.try", "play")
        self.try_button.clicked.connect(self.try_out)
        self.result = RunText(kit)
        self.result.about.set_key("editor.preview.empty")
        self.result.show_run(None)
        line = row(self.model, self.try_button, space=r.SPACE_2)
        line.setStretch(0, 1)
        layout = column(self.sample_label, self.sample, self.model_label, line, self.result, space=r.SPACE_2)
        layout.setStretch(4, 1)
        self.setLayout(layout)
        self._runs.changed.connect(self._on_runs_changed)
        self._runs.progressed.connect(self._on_runs_changed)
        self._runs.streamed.connect(self._on_runs_streamed)
        context.facts.changed.connect(self.retranslate)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def begin(self, sample: str) -> None:
        """Forget what was tried before; ``sample`` stands in the field."""
        self.cancel()
        self.result.show_run(None)
        self.sample.set_text(sample)

    def try_out(self) -> None:
        """Run the draft on the sample; while it works, end it."""
        if self._runs.live():
            self.cancel()
            return
        engine = self._context.facts.engine
        chosen = self.model.value
        request = RunRequest(
            self.sample.toPlainText(),
            "",
            language=self._context.kit.translator.language,
            safety_level=engine.settings.safety_level,
            participant=engine.settings.participant,
            model_ids={StageName.INTERCEPTION: chosen} if isinstance(chosen, str) and chosen else {},
        )
        try:
            catalog, config_id = engine.interceptions.preview_catalog(self._draft())
            facts = self._runs.submit(replace(request, interception_id=config_id), catalog)
        except AppError as exc:
            facts = RunFacts("", request, "failed", error=exc.info())
        self.result.show_run(facts)
        self._show_work()

    def cancel(self) -> None:
        """End what works."""
        for run in self._runs.live():
            self._context.facts.engine.runs.cancel(run.run_id)

    def retranslate(self) -> None:
        """Set the words anew, and the models there are."""
        kit, models = self._context.kit, self._context.facts.snapshot.models
        usable = [(info.id, model_name(kit, info)) for info in models if info.problem is None]
        self.model.set_options([("", kit.text("editor.model.settings")), *usable], self.model.value or "")
        self.model.setAccessibleName(kit.text("editor.model"))
        self.sample.setAccessibleName(kit.text("editor.sample"))
        self.result.text_view.setAccessibleName(kit.text("editor.preview"))

    def _show_work(self) -> None:
        is_working = bool(self._runs.live())
        self.try_button.set_key("action.cancel" if is_working else "editor.try", "cancel" if is_working else "play")

    def _on_runs_changed(self, run_id: str) -> None:
        if run_id == self.result.run_id:
            self.result.show_run(self._runs.get(run_id))
        self._show_work()

    def _on_runs_streamed(self, run_id: str, stage: StageName, text: str, _candidate: int) -> None:
        if stage is StageName.INTERCEPTION and run_id == self.result.run_id:
            self.result.append(text)
