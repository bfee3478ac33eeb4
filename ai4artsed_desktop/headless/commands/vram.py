"""``ai4artsed vram``: how much graphics memory there is, what an output would need, and making room."""

from __future__ import annotations

import argparse
from typing import Any

from ai4artsed_desktop.domain.chunks import OutputChunk
from ai4artsed_desktop.domain.gpu import Gpu
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.training.errors import VramTooSmallError
from ai4artsed_desktop.domain.training.families import discover_families
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.vram import VramHolding, VramNeed, VramPlan
from ai4artsed_desktop.engine.gpu_use import need_of
from ai4artsed_desktop.headless.commands.gpu import in_gb, said, shown_gb
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context


class VramCommand:
    """Looks at graphics memory, plans, and frees what nobody uses."""

    name = "vram"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="graphics memory: check, clear, plan")
        actions = parser.add_subparsers(dest="action", required=True)
        check = actions.add_parser("check", help="how much there is, and whether a LoRA can be trained here")
        clear = actions.add_parser("clear", help="unload what neither works nor is pinned, and show before and after")
        plan = actions.add_parser("plan", help="what an output needs, and what would be unloaded for it")
        plan.add_argument("output", metavar="OUTPUT_CONFIG", help="an id of `ai4artsed list output`")
        for action in (check, clear, plan):
            action.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Carry out the action."""
        match options.action:
            case "check":
                return await self._check(context)
            case "clear":
                return await self._clear(context)
            case _:
                return await self._plan(context, options.output)

    async def _check(self, context: Context) -> int:
        snapshot = await context.engine.gpu.fresh()
        gpu, messages, output = snapshot.main, context.messages, context.output
        families = discover_families()
        can_train = {name: _fits(family, gpu) for name, family in families.items()}
        reason = snapshot.reason
        if reason is None and gpu is None:
            reason = Reason("gpu.reason.lost")
        if reason is None and gpu is not None and not any(can_train.values()):
            least = min(family.min_vram_gb for family in families.values())
            reason = Reason("vram.reason.cannot_train", {"needed": str(least), "free": shown_gb(gpu.free_bytes)})
        output.json(
            {
                "gpu": None if gpu is None else gpu.name,
                "total_gb": in_gb(gpu.total_bytes) if gpu else None,
                "used_gb": in_gb(gpu.used_bytes) if gpu else None,
                "free_gb": in_gb(gpu.free_bytes) if gpu else None,
                "can_train": any(can_train.values()),
                "can_train_family": can_train,
                "min_required_gb": {name: family.min_vram_gb for name, family in families.items()},
                "reason": said(reason, messages),
            }
        )
        if gpu is not None:
            figures = {"used": shown_gb(gpu.used_bytes), "total": shown_gb(gpu.total_bytes)}
            output.answer(f"{gpu.name}: {messages.text('gpu.memory', **figures)}")
        for name, family in families.items():
            key = "cli.vram.can_train" if can_train[name] else "cli.vram.cannot_train"
            output.answer(messages.text(key, family=family.name, needed=family.min_vram_gb))
        if reason is not None:
            output.answer(str(said(reason, messages)))
        return EXIT_DONE

    async def _clear(self, context: Context) -> int:
        messages, output = context.messages, context.output
        done = await context.engine.vram.clear()
        output.json(
            {
                "before_used_gb": in_gb(done.before_bytes),
                "after_used_gb": in_gb(done.after_bytes),
                "freed": [_holding(holding) for holding in done.freed],
                "kept": [_holding(holding) for holding in done.kept],
                "failed": [{"name": name, "detail": detail} for name, detail in done.failed],
                "is_settled": done.is_settled,
                "reason": said(done.reason, messages),
            }
        )
        freed = ", ".join(holding.name for holding in done.freed)
        output.answer(messages.text("vram.cleared", names=freed) if freed else messages.text("vram.nothing_to_clear"))
        if done.reason is None:
            figures = {"before": shown_gb(done.before_bytes), "after": shown_gb(done.after_bytes)}
            output.answer(messages.text("vram.before_after", **figures))
        else:
            output.answer(str(said(done.reason, messages)))
        for holding in done.kept:
            output.answer(messages.text("vram.kept.busy" if holding.is_busy else "vram.kept.pinned", name=holding.name))
        for name, detail in done.failed:
            output.note(messages.text("vram.clear_failed", name=name, detail=detail))
        return EXIT_FAILED if done.failed else EXIT_DONE

    async def _plan(self, context: Context, output_id: str) -> int:
        engine, messages, output = context.engine, context.messages, context.output
        await engine.reload_catalog()
        config = engine.catalog.output(output_id).value
        chunk = engine.catalog.chunk(config.chunk).value
        if isinstance(chunk, OutputChunk):
            plan = await engine.vram.plan(need_of(config, chunk))
        else:
            none = VramNeed("generation", "", config.id, "other", 0, "documented")
            plan = VramPlan(none, available_bytes=0, possible_bytes=0, reason=Reason("vram.reason.no_card_work"))
        reason = said(plan.reason, messages)
        output.json(
            {
                "output": output_id,
                "model": plan.need.name,
                "needed_gb": in_gb(plan.need.needed_bytes),
                "basis": plan.need.basis,
                "total_gb": in_gb(plan.total_bytes),
                "free_gb": in_gb(plan.free_bytes),
                "available_gb": in_gb(plan.available_bytes),
                "fits": plan.fits_now,
                "unload": [_holding(holding) for holding in plan.unload],
                "kept": [_holding(holding) for holding in plan.kept],
                "fits_after_unloading": plan.will_fit,
                "reason": reason,
            }
        )
        if plan.need.needed_bytes != 0:
            output.answer(plan_words(plan, context))
        if reason is not None:
            output.answer(reason)
        return EXIT_DONE


def plan_words(plan: VramPlan, context: Context) -> str:
    """Return a plan as one line: what is needed, what there is, what would go."""
    messages, need = context.messages, plan.need
    line = messages.text(
        f"vram.plan.{need.basis}",
        name=need.name,
        needed=shown_gb(need.needed_bytes),
        available=shown_gb(plan.available_bytes),
    )
    names = ", ".join(f"{h.name} ({shown_gb(h.used_bytes)} GB)" for h in plan.unload)
    parts = [line, *([messages.text("vram.plan.unload", names=names)] if names else [])]
    if plan.will_fit is False:
        parts.append(messages.text("vram.plan.too_little"))
    return " ".join(parts)


def _fits(family: TrainerFamily, gpu: Gpu | None) -> bool:
    """Tell whether the smallest preset of a family fits into what is free now."""
    if gpu is None or gpu.free_bytes is None:
        return False
    try:
        family.preset_for(in_gb(gpu.free_bytes) or 0.0)
    except VramTooSmallError:
        return False
    return True


def _holding(holding: VramHolding) -> dict[str, Any]:
    return {
        "id": holding.id,
        "name": holding.name,
        "used_gb": in_gb(holding.used_bytes),
        "is_busy": holding.is_busy,
        "is_pinned": holding.is_pinned,
    }


COMMAND = VramCommand()
