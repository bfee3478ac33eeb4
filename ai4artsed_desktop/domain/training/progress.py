"""How far an attempt is: facts of its log, points of its curve and files of its folder, added up."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from ai4artsed_desktop.domain.training.facts import (
    ArgumentsRefused,
    CheckpointBegan,
    CheckpointRemoved,
    EpochBegan,
    ErrorLogged,
    ExceptionRaised,
    LogFact,
    LossLost,
    MemoryOut,
    ModelSaved,
    NothingFound,
    Phase,
    PhaseBegan,
    PhaseProgressed,
    PictureFailed,
    Resumed,
    StateBegan,
    StateSaved,
    StepsDrawn,
)

#: ``<name>-step00000400`` of a checkpoint or state. Source: the trainer's naming.
_STEP_NAME = re.compile(r"-step(\d{8})(?:-state|\.safetensors)?$")
#: Points of the curve beyond this are thinned out for views: every second one goes.
MAX_CURVE_POINTS = 20_000
#: Weight of the newest value in the smoothed loss.
_SMOOTHING = 0.05

#: Samples by step or epoch. Source: the trainer's naming, with or without a name and a seed.
SAMPLE_NAME = re.compile(
    r"^(?:(?P<name>.+)_)?(?P<epoch>e)?(?P<number>\d{6})_(?P<prompt>\d\d)_(?P<time>\d{14})(?:_(?P<seed>\d+))?\.png$"
)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One value of the trainer's TensorBoard file; ``tag`` such as ``loss/current`` or ``lr/unet``."""

    tag: str
    step: int
    value: float
    time_s: float = 0.0


@dataclass(frozen=True, slots=True)
class SamplePicture:
    """A sample the trainer made; ``number`` counts epochs if ``is_epoch``, else steps."""

    path: str
    number: int
    is_epoch: bool
    prompt: int


@dataclass(frozen=True, slots=True)
class LossPoint:
    """One step's loss, as it was and smoothed."""

    step: int
    loss: float
    smoothed: float


@dataclass(slots=True)
class TrainingProgress:
    """The sum of everything seen. Mutable; one per attempt."""

    step: int = 0
    total_steps: int = 0
    phase: Phase = "preparing"
    phase_done: int = 0
    phase_total: int = 0
    epoch: int = 0
    epochs: int = 0
    seconds_per_step: float | None = None
    left_s: int | None = None
    loss: float | None = None
    learning_rate: float | None = None
    last_state_step: int = 0
    states_saved: int = 0
    is_model_saved: bool = False
    is_nothing_found: bool = False
    is_loss_lost: bool = False
    memory_out: MemoryOut | None = None
    arguments_refused: str = ""
    failed_pictures: list[str] = field(default_factory=list[str])
    checkpoints: list[str] = field(default_factory=list[str])
    exceptions: list[ExceptionRaised] = field(default_factory=list[ExceptionRaised])
    errors: list[str] = field(default_factory=list[str])
    samples: list[SamplePicture] = field(default_factory=list[SamplePicture])
    curve: list[LossPoint] = field(default_factory=list[LossPoint])
    is_saving_state: bool = False
    is_silent: bool = False

    @property
    def unsaved_steps(self) -> int:
        """Steps that a stop would lose now."""
        return max(0, self.step - self.last_state_step)

    @property
    def unsaved_s(self) -> float | None:
        """The time those steps took, in seconds; None if not yet known."""
        return None if self.seconds_per_step is None else self.unsaved_steps * self.seconds_per_step

    @property
    def warnings(self) -> tuple[str, ...]:
        """Language-file keys of what goes wrong right now although the trainer goes on."""
        said = (
            ("training.warning.silent", self.is_silent),
            ("training.warning.nan", self.is_loss_lost),
            ("training.warning.no_data", self.is_nothing_found),
            ("training.warning.memory", self.memory_out is not None),
            ("training.warning.picture", bool(self.failed_pictures)),
            ("training.warning.errors", bool(self.errors)),
        )
        return tuple(key for key, is_so in said if is_so)

    def add_sample(self, sample: SamplePicture) -> None:
        """Add a sample picture that has appeared."""
        self.samples.append(sample)

    def add_point(self, point: CurvePoint) -> None:
        """Add a point of the curve; of several of one step the last counts."""
        if point.tag == "loss/current":
            self._add_loss(point)
        elif point.tag.startswith("lr/") and "d*lr" not in point.tag:
            self.learning_rate = point.value

    def _add_loss(self, point: CurvePoint) -> None:
        if not math.isfinite(point.value):
            self.is_loss_lost = True
            return
        while self.curve and self.curve[-1].step >= point.step:  # a resumed training does some steps again
            self.curve.pop()
        before = self.curve[-1].smoothed if self.curve else point.value
        smoothed = before + _SMOOTHING * (point.value - before)
        self.curve.append(LossPoint(point.step, point.value, smoothed))
        if len(self.curve) > MAX_CURVE_POINTS:
            del self.curve[:-1:2]

    def add(self, fact: LogFact) -> None:
        """Add what a line said."""
        match fact:
            case StepsDrawn():
                self._add_steps(fact)
            case PhaseBegan(phase):
                self.phase, self.phase_done, self.phase_total = phase, 0, 0
            case PhaseProgressed(_, done, total):
                self.phase_done, self.phase_total = done, total
            case EpochBegan(epoch, epochs):
                self.epoch, self.epochs = epoch, epochs
            case CheckpointBegan(path):
                self.checkpoints.append(path)
            case CheckpointRemoved(path) if path in self.checkpoints:
                self.checkpoints.remove(path)
            case StateBegan():
                self.is_saving_state = True
            case StateSaved(path):
                self._add_state(path)
            case Resumed(step):
                self.step = self.last_state_step = step
            case _:
                self._add_ending(fact)

    def _add_ending(self, fact: LogFact) -> None:
        match fact:
            case ModelSaved():
                self.is_model_saved = True
            case NothingFound():
                self.is_nothing_found = True
            case LossLost():
                self.is_loss_lost = True
            case MemoryOut() if self.memory_out is None:
                self.memory_out = fact
            case ExceptionRaised():
                self.exceptions.append(fact)
            case ArgumentsRefused(text):
                self.arguments_refused = text
            case PictureFailed(path):
                self.failed_pictures.append(path)
            case ErrorLogged(text):
                self.errors.append(text)
            case _:
                pass

    def _add_steps(self, fact: StepsDrawn) -> None:
        self.step, self.total_steps, self.left_s = fact.step, fact.total, fact.left_s
        if fact.seconds_per_step is not None:
            self.seconds_per_step = fact.seconds_per_step
        if fact.loss is not None:
            self.loss = fact.loss

    def _add_state(self, path: str) -> None:
        match = _STEP_NAME.search(path)
        self.last_state_step = int(match[1]) if match else self.step
        self.states_saved += 1
        self.is_saving_state = False
