"""The runs of this session, as the window knows them: facts gathered from events and from records on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import (
    Event,
    MediumSaved,
    ModelStateChanged,
    RunCancelled,
    RunEvent,
    RunFailed,
    RunFinished,
    RunProgressed,
    RunQueued,
    RunStarted,
    StageFinished,
    StagePaused,
    StageRoundFinished,
    StageSkipped,
    StageStarted,
)
from ai4artsed_desktop.domain.runs import MediumRecord, RunRecord, RunRequest, RunState, StageName
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.engine import Engine
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.widgets.stage_view import StageState

#: States of a run that still goes on.
LIVE_STATES: frozenset[RunState] = frozenset({"queued", "running", "paused"})
_RECORD_STATES = {
    "done": StageState.DONE,
    "reused": StageState.DONE,
    "skipped": StageState.SKIPPED,
    "failed": StageState.FAILED,
}


@dataclass(slots=True)
class StageFacts:
    """One stage of one run; ``reason`` is a key, ``candidate`` the number of the proposal that streams now."""

    state: StageState = StageState.EMPTY
    text: str = ""
    model: str = ""
    ms: float | None = None
    candidates: tuple[str, ...] = ()
    rounds: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    reason: str = ""
    candidate: int = 0
    thinking: str = ""


@dataclass(slots=True)
class RunFacts:
    """One run. ``request`` does it again; ``started_s`` (``time.monotonic``): since when it waits, then works."""

    run_id: str
    request: RunRequest
    state: RunState = "queued"
    stages: dict[StageName, StageFacts] = field(default_factory=dict[StageName, StageFacts])
    media: list[MediumRecord] = field(default_factory=list[MediumRecord])
    folder: Path | None = None
    error: ErrorInfo | None = None
    fraction: float | None = None
    message: str = ""
    progress: RunProgressed | None = None
    started_s: float = field(default_factory=time.monotonic)

    @property
    def is_live(self) -> bool:
        """Whether it waits or works."""
        return self.state in LIVE_STATES

    def stage(self, name: StageName) -> StageFacts:
        """Return the facts of a stage, made on first use."""
        return self.stages.setdefault(name, StageFacts())

    @property
    def working_stage(self) -> StageName | None:
        """The stage that works or waits for the person."""
        busy = (StageState.WORKING, StageState.PAUSED)
        return next((name for name, facts in self.stages.items() if facts.state in busy), None)

    def apply(self, event: RunEvent) -> None:
        """Take in what happened."""
        match event:
            case RunQueued():
                self.state = "queued"
            case RunStarted():
                self.state, self.started_s = "running", time.monotonic()
            case StageStarted(stage=stage, model=model):
                self.stages[stage] = StageFacts(StageState.WORKING, model=model)
                self.fraction, self.message, self.progress = None, "", None
            case StageRoundFinished(stage=stage):
                self.stage(stage).rounds.append((event.label, event.text))
            case StagePaused(stage=stage):
                facts = self.stage(stage)
                facts.state, facts.text, facts.candidates = StageState.PAUSED, event.text, event.candidates
                self.state = "paused"
            case StageFinished(stage=stage):
                self._finish_stage(event)
            case StageSkipped(stage=stage, reason=reason):
                facts = self.stage(stage)
                facts.state, facts.reason = StageState.SKIPPED, reason
            case MediumSaved(medium=medium):
                self.media.append(medium)
            case _:
                self._end(event)

    def _finish_stage(self, event: StageFinished) -> None:
        facts = self.stage(event.stage)
        facts.state, facts.text = StageState.DONE, event.text
        facts.model, facts.candidates = event.model or facts.model, event.candidates
        facts.ms, facts.thinking = event.ms or None, event.thinking
        if self.state == "paused":
            self.state = "running"

    def _end(self, event: RunEvent) -> None:
        states: dict[type[RunEvent], RunState] = {
            RunFinished: "finished",
            RunFailed: "failed",
            RunCancelled: "cancelled",
        }
        self.state = states.get(type(event), self.state)
        if isinstance(event, RunFailed):
            self.error = event.error
        if not self.is_live:
            left = StageState.FAILED if self.state == "failed" else StageState.CANCELLED
            for facts in self.stages.values():
                if facts.state in (StageState.WORKING, StageState.PAUSED):
                    facts.state = left


def facts_from_record(record: RunRecord, request: RunRequest, folder: Path) -> RunFacts:
    """Return a recorded run as if it had been watched."""
    facts = RunFacts(record.run_id, request, record.state, folder=folder)
    for stage in record.stages:
        facts.stages[stage.name] = StageFacts(
            _RECORD_STATES[stage.state],
            stage.text,
            stage.model,
            stage.ms or None,
            stage.candidates,
            list(stage.rounds),
            stage.reason,
            thinking=stage.thinking,
        )
    facts.media = [medium for medium in record.entities if medium.output_id]
    if record.error is not None:
        facts.error = ErrorInfo(record.error.code, dict(record.error.params), record.error.detail)
    return facts


class SessionRuns(QObject):
    """Every run of this session and every older one that was opened, by id."""

    #: A run was submitted or opened: its id.
    added = Signal(str)
    #: Anything but streamed text and progress changed: run id.
    changed = Signal(str)
    #: Run id, stage, new text, candidate number.
    streamed = Signal(str, object, str, int)
    #: Run id; its ``fraction`` and ``message`` are new.
    progressed = Signal(str)
    #: Run id; a run has just ended.
    ended = Signal(str)

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._runs: dict[str, RunFacts] = {}
        bridge.run_event.connect(self._on_bridge_run_event)
        bridge.text_streamed.connect(self._on_bridge_text_streamed)
        bridge.run_progressed.connect(self._on_bridge_run_progressed)
        bridge.engine_event.connect(self._on_bridge_engine_event)

    def get(self, run_id: str) -> RunFacts | None:
        """Return the facts of a run."""
        return self._runs.get(run_id)

    def all(self) -> list[RunFacts]:
        """Return every run of this session, newest first."""
        return list(reversed(self._runs.values()))

    def live(self) -> list[RunFacts]:
        """Return the runs that wait or work, in order."""
        return [run for run in self._runs.values() if run.is_live]

    def submit(self, request: RunRequest, catalog: Catalog | None = None) -> RunFacts:
        """Hand a run to the engine; see ``RunService.submit`` for what it takes and raises."""
        run_id = self._bridge.engine.runs.submit(request, catalog)
        facts = RunFacts(run_id, request)
        self._runs[run_id] = facts
        self.added.emit(run_id)
        return facts

    def open(self, run_ids: Iterable[str], failed: Callable[[ErrorInfo], None] | None = None) -> None:
        """Read recorded runs and show them; what cannot be read is told to ``failed``."""
        for run_id in run_ids:
            if run_id in self._runs:
                self.added.emit(run_id)
            else:
                self._bridge.ask(_read(self._bridge.engine, run_id), self._on_read, failed)

    def forget(self, run_id: str) -> RunFacts | None:
        """Take a run out of this session; it stays on disk. A live one stays here."""
        facts = self._runs.get(run_id)
        return None if facts is None or facts.is_live else self._runs.pop(run_id)

    def remember(self, facts: RunFacts) -> None:
        """Put back what ``forget`` took out."""
        self._runs[facts.run_id] = facts
        self.added.emit(facts.run_id)

    def _on_read(self, facts: RunFacts) -> None:
        self._runs[facts.run_id] = facts
        self.added.emit(facts.run_id)

    def _on_bridge_run_event(self, event: RunEvent) -> None:
        facts = self._runs.get(event.run_id)
        if facts is None:
            return
        was_live = facts.is_live
        facts.apply(event)
        if isinstance(event, RunQueued):
            self._bridge.ask(
                self._bridge.engine.store.folder_of(event.run_id), lambda path: self._on_folder(facts, path)
            )
        self.changed.emit(event.run_id)
        if was_live and not facts.is_live:
            self.ended.emit(event.run_id)

    def _on_folder(self, facts: RunFacts, folder: Path) -> None:
        facts.folder = folder
        if facts.request.images:
            self._bridge.ask(_with_own_images(self._bridge.engine, facts))
        self.changed.emit(facts.run_id)

    def _on_bridge_text_streamed(self, run_id: str, stage: StageName, text: str, candidate: int) -> None:
        if (facts := self._runs.get(run_id)) is not None:
            stage_facts = facts.stage(stage)
            shown = streamed_piece(stage_facts, text, candidate)
            stage_facts.text += shown
            self.streamed.emit(run_id, stage, shown, candidate)

    def _on_bridge_run_progressed(self, event: RunProgressed) -> None:
        if (facts := self._runs.get(event.run_id)) is not None and facts.is_live:
            facts.fraction, facts.message, facts.progress = event.fraction, event.message, event
            self.progressed.emit(event.run_id)

    def _on_bridge_engine_event(self, event: Event) -> None:
        """Say that a run waits for its model to be loaded: a cold start takes up to minutes."""
        if not isinstance(event, ModelStateChanged):
            return
        for facts in self.live():
            stage = facts.working_stage
            if stage is not None and facts.stages[stage].model == event.model_id:
                facts.message = "working.loading_model" if event.state == "loading" else ""
                self.changed.emit(facts.run_id)


def streamed_piece(facts: StageFacts, text: str, candidate: int) -> str:
    """Return streamed text as it is appended: each further candidate begins a paragraph of its own."""
    if candidate == facts.candidate:
        return text
    facts.candidate = candidate
    return "\n\n" + text.lstrip("\n")


async def _with_own_images(engine: Engine, facts: RunFacts) -> None:
    """What is made from this run later takes its own copies: the originals may go."""
    images = (await engine.runs.request_of(facts.run_id)).images
    facts.request = replace(facts.request, images=images)


async def _read(engine: Engine, run_id: str) -> RunFacts:
    record = await engine.record(run_id)
    return facts_from_record(record, await engine.runs.request_of(run_id), await engine.store.folder_of(run_id))
