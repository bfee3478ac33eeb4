"""Long transfers in the background: one task each, measured progress and a definite end as events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from ai4artsed_desktop.domain.events import DownloadEnded, DownloadPart, DownloadProgressed, ModelsChanged
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.rates import RateMeter
from ai4artsed_desktop.engine.runs import as_error_info
from ai4artsed_desktop.engine.tasks import TaskScope

#: Progress is announced at most this often; a fast disk would else flood the bus.
_ANNOUNCE_EVERY_S = 0.2


class ProgressListener(Protocol):
    """Hears how far a transfer is; called on the event loop, often, returns at once."""

    def __call__(
        self, done_bytes: int, total_bytes: int | None, step: str, parts: tuple[DownloadPart, ...] = (), /
    ) -> None:
        """Take the bytes done and in all (None = unknown), what is done now, and the layers (DownloadProgressed)."""
        ...


Transfer = Callable[[ProgressListener], Awaitable[object]]


class Downloads:
    """Transfers under way, by name. A transfer that ends well changes what models there are."""

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self._scope = TaskScope("downloads")
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def active(self) -> frozenset[str]:
        """Return the names of transfers under way."""
        return frozenset(self._tasks)

    def start(self, name: str, transfer: Transfer) -> None:
        """Begin a transfer; one of this name that is under way goes on. Progress and end are events."""
        if name not in self._tasks:
            self._tasks[name] = self._scope.spawn(
                self._run(name, transfer), name=name, on_done=lambda task: self._ended(name, task)
            )

    def cancel(self, name: str) -> None:
        """Stop a transfer; what came is kept by whoever transfers."""
        if (task := self._tasks.get(name)) is not None:
            task.cancel()

    async def aclose(self) -> None:
        """Stop every transfer."""
        await self._scope.aclose()

    async def _run(self, name: str, transfer: Transfer) -> None:
        meter = RateMeter()
        loop = asyncio.get_running_loop()
        announced_s, said = 0.0, ("", 0)

        def on_progress(
            done_bytes: int, total_bytes: int | None, step: str, parts: tuple[DownloadPart, ...] = (), /
        ) -> None:
            nonlocal announced_s, said
            now_s = loop.time()
            meter.add(now_s, done_bytes)
            is_news = (step, len(parts)) != said or done_bytes == total_bytes
            if is_news or now_s - announced_s >= _ANNOUNCE_EVERY_S:
                announced_s, said = now_s, (step, len(parts))
                self._bus.publish(DownloadProgressed(name, done_bytes, total_bytes, meter.per_s(), step, parts))

        await transfer(on_progress)

    def _ended(self, name: str, task: asyncio.Task[None]) -> None:
        del self._tasks[name]
        if task.cancelled():
            self._bus.publish(DownloadEnded(name, is_cancelled=True))
            return
        error = task.exception()
        self._bus.publish(DownloadEnded(name, as_error_info(error) if error is not None else None))
        if error is None:
            self._bus.publish(ModelsChanged())
