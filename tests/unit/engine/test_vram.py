"""The arbiter over a fake NVML library: plans, making room, waiting until memory is really free, and who stays."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ai4artsed_desktop.domain.errors import BackendUnavailableError
from ai4artsed_desktop.domain.gpu import VRAM_GB, GpuSampled
from ai4artsed_desktop.domain.vram import (
    VramFreed,
    VramNeed,
    VramNotEnoughError,
    VramNotFreedError,
    VramPlanned,
    VramQuestionClosed,
    VramRefusedError,
)
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.gpu_watch import GpuWatch
from ai4artsed_desktop.engine.vram import VramArbiter, VramLimits
from tests.support import fake_nvml as fake
from tests.support.fake_children import until
from tests.support.fake_nvml import FakeCard
from tests.support.vram_world import LIMITS, FakeProgram, open_vram

GB = VRAM_GB


def picture(needed_gb: float | None = 18.0) -> VramNeed:
    needed = None if needed_gb is None else round(needed_gb * GB)
    return VramNeed("generation", "output:x:y", "Model X", "comfyui", needed, "documented")


def training(needed_gb: float) -> VramNeed:
    return VramNeed("training", "train:sdxl:8", "Training cats", "trainer", round(needed_gb * GB), must_fit=True)


def empty_card(total_gb: int = 24) -> FakeCard:
    return FakeCard(total=total_gb * GB, used=0, reserved=0)


@pytest.fixture
def card() -> FakeCard:
    return empty_card()


@pytest.fixture
def qwen(card: FakeCard) -> FakeProgram:
    made = FakeProgram(card, 501, "ollama/qwen3:14b", "ollama", "qwen3:14b")
    made.load(round(9.6 * GB))
    return made


@pytest.fixture
def comfy(card: FakeCard) -> FakeProgram:
    return FakeProgram(card, 502, "comfyui", "comfyui", "ComfyUI", keeps=GB // 2)


async def test_what_fits_starts_at_once(card: FakeCard, qwen: FakeProgram) -> None:
    async with open_vram(qwen) as world, world.arbiter.lease(picture(10)) as lease:
        assert lease.plan.fits_now and lease.plan.unload == () and qwen.freed == 0
        assert world.probe.of(VramPlanned) == []


async def test_the_plan_says_what_is_needed_what_is_free_and_what_would_go(qwen: FakeProgram) -> None:
    async with open_vram(qwen) as world:
        plan = await world.arbiter.plan(picture())
    assert plan.need.needed_bytes == 18 * GB and plan.available_bytes == 24 * GB - round(9.6 * GB)
    assert [(h.name, h.used_bytes) for h in plan.unload] == [("qwen3:14b", round(9.6 * GB))]
    assert plan.fits_now is False and plan.will_fit is True and qwen.freed == 0


async def test_room_is_made_and_the_start_waits_until_memory_that_frees_late_is_really_free(
    card: FakeCard, qwen: FakeProgram
) -> None:
    qwen.free_after_looks = 12
    async with open_vram(qwen) as world, world.arbiter.lease(picture(), "run_1"):
        assert qwen.freed == 1 and card.free == 24 * GB
        (planned,) = world.probe.of(VramPlanned)
        assert planned.run_id == "run_1" and planned.question == ""
        (freed,) = world.probe.of(VramFreed)
        assert freed.names == ("qwen3:14b",)
        assert freed.before_bytes == round(9.6 * GB) and freed.after_bytes == 0


async def test_memory_that_is_never_freed_is_an_error_with_figures(qwen: FakeProgram) -> None:
    qwen.free_after_looks = -1
    async with open_vram(qwen, limits=replace(LIMITS, free_s=0.3)) as world:
        with pytest.raises(VramNotFreedError) as caught:
            async with world.arbiter.lease(picture()):
                pytest.fail("it started")
    assert caught.value.params == {"name": "Model X", "needed_gb": "18.0", "free_gb": "14.4"}


async def test_a_card_that_is_lost_while_memory_is_waited_for_is_an_error(card: FakeCard, qwen: FakeProgram) -> None:
    def lose() -> None:
        card.is_lost = True

    qwen.on_free = lose
    async with open_vram(qwen) as world:
        with pytest.raises(VramNotFreedError):
            async with world.arbiter.lease(picture()):
                pytest.fail("it started")


async def test_what_its_own_program_holds_counts_as_available(card: FakeCard, comfy: FakeProgram) -> None:
    comfy.load(17 * GB)
    async with open_vram(comfy) as world:
        plan = await world.arbiter.plan(picture())
    assert plan.available_bytes == 24 * GB and plan.fits_now


async def test_what_works_is_never_unloaded(qwen: FakeProgram) -> None:
    qwen.is_busy = True
    async with open_vram(qwen, limits=replace(LIMITS, busy_s=0.1)) as world, world.arbiter.lease(picture()) as lease:
        assert [h.name for h in lease.plan.kept] == ["qwen3:14b"] and lease.plan.will_fit is False
        assert qwen.freed == 0
        (planned,) = world.probe.of(VramPlanned)  # it is told that it does not fit
        assert planned.plan.unload == ()


async def test_what_works_is_waited_for_when_its_end_makes_room(card: FakeCard, qwen: FakeProgram) -> None:
    qwen.is_busy = True
    async with open_vram(qwen) as world:

        async def finish() -> None:
            await world.probe.next(GpuSampled)
            qwen.is_busy = False

        async with asyncio.TaskGroup() as group:
            group.create_task(finish())
            async with world.arbiter.lease(picture()):
                assert qwen.freed == 1


async def test_what_begins_to_work_while_the_question_is_open_stays(qwen: FakeProgram) -> None:
    async with open_vram(qwen, vram_policy="ask", limits=replace(LIMITS, busy_s=0.3)) as world:
        world.arbiter.can_ask = True

        async def say_yes() -> None:
            question = (await world.probe.next(VramPlanned)).question
            qwen.is_busy = True
            world.arbiter.answer(question, "free")

        async with asyncio.TaskGroup() as group:
            group.create_task(say_yes())
            async with world.arbiter.lease(picture()) as lease:  # its end was waited for, but not for ever
                assert [h.name for h in lease.plan.kept] == ["qwen3:14b"]
    assert qwen.freed == 0


async def test_only_what_was_agreed_to_is_unloaded_for_anything_more_it_is_asked_again(
    card: FakeCard, qwen: FakeProgram, comfy: FakeProgram
) -> None:
    async with open_vram(comfy, qwen, cards=[card], vram_policy="ask") as world:
        world.arbiter.can_ask = True
        asked: list[list[str]] = []

        async def say_yes() -> None:
            for _ in range(2):
                planned = await world.probe.next(VramPlanned)
                asked.append([holding.name for holding in planned.plan.unload])
                comfy.load(12 * GB)  # somebody else was quicker
                world.arbiter.answer(planned.question, "free")

        async with asyncio.TaskGroup() as group:
            group.create_task(say_yes())
            async with world.arbiter.lease(training(20)):
                assert (qwen.freed, comfy.freed) == (1, 1)
    assert asked == [["qwen3:14b"], ["ComfyUI", "qwen3:14b"]]


async def test_an_open_question_and_a_wait_hold_up_nobody_else(card: FakeCard, qwen: FakeProgram) -> None:
    async with open_vram(qwen, vram_policy="ask") as world:
        world.arbiter.can_ask = True

        async def start() -> None:
            async with world.arbiter.lease(picture()):
                pytest.fail("it started")

        async with asyncio.TaskGroup() as group:
            asking = group.create_task(start())
            await world.probe.next(VramPlanned)
            async with asyncio.timeout(5), world.arbiter.lease(training(4)):
                pass  # it fits, so it need not wait for an answer that may never come
            asking.cancel()
            qwen.is_busy = True
            waiting = group.create_task(start())
            await world.probe.next(GpuSampled)
            async with asyncio.timeout(5), world.arbiter.lease(training(4)):
                pass
            waiting.cancel()


async def test_what_is_pinned_stays_whatever_the_policy(qwen: FakeProgram) -> None:
    async with open_vram(qwen, vram_pinned=(qwen.id,)) as world:
        with pytest.raises(VramNotEnoughError) as caught:
            async with world.arbiter.lease(training(20)):
                pytest.fail("it started")
        assert caught.value.params["kept"] == "qwen3:14b" and caught.value.params["possible_gb"] == "14.4"
        assert qwen.freed == 0
        assert (await world.arbiter.clear()).freed == ()


async def test_what_must_fit_does_not_start_where_it_cannot(card: FakeCard, qwen: FakeProgram) -> None:
    async with open_vram(qwen) as world:
        with pytest.raises(VramNotEnoughError):
            async with world.arbiter.lease(training(30)):
                pytest.fail("it started")
    assert qwen.freed == 0, "nothing is unloaded for what cannot start anyway"


async def test_a_generator_larger_than_the_card_gets_all_there_is_and_starts(
    card: FakeCard, qwen: FakeProgram, comfy: FakeProgram
) -> None:
    async with open_vram(qwen, comfy) as world:
        async with world.arbiter.lease(picture(30)) as lease:
            assert qwen.freed == 1 and lease.plan.will_fit is False
            comfy.load(22 * GB)
        assert world.file.records.peaks == {}, "what it had to make do with is not what it needs"


async def test_an_unknown_need_frees_nothing_and_claims_nothing(qwen: FakeProgram) -> None:
    async with open_vram(qwen) as world, world.arbiter.lease(picture(None)) as lease:
        assert lease.plan.reason is not None and lease.plan.reason.key == "vram.reason.need_unknown"
        assert qwen.freed == 0 and world.probe.of(VramPlanned) == []


async def test_without_a_driver_the_work_starts_and_nothing_is_claimed(qwen: FakeProgram) -> None:
    async with open_vram(qwen) as world:
        world.library.init_error = fake.DRIVER_NOT_LOADED
        world.library.global_error = fake.DRIVER_NOT_LOADED
        async with world.arbiter.lease(picture()) as lease:
            assert lease.plan.reason is not None and lease.plan.free_bytes is None and qwen.freed == 0
        assert world.file.records.peaks == {}


async def test_without_any_meter_the_arbiter_lets_everything_through() -> None:
    from ai4artsed_desktop.domain.settings import Settings

    bus = EventBus()
    watch = GpuWatch(bus)
    arbiter = VramArbiter(bus, watch, Settings)
    watch.start()
    async with arbiter.lease(picture()) as lease:
        assert lease.plan.reason is not None and lease.plan.reason.key == "gpu.reason.not_asked"
    await arbiter.aclose()
    await watch.aclose()


# --- questions


@pytest.mark.parametrize(("answer", "freed"), [("free", 1), ("start_anyway", 0)])
async def test_the_answer_is_obeyed(qwen: FakeProgram, answer: str, freed: int) -> None:
    async with open_vram(qwen, vram_policy="ask") as world:
        world.arbiter.can_ask = True

        async def reply() -> None:
            planned = await world.probe.next(VramPlanned)
            assert qwen.freed == 0, "nothing happens before the answer"
            world.arbiter.answer(planned.question, answer)  # type: ignore[arg-type]

        async with asyncio.TaskGroup() as group:
            group.create_task(reply())
            async with world.arbiter.lease(picture()):
                assert qwen.freed == freed
        assert len(world.probe.of(VramQuestionClosed)) == 1


async def test_no_is_no(qwen: FakeProgram) -> None:
    async with open_vram(qwen, vram_policy="ask") as world:
        world.arbiter.can_ask = True
        world.bus.subscribe(
            lambda event: world.arbiter.answer(event.question, "cancel") if isinstance(event, VramPlanned) else None
        )
        with pytest.raises(VramRefusedError):
            # The answer comes while the question is asked.
            async with world.arbiter.lease(picture()):
                pytest.fail("it started")
        assert qwen.freed == 0
        async with world.arbiter.lease(picture(5)):
            pass  # and the next one may begin


async def test_a_cancelled_start_takes_its_question_back(qwen: FakeProgram) -> None:
    async with open_vram(qwen, vram_policy="ask") as world:
        world.arbiter.can_ask = True

        async def start() -> None:
            async with world.arbiter.lease(picture()):
                pytest.fail("it started")

        async with asyncio.TaskGroup() as group:
            task = group.create_task(start())
            question = (await world.probe.next(VramPlanned)).question
            task.cancel()
        assert (await world.probe.next(VramQuestionClosed)).question == question
        world.arbiter.answer(question, "free")  # too late, and harmless
        assert qwen.freed == 0


async def test_where_nobody_can_answer_what_is_idle_is_unloaded(qwen: FakeProgram) -> None:
    async with open_vram(qwen, vram_policy="ask") as world, world.arbiter.lease(picture()):
        assert qwen.freed == 1


# --- leases


async def test_two_programs_do_not_get_the_same_memory(card: FakeCard, comfy: FakeProgram) -> None:
    async with open_vram(comfy, cards=[card]) as world, world.arbiter.lease(training(14)):
        plan = await world.arbiter.plan(picture(12))
        assert plan.available_bytes == 10 * GB and plan.fits_now is False
    # What a trainer has taken already is no longer promised.
    trainer = FakeProgram(card, 600, "trainer", "trainer", "sd-scripts")
    async with open_vram(trainer) as world, world.arbiter.lease(training(14)):
        trainer.load(13 * GB)
        assert (await world.arbiter.plan(picture(12))).available_bytes == 10 * GB


async def test_what_holds_a_lease_is_busy(card: FakeCard, comfy: FakeProgram) -> None:
    comfy.load(20 * GB)
    limits = replace(LIMITS, busy_s=0.1)
    async with open_vram(comfy, limits=limits) as world, world.arbiter.lease(picture(20)):
        (held,) = await world.arbiter.holdings()
        assert held.is_busy
        with pytest.raises(VramNotEnoughError):
            async with world.arbiter.lease(training(16)):
                pytest.fail("it started")
        assert comfy.freed == 0


async def test_a_failed_work_gives_its_lease_back(card: FakeCard, comfy: FakeProgram) -> None:
    async with open_vram(comfy, cards=[card]) as world:
        with pytest.raises(RuntimeError):
            async with world.arbiter.lease(training(20)):
                raise RuntimeError("it broke")
        assert (await world.arbiter.plan(picture(20))).fits_now
        assert world.file.records.peaks == {}


# --- peaks


async def test_the_measured_peak_is_remembered_and_worth_more_than_what_is_documented(
    card: FakeCard, comfy: FakeProgram
) -> None:
    async with open_vram(comfy, cards=[card]) as world:
        async with world.arbiter.lease(picture(18)) as lease:
            comfy.load(11 * GB)
            await world.watch.fresh()
            await until(lambda: lease.peak_bytes == 11 * GB)
            comfy.load(3 * GB)
        need = await world.arbiter.estimated(picture(18))
        assert (need.needed_bytes, need.basis) == (11 * GB, "measured")
        async with world.arbiter.lease(picture(18)):
            await world.probe.next(GpuSampled)
        assert (await world.arbiter.estimated(picture(18))).needed_bytes == 11 * GB, "the larger one stays"


async def test_what_was_loaded_before_does_not_make_a_need_look_larger(card: FakeCard, comfy: FakeProgram) -> None:
    comfy.load(12 * GB)
    async with open_vram(comfy) as world:
        async with world.arbiter.lease(picture(8)) as lease:
            comfy.load(14 * GB)
        assert not lease.is_alone and lease.peak_bytes == 14 * GB
        assert (await world.arbiter.estimated(picture(8))).basis == "documented"


async def test_two_works_in_one_program_are_not_told_apart(card: FakeCard, comfy: FakeProgram) -> None:
    async with open_vram(comfy, cards=[card]) as world:
        async with world.arbiter.lease(picture(8)) as one, world.arbiter.lease(picture(8)) as other:
            comfy.load(14 * GB)
        assert not one.is_alone and not other.is_alone and world.file.records.peaks == {}


async def test_without_figures_per_process_the_programs_own_word_is_the_peak(
    card: FakeCard, comfy: FakeProgram
) -> None:
    card.processes[comfy.pid] = fake.NOTHING_64
    async with open_vram(comfy) as world:
        async with world.arbiter.lease(picture(18)):
            comfy.own_figure = 7 * GB
        assert (await world.arbiter.estimated(picture(18))).needed_bytes == 7 * GB + GB // 2


# --- clearing, idling, warming


async def test_clear_frees_what_is_idle_and_gives_figures_before_and_after(
    card: FakeCard, qwen: FakeProgram, comfy: FakeProgram
) -> None:
    comfy.load(8 * GB)
    qwen.free_after_looks = 4
    async with open_vram(qwen, comfy) as world:
        done = await world.arbiter.clear()
        assert {h.name for h in done.freed} == {"qwen3:14b", "ComfyUI"} and done.kept == () and done.failed == ()
        assert done.before_bytes == 8 * GB + round(9.6 * GB) and done.after_bytes == GB // 2 and done.is_settled
        assert len(world.probe.of(VramFreed)) == 1


async def test_clear_keeps_what_works_and_says_what_failed(
    card: FakeCard, qwen: FakeProgram, comfy: FakeProgram
) -> None:
    def refuse() -> None:
        raise BackendUnavailableError("refused", backend="ComfyUI")

    comfy.load(8 * GB)
    comfy.on_free, qwen.is_busy = refuse, True
    async with open_vram(qwen, comfy) as world:
        done = await world.arbiter.clear()
    assert done.freed == () and [h.name for h in done.kept] == ["qwen3:14b"]
    assert done.failed == (("ComfyUI", "refused"),) and done.before_bytes == done.after_bytes


async def test_one_thing_alone_can_be_freed(card: FakeCard, qwen: FakeProgram, comfy: FakeProgram) -> None:
    comfy.load(8 * GB)
    async with open_vram(qwen, comfy) as world:
        done = await world.arbiter.clear("comfyui")
    assert [h.id for h in done.freed] == ["comfyui"] and qwen.freed == 0


async def test_what_we_used_is_unloaded_after_idling_and_what_others_use_is_not(
    card: FakeCard, qwen: FakeProgram, comfy: FakeProgram
) -> None:
    async with open_vram(qwen, comfy, cards=[card], vram_idle_s=0.05) as world:
        world.arbiter.start()
        async with world.arbiter.lease(picture(5)):
            comfy.load(5 * GB)
        freed = await world.probe.next(VramFreed)
        assert freed.names == ("ComfyUI",) and qwen.freed == 0


async def test_a_workshop_loads_what_is_pinned_at_its_start(qwen: FakeProgram, comfy: FakeProgram) -> None:
    async with open_vram(qwen, comfy, vram_policy="workshop", vram_pinned=("nobody", qwen.id)) as world:
        world.arbiter.start()
        await until(lambda: bool(qwen.warmed))
    assert qwen.warmed == [qwen.id] and comfy.warmed == []


async def test_a_program_that_cannot_be_recognised_is_believed(card: FakeCard, qwen: FakeProgram) -> None:
    card.processes.clear()
    card.hold(777, 9 * GB)
    qwen.own_figure = 9 * GB
    strange = FakeProgram(card, 777, "x", "other", "x", is_busy=True)

    async def loaded() -> list[FakeProgram]:
        return [qwen]

    setattr(qwen, "holders", loaded)  # noqa: B010 - it has nothing on the card under its own pid
    async with open_vram(strange, qwen) as world:
        assert {h.name: h.used_bytes for h in await world.arbiter.holdings()} == {"x": 9 * GB, "qwen3:14b": 9 * GB}


async def test_no_program_is_believed_more_than_the_driver_sees(card: FakeCard, qwen: FakeProgram) -> None:
    qwen.own_figure = 20 * GB
    async with open_vram(qwen) as world:
        assert [h.used_bytes for h in await world.arbiter.holdings()] == [round(9.6 * GB)]


async def test_two_that_stand_for_the_same_memory_are_not_counted_twice(card: FakeCard, comfy: FakeProgram) -> None:
    comfy.load(10 * GB)
    comfy.own_figure = 10 * GB
    swarm = FakeProgram(card, comfy.pid, "swarmui", "comfyui", "SwarmUI", own_figure=10 * GB)
    async with open_vram(comfy, swarm) as world:
        assert [h.used_bytes for h in await world.arbiter.holdings()] == [10 * GB, 0]


async def test_room_on_one_card_is_not_made_on_another() -> None:
    big, small = empty_card(24), empty_card(12)
    small.uuid = b"GPU-2"
    llm = FakeProgram(small, 700, "ollama/a", "ollama", "a")
    llm.load(11 * GB)
    game = FakeProgram(big, 701, "x", "other", "x")
    game.load(10 * GB)
    async with open_vram(llm, game, cards=[big, small]) as world:
        plan = await world.arbiter.plan(picture(20))
        assert [h.name for h in plan.unload] == ["x"]
    assert VramLimits().free_s > 0
