"""The thread that looks at the cards: its rate, its answers, and that nobody ever waits for a driver."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from ai4artsed_desktop.adapters.gpu import meter as meter_module
from ai4artsed_desktop.adapters.gpu.meter import GpuMeterThread
from ai4artsed_desktop.adapters.gpu.nvml import NvmlSampler
from ai4artsed_desktop.domain.gpu import GpuSnapshot
from tests.support.fake_nvml import GIB, FakeCard, FakeNvml, installed


class SlowSampler:
    """Looks as long as the test wants."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.looking = threading.Event()
        self.is_closed = False

    def sample(self) -> GpuSnapshot:
        self.looking.set()
        self.may_answer.wait(20)
        return GpuSnapshot(1.0)

    def close(self) -> None:
        self.is_closed = True


@asynccontextmanager
async def meter_of(library: FakeNvml, rate_hz: float = 50.0) -> AsyncGenerator[GpuMeterThread]:
    with installed(library):
        meter = GpuMeterThread(NvmlSampler, rate_hz)
        try:
            yield meter
        finally:
            await meter.aclose()


async def test_looks_come_regularly_and_on_the_event_loop() -> None:
    seen: asyncio.Queue[tuple[GpuSnapshot, int]] = asyncio.Queue()
    async with meter_of(FakeNvml(FakeCard())) as meter:
        meter.start(lambda snapshot: seen.put_nowait((snapshot, threading.get_ident())))
        async with asyncio.timeout(20):
            looks = [await seen.get() for _ in range(5)]
    assert {thread for _, thread in looks} == {threading.get_ident()}
    times = [snapshot.taken_s for snapshot, _ in looks]
    assert times == sorted(times) and len(set(times)) == 5


async def test_a_fresh_look_needs_no_start_and_starts_no_regular_ones() -> None:
    library = FakeNvml(FakeCard())
    async with meter_of(library) as meter:
        first = await meter.fresh()
        library.cards[0].used = 9 * GIB
        second = await meter.fresh()
        assert library.calls["nvmlDeviceGetCount_v2"] == 2
    assert [snapshot.gpus[0].used_bytes for snapshot in (first, second)] == [2 * GIB, 9 * GIB]
    assert not library.is_up


async def test_many_who_ask_at_once_share_looks() -> None:
    library = FakeNvml(FakeCard())
    async with meter_of(library) as meter:
        await asyncio.gather(*(meter.fresh() for _ in range(50)))
    assert library.calls["nvmlDeviceGetCount_v2"] < 50


async def test_a_driver_that_hangs_neither_blocks_the_loop_nor_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meter_module, "ANSWER_LIMIT_S", 0.05)
    sampler = SlowSampler()
    meter = GpuMeterThread(lambda: sampler)
    snapshot = await meter.fresh()
    assert snapshot.gpus == () and snapshot.reason is not None and snapshot.reason.key == "gpu.reason.silent"
    sampler.may_answer.set()
    await meter.aclose()
    assert sampler.is_closed


async def test_a_look_that_nobody_waits_for_any_more_is_dropped() -> None:
    sampler = SlowSampler()
    meter = GpuMeterThread(lambda: sampler)
    waiting = asyncio.gather(meter.fresh())
    await asyncio.to_thread(sampler.looking.wait, 20)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    sampler.may_answer.set()
    assert (await meter.fresh()).taken_s == 1.0
    await meter.aclose()


async def test_closing_without_ever_having_looked_is_nothing() -> None:
    meter = GpuMeterThread(NvmlSampler)
    await meter.aclose()
    assert not any(thread.name == "gpu" for thread in threading.enumerate())


async def test_the_rate_can_change_while_it_looks() -> None:
    library, seen = FakeNvml(FakeCard()), asyncio.Queue[GpuSnapshot]()
    async with meter_of(library, rate_hz=0.001) as meter:
        meter.start(seen.put_nowait)
        async with asyncio.timeout(20):
            await seen.get()
            meter.set_rate_hz(100)
            await seen.get()
            await seen.get()
