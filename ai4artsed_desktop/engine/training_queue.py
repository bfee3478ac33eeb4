"""Trainings that wait: for the one before, or for the night."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.training.events import TrainingEnded, TrainingQueued
from ai4artsed_desktop.domain.training.records import QueueEntry, Verdict
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.tasks import TaskScope
from ai4artsed_desktop.engine.training_ports import TrainingWorkshop

logger = logging.getLogger(__name__)

#: Longest nap while something waits: the clock may be set, and another program may end its training.
_NAP_S = 30.0
_SHORT_NAP_S = 1.0


class TrainingQueue:
    """Starts what waits, one after the other. The list is on disk and outlives the program.

    Args:
        start: Starts a project's training; raises AppError.
        wait_for_turn: Returns at once when nothing is trained; else waits, at most for a while, and returns False.
    """

    def __init__(
        self,
        bus: EventBus,
        workshop: Callable[[], TrainingWorkshop],
        start: Callable[[str], Awaitable[object]],
        wait_for_turn: Callable[[], Awaitable[bool]],
    ) -> None:
        self._bus = bus
        self._workshop = workshop
        self._start = start
        self._wait_for_turn = wait_for_turn
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def entries(self) -> Sequence[QueueEntry]:
        """Return who waits, first the next one."""
        return await self._workshop().read_queue()

    async def add(self, project: str, not_before_s: float | None) -> int:
        """Put a project at the end, or move it there; return its position from 1."""
        new = QueueEntry(project=project, not_before_s=not_before_s)
        entries = await self._workshop().change_queue(
            lambda entries: [*(entry for entry in entries if entry.project != project), new]
        )
        self._bus.publish(TrainingQueued(project, len(entries)))
        self._news.set()
        return len(entries)

    async def remove(self, project: str) -> None:
        """Take a project out, if it waits."""
        await self._workshop().change_queue(lambda entries: [entry for entry in entries if entry.project != project])

    def advance(self, scope: TaskScope) -> None:
        """Begin to start what waits, unless that is under way."""
        if self._task is None or self._task.done():
            self._task = scope.spawn(self._run(), name="queue")

    async def _run(self) -> None:
        while entries := await self.entries():
            due = next((entry for entry in entries if (entry.not_before_s or 0.0) <= time.time()), None)
            if due is None:
                await self._nap(min(entry.not_before_s or 0.0 for entry in entries) - time.time())
                continue
            if not await self._wait_for_turn():
                continue
            await self.remove(due.project)
            try:
                await self._start(due.project)
            except AppError as exc:
                logger.warning("the training of %s did not begin: %s", due.project, exc)
                error = exc.info()
                verdict = Verdict(state="failed", code=error.code, params=error.params, detail=error.detail)
                await self._remember(due.project, verdict)
                self._bus.publish(TrainingEnded(due.project, verdict))

    async def _remember(self, project: str, verdict: Verdict) -> None:
        """Keep for the morning what no attempt remembers: it was never begun."""
        try:
            await self._workshop().put_notice(project, verdict)
        except AppError:
            logger.exception("that the training of %s did not begin is not written down", project)

    async def _nap(self, wanted_s: float) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(max(_SHORT_NAP_S, min(_NAP_S, wanted_s))):
                await self._news.wait()
        except TimeoutError:
            pass
