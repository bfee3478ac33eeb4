"""What a service writes: drained for life, kept in memory and in a file, announced in batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing

from ai4artsed_desktop.domain.services import ServiceLogGrew
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.service_log import ServiceLog
from ai4artsed_desktop.engine.service_ports import ServiceHost, ServiceProcess, Stream
from ai4artsed_desktop.engine.tasks import TaskScope

#: One event per line would reach the window 301 times a second, batches carry 14,000 lines (measured).
_BATCH_S = 0.05
#: A flood of lines must not hold up the window: it has its turn after so much work on them (in seconds).
_TURN_S = 0.001


class ServiceOutput:
    """Follows one process of a service after the other; ``log`` goes on over all of them."""

    def __init__(self, name: str, host: ServiceHost, bus: EventBus, scope: TaskScope) -> None:
        self.log = ServiceLog()
        self._name = name
        self._host = host
        self._bus = bus
        self._scope = scope
        self._news = asyncio.Event()
        self._readers: set[asyncio.Task[None]] = set()
        self._keeper: asyncio.Task[None] | None = None

    def follow(self, process: ServiceProcess, on_line: Callable[[str], None]) -> None:
        """Drain both streams until they end; ``on_line`` gets each line."""
        streams: tuple[Stream, Stream] = ("stdout", "stderr")
        self._readers = {
            self._scope.spawn(self._drain(process, stream, on_line), name=stream, on_done=lambda _: self._news.set())
            for stream in streams
        }
        keeps_own_log = process.is_detached
        self._keeper = self._scope.spawn(self._hand_on(frozenset(self._readers), keeps_own_log), name="log")

    async def finished(self) -> None:
        """Wait until everything that the process wrote is announced and kept."""
        if self._keeper is not None:
            await asyncio.wait({self._keeper})

    async def _drain(self, process: ServiceProcess, stream: Stream, on_line: Callable[[str], None]) -> None:
        give_way_s = time.perf_counter() + _TURN_S
        async with aclosing(process.lines(stream)) as lines:
            async for line in lines:
                self.log.add(line)
                on_line(line)
                self._news.set()
                if time.perf_counter() > give_way_s:
                    await asyncio.sleep(0)
                    give_way_s = time.perf_counter() + _TURN_S

    async def _hand_on(self, readers: frozenset[asyncio.Task[None]], keeps_own_log: bool) -> None:
        while True:
            self._news.clear()
            is_last = all(reader.done() for reader in readers)
            if is_last:
                self.log.end_bar()
            if lines := self.log.take_new():
                self._bus.publish(ServiceLogGrew(self._name, lines))
                if not keeps_own_log:
                    await self._host.write_log(self._name, [line.text for line in lines])
            if is_last:
                return
            await self._news.wait()
            await asyncio.sleep(_BATCH_S)
