"""Text models share the card like everything else: room first, kept while they answer, measured; others take none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest

from ai4artsed_desktop.domain.gpu import VRAM_GB
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.text_models import TextModelInfo, TextRequest
from ai4artsed_desktop.domain.vram import VramFreed, VramNeed, VramNotEnoughError, VramPlanned
from ai4artsed_desktop.engine.gpu_use import GpuUse, need_of_text_model
from ai4artsed_desktop.engine.text_models import TextModels
from tests.support import fake_nvml as fake
from tests.support.fake_models import CLOUD, GOOD, FakeModels
from tests.support.fake_nvml import FakeCard
from tests.support.vram_world import LIMITS, FakeProgram, VramWorld, open_vram

GB = VRAM_GB
QWEN = replace(GOOD, id="fake/qwen3:14b", name="qwen3:14b", size_bytes=9 * GB)
ON_CPU = replace(GOOD, id="fake/cpu", name="CPU model", size_bytes=9 * GB)
REQUEST = TextRequest(prompt="A red apple")


def picture(needed_gb: float) -> VramNeed:
    return VramNeed("generation", "output:x:y", "Model X", "comfyui", round(needed_gb * GB), "documented")


def need_of(info: TextModelInfo) -> VramNeed:
    return need_of_text_model(info, "ollama", is_loaded=False)


@pytest.fixture
def card() -> FakeCard:
    return FakeCard(used=0, reserved=0)


@pytest.fixture
def ollama(card: FakeCard) -> FakeProgram:
    made = FakeProgram(card, 501, QWEN.id, "ollama", "qwen3:14b")
    made.serves[QWEN.id] = need_of(QWEN)
    return made


@pytest.fixture
def comfy(card: FakeCard) -> FakeProgram:
    made = FakeProgram(card, 502, "comfyui", "comfyui", "ComfyUI", free_after_looks=6)
    made.load(18 * GB)
    return made


class LoadingModels(FakeModels):
    """Fills the card with the first request, and notes how much was free then."""

    def __init__(self, program: FakeProgram, models: Sequence[TextModelInfo] = (QWEN, ON_CPU, CLOUD)) -> None:
        super().__init__(models)
        self.program = program
        self.free_at_start: list[int] = []

    def stream(self, model_id: str, request: TextRequest):  # type: ignore[no-untyped-def] # as FakeModels
        self.free_at_start.append(self.program.card.free)
        if model_id == QWEN.id:
            self.program.load(10 * GB)
        return super().stream(model_id, request)


def models_of(world: VramWorld, provider: FakeModels) -> TextModels:
    return TextModels((provider,), Settings, room=GpuUse(world.watch, world.arbiter).around_model)


async def answer_of(models: TextModels, info: TextModelInfo) -> str:
    async with aclosing(models.stream(info, REQUEST)) as deltas:
        return "".join([delta.text async for delta in deltas])


async def test_what_is_idle_goes_and_the_model_is_asked_when_the_memory_is_really_free(
    ollama: FakeProgram, comfy: FakeProgram
) -> None:
    async with open_vram(ollama, comfy) as world:
        provider = LoadingModels(ollama)
        assert await answer_of(models_of(world, provider), QWEN) == "<A red apple>"
        assert comfy.freed == 1 and provider.free_at_start == [24 * GB]
        (planned,) = world.probe.of(VramPlanned)
        assert (planned.plan.need.kind, planned.plan.need.name) == ("llm", "qwen3:14b")
        assert planned.plan.need.needed_bytes == round(9 * GB * 1.1) + GB // 2, "the file, a tenth, and CUDA"
        assert [freed.names for freed in world.probe.of(VramFreed)] == [("ComfyUI",)]


async def test_its_measured_peak_is_remembered_by_model(ollama: FakeProgram, comfy: FakeProgram) -> None:
    async with open_vram(ollama, comfy) as world:
        await answer_of(models_of(world, LoadingModels(ollama)), QWEN)
        need = await world.arbiter.estimated(need_of(QWEN))
    assert (need.key, need.needed_bytes, need.basis) == ("model:fake/qwen3:14b", 10 * GB, "measured")


async def test_a_loaded_model_needs_nothing_more_even_on_a_full_card(ollama: FakeProgram, comfy: FakeProgram) -> None:
    ollama.load(5 * GB)
    async with open_vram(ollama, comfy) as world:
        await answer_of(models_of(world, FakeModels((QWEN,))), QWEN)
        assert comfy.freed == 0 and world.probe.of(VramPlanned) == []


async def test_a_model_in_the_middle_of_its_answer_is_never_unloaded(
    card: FakeCard, ollama: FakeProgram, comfy: FakeProgram
) -> None:
    card.let_go(comfy.pid)
    async with open_vram(ollama, cards=[card], limits=replace(LIMITS, busy_s=0.2)) as world:
        provider = LoadingModels(ollama)
        provider.going_on.clear()
        models = models_of(world, provider)
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(answer_of(models, QWEN))
            await provider.streaming.wait()
            assert not ollama.is_busy, "the server does not tell; the lease does"
            async with world.arbiter.lease(picture(20)) as lease:
                assert [holding.name for holding in lease.plan.kept] == ["qwen3:14b"]
            assert (await world.arbiter.clear()).freed == () and ollama.freed == 0
            provider.going_on.set()
            assert await answering == "<A red apple>"
        assert (await world.arbiter.clear()).freed != (), "and when it has answered it may go"


@pytest.mark.parametrize("info", [CLOUD, ON_CPU])
async def test_what_runs_elsewhere_or_on_the_processor_takes_no_lease(
    ollama: FakeProgram, comfy: FakeProgram, info: TextModelInfo
) -> None:
    async with open_vram(ollama, comfy) as world:
        provider = LoadingModels(ollama)
        provider.going_on.clear()
        async with asyncio.TaskGroup() as group:
            answering = group.create_task(answer_of(models_of(world, provider), info))
            await provider.streaming.wait()
            assert comfy.freed == 0 and world.probe.of(VramPlanned) == []
            assert not any(holding.is_busy for holding in await world.arbiter.holdings())
            provider.going_on.set()
            await answering


async def test_without_a_card_no_program_is_even_asked(ollama: FakeProgram) -> None:
    async def fail(info: TextModelInfo) -> VramNeed | None:
        pytest.fail("it was asked")

    setattr(ollama, "need_of", fail)  # noqa: B010 - a method of this one alone
    async with open_vram(ollama) as world:
        world.library.init_error = fake.DRIVER_NOT_LOADED
        world.library.global_error = fake.DRIVER_NOT_LOADED
        assert not (await world.watch.fresh()).gpus
        assert await answer_of(models_of(world, FakeModels((QWEN,))), QWEN) == "<A red apple>"


async def test_an_answer_that_is_left_early_or_fails_gives_its_lease_back(
    card: FakeCard, ollama: FakeProgram, comfy: FakeProgram
) -> None:
    async with open_vram(ollama, comfy) as world:
        models = models_of(world, provider := LoadingModels(ollama))
        async with aclosing(models.stream(QWEN, REQUEST)) as deltas:
            await anext(deltas)
        assert not any(holding.is_busy for holding in await world.arbiter.holdings())
        assert provider.left_early == 1
        provider.error = VramNotEnoughError(name="x", needed_gb="1", possible_gb="0", kept="-")  # any error
        with pytest.raises(VramNotEnoughError):
            await answer_of(models, QWEN)
        assert not any(holding.is_busy for holding in await world.arbiter.holdings())


async def test_a_model_that_looks_at_its_own_runs_picture_does_not_wait_for_that_run(
    ollama: FakeProgram, comfy: FakeProgram
) -> None:
    async with open_vram(ollama, comfy) as world, world.arbiter.lease(picture(18), "run_1"):
        async with asyncio.timeout(5), world.arbiter.lease(need_of(QWEN), "run_1"):
            assert comfy.freed == 1, "its picture is made; the server itself says that it is idle"
        comfy.load(18 * GB)
        comfy.is_busy = True  # the server says that it works: then it is never unloaded, whoever asks
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), world.arbiter.lease(need_of(QWEN), "run_1"):
                pytest.fail("it did not wait")
        assert comfy.freed == 1


async def test_a_model_that_does_not_fit_at_all_gets_what_there_is(ollama: FakeProgram) -> None:
    huge = replace(QWEN, id="fake/huge", size_bytes=40 * GB)
    ollama.serves[huge.id] = need_of(huge)
    async with open_vram(ollama, cards=[ollama.card]) as world:
        assert await answer_of(models_of(world, FakeModels((huge,))), huge) == "<A red apple>"
        (planned,) = world.probe.of(VramPlanned)
        assert planned.plan.will_fit is False, "it is told that parts of it will run on the processor"
