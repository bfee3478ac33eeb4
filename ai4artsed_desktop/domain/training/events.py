"""What happens to trainings, in past tense."""

from __future__ import annotations

from dataclasses import dataclass

from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.domain.training.facts import Phase
from ai4artsed_desktop.domain.training.progress import LossPoint, SamplePicture
from ai4artsed_desktop.domain.training.records import Verdict


@dataclass(frozen=True, slots=True)
class TrainingEvent(Event):
    """Something that happened to a project's training."""

    project: str


@dataclass(frozen=True, slots=True)
class TrainingQueued(TrainingEvent):
    """It waits for another training; ``position`` counts from 1."""

    position: int


@dataclass(frozen=True, slots=True)
class TrainingStarted(TrainingEvent):
    """The trainer's process runs, or one that ran already was found again (``is_found``)."""

    is_found: bool = False


@dataclass(frozen=True, slots=True)
class TrainingPhaseChanged(TrainingEvent):
    """The trainer does something else now."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class TrainingProgressed(TrainingEvent):
    """At most about ten per second, latest wins. Fields as in ``TrainingProgress``."""

    phase: Phase
    step: int
    total_steps: int
    epoch: int
    epochs: int
    phase_done: int = 0
    phase_total: int = 0
    seconds_per_step: float | None = None
    left_s: int | None = None
    loss: float | None = None
    learning_rate: float | None = None


@dataclass(frozen=True, slots=True)
class LossMeasured(TrainingEvent):
    """New points of the loss curve, oldest first."""

    points: tuple[LossPoint, ...]


@dataclass(frozen=True, slots=True)
class SampleMade(TrainingEvent):
    """A sample picture is complete on disk."""

    sample: SamplePicture


@dataclass(frozen=True, slots=True)
class CheckpointWritten(TrainingEvent):
    """A state is complete: a stop now loses nothing before ``step``."""

    step: int


@dataclass(frozen=True, slots=True)
class TrainingLogGrown(TrainingEvent):
    """New lines.

    Read them with ``engine.training.log(project).since(number)``. ``last`` is the newest line's number.
    """

    last: int


@dataclass(frozen=True, slots=True)
class TrainingWarned(TrainingEvent):
    """Something goes wrong although the trainer goes on. ``key`` is a language-file key."""

    key: str


@dataclass(frozen=True, slots=True)
class TrainingEnded(TrainingEvent):
    """The trainer's process is gone and was judged."""

    verdict: Verdict
