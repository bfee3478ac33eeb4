"""What a line of the trainer's output says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal[
    "preparing", "loading_model", "caching_latents", "caching_texts", "training", "sampling", "saving", "done"
]
Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class LogFact:
    """Base of all that a line can say."""


@dataclass(frozen=True, slots=True)
class PhaseBegan(LogFact):
    """The trainer does something else now."""

    phase: Phase


@dataclass(frozen=True, slots=True)
class PhaseProgressed(LogFact):
    """A bar without steps moved: pictures cached, one sample's steps."""

    phase: Phase
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StepsDrawn(LogFact):
    """The bar of steps was drawn.

    Attributes:
        step, total: Counted from the training's beginning, also after a resume.
        loss: Mean loss of the last epoch's steps, NaN as such, None at the first drawing.
        seconds_per_step: None = not yet known.
        left_s: The trainer's own estimate.
    """

    step: int
    total: int
    elapsed_s: int
    left_s: int | None = None
    seconds_per_step: float | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class EpochBegan(LogFact):
    """Counts from 1."""

    epoch: int
    epochs: int


@dataclass(frozen=True, slots=True)
class TotalsTold(LogFact):
    """Figures of the training as the trainer sees them; None = another line tells."""

    steps: int | None = None
    pictures: int | None = None
    epoch_batches: int | None = None


@dataclass(frozen=True, slots=True)
class CheckpointBegan(LogFact):
    """A LoRA file is being written. Its completeness shows only in the file itself."""

    path: str


@dataclass(frozen=True, slots=True)
class CheckpointRemoved(LogFact):
    """An old LoRA file was removed by the trainer, as its options say."""

    path: str


@dataclass(frozen=True, slots=True)
class StateBegan(LogFact):
    """A state folder is being written."""

    path: str


@dataclass(frozen=True, slots=True)
class StateSaved(LogFact):
    """A state folder is complete: a training can be resumed from it."""

    path: str


@dataclass(frozen=True, slots=True)
class SamplesBegan(LogFact):
    """Sample pictures are made. The files themselves are not logged."""

    step: int


@dataclass(frozen=True, slots=True)
class Resumed(LogFact):
    """The training goes on after ``step``."""

    step: int


@dataclass(frozen=True, slots=True)
class ModelSaved(LogFact):
    """The trainer's only word of success."""


@dataclass(frozen=True, slots=True)
class NothingFound(LogFact):
    """No picture was found: the trainer will end with exit code 0 and nothing trained."""


@dataclass(frozen=True, slots=True)
class LossLost(LogFact):
    """The loss is not a number any more, and never will be one again."""

    step: int


@dataclass(frozen=True, slots=True)
class MemoryOut(LogFact):
    """Graphics memory (``is_vram``) or main memory ran out."""

    is_vram: bool
    text: str


@dataclass(frozen=True, slots=True)
class ExceptionRaised(LogFact):
    """The last line of a Python traceback; a later one of the same run explains more."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ArgumentsRefused(LogFact):
    """The trainer does not take its command line."""

    text: str


@dataclass(frozen=True, slots=True)
class PictureFailed(LogFact):
    """A picture cannot be read."""

    path: str


@dataclass(frozen=True, slots=True)
class ErrorLogged(LogFact):
    """A line of level ERROR or CRITICAL that is nothing of the above."""

    text: str


@dataclass(frozen=True, slots=True)
class LogLine(LogFact):
    """A line for people; redrawn bars are none.

    Attributes:
        level: INFO, WARNING, ERROR …, ``""`` if the line has none.
        source: The trainer's file and line that wrote it.
    """

    stream: Stream
    text: str
    level: str = ""
    source: str = ""
