"""Runs and the graphics card: room is made before a model or an output starts, and what it used is measured."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ai4artsed_desktop.domain.backend_errors import OutOfMemoryError
from ai4artsed_desktop.domain.chunks import Chunk, OutputChunk
from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.gpu import VRAM_GB, EnergyMeter, GpuSnapshot, ProcessKind
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.domain.vram import NeedBasis, VramNeed
from ai4artsed_desktop.engine.gpu_watch import GpuWatch
from ai4artsed_desktop.engine.ports import RunFolder
from ai4artsed_desktop.engine.vram import VramArbiter

if TYPE_CHECKING:
    from ai4artsed_desktop.engine.steps.base import OutputJob

#: A preset for a card takes this share of it.
_PRESET_SHARE = 0.8

#: Beside its weights a text model takes a tenth of them for context and buffers, and its program half a GB (CUDA).
#: Documented only in this rough form; what was measured here takes its place after the first cold start.
_WEIGHTS_FACTOR, _PROGRAM_BYTES = 1.1, VRAM_GB // 2

#: The run whose work goes on in this task. A model is asked from many places below a run (stages, chains, the gate's
#: judge, repairs): all are that run's work, and none of them has to pass its id on.
_RUN: ContextVar[str] = ContextVar("gpu_run", default="")


class GpuUse:
    """What the orchestrator asks for; without watch and arbiter it only lets the work through."""

    def __init__(self, watch: GpuWatch | None = None, arbiter: VramArbiter | None = None) -> None:
        self._watch = watch
        self._arbiter = arbiter

    @asynccontextmanager
    async def around_run(self, folder: RunFolder) -> AsyncGenerator[None]:
        """Measure the energy of a whole run, however it ends; what was not measured is not recorded."""
        _RUN.set(folder.record.run_id)  # for the rest of the run's own task
        if self._watch is None:
            yield
            return
        meter = EnergyMeter()
        try:
            async with self._watch.energy() as meter:
                yield
        finally:
            if meter.watt_hours is not None:
                folder.amend(gpu_energy_wh=round(meter.watt_hours, 4))

    @asynccontextmanager
    async def around_model(self, info: TextModelInfo) -> AsyncGenerator[None]:
        """Make room for a text model and keep it while it answers; one that takes no graphics memory just answers.

        Raises:
            VramError: See VramArbiter.lease.
        """
        need = None if self._arbiter is None else await self._arbiter.need_of_model(info)
        if self._arbiter is None or need is None:
            yield
            return
        async with self._arbiter.lease(need, _RUN.get()):
            yield

    @asynccontextmanager
    async def around_output(self, job: OutputJob) -> AsyncGenerator[dict[str, object]]:
        """Make room for an output, and fill the yielded facts with what was measured while it was made.

        Raises:
            VramError: See VramArbiter.lease.
        """
        facts: dict[str, object] = {}
        backend = job.services.backends.get(job.chunk.backend_type) if isinstance(job.chunk, OutputChunk) else None
        need = need_of(job.config, job.chunk)
        if self._watch is None or self._arbiter is None or backend is None or not backend.is_local:
            with _with_figures(need):
                yield facts
            return
        if self._watch.latest.gpus:
            await job.made()  # a run that is not announced yet must not move other programs out of the card
        estimated = await self._arbiter.estimated(need)
        async with self._arbiter.lease(need, job.run_id) as lease, self._watch.energy() as meter:
            with _with_figures(estimated, self._watch):
                yield facts
        if lease.peak_bytes is not None and lease.is_alone:
            facts["vram_peak_bytes"] = lease.peak_bytes
        if meter.watt_hours is not None:
            facts["gpu_energy_wh"] = round(meter.watt_hours, 4)


@contextmanager
def _with_figures(need: VramNeed, watch: GpuWatch | None = None) -> Generator[None]:
    """Let an error about too little memory say what is needed and what was free, as far as either is known.

    Args:
        watch: Of the card that the work runs on; None = it is another machine's, or nobody looks.
    """
    try:
        yield
    except OutOfMemoryError as exc:
        free = None if watch is None else free_for(watch.latest, need.process)
        needed = need.needed_bytes
        if needed is not None and free is not None and needed <= free:
            needed = None  # this time it was more: a larger picture, a longer film
        exc.add_figures(needed_gb=_gb(needed), free_gb=_gb(free))
        raise


def free_for(snapshot: GpuSnapshot, process: ProcessKind) -> int | None:
    """Return how many bytes of its card nobody but processes of this kind holds; None = unknown."""
    card = snapshot.card_of(process)
    if card is None or card.free_bytes is None:
        return None
    return card.free_bytes + (card.bytes_of(process) or 0)


def _gb(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f"{size_bytes / VRAM_GB:.1f}".removesuffix(".0")


def need_of_text_model(info: TextModelInfo, process: ProcessKind, *, is_loaded: bool) -> VramNeed:
    """Return what a text model needs before it answers; nothing more if it is loaded.

    Args:
        process: The program it runs in.
    """
    needed: int | None = None
    if is_loaded:
        needed = 0
    elif info.size_bytes is not None:
        needed = round(info.size_bytes * _WEIGHTS_FACTOR) + _PROGRAM_BYTES
    basis: NeedBasis = "unknown" if needed is None else "documented"
    return VramNeed("llm", f"model:{info.id}", info.name, process, needed, basis)


def need_of_training(project: str, family_id: str, preset_gb: float) -> VramNeed:
    """Return what a training with a preset for cards of ``preset_gb`` needs.

    A fifth less than the card it was made for: a preset leaves room for the system and what a desktop shows.
    """
    return VramNeed(
        kind="training",
        key=f"training:{family_id}:{preset_gb:g}",
        name=project,
        process="trainer",
        needed_bytes=round(preset_gb * _PRESET_SHARE * VRAM_GB),
        basis="documented",
        must_fit=True,
    )


def need_of(config: OutputConfig, chunk: Chunk) -> VramNeed:
    """Return what an output is documented to need; what was measured here stands in the records under the same key."""
    gigabytes = config.meta.vram_gb
    return VramNeed(
        kind="generation",
        key=f"output:{config.id}:{chunk.name}",
        name=config.meta.model or config.id,
        process="comfyui",
        needed_bytes=None if gigabytes is None else round(gigabytes * VRAM_GB),
        basis="unknown" if gigabytes is None else "documented",
    )
