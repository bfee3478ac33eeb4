"""Watches the cards: the latest look, the last hour, energy per day and per piece of work. No figure is invented."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.events import Event, RunCancelled, RunFailed, RunFinished, RunStarted
from ai4artsed_desktop.domain.gpu import NOT_ASKED, EnergyMeter, GpuSampled, GpuSnapshot
from ai4artsed_desktop.domain.vram import EnergyDay, GpuRecords, VramPeak
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.gpu_history import GpuHistory
from ai4artsed_desktop.engine.gpu_ports import GpuMeter, GpuRecordsFile
from ai4artsed_desktop.engine.tasks import TaskScope

logger = logging.getLogger(__name__)

#: Looks per second, always and while something waits for memory or is looked at closely.
RATE_HZ, FAST_RATE_HZ = 2.0, 10.0
#: A look is worth that long where there is no card: twice the time between two looks.
_RECENT_S = 2 / RATE_HZ
#: Energy is written down so often, and at the end.
_SAVE_S = 60.0
_RUN_STATES = {RunStarted: "started", RunFinished: "finished", RunFailed: "failed", RunCancelled: "cancelled"}


class GpuWatch:
    """What is known of the cards.

    Args:
        meter: Looks at them; None = nobody can.
        records: Where peaks and energy are remembered; None = nowhere.
        today: The local date, for energy per day.
    """

    def __init__(
        self,
        bus: EventBus,
        meter: GpuMeter | None = None,
        records: GpuRecordsFile | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        self._bus = bus
        self._meter = meter
        self._file = records
        self._today = today
        self._scope = TaskScope("gpu")
        self._meters: list[EnergyMeter] = [EnergyMeter()]
        self._listeners: list[Callable[[GpuSnapshot], None]] = []
        self._fast_users = 0
        self._saved_s = time.monotonic()
        self._is_dirty = False
        self._records: GpuRecords | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self.history = GpuHistory()
        self.latest: GpuSnapshot = NOT_ASKED

    def start(self) -> None:
        """Look at the cards from now on, and publish ``GpuSampled``."""
        if self._meter is not None and self._unsubscribe is None:
            self._unsubscribe = self._bus.subscribe(self._on_event)
            self._scope.spawn(self._read(), name="records")
            self._meter.start(self._on_sample)

    async def fresh(self) -> GpuSnapshot:
        """Look now; without a meter the answer says so."""
        if self._meter is None:
            return self.latest
        self.latest = await self._meter.fresh()
        return self.latest

    async def recent(self) -> GpuSnapshot:
        """Look now, unless a look of this second found no card: then there is nothing to look at."""
        has_none = not self.latest.gpus and time.monotonic() - self.latest.taken_s < _RECENT_S
        return self.latest if has_none and self.latest is not NOT_ASKED else await self.fresh()

    @contextmanager
    def fast(self) -> Generator[None]:
        """Look ten times a second while inside."""
        self._fast_users += 1
        self._set_rate()
        try:
            yield
        finally:
            self._fast_users -= 1
            self._set_rate()

    @asynccontextmanager
    async def energy(self) -> AsyncGenerator[EnergyMeter]:
        """Measure what is used while inside; read ``watt_hours`` afterwards. Looks at the beginning and at the end."""
        meter = EnergyMeter()
        self._meters.append(meter)
        try:
            await self._look_if_any()
            yield meter
            await self._look_if_any()
        finally:
            self._meters.remove(meter)

    @asynccontextmanager
    async def listening(self, listener: Callable[[GpuSnapshot], None]) -> AsyncGenerator[None]:
        """Call ``listener`` with every look while inside, the last one at the end."""
        self._listeners.append(listener)
        try:
            yield
            await self._look_if_any()
        finally:
            self._listeners.remove(listener)

    async def _look_if_any(self) -> None:
        """Look now if there are cards: work may be shorter than the time between two looks."""
        if self.latest.gpus:
            await self.fresh()

    async def records(self) -> GpuRecords:
        """Return what is remembered."""
        await self._read()
        assert self._records is not None
        return self._records

    async def energy_today(self) -> EnergyDay | None:
        """Return what was measured today, None if nothing was."""
        return (await self.records()).days.get(self._today().isoformat())

    async def remember_peak(self, key: str, peak_bytes: int, seen: str) -> None:
        """Keep the larger of this peak and the one that is known."""
        records = await self.records()
        known = records.peaks.get(key)
        if known is None or known.peak_bytes < peak_bytes:
            peak = VramPeak(peak_bytes=peak_bytes, seen=seen)
            self._records = replace(records, peaks={**records.peaks, key: peak})
            await self._save()

    async def aclose(self) -> None:
        """End the looking and write down the energy."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._meter is not None:
            await self._meter.aclose()
        await self._scope.aclose()
        if self._is_dirty:
            await self._save()

    def _set_rate(self) -> None:
        if self._meter is not None:
            self._meter.set_rate_hz(FAST_RATE_HZ if self._fast_users else RATE_HZ)

    def _on_sample(self, snapshot: GpuSnapshot) -> None:
        self.latest = snapshot
        self.history.add(snapshot)
        joules, step_s = self._meters[0].add(snapshot)
        for meter in self._meters[1:]:
            meter.add(snapshot)
        self._count_day(joules, step_s)
        for listener in tuple(self._listeners):
            listener(snapshot)
        self._bus.publish(GpuSampled(snapshot))

    def _count_day(self, joules: float, step_s: float) -> None:
        if self._records is None or step_s <= 0:
            return
        day = self._today().isoformat()
        known = self._records.days.get(day, EnergyDay())
        grown = EnergyDay(watt_hours=known.watt_hours + joules / 3600, measured_s=known.measured_s + step_s)
        self._records = replace(self._records, days={**self._records.days, day: grown})
        self._is_dirty = True
        if time.monotonic() - self._saved_s > _SAVE_S:
            self._saved_s = time.monotonic()
            self._scope.spawn(self._save(), name="save")

    def _on_event(self, event: Event) -> None:
        if isinstance(event, RunStarted | RunFinished | RunFailed | RunCancelled):
            self.history.mark(time.monotonic(), event.run_id, _RUN_STATES[type(event)])

    async def _read(self) -> None:
        if self._records is None:
            read = await self._file.load() if self._file is not None else GpuRecords()
            if self._records is None:  # somebody else may have read it meanwhile, and counted on
                self._records = read

    async def _save(self) -> None:
        if self._file is None or self._records is None:
            return
        self._is_dirty = False
        try:
            await self._file.save(self._records)
        except AppError as exc:
            logger.warning("peaks and energy are not written down: %s", exc)
