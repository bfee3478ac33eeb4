"""Graphics memory for a training: how much the card has, and room before it starts."""

from __future__ import annotations

from ai4artsed_desktop.domain.gpu import VRAM_GB
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.engine.gpu_use import need_of_training
from ai4artsed_desktop.engine.gpu_watch import GpuWatch
from ai4artsed_desktop.engine.vram import VramArbiter


class TrainingVram:
    """Asks the watch and the arbiter on behalf of trainings."""

    def __init__(self, watch: GpuWatch, arbiter: VramArbiter) -> None:
        self._watch = watch
        self._arbiter = arbiter

    async def card_gb(self) -> float | None:
        """Return the memory of the card that a training would run on, None if there is none or nobody knows."""
        card = (await self._watch.fresh()).main
        return None if card is None or card.total_bytes is None else card.total_bytes / VRAM_GB

    async def make_room(self, family: TrainerFamily, preset_gb: int) -> None:
        """Unload what is idle until a preset fits; does nothing where the memory is not known.

        Raises:
            VramNotEnoughError, VramNotFreedError, VramRefusedError.
        """
        await self._arbiter.make_room(need_of_training(family.name, family.id, preset_gb))
