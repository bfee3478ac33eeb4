"""A training gets the whole card: idle models go first, and it does not start where it cannot fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.gpu import VRAM_GB
from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.engine.training_vram import TrainingVram
from tests.support.fake_nvml import FakeCard
from tests.support.vram_world import LIMITS, FakeProgram, open_vram


def card(total_gb: int) -> FakeCard:
    return FakeCard(total=total_gb * VRAM_GB)


async def test_idle_models_make_room_for_a_training() -> None:
    program = FakeProgram(card(16), 101, "ollama:qwen", "ollama", "qwen")
    program.load(9 * VRAM_GB)
    async with open_vram(program) as world:
        vram = TrainingVram(world.watch, world.arbiter)
        assert await vram.card_gb() == pytest.approx(16)
        await vram.make_room(family_of("sdxl"), 16)
        assert program.freed == 1


async def test_a_training_does_not_start_beside_what_is_working() -> None:
    program = FakeProgram(card(16), 101, "comfyui", "comfyui", "ComfyUI", is_busy=True)
    program.load(9 * VRAM_GB)
    async with open_vram(program, limits=replace(LIMITS, busy_s=0.1)) as world:
        with pytest.raises(AppError) as caught:
            await TrainingVram(world.watch, world.arbiter).make_room(family_of("sdxl"), 16)
        assert caught.value.info().code.startswith("error.vram")
        assert program.freed == 0
