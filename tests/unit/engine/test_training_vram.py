"""A training gets the whole card: idle models go first, and it does not start where it cannot fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.gpu import VRAM_GB
from ai4artsed_desktop.domain.training.records import AttemptRecord
from ai4artsed_desktop.domain.vram import VramNeed, VramNotEnoughError
from ai4artsed_desktop.engine.gpu_use import need_of_training
from ai4artsed_desktop.engine.training_vram import TrainingVram
from tests.support.fake_nvml import FakeCard
from tests.support.vram_world import LIMITS, FakeProgram, open_vram


def picture(needed_gb: int) -> VramNeed:
    return VramNeed("generation", "output:x:y", "Model X", "comfyui", needed_gb * VRAM_GB, "documented")


def attempt(project: str, family: str, preset_gb: int) -> AttemptRecord:
    return AttemptRecord(
        project=project,
        family=family,
        training=1,
        attempt=1,
        started_s=0.0,
        total_steps=10,
        save_every=5,
        preset_gb=preset_gb,
        output_name=project,
        argv=(),
    )


def card(total_gb: int) -> FakeCard:
    return FakeCard(total=total_gb * VRAM_GB)


async def test_idle_models_make_room_for_a_training_and_it_keeps_its_memory_until_it_ends() -> None:
    program = FakeProgram(card(16), 101, "ollama:qwen", "ollama", "qwen")
    program.load(9 * VRAM_GB)
    async with open_vram(program) as world:
        vram = TrainingVram(world.watch, world.arbiter)
        assert await vram.card_gb() == pytest.approx(16)
        async with await vram.make_room("cats", "sdxl", 16):
            assert program.freed == 1
            plan = await world.arbiter.plan(picture(8))
            assert plan.fits_now is False, "the trainer has not taken its memory yet, but it is promised to it"
        assert (await world.arbiter.plan(picture(8))).fits_now


async def test_what_would_break_a_running_training_does_not_start_and_says_why() -> None:
    program = FakeProgram(card(24), 101, "ollama:qwen", "ollama", "qwen")
    async with open_vram(program) as world:
        vram = TrainingVram(world.watch, world.arbiter)
        async with await vram.lease_of_running(attempt("cats", "sdxl", 16)):
            with pytest.raises(VramNotEnoughError) as caught:
                async with world.arbiter.lease(picture(12)):
                    pytest.fail("it started")
            assert caught.value.params["kept"] == "cats"
            async with world.arbiter.lease(picture(2)):
                pass  # beside it there is room for small ones


async def test_the_peak_of_a_training_is_measured_and_remembered() -> None:
    program = FakeProgram(card(24), 101, "trainer", "trainer", "sd-scripts")
    async with open_vram(program) as world:
        vram = TrainingVram(world.watch, world.arbiter)
        async with await vram.make_room("cats", "sdxl", 16):
            program.load(9 * VRAM_GB)
        need = await world.arbiter.estimated(need_of_training("dogs", "sdxl", 16))
        assert (need.needed_bytes, need.basis) == (9 * VRAM_GB, "measured")


async def test_a_training_does_not_start_beside_what_is_working() -> None:
    program = FakeProgram(card(16), 101, "comfyui", "comfyui", "ComfyUI", is_busy=True)
    program.load(9 * VRAM_GB)
    async with open_vram(program, limits=replace(LIMITS, busy_s=0.1)) as world:
        with pytest.raises(AppError) as caught:
            await TrainingVram(world.watch, world.arbiter).make_room("cats", "sdxl", 16)
        assert caught.value.info().code.startswith("error.vram")
        assert program.freed == 0
        program.is_busy = False
        async with world.arbiter.lease(picture(15)):
            pass  # and it left no promise behind
