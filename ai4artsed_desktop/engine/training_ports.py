"""What trainings need from the outside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ai4artsed_desktop.domain.training.dataset import DatasetReport
from ai4artsed_desktop.domain.training.facts import LogFact
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.options import OptionSchema
from ai4artsed_desktop.domain.training.plan import TrainingPlaces, TrainingPlan
from ai4artsed_desktop.domain.training.progress import CurvePoint, SamplePicture
from ai4artsed_desktop.domain.training.records import AttemptRecord, QueueEntry, TrainingProject, Verdict
from ai4artsed_desktop.domain.training.verdict import AttemptEnd

if TYPE_CHECKING:
    from ai4artsed_desktop.engine.training_studio import StudioFiles


@dataclass(frozen=True, slots=True)
class TrainerInfo:
    """The installed trainer.

    Attributes:
        version: As it calls itself, and its commit; ``""`` if it does not say.
        packages: Names of what is installed beside it that options may need.
    """

    folder: Path
    python: Path
    version: str
    packages: frozenset[str]


@dataclass(frozen=True, slots=True)
class SavedState:
    """A complete state folder."""

    path: Path
    step: int


@dataclass(frozen=True, slots=True)
class Sightings:
    """What was seen since the last look; facts in the order of their lines."""

    facts: Sequence[LogFact] = ()
    points: Sequence[CurvePoint] = ()
    samples: Sequence[SamplePicture] = ()
    lost_segments: int = 0


@dataclass(frozen=True, slots=True)
class StartOrder:
    """Everything an attempt needs, decided before anything is written."""

    project: TrainingProject
    plan: TrainingPlan
    training: int
    gpus: int = 1


class TrainingWorkshop(Protocol):
    """Projects on disk, the trainer's program and its process. Blocking work happens in threads."""

    @property
    def studio(self) -> StudioFiles:
        """What the studio shows of the files."""
        ...

    def schema_of(self, script: str) -> OptionSchema:
        """Return a script's recorded options."""
        ...

    def places_for(self, family: TrainerFamily, project: str, training: int) -> TrainingPlaces:
        """Return where a training reads and writes."""
        ...

    async def scan(self, folder: Path, smallest_side_px: int) -> DatasetReport:
        """Look through a folder of pictures. Raises DatasetError."""
        ...

    async def scan_project(self, project: TrainingProject, smallest_side_px: int) -> DatasetReport:
        """Look through a project's own copies. Raises DatasetError."""
        ...

    async def list_projects(self) -> Sequence[TrainingProject]:
        """Return the projects by name; damaged ones are left out with a warning in the log."""
        ...

    async def load(self, name: str) -> TrainingProject:
        """Return a project. Raises ProjectNameError, ProjectMissingError, ProjectDamagedError."""
        ...

    async def save(self, project: TrainingProject) -> None:
        """Write a project's file. Raises StorageError."""
        ...

    async def create(self, project: TrainingProject, folder: Path | None) -> TrainingProject:
        """Make a project with copies of a folder's pictures, or (None) without any yet.

        Raises:
            ProjectExistsError, DatasetError, StorageError.
        """
        ...

    async def add_pictures(self, project: TrainingProject, pictures: Sequence[Path]) -> Sequence[str]:
        """Copy further pictures into a project; return the copies' names. Raises DatasetError, StorageError."""
        ...

    async def remove_pictures(self, project: str, pictures: Sequence[str]) -> None:
        """Remove copies with their captions and caches. Raises DatasetError, StorageError."""
        ...

    async def set_captions(self, project: TrainingProject, captions: Mapping[str, str]) -> None:
        """Write captions of copies, by the copies' names. Raises DatasetError, StorageError."""
        ...

    async def trainer(self) -> TrainerInfo:
        """Find the installed trainer. Raises TrainerMissingError."""
        ...

    async def installed_schema(self, trainer: TrainerInfo, script: str) -> OptionSchema | None:
        """Ask the installed trainer's own parser; None if it cannot be asked. Takes seconds the first time."""
        ...

    async def check(self, plan: TrainingPlan, trainer: TrainerInfo, *, is_local_only: bool) -> None:
        """Find what would fail only after minutes.

        Raises:
            ModelFileMissingError, PackageMissingError, LocalOnlyError, NoSpaceError.
        """
        ...

    async def check_resume(
        self, attempt: AttemptRecord, state: SavedState, trainer: TrainerInfo, *, is_local_only: bool
    ) -> None:
        """Find what keeps an attempt from going on. Raises as ``check``."""
        ...

    async def next_training(self, project: str) -> int:
        """Return the number a new training of a project gets."""
        ...

    async def last_attempt(self, project: str) -> AttemptRecord | None:
        """Return the newest attempt, None if there was none."""
        ...

    async def verdict_of(self, attempt: AttemptRecord) -> Verdict | None:
        """Return how an attempt ended, None if that is not yet decided."""
        ...

    async def start(self, order: StartOrder, trainer: TrainerInfo) -> AttemptRecord:
        """Write everything down and start the trainer, which goes on when we end.

        Raises:
            TrainerBusyError, LaunchError, StorageError.
        """
        ...

    async def resume(self, attempt: AttemptRecord, state: SavedState, trainer: TrainerInfo) -> AttemptRecord:
        """Start the trainer again with the same options, from a state. Raises as ``start``."""
        ...

    async def is_running(self, attempt: AttemptRecord) -> bool:
        """Tell whether an attempt's trainer (or its keeper) still runs."""
        ...

    def watch(self, attempt: AttemptRecord, *, only_now: bool = False) -> AsyncGenerator[Sightings, None]:
        """Yield all that was and is seen of an attempt, from its beginning, until its process is gone.

        Args:
            only_now: End when all that is there has been seen, without waiting for more.
        """
        ...

    async def ask_to_stop(self, attempt: AttemptRecord, grace_s: float) -> None:
        """End the trainer with everything it started: ask, then after ``grace_s`` kill. Remembers that it was asked."""
        ...

    async def conclude(self, attempt: AttemptRecord, decide: Callable[[AttemptEnd], Verdict]) -> Verdict:
        """Let ``decide`` judge an ended attempt, once for all programs; a finished LoRA moves into the LoRA folder.

        Returns:
            The verdict on disk, also if another program decided before.

        Raises:
            StorageError.
        """
        ...

    async def notices(self) -> Sequence[tuple[str, Verdict]]:
        """Return the failures that nobody has put away yet, by project; one is kept from ``conclude`` on."""
        ...

    async def put_notice(self, project: str, verdict: Verdict) -> None:
        """Remember that somebody has to be told of a failure without an attempt. Raises as ``load``, StorageError."""
        ...

    async def drop_notice(self, project: str) -> None:
        """Forget a notice, if there is one. Raises StorageError."""
        ...

    async def states(self, project: str, training: int) -> Sequence[SavedState]:
        """Return the complete states of a training, newest last."""
        ...

    async def belongings(self, project: str) -> Sequence[Path]:
        """Return every file and folder that deleting a project removes. Raises as ``load``."""
        ...

    async def delete(self, project: str) -> Sequence[Path]:
        """Remove a project with everything it made; return what was removed. Raises StorageError."""
        ...

    async def read_queue(self) -> Sequence[QueueEntry]:
        """Return the projects that wait for their turn."""
        ...

    async def change_queue(
        self, change: Callable[[Sequence[QueueEntry]], Sequence[QueueEntry]]
    ) -> Sequence[QueueEntry]:
        """Change who waits, one program at a time, and return it. Raises StorageError."""
        ...
