"""What the parts of the Train page share: the engine's calls, one project in sight, and its events."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.domain.training.dataset import DatasetReport
from ai4artsed_desktop.domain.training.events import TrainingEnded, TrainingEvent, TrainingQueued, TrainingStarted
from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.records import TrainingProject
from ai4artsed_desktop.engine.training import TrainingService, TrainingSnapshot
from ai4artsed_desktop.engine.training_studio import ProjectOverview, TrainingStudio
from ai4artsed_desktop.ui.bridge import EngineBridge

T = TypeVar("T")
#: The list of projects is read again at most this often while a training works.
_OVERVIEW_MS = 1_000


class TrainLink(QObject):
    """One project in sight; whoever shows a part of it hears of changes here.

    Args:
        bridge: The way to the engine.
        show_error: Shows what no part of the page shows better.
    """

    #: The list of projects, as ``ProjectOverview``.
    listed = Signal(list)
    #: Another project is in sight, or none any more.
    opened = Signal()
    #: What is known of the project in sight is new: ``snapshot``.
    changed = Signal()
    #: A ``TrainingEvent`` of the project in sight.
    happened = Signal(object)
    #: The project's pictures are others now, or their captions are.
    pictures_changed = Signal()

    def __init__(self, bridge: EngineBridge, show_error: Callable[[ErrorInfo], None], parent: QObject) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._show_error = show_error
        self._wanted = ""
        self.snapshot: TrainingSnapshot | None = None
        #: What the last look at the pictures found; None = they were not looked at, or changed since.
        self.report: DatasetReport | None = None
        self._listing = QTimer(self, interval=_OVERVIEW_MS, singleShot=True)
        self._listing.timeout.connect(self.list_projects)
        bridge.engine_event.connect(self._on_bridge_engine_event)

    @property
    def service(self) -> TrainingService:
        """Trainings as commands."""
        return self._bridge.engine.training

    @property
    def studio(self) -> TrainingStudio:
        """What is looked at and decided beside them."""
        return self._bridge.engine.training_studio

    @property
    def name(self) -> str:
        """Name of the project in sight, ``""`` without one."""
        return self.snapshot.project.name if self.snapshot is not None else ""

    @property
    def project(self) -> TrainingProject:
        """The project in sight; only asked for while there is one."""
        assert self.snapshot is not None, "parts of a project are shown with it"
        return self.snapshot.project

    @property
    def family(self) -> TrainerFamily:
        """Its model family."""
        return family_of(self.project.family)

    @property
    def is_running(self) -> bool:
        """Whether its trainer works."""
        return self.snapshot is not None and self.snapshot.state in ("running", "stopping")

    def ask(
        self,
        call: Coroutine[Any, Any, T],
        then: Callable[[T], object] | None = None,
        failed: Callable[[ErrorInfo], None] | None = None,
    ) -> None:
        """Carry out a call; its answer counts only while the same project is in sight."""
        name = self.name

        def answer(result: T) -> None:
            if then is not None and self.name == name:
                then(result)

        def refuse(error: ErrorInfo) -> None:
            (failed if failed is not None and self.name == name else self._show_error)(error)

        self._bridge.ask(call, answer, refuse)

    def list_projects(self) -> None:
        """Read the list of projects again."""
        self._bridge.ask(self.studio.overview(), self._on_overview, self._show_error)

    def open(self, name: str) -> None:
        """Put a project in sight; ``""`` = none."""
        self._wanted = name
        if name:
            self._bridge.ask(self.service.snapshot(name), self._on_snapshot, self._show_error)
        elif self.snapshot is not None:
            self.snapshot, self.report = None, None
            self.opened.emit()

    def refresh(self) -> None:
        """Look at the project in sight again."""
        if self._wanted:
            self._bridge.ask(self.service.snapshot(self._wanted), self._on_snapshot, self._show_error)

    def change(self, **values: object) -> None:
        """Save changed facts of the project in sight."""
        project = self.project.model_copy(update=values)
        self.ask(self.service.change(project), lambda _: self.refresh())

    def forget_report(self) -> None:
        """The pictures changed: what was found in them counts no more."""
        self.report = None
        self.pictures_changed.emit()

    def _on_overview(self, projects: Sequence[ProjectOverview]) -> None:
        self.listed.emit(list(projects))

    def _on_snapshot(self, snapshot: TrainingSnapshot) -> None:
        if snapshot.project.name != self._wanted:
            return  # an answer about what is not in sight any more
        is_other = self.name != snapshot.project.name
        self.snapshot = snapshot
        if is_other:
            self.report = None
            self.opened.emit()
        self.changed.emit()

    def _on_bridge_engine_event(self, event: Event) -> None:
        if not isinstance(event, TrainingEvent):
            return
        if isinstance(event, TrainingStarted | TrainingEnded | TrainingQueued):
            self.list_projects()
            if event.project == self._wanted:
                self.refresh()
        elif not self._listing.isActive():
            self._listing.start()
        if event.project == self.name:
            self.happened.emit(event)
