"""Whole runs over a card: room is made before the output starts, and what was measured stands in the record."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ai4artsed_desktop.adapters.gpu.meter import GpuMeterThread
from ai4artsed_desktop.adapters.gpu.nvml import NvmlSampler
from ai4artsed_desktop.adapters.language_files import load_messages
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.domain.backend_errors import OutOfMemoryError
from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.errors import BackendError, ErrorInfo
from ai4artsed_desktop.domain.events import RunProgressed
from ai4artsed_desktop.domain.gpu import VRAM_GB, GpuSampled
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import RunRecord, StageName, StageRecord
from ai4artsed_desktop.domain.vram import VramFreed, VramPlanned, VramQuestionClosed
from ai4artsed_desktop.engine.gpu_use import need_of_text_model
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from tests.support.fake_children import until
from tests.support.fake_models import GOOD
from tests.support.fake_nvml import DRIVER_NOT_LOADED, FakeCard, FakeNvml, installed, no_library
from tests.support.probe import EventProbe
from tests.support.vram_world import FakeProgram, TestNames
from tests.support.world import TestWorld, open_world, request

GB = VRAM_GB
COMFY_PID, OLLAMA_PID = 801, 802
CHUNK: dict[str, Any] = {
    "name": "output_card_test",
    "type": "output_chunk",
    "backend_type": "comfyui",
    "media_type": "image",
    "workflow": {"1": {"class_type": "Maker", "inputs": {"text": "{{PREVIOUS_OUTPUT}}"}}},
    "output_mapping": {"node_ids": []},
}
CONFIG: dict[str, Any] = {
    "id": "card_test",
    "pipeline": "single_text_media_generation",
    "name": {"en": "Card test", "de": "Kartentest"},
    "description": {"en": "For a test.", "de": "Für einen Test."},
    "parameters": {"OUTPUT_CHUNK": "output_card_test"},
    "meta": {"model": "Model X", "vram_gb": 18.0},
}


@dataclass
class CardBackend:
    """Fills a card while it works, as ComfyUI does; holds until two looks at the card have been taken."""

    card: FakeCard
    id: str = "comfyui"
    is_local: bool = True
    free_at_start: list[int] = field(default_factory=list[int])
    probe: EventProbe | None = None
    error: BackendError | None = None

    async def problem(self, chunk: Chunk) -> Reason | None:
        return None

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        self.free_at_start.append(self.card.free)
        self.card.hold(COMFY_PID, 15 * GB)
        yield MediaProgress(0.5)
        if self.error is not None:
            raise self.error
        if self.probe is not None:
            for _ in range(3):
                await self.probe.next(GpuSampled)
        yield ProducedMedium("image", "image/png", "png", data=_picture())

    async def aclose(self) -> None:
        """Nothing is open."""


@asynccontextmanager
async def world_of(
    home: Path, backend: CardBackend, sources: Sequence[FakeProgram] = (), **settings: Any
) -> AsyncGenerator[TestWorld]:
    meter = GpuMeterThread(lambda: NvmlSampler(TestNames({COMFY_PID: "comfyui", OLLAMA_PID: "ollama"})), 50)
    settings.setdefault("vram_policy", "automatic")
    async with open_world(
        home, backends={"comfyui": backend}, gpu_meter=meter, vram_sources=sources, **settings
    ) as world:
        world.entry("chunks/output_card_test.json", CHUNK)
        world.entry("configs/output/card_test.json", CONFIG)
        await world.engine.reload_catalog()
        yield world


def _picture() -> bytes:
    made = BytesIO()
    Image.new("RGB", (8, 8), "red").save(made, "PNG")
    return made.getvalue()


def output_of(record: RunRecord) -> StageRecord:
    return next(stage for stage in record.stages if stage.name is StageName.OUTPUT)


@pytest.fixture
def card() -> FakeCard:
    return FakeCard(used=0, reserved=0)


@pytest.fixture
def qwen(card: FakeCard) -> FakeProgram:
    made = FakeProgram(card, OLLAMA_PID, "ollama/qwen3:14b", "ollama", "qwen3:14b", free_after_looks=5)
    made.load(round(9.6 * GB))
    return made


async def test_room_is_made_first_and_peak_and_energy_are_recorded(
    app_home: Path, card: FakeCard, qwen: FakeProgram
) -> None:
    backend = CardBackend(card)
    with installed(FakeNvml(card)):
        async with world_of(app_home, backend, [qwen]) as world:
            backend.probe = world.probe
            record = await world.run("A red apple", "as_is", "card_test")
            assert record.state == "finished", record.error
            assert backend.free_at_start == [24 * GB], "it began before the memory was free"
            assert world.probe.of(VramFreed)[0].names == ("qwen3:14b",)
            messages = [event.message for event in world.probe.of(RunProgressed)]
            assert "progress.vram.freeing" in messages
            facts = output_of(record).facts
            assert facts["vram_peak_bytes"] == 15 * GB
            assert facts["gpu_energy_wh"] >= 0 and record.gpu_energy_wh is not None
            peaks = (await world.engine.gpu.records()).peaks
            assert peaks["output:card_test:output_card_test"].peak_bytes == 15 * GB


@pytest.mark.parametrize(
    ("total_gb", "needed_gb", "is_local", "words"),
    [
        (16, 18.0, True, "(needs about 18 GB, 16 GB free)"),
        (24, 18.0, True, "(24 GB were free for it)"),
        (16, None, True, "(16 GB were free for it)"),
        (16, 18.5, False, "(needs about 18.5 GB)"),
        (16, None, False, "graphics memory."),
        (None, 18.0, True, "(needs about 18 GB)"),
        (None, None, True, "graphics memory."),
    ],
)
async def test_too_little_memory_is_said_with_the_figures_that_are_known(
    app_home: Path, total_gb: int | None, needed_gb: float | None, is_local: bool, words: str
) -> None:
    card = FakeCard(total=(total_gb or 16) * GB, used=0, reserved=0)
    backend = CardBackend(card, is_local=is_local)
    backend.error = OutOfMemoryError("no room", backend="ComfyUI", node="KSampler", kind="OutOfMemoryError")
    with installed(FakeNvml(card)) if total_gb else no_library():
        async with world_of(app_home, backend) as world:
            meta = {"model": "Model X", "vram_gb": needed_gb}
            world.entry("configs/output/card_test.json", {**CONFIG, "meta": meta})
            await world.engine.reload_catalog()
            record = await world.run("A red apple", "as_is", "card_test")
        assert record.error is not None and record.error.code == "error.backend.out_of_memory"
    messages, error = load_messages(find_paths().resources, "en"), ErrorInfo(record.error.code, record.error.params)
    assert words in messages.error(error).why
    assert "{" not in messages.in_language("de").error(error).why


async def test_a_question_holds_the_run_until_it_is_answered(app_home: Path, card: FakeCard, qwen: FakeProgram) -> None:
    backend = CardBackend(card)
    with installed(FakeNvml(card)):
        async with world_of(app_home, backend, [qwen], vram_policy="ask") as world:
            world.engine.vram.can_ask = True
            run_id = world.engine.runs.submit(request("A red apple", "as_is", "card_test"))
            planned = await world.probe.next(VramPlanned)
            assert planned.run_id == run_id and backend.free_at_start == [] and qwen.freed == 0
            world.engine.vram.answer(planned.question, "cancel")
            record = await world.engine.runs.wait(run_id)
            assert record.state == "failed" and record.error is not None
            assert record.error.code == "error.vram.refused" and backend.free_at_start == []
            run_id = world.engine.runs.submit(request("A red apple", "as_is", "card_test"))
            await world.probe.next(VramPlanned)
            world.engine.runs.cancel(run_id)
            assert (await world.engine.runs.wait(run_id)).state == "cancelled"
            assert len(world.probe.of(VramQuestionClosed)) == 2 and qwen.freed == 0


async def test_without_figures_everything_runs_and_nothing_is_claimed(app_home: Path, card: FakeCard) -> None:
    backend = CardBackend(card)
    with no_library():
        async with world_of(app_home, backend) as world:
            record = await world.run("A red apple", "as_is", "card_test")
    assert record.state == "finished" and record.gpu_energy_wh is None
    assert output_of(record).facts == {}


async def test_a_driver_lost_while_it_runs_leaves_the_energy_absent(app_home: Path, card: FakeCard) -> None:
    backend, library = CardBackend(card), FakeNvml(card)
    with installed(library):
        async with world_of(app_home, backend) as world:
            backend.probe = world.probe
            await world.probe.next(GpuSampled)
            library.global_error = DRIVER_NOT_LOADED
            library.init_error = DRIVER_NOT_LOADED
            await until(lambda: not world.engine.gpu.latest.gpus, 20)
            record = await world.run("A red apple", "as_is", "card_test")
    assert (
        record.state == "finished" and record.gpu_energy_wh is None and "gpu_energy_wh" not in output_of(record).facts
    )


async def test_a_failed_output_keeps_the_runs_energy_and_remembers_no_peak(app_home: Path, card: FakeCard) -> None:
    backend = CardBackend(card, error=BackendError("broken", backend="ComfyUI"))
    with installed(FakeNvml(card)):
        async with world_of(app_home, backend) as world:
            record = await world.run("A red apple", "as_is", "card_test")
            assert record.state == "failed" and record.error is not None and record.error.code == "error.backend.failed"
            assert (await world.engine.gpu.records()).peaks == {}


async def test_free_memory_unloads_everything_that_is_idle(app_home: Path, card: FakeCard, qwen: FakeProgram) -> None:
    with installed(FakeNvml(card)):
        async with world_of(app_home, CardBackend(card), [qwen]) as world:
            done = await world.engine.free_memory()
    assert [h.name for h in done.freed] == ["qwen3:14b"] and card.free == 24 * GB


async def test_a_text_stage_asks_for_its_run_and_a_no_keeps_what_was_typed(app_home: Path, card: FakeCard) -> None:
    comfy = FakeProgram(card, COMFY_PID, "comfyui", "comfyui", "ComfyUI")
    comfy.load(20 * GB)
    ollama = FakeProgram(card, OLLAMA_PID, GOOD.id, "ollama", "Good")
    ollama.serves[GOOD.id] = need_of_text_model(replace(GOOD, size_bytes=9 * GB), "ollama", is_loaded=False)
    with installed(FakeNvml(card)):
        async with world_of(app_home, CardBackend(card), [comfy, ollama], vram_policy="ask") as world:
            world.engine.vram.can_ask = True
            run_id = world.engine.runs.submit(request("A red apple", "dada"))
            planned = await world.probe.next(VramPlanned)
            assert (planned.run_id, planned.plan.need.name) == (run_id, "Good") and world.models.requests == []
            messages = [event.message for event in world.probe.of(RunProgressed) if event.run_id == run_id]
            assert messages[-1] == "progress.vram.asking"
            world.engine.vram.answer(planned.question, "cancel")
            record = await world.engine.runs.wait(run_id)
            assert record.error is not None and record.error.code == "error.vram.refused" and comfy.freed == 0
            assert record.input_text == "A red apple"
            run_id = world.engine.runs.submit(request("A red apple", "dada"))
            world.engine.vram.answer((await world.probe.next(VramPlanned)).question, "free")
            assert (await world.engine.runs.wait(run_id)).state == "finished" and comfy.freed == 1
