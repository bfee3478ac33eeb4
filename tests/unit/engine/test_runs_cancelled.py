"""Cancelling a run, wherever it is: recorded, told once, tidy, and the next run works."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.storage.run_folders import read_record
from ai4artsed_desktop.domain.errors import (
    UnknownEntryError,
)
from ai4artsed_desktop.domain.events import (
    Event,
    RunCancelled,
    RunEvent,
    RunFinished,
    RunQueued,
    RunStarted,
    StagePaused,
)
from ai4artsed_desktop.domain.runs import StageName
from tests.support.fake_models import said
from tests.support.world import DRAWING, TestWorld, open_world, request


async def check_cancelled(world: TestWorld, run_id: str) -> None:
    """The run is recorded as cancelled, told once, tidy; and the next run works."""
    assert isinstance(await world.end_of(run_id), RunCancelled)
    assert read_record(world.folder_of(run_id)).state == "cancelled"
    world.assert_tidy(run_id)
    world.models.going_on.set()
    world.renderer.going_on.set()
    assert (await world.run("next", "bauhaus", DRAWING)).state == "finished"
    assert len([e for e in world.probe.of(RunCancelled) if e.run_id == run_id]) == 1


async def test_cancel_right_after_submit(world: TestWorld) -> None:
    run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
    world.engine.runs.cancel(run_id)
    await check_cancelled(world, run_id)
    assert [m for m, r in world.models.requests if said(r) == "apple"] == []


async def test_cancel_as_soon_as_queued_and_as_soon_as_started(world: TestWorld) -> None:
    for moment in (RunQueued, RunStarted):

        def cancel_at(event: Event, moment: type[RunEvent] = moment) -> None:
            if isinstance(event, moment):
                world.engine.runs.cancel(event.run_id)

        unsubscribe = world.engine.bus.subscribe(cancel_at)
        run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
        await world.end_of(run_id)
        unsubscribe()
        await check_cancelled(world, run_id)


async def test_cancel_during_streaming_closes_the_stream(world: TestWorld) -> None:
    world.models.going_on.clear()
    run_id = world.engine.runs.submit(request("apple tree", "bauhaus", DRAWING))
    await world.models.streaming.wait()
    world.engine.runs.cancel(run_id)
    await check_cancelled(world, run_id)
    assert world.models.left_early == 1


async def test_cancel_in_a_pause(world: TestWorld) -> None:
    run_id = world.engine.runs.submit(
        request("apple", "bauhaus", DRAWING, pause_after=frozenset({StageName.INTERCEPTION}))
    )
    await world.probe.next(StagePaused)
    world.engine.runs.cancel(run_id)
    await check_cancelled(world, run_id)
    with pytest.raises(UnknownEntryError):
        world.engine.runs.resume(run_id, "too late")


async def test_cancel_while_rendering_ends_the_renderer_and_keeps_what_was_made(world: TestWorld) -> None:
    world.renderer.going_on.clear()
    run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
    await world.renderer.rendering.wait()
    world.engine.runs.cancel(run_id)
    await check_cancelled(world, run_id)
    assert world.renderer.cancelled == 1
    assert read_record(world.folder_of(run_id)).stages[1].text == "<apple>"


async def test_cancel_of_a_waiting_run_leaves_the_running_one_alone(world: TestWorld) -> None:
    world.models.going_on.clear()
    running = world.engine.runs.submit(request("first one", "bauhaus"))
    waiting = world.engine.runs.submit(request("second one", "bauhaus"))
    await world.models.streaming.wait()
    world.engine.runs.cancel(waiting)
    world.models.going_on.set()
    assert isinstance(await world.end_of(running), RunFinished)
    await check_cancelled(world, waiting)


async def test_cancel_at_any_event_leaves_a_tidy_folder(world: TestWorld) -> None:
    events = 0

    def count(event: Event) -> None:
        nonlocal events
        events += 1

    world.engine.bus.subscribe(count)
    await world.run("apple", "bauhaus", DRAWING)
    for number in range(1, events):
        left = number

        def cancel_at(event: Event) -> None:
            nonlocal left
            left -= 1
            if left == 0 and isinstance(event, RunEvent):
                world.engine.runs.cancel(event.run_id)

        unsubscribe = world.engine.bus.subscribe(cancel_at)
        run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
        await world.end_of(run_id)
        unsubscribe()
        assert read_record(world.folder_of(run_id)).state == "cancelled", number
        world.assert_tidy(run_id)


async def test_closing_the_engine_cancels_everything_and_records_it(app_home: Path) -> None:
    async with open_world(app_home) as world:
        world.models.going_on.clear()
        ids = [world.engine.runs.submit(request("apple tree", "bauhaus")) for _ in range(3)]
        await world.models.streaming.wait()
    assert [read_record(world.folder_of(i)).state for i in ids] == ["cancelled"] * 3
    assert world.models.is_closed
