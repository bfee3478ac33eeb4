"""What fills the cards now: what programs say, held against what the driver sees."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ai4artsed_desktop.domain.gpu import VRAM_GB, Gpu, GpuSnapshot, ProcessKind
from ai4artsed_desktop.domain.vram import VramHolding
from ai4artsed_desktop.engine.gpu_ports import VramHolder, VramSource


@dataclass(frozen=True, slots=True)
class Sight:
    """What is loaded now: as data, the largest first, and by id as what can be asked to go."""

    holdings: tuple[VramHolding, ...]
    holders: dict[str, VramHolder]


async def look(
    sources: Sequence[VramSource], snapshot: GpuSnapshot, pinned: Collection[str], working: Collection[ProcessKind]
) -> Sight:
    """Ask every program what it has loaded.

    Args:
        pinned: Ids of what the person wants to keep.
        working: Programs that work for us now, whatever they say themselves.
    """
    found = await asyncio.gather(*(source.holders() for source in sources))
    holders = [holder for group in found for holder in group]
    sizes = _sizes(holders, snapshot)
    holdings = [
        VramHolding(
            holder.id,
            holder.name,
            holder.process,
            size,
            holder.is_busy or holder.process in working,
            holder.id in pinned,
        )
        for holder, size in zip(holders, sizes, strict=True)
    ]
    holdings.sort(key=lambda holding: (-(holding.used_bytes or 0), holding.name))
    return Sight(tuple(holdings), {holder.id: holder for holder in holders})


def context_bytes(process: ProcessKind) -> int:
    """Return what a program keeps after its models are gone: ComfyUI goes on with its CUDA context, about 0.5 GB."""
    return VRAM_GB // 2 if process == "comfyui" else 0


def held_bytes(card: Gpu | None, process: ProcessKind) -> int | None:
    """Return what a program holds of a card as the driver sees it; None = unknown."""
    return None if card is None else card.bytes_of(process)


def used_bytes_of(snapshot: GpuSnapshot, card: str = "") -> int | None:
    """Return how much of one card, or of all together, is used; None = unknown."""
    known = [gpu.used_bytes for gpu in snapshot.gpus if gpu.used_bytes is not None and card in ("", gpu.uuid)]
    return sum(known) if known else None


def _sizes(holders: Sequence[VramHolder], snapshot: GpuSnapshot) -> list[int | None]:
    """Return what each holder holds: what its program says, but together never more than the driver sees there.

    Two may stand for the same memory: a ComfyUI, and a SwarmUI that works with it.
    """
    left: dict[ProcessKind, int] = {}
    sizes: list[int | None] = []
    for holder in holders:
        process = holder.process
        seen = held_bytes(snapshot.card_of(process), process)
        size = holder.used_bytes
        if size is None:
            is_alone = sum(other.process == process for other in holders) == 1
            size = seen if is_alone else None
        elif seen:  # in a container of its own a program cannot be recognised: nothing of it is seen by name
            size = min(size, left.get(process, seen))
            left[process] = left.get(process, seen) - size
        sizes.append(size)
    return sizes
