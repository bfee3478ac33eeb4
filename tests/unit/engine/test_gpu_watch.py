"""The watch: latest look, last hour, marks of runs, energy per day and per piece of work."""

from __future__ import annotations

import math
from datetime import date

import pytest

from ai4artsed_desktop.domain.errors import DiskFullError, ErrorInfo
from ai4artsed_desktop.domain.events import RunFailed, RunFinished, RunStarted
from ai4artsed_desktop.domain.gpu import Gpu, GpuSampled, GpuSnapshot
from ai4artsed_desktop.domain.runs import RunRecord
from ai4artsed_desktop.domain.vram import EnergyDay, GpuRecords
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.gpu_history import PAST_S, GpuHistory
from ai4artsed_desktop.engine.gpu_watch import FAST_RATE_HZ, RATE_HZ, GpuWatch
from tests.support.fake_nvml import FakeCard
from tests.support.probe import EventProbe
from tests.support.vram_world import MemoryFile, open_vram


class HandMeter:
    """A meter whose looks the test gives."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.snapshot = GpuSnapshot()

    def start(self, deliver: object) -> None:
        self.deliver = deliver

    def set_rate_hz(self, rate_hz: float) -> None:
        self.rates.append(rate_hz)

    async def fresh(self) -> GpuSnapshot:
        return self.snapshot

    async def aclose(self) -> None:
        """Nothing runs."""

    def look(self, taken_s: float, power_w: float | None) -> None:
        assert callable(self.deliver)
        self.deliver(GpuSnapshot(taken_s, (Gpu(0, "a", "card", used_bytes=5, power_w=power_w),)))


class FullDisk(MemoryFile):
    """Nothing can be written."""

    async def save(self, records: GpuRecords) -> None:
        raise DiskFullError("full", path="gpu.json")


async def test_every_look_is_published_and_remembered() -> None:
    async with open_vram(cards=[FakeCard()]) as world:
        first = await world.probe.next(GpuSampled)
        second = await world.probe.next(GpuSampled)
        assert second.snapshot.taken_s > first.snapshot.taken_s
        assert world.watch.latest.gpus[0].name == "NVIDIA GeForce RTX 4090"
        figures = world.watch.history.past(first.snapshot.gpus[0].uuid).figures
        assert figures["power_w"][0] == 230.5 and figures["used_bytes"][0] == world.card.used


async def test_looks_are_faster_only_as_long_as_somebody_needs_them() -> None:
    meter = HandMeter()
    watch = GpuWatch(EventBus(), meter)
    with watch.fast():
        with watch.fast():
            assert meter.rates == [FAST_RATE_HZ, FAST_RATE_HZ]
        assert meter.rates[-1] == FAST_RATE_HZ
    assert meter.rates[-1] == RATE_HZ


async def test_energy_is_counted_per_day_and_written_down_at_the_end() -> None:
    meter, file, today = HandMeter(), MemoryFile(), [date(2026, 11, 20)]
    file.records = GpuRecords(days={"2026-11-20": EnergyDay(watt_hours=1.0, measured_s=60)})
    watch = GpuWatch(EventBus(), meter, file, lambda: today[0])
    watch.start()
    await watch.records()
    for second in range(5):
        meter.look(second, 3600)
    assert await watch.energy_today() == EnergyDay(watt_hours=5.0, measured_s=64)
    today[0] = date(2026, 11, 21)
    assert await watch.energy_today() is None
    meter.look(5, 7200)
    await watch.aclose()
    assert file.records.days["2026-11-20"].watt_hours == 5.0
    assert file.records.days["2026-11-21"] == EnergyDay(watt_hours=1.5, measured_s=1)


async def test_without_power_no_energy_is_written_down() -> None:
    meter, file = HandMeter(), MemoryFile()
    watch = GpuWatch(EventBus(), meter, file)
    watch.start()
    await watch.records()
    async with watch.energy() as energy:
        for second in range(5):
            meter.look(second, None)
    await watch.aclose()
    assert energy.watt_hours is None and file.saved == 0 and file.records.days == {}


async def test_a_piece_of_work_is_measured_on_its_own() -> None:
    meter = HandMeter()
    watch = GpuWatch(EventBus(), meter)
    watch.start()
    meter.look(0, 100)
    async with watch.energy() as energy:
        meter.look(1, 3600)
        meter.look(2, 3600)
    meter.look(3, 9999)
    assert energy.watt_hours == pytest.approx(1.0)
    await watch.aclose()


async def test_two_pieces_of_work_that_look_alike_end_each_on_their_own() -> None:
    meter = HandMeter()
    watch = GpuWatch(EventBus(), meter, MemoryFile())
    watch.start()
    await watch.records()
    async with watch.energy() as outer:
        async with watch.energy() as inner:
            pass
        meter.look(0, 3600)
        meter.look(1, 3600)
    assert outer.watt_hours == pytest.approx(1.0) and inner.joules == 0
    day = await watch.energy_today()
    assert day is not None and day.watt_hours == pytest.approx(1.0)
    await watch.aclose()


async def test_a_full_disk_ends_nothing() -> None:
    meter = HandMeter()
    watch = GpuWatch(EventBus(), meter, FullDisk())
    watch.start()
    await watch.records()
    meter.look(0, 100)
    meter.look(1, 100)
    await watch.remember_peak("x", 5, "")
    assert (await watch.records()).peaks["x"].peak_bytes == 5
    await watch.aclose()


async def test_runs_leave_marks() -> None:
    bus, meter = EventBus(), HandMeter()
    watch = GpuWatch(bus, meter)
    with EventProbe(bus):
        watch.start()
        for event in (
            RunStarted("a"),
            RunFinished("a"),
            RunStarted("b"),
            RunFailed("b", ErrorInfo("error.unexpected")),
        ):
            bus.publish(event)
        await watch.aclose()
        bus.publish(RunStarted("c"))
    assert [(m.run_id, m.state) for m in watch.history.marks()] == [
        ("a", "started"),
        ("a", "finished"),
        ("b", "started"),
        ("b", "failed"),
    ]


def test_the_past_is_an_hour_and_fast_looks_are_thinned_out() -> None:
    history = GpuHistory()
    for tenth in range(100):
        history.add(GpuSnapshot(tenth / 10, (Gpu(0, "a", "card"),)))
    assert len(history.past("a").taken_s) == 20
    history.mark(1.0, "r", "started")
    history.add(GpuSnapshot(PAST_S + 5, (Gpu(0, "b", "card"),)))
    history.mark(PAST_S + 5, "r", "finished")
    assert history.past("a").taken_s[0] >= 5 and [m.state for m in history.marks()] == ["finished"]
    assert not history.past("nobody").taken_s


def test_a_part_of_the_past_can_be_had_and_what_was_unknown_is_no_number() -> None:
    history = GpuHistory()
    for second, used in enumerate((1, None, 3)):
        history.add(GpuSnapshot(second, (Gpu(0, "a", "card", used_bytes=used),)))
    part = history.past("a", 1.0)
    assert list(part.taken_s) == [1, 2] and math.isnan(part.figures["used_bytes"][0])
    assert part.figures["used_bytes"][1] == 3 and len(part.figures["power_w"]) == 2


def test_an_old_record_without_energy_can_be_read() -> None:
    record = RunRecord.model_validate({"run_id": "r", "created": "x", "state": "finished", "interception_id": "as_is"})
    assert record.gpu_energy_wh is None
