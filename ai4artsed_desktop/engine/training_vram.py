"""Graphics memory for trainings: how much the card has, room before one starts, and a lease as long as it works."""

from __future__ import annotations

from contextlib import AsyncExitStack

from ai4artsed_desktop.domain.gpu import VRAM_GB
from ai4artsed_desktop.domain.training.records import AttemptRecord
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

    async def make_room(self, project: str, family_id: str, preset_gb: int) -> AsyncExitStack:
        """Unload what is idle until a preset fits, and return the lease, to be closed when the trainer has ended.

        Nothing is unloaded where the memory is not known.

        Raises:
            VramNotEnoughError, VramNotFreedError, VramRefusedError.
        """
        async with AsyncExitStack() as lease:
            await lease.enter_async_context(self._arbiter.lease(need_of_training(project, family_id, preset_gb)))
            return lease.pop_all()

    async def lease_of_running(self, attempt: AttemptRecord) -> AsyncExitStack:
        """Return the lease of a training that another program of ours has started, as ``make_room``."""
        need = need_of_training(attempt.project, attempt.family, attempt.preset_gb)
        async with AsyncExitStack() as lease:
            await lease.enter_async_context(self._arbiter.lease_of_running(need))
            return lease.pop_all()
