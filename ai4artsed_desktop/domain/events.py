"""Everything that happens, in past tense: immutable facts for the bus."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.runs import MediumRecord, StageName


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class RunEvent(Event):
    """Something that happened to one run."""

    run_id: str


@dataclass(frozen=True, slots=True)
class RunQueued(RunEvent):
    """The request is valid, its folder exists and holds the input."""

    position: int = 0


@dataclass(frozen=True, slots=True)
class RunStarted(RunEvent):
    """The run left the queue."""


@dataclass(frozen=True, slots=True)
class StageStarted(RunEvent):
    """A stage began. ``model`` is the id of the text model or chunk that does it, ``""`` if none does."""

    stage: StageName
    model: str = ""


@dataclass(frozen=True, slots=True)
class StageTextStreamed(RunEvent):
    """New text of the running stage. ``candidate`` counts proposals from 0."""

    stage: StageName
    delta: str
    candidate: int = 0


@dataclass(frozen=True, slots=True)
class StageRoundFinished(RunEvent):
    """One visible step of a stage that works in rounds: the Telephone game, code that is mended.

    ``label`` is a language-file key or, where a config names its own rounds, already a text.
    """

    stage: StageName
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class StageFinished(RunEvent):
    """The stage's record is on disk. ``candidates`` holds all proposals, the chosen one first; empty if only one.

    ``thinking`` is the model's reasoning, kept apart from the text.
    """

    stage: StageName
    text: str
    model: str = ""
    ms: float = 0.0
    candidates: tuple[str, ...] = ()
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class StageSkipped(RunEvent):
    """The stage had nothing to do; ``reason`` is a language-file key."""

    stage: StageName
    reason: str


@dataclass(frozen=True, slots=True)
class StagePaused(RunEvent):
    """The run waits for ``runs.resume()`` after this stage, so that its text can be edited."""

    stage: StageName
    text: str
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunProgressed(RunEvent):
    """Progress of the running stage; the fields are those of ``engine.ports.MediaProgress``."""

    fraction: float | None
    message: str = ""
    node: str = ""
    step: int = 0
    steps: int = 0
    queue_position: int | None = None
    preview: bytes | None = None
    preview_mime: str = ""


@dataclass(frozen=True, slots=True)
class MediumSaved(RunEvent):
    """A medium is on disk, hashed and recorded."""

    medium: MediumRecord
    output_id: str = ""


@dataclass(frozen=True, slots=True)
class RunFinished(RunEvent):
    """Every output of the run is done."""


@dataclass(frozen=True, slots=True)
class RunFailed(RunEvent):
    """The run ended with an error; what was made before is kept."""

    error: ErrorInfo


@dataclass(frozen=True, slots=True)
class RunCancelled(RunEvent):
    """The person ended the run; what was made before is kept."""


@dataclass(frozen=True, slots=True)
class ModelStateChanged(Event):
    """A text model was loaded, freed or failed."""

    model_id: str
    state: Literal["loading", "ready", "freed", "failed"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ModelsChanged(Event):
    """The list of text models is another one now."""


@dataclass(frozen=True, slots=True)
class CatalogReloaded(Event):
    """The catalogue was read again. ``errors`` counts entries that cannot be used."""

    entries: int
    errors: int


@dataclass(frozen=True, slots=True)
class SettingsChanged(Event):
    """Settings were saved. ``names`` are those that changed."""

    names: frozenset[str] = field(default_factory=frozenset[str])


@dataclass(frozen=True, slots=True)
class DownloadPart:
    """One layer of a download that has several. ``name`` is the beginning of its digest, 12 hex digits."""

    name: str
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class DownloadProgressed(Event):
    """A model download goes on; ``bytes_per_s`` is measured over the last seconds, None = not yet.

    ``step`` is a language-file key of what is done while no bytes come (a check of the whole), else "". ``parts`` are
    the layers that the server has named so far, in order; none where a download is one file.
    """

    name: str
    done_bytes: int
    total_bytes: int | None
    bytes_per_s: float | None = None
    step: str = ""
    parts: tuple[DownloadPart, ...] = ()


@dataclass(frozen=True, slots=True)
class DownloadEnded(Event):
    """A model download is complete (``error`` None), failed or was cancelled (``is_cancelled``)."""

    name: str
    error: ErrorInfo | None = None
    is_cancelled: bool = False
