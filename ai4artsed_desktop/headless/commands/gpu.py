"""``ai4artsed gpu``: what the graphics cards say now."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ai4artsed_desktop.domain.gpu import VRAM_GB, Gpu, GpuProcess
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.messages import Messages
from ai4artsed_desktop.headless.context import EXIT_DONE, Context


class GpuCommand:
    """Shows every NVIDIA card with its figures and who holds its memory."""

    name = "gpu"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name, help="graphics cards: memory, load, power, heat, and who holds what"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print the figures; a machine without a card is an answer, not an error."""
        del options
        messages, output = context.messages, context.output
        snapshot = await context.engine.gpu.fresh()
        reason = said(snapshot.reason, messages)
        output.json(
            {
                "gpus": [as_json(gpu, messages) for gpu in snapshot.gpus],
                "driver_version": snapshot.driver_version or None,
                "reason": reason,
                "notes": [said(note, messages) for note in snapshot.notes],
            }
        )
        for gpu in snapshot.gpus:
            for line in _lines(gpu, messages):
                output.answer(line)
        if reason is not None:
            output.answer(reason)
        for note in snapshot.notes:
            output.note(str(said(note, messages)))
        return EXIT_DONE


def as_json(gpu: Gpu, messages: Messages) -> dict[str, Any]:
    """Return a card as the JSON object of ``gpu --json``; null = unknown. 1 GB = 2^30 bytes."""
    processes = gpu.processes
    return {
        "index": gpu.index,
        "uuid": gpu.uuid,
        "name": gpu.name,
        "total_gb": in_gb(gpu.total_bytes),
        "used_gb": in_gb(gpu.used_bytes),
        "free_gb": in_gb(gpu.free_bytes),
        "reserved_gb": in_gb(gpu.reserved_bytes),
        "utilisation_percent": gpu.utilisation_percent,
        "power_w": gpu.power_w,
        "power_limit_w": gpu.power_limit_w,
        "temperature_c": gpu.temperature_c,
        "graphics_mhz": gpu.graphics_mhz,
        "memory_mhz": gpu.memory_mhz,
        "throttle": None if gpu.throttle is None else list(gpu.throttle),
        "is_unified": gpu.is_unified,
        "processes": None if processes is None else [_process(process) for process in processes],
        "problem": said(gpu.problem, messages),
    }


def in_gb(size_bytes: int | None) -> float | None:
    """Return bytes as GB of 2^30 bytes, None if unknown."""
    return None if size_bytes is None else round(size_bytes / VRAM_GB, 2)


def said(reason: Reason | None, messages: Messages) -> str | None:
    """Return a reason in words."""
    return None if reason is None else messages.text(reason.key, **reason.params)


def shown_gb(size_bytes: int | None) -> str:
    """Return ``9.1``, or ``?`` if unknown."""
    return "?" if size_bytes is None else f"{size_bytes / VRAM_GB:.1f}"


def _process(process: GpuProcess) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "kind": process.kind,
        "name": process.name,
        "used_gb": in_gb(process.used_bytes),
    }


def _lines(gpu: Gpu, messages: Messages) -> Sequence[str]:
    title = f"{gpu.index}  {gpu.name}"
    if gpu.problem is not None:
        return [f"{title}: {said(gpu.problem, messages)}"]
    memory = messages.text("gpu.memory", used=shown_gb(gpu.used_bytes), total=shown_gb(gpu.total_bytes))
    figures = [memory]
    for value, unit in (
        (gpu.utilisation_percent, "%"),
        (None if gpu.power_w is None else round(gpu.power_w), "W"),
        (gpu.temperature_c, "°C"),
        (gpu.graphics_mhz, "MHz"),
    ):
        if value is not None:
            figures.append(f"{value} {unit}")
    figures += [messages.text(f"gpu.throttle.{word}") for word in gpu.throttle or ()]
    rows = [f"   {shown_gb(p.used_bytes):>6} GB  {p.pid:>8}  {p.name}" for p in gpu.processes or ()]
    return [f"{title}: {' · '.join(figures)}", *rows]


COMMAND = GpuCommand()
