"""How an attempt ended. Exit code 0 alone means nothing: the trainer also ends with it when it found no picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.progress import TrainingProgress
from ai4artsed_desktop.domain.training.records import AttemptRecord, Verdict

FileState = Literal["absent", "cut", "complete"]

#: How a full disk sounds: in the safetensors library, in torch while saving a state (no "No space left" there), in the
#: system.
_DISK_FULL = ("StorageFull", "No space left on device", "inline_container.cc", "iostream error", "Disk quota exceeded")
#: Picture faults that the trainer dies of.
_PICTURE_KINDS = ("UnidentifiedImageError",)
_PICTURE_TEXTS = ("image file is truncated", "cannot identify image file")


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """What was found when the trainer's process was gone.

    Attributes:
        exit_code: None = nobody saw it end (a power cut, a killed helper).
        final_file: Of the LoRA under its final name.
        tail: Last lines of its error output.
    """

    exit_code: int | None
    was_stopped: bool
    final_file: FileState
    tail: str = ""
    ended_s: float = 0.0


def judge_attempt(record: AttemptRecord, family: TrainerFamily, progress: TrainingProgress, end: AttemptEnd) -> Verdict:
    """Decide how an attempt ended. It succeeded only with exit code 0, "model saved", and a fresh complete file."""
    is_done = end.exit_code == 0 and progress.is_model_saved and end.final_file == "complete"
    if is_done and not progress.is_loss_lost:
        return _verdict("finished", progress, end)
    if end.was_stopped and not (end.exit_code == 0 and progress.is_model_saved):
        return _verdict("stopped", progress, end)
    code, params = _cause(progress, end)
    if code == "error.training.lost":
        return _verdict("interrupted", progress, end, code, params)
    offer = None
    if code == "error.training.oom" and (smaller := family.smaller_than(record.preset_gb)) is not None:
        offer = smaller.vram_gb
    return _verdict("failed", progress, end, code, params, offer)


def _verdict(
    state: Literal["finished", "failed", "stopped", "interrupted"],
    progress: TrainingProgress,
    end: AttemptEnd,
    code: str = "",
    params: dict[str, str] | None = None,
    offer_gb: int | None = None,
) -> Verdict:
    return Verdict(
        state=state,
        exit_code=end.exit_code,
        code=code,
        params=params or {},
        detail="" if state == "finished" else end.tail,
        step=progress.step,
        ended_s=end.ended_s,
        offer_gb=offer_gb,
        warnings=progress.warnings,
    )


def _cause(progress: TrainingProgress, end: AttemptEnd) -> tuple[str, dict[str, str]]:
    """The most telling cause first: what is seen in the log explains more than the exit code."""
    last = progress.exceptions[-1] if progress.exceptions else None
    said = f"{last.kind}: {last.text}".rstrip(": ") if last else ""
    everything = " ".join(f"{e.kind} {e.text}" for e in progress.exceptions)
    if progress.memory_out is not None:
        code = "error.training.oom" if progress.memory_out.is_vram else "error.training.ram"
        return code, {"said": progress.memory_out.text[:300]}
    if progress.is_nothing_found:
        return "error.training.no_data", {}
    if progress.arguments_refused:
        return "error.training.arguments", {"said": progress.arguments_refused}
    if any(sign in everything for sign in _DISK_FULL):
        return "error.training.disk_full", {"said": said}
    if progress.failed_pictures or any(sign in everything for sign in (*_PICTURE_TEXTS, *_PICTURE_KINDS)):
        return "error.training.image", {"picture": ", ".join(progress.failed_pictures) or said}
    if progress.is_loss_lost:
        return "error.training.nan", {"step": str(progress.step)}
    if last is not None:
        return "error.training.exception", {"said": said}
    return _silent_cause(progress, end)


def _silent_cause(progress: TrainingProgress, end: AttemptEnd) -> tuple[str, dict[str, str]]:
    if end.exit_code is None:
        return "error.training.lost", {"step": str(progress.step)}
    if end.exit_code < 0 or end.exit_code in (137, 139, 143, 3221225477):
        return "error.training.killed", {"exit_code": str(end.exit_code)}
    if end.final_file == "cut":
        return "error.training.cut_file", {}
    return "error.training.not_saved", {"exit_code": str(end.exit_code)}
