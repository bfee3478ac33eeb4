"""An arbiter over a fake NVML library, behind the real binding, sampler and thread, and programs that fill its card."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from ai4artsed_desktop.adapters.gpu.meter import GpuMeterThread
from ai4artsed_desktop.adapters.gpu.nvml import NvmlSampler
from ai4artsed_desktop.adapters.gpu.process_names import ProcessNames
from ai4artsed_desktop.domain.gpu import GpuProcess, ProcessKind
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.domain.vram import GpuRecords, VramNeed
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.gpu_ports import VramHolder
from ai4artsed_desktop.engine.gpu_watch import GpuWatch
from ai4artsed_desktop.engine.vram import VramArbiter, VramLimits
from tests.support.fake_nvml import FakeCard, FakeNvml, installed
from tests.support.probe import EventProbe

#: Short, but long enough for a busy machine where a test waits for success.
LIMITS = VramLimits(free_s=10.0, busy_s=10.0, settle_s=1.0, look_s=0.02)


class TestNames(ProcessNames):
    """Knows the processes of a test by their pids, which are nobody's."""

    __test__ = False

    def __init__(self, kinds: dict[int, ProcessKind]) -> None:
        super().__init__()
        self.kinds = kinds

    def describe(self, sizes: Mapping[int, int | None]) -> tuple[GpuProcess, ...]:
        return tuple(GpuProcess(pid, self.kinds[pid], self.kinds[pid], size) for pid, size in sizes.items())


@dataclass
class FakeProgram:
    """A program with one loaded thing, in a process of its own; a source and its only holder.

    Attributes:
        own_figure: What it says it holds; None = it does not say.
        free_after_looks: Its memory becomes free so many looks after it was asked to go.
        on_free: Called when it is asked to go; may raise.
        serves: What its text models need, by their ids.
    """

    card: FakeCard
    pid: int
    id: str
    process: ProcessKind
    name: str = ""
    own_figure: int | None = None
    is_busy: bool = False
    free_after_looks: int = 0
    keeps: int = 0
    on_free: Callable[[], None] | None = None
    serves: dict[str, VramNeed] = field(default_factory=dict[str, VramNeed])
    freed: int = 0
    warmed: list[str] = field(default_factory=list[str])

    @property
    def used_bytes(self) -> int | None:
        return self.own_figure

    def load(self, size: int) -> None:
        self.card.hold(self.pid, size)

    async def holders(self) -> Sequence[VramHolder]:
        return [self] if self.pid in self.card.processes else []

    async def warm(self, holder_id: str) -> bool:
        if holder_id == self.id:
            self.warmed.append(holder_id)
        return holder_id == self.id

    async def need_of(self, info: TextModelInfo) -> VramNeed | None:
        need = self.serves.get(info.id)
        return replace(need, needed_bytes=0) if need is not None and self.pid in self.card.processes else need

    async def free(self) -> None:
        if self.on_free is not None:
            self.on_free()
        self.freed += 1
        if self.keeps:
            self.card.hold(self.pid, self.keeps)
        elif self.free_after_looks >= 0:
            self.card.let_go(self.pid, after_looks=self.free_after_looks)


class MemoryFile:
    """Remembers records as a file would; ``saved`` counts."""

    def __init__(self) -> None:
        self.records = GpuRecords()
        self.saved = 0

    async def load(self) -> GpuRecords:
        await asyncio.sleep(0)
        return self.records

    async def save(self, records: GpuRecords) -> None:
        self.records = records
        self.saved += 1


@dataclass
class VramWorld:
    """Everything around an arbiter. ``settings`` can be changed at any time."""

    library: FakeNvml
    bus: EventBus
    probe: EventProbe
    watch: GpuWatch
    arbiter: VramArbiter
    file: MemoryFile
    settings: Settings

    @property
    def card(self) -> FakeCard:
        return self.library.cards[0]

    def change(self, **settings: object) -> None:
        self.settings = self.settings.model_copy(update=settings)


@asynccontextmanager
async def open_vram(
    *programs: FakeProgram, cards: Sequence[FakeCard] = (), limits: VramLimits = LIMITS, **settings: object
) -> AsyncGenerator[VramWorld]:
    """Open an arbiter over ``cards`` (default: the first program's). The policy is "automatic" unless told."""
    library = FakeNvml(*(cards or [program.card for program in programs[:1]]))
    kinds: dict[int, ProcessKind] = {program.pid: program.process for program in programs}
    bus, file = EventBus(), MemoryFile()
    with installed(library), EventProbe(bus) as probe:
        watch = GpuWatch(bus, GpuMeterThread(lambda: NvmlSampler(TestNames(kinds))), file)
        chosen = Settings().model_copy(update={"vram_policy": "automatic", **settings})
        world = VramWorld(
            library, bus, probe, watch, VramArbiter(bus, watch, lambda: world.settings, limits), file, chosen
        )
        for program in programs:
            world.arbiter.register(program)
        watch.start()
        try:
            yield world
        finally:
            await world.arbiter.aclose()
            await watch.aclose()
