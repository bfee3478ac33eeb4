"""Plans and trainings in words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.training.buckets import Bucket, BucketRule
from ai4artsed_desktop.domain.training.dataset import REPAIRS, DatasetReport
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.options import OptionValue
from ai4artsed_desktop.domain.training.plan import TrainingPlan, bucket_rule
from ai4artsed_desktop.domain.training.progress import TrainingProgress
from ai4artsed_desktop.engine.messages import Messages
from ai4artsed_desktop.engine.training import TrainingSnapshot

_BYTES_PER_GB = 1_000_000_000


def plan_json(plan: TrainingPlan, messages: Messages) -> dict[str, Any]:
    """Return a plan as the one JSON value of ``--json``."""
    disk = plan.disk
    return {
        "family": plan.family.id,
        "family_name": plan.family.name,
        "script": plan.family.script,
        "project": plan.project,
        "vram_gb": plan.vram_gb,
        "preset_gb": plan.preset.vram_gb,
        "min_required_gb": plan.family.min_vram_gb,
        "is_documented": plan.preset.is_documented,
        "pictures": plan.pictures,
        "repeats": plan.repeats,
        "steps": plan.steps,
        "batch": plan.batch,
        "epochs": plan.epochs,
        "save_every_steps": plan.save_every,
        "rank": plan.rank,
        "output_name": plan.output_name,
        "buckets": _buckets(plan.buckets),
        "disk_bytes": {
            "checkpoints": disk.checkpoints,
            "states": disk.states,
            "caches": disk.caches,
            "samples_and_log": disk.samples_and_log,
            "total": disk.total,
        },
        "lora_bytes": plan.lora_bytes,
        "notes": [{"id": key, "text": messages.text(key)} for key in plan.notes],
        "options": plan.options,
        "explanations": {name: explanation(name, messages) for name in plan.options},
    }


def plan_text(plan: TrainingPlan, messages: Messages) -> str:
    """Return a plan for people."""
    lines = [
        messages.text(
            "train.cli.plan.head", family=plan.family.name, preset=plan.preset.vram_gb, vram=f"{plan.vram_gb:g}"
        ),
        messages.text(
            "train.cli.plan.steps",
            steps=plan.steps,
            batch=plan.batch,
            pictures=plan.pictures,
            looks=round(plan.steps * plan.batch / plan.pictures),
            epochs=plan.epochs,
        ),
        messages.text("train.cli.plan.saves", every=plan.save_every, name=f"{plan.output_name}.safetensors"),
        messages.text(
            "train.cli.plan.disk",
            total=f"{plan.disk.total / _BYTES_PER_GB:.1f}",
            lora=f"{plan.lora_bytes / 1e6:.0f}",
            state=f"{plan.state_bytes / _BYTES_PER_GB:.1f}",
        ),
        _sizes(plan.buckets, messages),
        *(f"· {messages.text(key)}" for key in plan.notes),
    ]
    for section, options in plan.sections.items():
        lines += ["", f"[{section}]"]
        lines += [f"  {name} = {_shown(value)}\n      {explanation(name, messages)}" for name, value in options.items()]
    return "\n".join(lines)


def explanation(name: str, messages: Messages) -> str:
    """Return what an option of the trainer does, in plain words."""
    key = f"training.option.{name}"
    return messages.text(key) if messages.has(key) else messages.text("training.option.other")


def report_json(report: DatasetReport, family: TrainerFamily, messages: Messages) -> dict[str, Any]:
    """Return what was found in a folder of pictures as JSON."""
    return {
        "folder": report.folder,
        "pictures": len(report.pictures),
        "usable": len(report.usable),
        "captioned": report.captioned,
        "buckets": _buckets(report.buckets(family_buckets(family))),
        "findings": [
            {
                "kind": finding.kind,
                "picture": finding.name,
                "repair": REPAIRS[finding.kind],
                "text": messages.text(f"training.finding.{finding.kind}", other=finding.other),
            }
            for finding in report.findings
        ],
    }


def report_text(report: DatasetReport, family: TrainerFamily, messages: Messages) -> str:
    """Return what was found in a folder of pictures for people."""
    counts = {"usable": len(report.usable), "pictures": len(report.pictures), "captioned": report.captioned}
    lines = [messages.text("train.cli.check", **counts), _sizes(report.buckets(family_buckets(family)), messages)]
    lines += [
        f"{finding.name}: {messages.text(f'training.finding.{finding.kind}', other=finding.other)}"
        for finding in report.findings
    ]
    return "\n".join(lines)


def family_buckets(family: TrainerFamily) -> BucketRule:
    """Return how a family groups pictures with its own options."""
    return bucket_rule({"enable_bucket": True, **family.options}, family)


def _buckets(buckets: Sequence[Bucket]) -> list[dict[str, int]]:
    return [{"width_px": b.width_px, "height_px": b.height_px, "pictures": b.count} for b in buckets]


def _sizes(buckets: Sequence[Bucket], messages: Messages) -> str:
    shown = ", ".join(f"{bucket.width_px} × {bucket.height_px}: {bucket.count}" for bucket in buckets)
    return messages.text("train.cli.plan.buckets", buckets=shown)


def describe(snapshot: TrainingSnapshot, messages: Messages) -> dict[str, Any]:
    """Return a project and its newest training as JSON."""
    attempt, verdict = snapshot.attempt, snapshot.verdict
    return {
        "project": snapshot.project.name,
        "family": snapshot.project.family,
        "state": snapshot.state,
        "training": attempt.training if attempt else None,
        "attempt": attempt.attempt if attempt else None,
        "started_s": attempt.started_s if attempt else None,
        "progress": _progress(snapshot.progress),
        "exit_code": verdict.exit_code if verdict else None,
        "lora": verdict.lora if verdict and verdict.lora else None,
        "resumable_step": snapshot.resumable_step,
        "smaller_preset_gb": verdict.offer_gb if verdict else None,
        "warnings": [messages.text(key) for key in _warnings(snapshot)],
        "error": _error(snapshot, messages),
    }


def snapshot_text(snapshot: TrainingSnapshot, messages: Messages) -> str:
    """Return a project and its newest training for people."""
    state = messages.text(f"train.state.{snapshot.state}")
    lines = [f"{snapshot.project.name}: {state}"]
    progress, verdict = snapshot.progress, snapshot.verdict
    if progress is not None:
        phase = messages.text(f"train.phase.{progress.phase}")
        steps = f"{progress.step}/{progress.total_steps}" if progress.total_steps else "–"
        loss = "–" if progress.loss is None else f"{progress.loss:.3g}"
        speed = "–" if progress.seconds_per_step is None else f"{progress.seconds_per_step:.2f} s"
        lines.append(messages.text("train.cli.progress", phase=phase, steps=steps, loss=loss, speed=speed))
    lines += [messages.text(key) for key in _warnings(snapshot)]
    if verdict is not None and verdict.lora:
        lines.append(messages.text("train.cli.lora", path=verdict.lora))
    if verdict is not None and verdict.code:
        lines.append(str(messages.error(ErrorInfo(verdict.code, dict(verdict.params)))))
    if verdict is not None and verdict.offer_gb is not None:
        lines.append(messages.text("train.cli.smaller", gb=verdict.offer_gb))
    if snapshot.resumable_step is not None:
        lines.append(messages.text("train.cli.resumable", step=snapshot.resumable_step))
    return "\n  ".join(lines)


def _warnings(snapshot: TrainingSnapshot) -> tuple[str, ...]:
    if snapshot.verdict is not None:
        return snapshot.verdict.warnings
    return snapshot.progress.warnings if snapshot.progress is not None else ()


def _progress(progress: TrainingProgress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {
        "phase": progress.phase,
        "step": progress.step,
        "total_steps": progress.total_steps,
        "epoch": progress.epoch,
        "epochs": progress.epochs,
        "seconds_per_step": progress.seconds_per_step,
        "left_s": progress.left_s,
        "loss": progress.loss if progress.loss == progress.loss else None,  # JSON has no NaN
        "learning_rate": progress.learning_rate,
        "last_state_step": progress.last_state_step,
        "unsaved_steps": progress.unsaved_steps,
        "unsaved_s": progress.unsaved_s,
        "loss_curve": [[point.step, point.loss, point.smoothed] for point in progress.curve],
        "checkpoints": progress.checkpoints,
        "samples": [sample.path for sample in progress.samples],
    }


def _error(snapshot: TrainingSnapshot, messages: Messages) -> dict[str, Any] | None:
    verdict = snapshot.verdict
    if verdict is None or not verdict.code:
        return None
    text = messages.error(ErrorInfo(verdict.code, dict(verdict.params)))
    return {"code": verdict.code, "params": verdict.params, "message": str(text), "detail": verdict.detail}


def _shown(value: OptionValue) -> str:
    return "; ".join(map(str, value)) if isinstance(value, tuple) else str(value)
