"""What a project's folder remembers: the project, each attempt to train it, and how each ended."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

OptionJson = bool | int | float | str | list[str | float]
EndState = Literal["finished", "failed", "stopped", "interrupted"]


class TrainingProject(BaseModel):
    """``project.json``.

    Attributes:
        created: UTC, ISO 8601.
        vram_gb: Decides the preset; None = what the card has.
        steps: None = as many as the pictures ask for.
        changes: Options of the trainer over the preset's.
        sample_prompts: Empty = made from the trigger words and captions.
        loras: Paths of the LoRAs it made, newest last; deleted with it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    family: str
    trigger: str = ""
    notes: str = ""
    created: str = ""
    vram_gb: float | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, ge=1, le=1_000_000)
    seed: int = Field(default=42, ge=0, lt=2**32)
    precision: Literal["bf16", "fp16", "no"] = "bf16"
    changes: dict[str, OptionJson] = Field(default_factory=dict[str, OptionJson])
    sample_prompts: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()


class AttemptRecord(BaseModel):
    """One start of the trainer, ``attempt.json``: a training is one or more attempts, each resuming the one before.

    Attributes:
        training, attempt: Numbers from 1.
        started_s: UNIX time.
        base_step: Steps done before it.
        total_steps: Of the whole training.
        save_every: In steps.
        resumed_from: The state folder, ``""`` = from the beginning.
        preset_gb: Of the plan.
        argv: The trainer's command line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str
    family: str
    training: int
    attempt: int
    started_s: float
    base_step: int = 0
    total_steps: int
    save_every: int
    resumed_from: str = ""
    preset_gb: int
    output_name: str
    argv: tuple[str, ...]
    trainer_version: str = ""
    trigger: str = ""


class Verdict(BaseModel):
    """How an attempt ended, ``verdict.json``.

    Attributes:
        code, params, detail: The error, as in ``ErrorInfo``; ``code`` is ``""`` if there is none.
        step: The last one seen.
        lora: Where the LoRA went, ``""`` without one.
        offer_gb: The next smaller preset, if memory ran out and there is one.
        warnings: Language-file keys.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: EndState
    exit_code: int | None = None
    code: str = ""
    params: dict[str, str] = Field(default_factory=dict[str, str])
    detail: str = ""
    step: int = 0
    ended_s: float = 0.0
    lora: str = ""
    offer_gb: int | None = None
    warnings: tuple[str, ...] = ()


class QueueEntry(BaseModel):
    """One training that waits. ``not_before_s`` (UNIX time) lets it wait for the night; None = as soon as it may."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: str
    not_before_s: float | None = None
