"""The stages of one run below each other: what became of the idea on its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.session_runs import RunFacts, StageFacts
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column
from ai4artsed_desktop.ui.widgets.prose import ProseEdit
from ai4artsed_desktop.ui.widgets.stage_view import StageState, StageView

#: Stages with a text of their own, in order.
SHOWN_STAGES = (StageName.TRANSLATION, StageName.INTERCEPTION, StageName.OPTIMISATION)


class StageColumn(QScrollArea):
    """Shows the stages that did something; the interception is always there.

    Args:
        kit: Look, icons and words.
        name_of: Returns the name of what did a stage, by the id in its record.
    """

    #: The person confirmed an edit of a finished stage: stage, text.
    edited = Signal(object, str)
    #: The rest shall be done anew from this stage's text: stage.
    again_requested = Signal(object)
    #: Another proposal shall be used: stage, its text.
    proposal_taken = Signal(object, str)
    #: A paused run goes on with this text.
    went_on = Signal(str)

    def __init__(self, kit: Kit, name_of: Callable[[str], str]) -> None:
        super().__init__()
        self._kit = kit
        self._name_of = name_of
        self._facts: RunFacts | None = None
        self.views = {stage: self._view(stage) for stage in SHOWN_STAGES}
        self.rounds = Label(kit, look="small")
        self.thinking_button = Button(kit, "stage.thinking", "more", "quiet")
        self.thinking_button.setCheckable(True)
        self.thinking = ProseEdit(kit, "bare", min_lines=2, max_lines=8)
        self.thinking.setReadOnly(True)
        self.thinking_button.toggled.connect(self.thinking.setVisible)
        self.safety = Label(kit, look="small")
        parts = (*self.views.values(), self.rounds, self.thinking_button, self.thinking, self.safety)
        self._holder = QWidget()
        self._holder.setLayout(column(*parts, None, space=r.SPACE_2))
        self.setWidget(self._holder)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        kit.translator.language_changed.connect(self.retranslate)
        self.show_run(None)

    def show_run(self, facts: RunFacts | None) -> None:
        """Show all stages of a run; None = no run yet."""
        self._keep_typed(facts)
        self._facts = facts
        original = facts.request.text if facts is not None else ""
        for stage, view in self.views.items():
            stage_facts = facts.stages.get(stage) if facts is not None else None
            view.set_original(original)
            self._show_stage(view, stage_facts or StageFacts())
            if stage_facts is not None and stage_facts.text and stage is StageName.TRANSLATION:
                original = stage_facts.text
            is_silent = stage_facts is None or stage_facts.state is StageState.SKIPPED
            view.setVisible(stage is StageName.INTERCEPTION or not is_silent)
        self.retranslate()

    def append(self, stage: StageName, text: str) -> None:
        """Add streamed text to a stage of the run in sight."""
        if stage in self.views:
            self.views[stage].append(text)

    def retranslate(self) -> None:
        """Set the words anew."""
        facts = self._facts.stages if self._facts is not None else {}
        rounds = [f"{label}: {text}" for label, text in _rounds(facts, StageName.INTERCEPTION)]
        rounds += [f"{self._kit.text(key)}: {error}" for key, error in _rounds(facts, StageName.OUTPUT)]
        self.rounds.setText("\n".join(rounds))
        self.rounds.setVisible(bool(rounds))
        self._show_thinking(facts)
        safety = facts.get(StageName.SAFETY)
        self.safety.setText(self._safety_words(safety))
        self.safety.setVisible(bool(self.safety.text()))

    def _show_thinking(self, facts: Mapping[StageName, StageFacts]) -> None:
        """Offer the model's reasoning; nobody has to read it."""
        thinking = "\n\n".join(stage.thinking for stage in facts.values() if stage.thinking)
        if thinking != self.thinking.toPlainText():
            self.thinking.set_text(thinking)
            self.thinking_button.setChecked(False)
        self.thinking_button.setVisible(bool(thinking))
        self.thinking.setVisible(bool(thinking) and self.thinking_button.isChecked())
        self.thinking.setAccessibleName(self._kit.text("stage.thinking"))

    def _safety_words(self, facts: StageFacts | None) -> str:
        if facts is None or facts.state not in (StageState.DONE, StageState.SKIPPED):
            return ""
        key = facts.reason or "safety.checked"
        return f"{self._kit.text('stage.safety')}: {self._kit.text(key)}"

    def content_height(self) -> int:
        """Return the height that shows everything without scrolling."""
        holder, width = self._holder, self.viewport().width()
        return holder.heightForWidth(width) if holder.hasHeightForWidth() else holder.sizeHint().height()

    def sizeHint(self) -> QSize:
        """Modest: the result gets what is left."""
        return QSize(360, 140)

    def _keep_typed(self, next_facts: RunFacts | None) -> None:
        """Looking at another run loses nothing that was typed while this one waits."""
        if self._facts is None or self._facts is next_facts:
            return
        for stage, view in self.views.items():
            facts = self._facts.stages.get(stage)
            if view.state is StageState.PAUSED and facts is not None and facts.state is StageState.PAUSED:
                facts.text = view.text_view.toPlainText()

    def _view(self, stage: StageName) -> StageView:
        view = StageView(self._kit, f"stage.{stage.value}", f"stage.{stage.value}.empty")
        view.text_edited.connect(partial(self._on_text_edited, stage))
        view.again_requested.connect(partial(self._on_again_requested, stage))
        view.proposal_taken.connect(partial(self._on_proposal_taken, stage))
        view.went_on.connect(self.went_on)
        return view

    def _show_stage(self, view: StageView, facts: StageFacts) -> None:
        name = self._name_of(facts.model) if facts.model else ""
        match facts.state:
            case StageState.EMPTY:
                view.reset()
            case StageState.WORKING:
                view.begin(name)
                if facts.text:
                    view.append(facts.text)
            case StageState.PAUSED:
                if view.state is not StageState.PAUSED or view.text != facts.text:
                    view.pause(facts.text, [text for text in facts.candidates if text != facts.text])
            case StageState.DONE:
                view.finish(facts.text, name, facts.ms)
                view.offer([text for text in facts.candidates if text != facts.text])
            case StageState.SKIPPED:
                view.skip(facts.text or (self._facts.request.text if self._facts is not None else ""))
            case StageState.FAILED | StageState.CANCELLED:
                view.finish(facts.text, name, facts.ms)
                view.end(facts.state)

    def _on_text_edited(self, stage: StageName, text: str) -> None:
        self.edited.emit(stage, text)

    def _on_again_requested(self, stage: StageName) -> None:
        self.again_requested.emit(stage)

    def _on_proposal_taken(self, stage: StageName, number: int) -> None:
        facts = self._facts.stages.get(stage) if self._facts is not None else None
        if facts is not None:
            others = [text for text in facts.candidates if text != facts.text]
            self.proposal_taken.emit(stage, others[number])


def _rounds(facts: Mapping[StageName, StageFacts], stage: StageName) -> Sequence[tuple[str, str]]:
    found = facts.get(stage)
    return found.rounds if found is not None else ()
