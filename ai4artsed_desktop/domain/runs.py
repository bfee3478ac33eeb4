"""A run: what is asked for, what is recorded. The record alone must be enough to do it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ai4artsed_desktop.domain.configs import LoraUse

#: A text of more characters is refused: no model takes it, and no person wrote it. 1 MB pasted by accident stays typed.
MAX_TEXT_CHARS = 200_000

SafetyLevel = Literal["kids", "youth", "adult", "research"]
ParameterValue = int | float | str | bool | None

#: Bumped when a reader of an older number could misread the record.
RECORD_VERSION = 1


class StageName(StrEnum):
    """The four stages of a run, in order; ``OPTIMISATION`` belongs to the output stage and is shown on its own."""

    TRANSLATION = "translation"
    INTERCEPTION = "interception"
    SAFETY = "safety"
    OPTIMISATION = "optimisation"
    OUTPUT = "output"


STAGE_ORDER: tuple[StageName, ...] = tuple(StageName)


@dataclass(frozen=True, slots=True)
class OutputRequest:
    """One output config and what the person set for it (keys as in the chunk's ``input_mappings``)."""

    output_id: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A whole run, as asked for.

    Attributes:
        text: The idea (WHAT).
        interception_id: The interception config (HOW).
        secondary_text: The second text of outputs that take two, such as lyrics beside tags; never transformed.
        outputs: One or more outputs for the one transformed text; none = the text is the result.
        rules: The rules as edited by the person; None = the config's own.
        language: Language of the window or command line, for localized rules: ``de`` or ``en``.
        seed: None draws one, which is recorded.
        model_ids: Text model per stage; a stage that is absent takes the settings' choice.
        pause_after: The run waits after these stages.
        start_stage: Re-run from here; texts of earlier stages come from ``stage_texts``.
        stage_texts: Texts of the stages before ``start_stage``, which are not run again.
        edits: Texts that replace a stage's own result (the person's edits, recorded as such).
        parent_run_id: The run this one was made from.
        loras: What the person picked; the interception may bring more.
        images: Pictures and masks by parameter; they are copied into the run's folder before it is queued.
        may_name_persons: The person agreed that names in their texts leave the machine.
    """

    text: str
    interception_id: str
    outputs: tuple[OutputRequest, ...] = ()
    rules: str | None = None
    language: str = "en"
    seed: int | None = None
    safety_level: SafetyLevel = "adult"
    model_ids: Mapping[StageName, str] = field(default_factory=lambda: MappingProxyType({}))
    pause_after: frozenset[StageName] = frozenset()
    start_stage: StageName = StageName.TRANSLATION
    stage_texts: Mapping[StageName, str] = field(default_factory=lambda: MappingProxyType({}))
    edits: Mapping[StageName, str] = field(default_factory=lambda: MappingProxyType({}))
    parent_run_id: str | None = None
    participant: str = ""
    secondary_text: str = ""
    loras: tuple[LoraUse, ...] = ()
    images: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    may_name_persons: bool = False


class _Record(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class MediumRecord(_Record):
    """One file of a run. ``filename`` is relative to the run folder; ``sequence`` counts all files of the run."""

    sequence: int
    type: str
    filename: str
    sha256: str
    mime: str
    bytes: int = 0
    output_id: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)


class StageRecord(_Record):
    """What one stage did. ``state`` ``skipped`` has its reason in ``reason`` (a language-file key)."""

    name: StageName
    state: Literal["done", "skipped", "reused", "failed"]
    text: str = ""
    model: str = ""
    model_digest: str = ""
    ms: float = 0.0
    reason: str = ""
    output_id: str = ""
    seed: int | None = None
    thinking: str = Field(default="", description="the model's reasoning, no part of the text")
    candidates: tuple[str, ...] = ()
    rounds: tuple[tuple[str, str], ...] = ()
    parameters: dict[str, Any] = Field(default_factory=dict)
    facts: dict[str, Any] = Field(
        default_factory=dict, description="what the backend did, such as LoRAs really applied"
    )
    edited_from: str | None = Field(default=None, description="the stage's own text when the person changed it")


RunState = Literal["queued", "running", "paused", "finished", "failed", "cancelled", "interrupted"]


class ErrorRecord(_Record):
    """An ErrorInfo on disk."""

    code: str
    params: dict[str, str] = Field(default_factory=dict)
    detail: str = ""


class RunRecord(_Record):
    """``metadata.json`` of a run folder. Times are UTC in ISO 8601."""

    record_version: int = RECORD_VERSION
    run_id: str
    created: str
    ended: str | None = None
    state: RunState
    program_version: str = ""
    python_version: str = ""
    participant: str = ""
    safety_level: SafetyLevel = "adult"
    parent_run_id: str | None = None
    input_text: str = ""
    secondary_text: str = ""
    language: str = "en"
    interception_id: str
    interception_digest: str = ""
    rules: str | None = None
    seed: int = 0
    start_stage: StageName = StageName.TRANSLATION
    outputs: tuple[dict[str, Any], ...] = ()
    model_ids: dict[str, str] = Field(default_factory=dict)
    stage_texts: dict[str, str] = Field(default_factory=dict)
    edits: dict[str, str] = Field(default_factory=dict)
    loras: tuple[LoraUse, ...] = Field(default=(), description="what the person picked")
    images: dict[str, str] = Field(default_factory=dict, description="parameter → the run's own copy of its picture")
    stages: tuple[StageRecord, ...] = ()
    entities: tuple[MediumRecord, ...] = ()
    error: ErrorRecord | None = None
    gpu_energy_wh: float | None = Field(
        default=None, description="measured, of all graphics cards while it ran; None = not measured"
    )
    process: dict[str, Any] = Field(default_factory=dict, description="pid and start time of the writing program")
