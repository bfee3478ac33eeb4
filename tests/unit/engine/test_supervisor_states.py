"""The state machine of one service, on a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from ai4artsed_desktop.domain.services import (
    ServiceCrashedError,
    ServiceMuteError,
    ServiceNotInstalledError,
    ServiceNotOursError,
    ServiceOffError,
    ServiceProgramError,
    ServiceRemoteError,
    ServiceSlowError,
    ServiceStartError,
    ServiceState,
    ServiceStateChanged,
    ServiceStoppedError,
)
from ai4artsed_desktop.engine.service_ports import Health, Running, ServicePolicy
from tests.support.service_fakes import HERE, Bench, FakeProcess, bench

S = ServiceState


def states(bench: Bench) -> list[ServiceState]:
    """Return the states as the bus told them, without repetitions."""
    told = [S.STOPPED, *(event.service.state for event in bench.probe.of(ServiceStateChanged))]
    return [state for before, state in pairwise(told) if state is not before]


async def test_the_first_need_starts_it_and_gives_its_address() -> None:
    async with bench("ready") as b:
        assert b.runner.state is S.STOPPED
        assert await b.runner.ensure() == HERE
        view = b.runner.view()
        assert (view.state, view.pid, view.port, view.memory_bytes) == (S.READY, 100, 4000, 123_000_000)
        assert states(b) == [S.STARTING, S.READY]


async def test_asked_for_by_five_at_once_it_is_started_once() -> None:
    async with bench("waits") as b:
        async with asyncio.TaskGroup() as group:
            needs = [group.create_task(b.runner.ensure()) for _ in range(5)]
            await b.clock.until(lambda: bool(b.host.spawned))
            b.runner.start()
            b.runner.start()
            await b.clock.run_for(3)
            b.host.current.is_up = True
            await b.reach(S.READY)
        assert {task.result() for task in needs} == {HERE}
        assert len(b.host.spawned) == 1


async def test_ready_means_that_it_answers_and_lives() -> None:
    async with bench("mute", startup_timeout_s=1_000) as b:
        b.runner.start()
        await b.clock.run_for(100)
        assert b.runner.state is S.STARTING, "it lives, but does not answer"
        b.host.current.die(3)
        await b.reach(S.BACKOFF)
        assert b.runner.view().last_error is not None


async def test_a_crash_is_healed_after_a_pause() -> None:
    async with bench() as b:
        await b.runner.ensure()
        b.host.current.die(-9)
        await b.reach(S.BACKOFF)
        assert await b.reach(S.READY) >= 1.0
        assert states(b) == [S.STARTING, S.READY, S.BACKOFF, S.STARTING, S.READY]
        view = b.runner.view()
        assert (view.restarts, view.pid, view.last_error) == (1, 101, None)
        assert b.runner.starts == 2


async def test_a_crash_loop_ends_in_failed_with_the_end_of_the_log() -> None:
    async with bench("dies", "dies", "dies", "dies", "ready") as b:
        b.runner.start()
        await b.reach(S.FAILED)
        assert len(b.host.spawned) == 4, "the first start and three restarts"
        error = b.runner.view().last_error
        assert error is not None
        assert (error.code, error.params["exit"]) == (ServiceStartError.code, "1")
        assert "the reason is this" in error.detail
        with pytest.raises(ServiceStartError):
            await b.runner.ensure()
        assert len(b.host.spawned) == 4, "a job does not start it again, a person does"
        assert not await b.runner.can_start()
        b.runner.start()
        await b.reach(S.READY)


async def test_three_crashes_within_a_minute_are_healed_and_the_fourth_is_not() -> None:
    async with bench() as b:
        await b.runner.ensure()
        for _ in range(3):
            b.host.current.die(-11)
            await b.reach(S.BACKOFF)
            await b.reach(S.READY)
        b.host.current.die(-11)
        await b.reach(S.FAILED)
        error = b.runner.error
        assert isinstance(error, ServiceCrashedError)
        assert error.params["exit"] == "-11"


async def test_crashes_a_minute_apart_are_healed_for_ever() -> None:
    async with bench() as b:
        await b.runner.ensure()
        for _ in range(6):
            await b.clock.run_for(61, step_s=1)
            b.host.current.die()
            await b.reach(S.BACKOFF)
            await b.reach(S.READY)
        assert len(b.host.spawned) == 7


async def test_starts_that_fail_slowly_are_not_tried_for_ever() -> None:
    """ComfyUI notices a taken port after 13 s: four such starts last longer than the minute."""
    async with bench("waits", "waits", "waits", "waits", startup_timeout_s=60) as b:
        b.runner.start()
        for number in range(4):
            await b.clock.until(lambda number=number: len(b.host.spawned) == number + 1)
            await b.clock.run_for(40, step_s=1)
            b.host.current.die(1)
        await b.reach(S.FAILED)
        assert len(b.host.spawned) == 4


async def test_one_that_is_never_ready_is_ended_in_time_and_with_everything() -> None:
    async with bench("mute", "ready", startup_timeout_s=20) as b:
        b.runner.start()
        took_s = await b.reach(S.BACKOFF)
        assert 20 <= took_s <= 60
        assert b.host.spawned[0].stops, "its tree was ended"
        assert isinstance(b.runner.error, ServiceSlowError)
        await b.reach(S.READY)


async def test_a_leap_of_the_clock_while_it_starts_costs_it_no_time() -> None:
    """A laptop that slept, a virtual machine that stood still: the server had no chance to work either."""
    async with bench("waits", startup_timeout_s=60) as b:
        b.runner.start()
        await b.clock.until(lambda: bool(b.host.spawned))
        b.clock.now_s += 3_600
        await b.clock.run_for(10)
        assert b.runner.state is S.STARTING
        b.host.current.is_up = True
        await b.reach(S.READY)


async def test_leaps_of_the_clock_harm_no_ready_service() -> None:
    async with bench() as b:
        await b.runner.ensure()
        for leap_s in (3_600.0, 86_400.0):
            b.clock.now_s += leap_s
            await b.clock.run_for(10)
            assert await b.runner.ensure() == HERE
        assert b.runner.state is S.READY
        assert len(b.host.spawned) == 1


async def test_one_that_answers_slowly_is_not_restarted_but_says_so() -> None:
    async with bench() as b:
        await b.runner.ensure()
        b.driver.is_mute = True
        await b.clock.run_for(30)
        assert b.runner.state is S.READY
        assert isinstance(b.runner.error, ServiceMuteError)
        b.driver.is_mute = False
        await b.clock.run_for(5)
        assert b.runner.error is None
        assert len(b.host.spawned) == 1


async def test_one_that_is_mute_for_two_minutes_is_ended_and_started_again() -> None:
    async with bench() as b:
        await b.runner.ensure()
        b.driver.is_mute = True
        took_s = await b.reach(S.BACKOFF)
        assert 120 <= took_s < 160
        assert b.host.spawned[0].stops
        b.driver.is_mute = False
        await b.reach(S.READY)


async def test_one_that_runs_already_is_used_and_never_stopped() -> None:
    async with bench() as b:
        b.driver.external = Health("ready")
        assert await b.runner.ensure() == HERE
        assert b.runner.state is S.EXTERNAL
        for command in (b.runner.stop, b.runner.restart):
            with pytest.raises(ServiceNotOursError):
                command()
        b.runner.start()
        assert b.host.spawned == []
        await b.runner.aclose()
        assert b.runner.state is S.STOPPED


async def test_when_the_other_server_goes_the_next_need_starts_ours() -> None:
    async with bench() as b:
        b.driver.external = Health("ready")
        await b.runner.ensure()
        b.driver.external = None
        async with asyncio.TaskGroup() as group:
            need = group.create_task(b.runner.ensure(is_fresh=True))
            await b.clock.until(need.done)
        assert b.runner.state is S.READY
        assert len(b.host.spawned) == 1


async def test_one_that_another_window_of_ours_runs_is_used_like_a_foreign_one() -> None:
    async with bench() as b:
        b.driver.where = "http://127.0.0.1:5000"
        b.host.left = Running("http://127.0.0.1:5001", 77, None)
        b.driver.external = None
        await b.runner.look()
        assert (b.runner.state, b.runner.view().pid) == (S.EXTERNAL, 77)
        with pytest.raises(ServiceNotOursError):
            b.runner.stop()
        b.host.left = None
        await b.reach(S.STOPPED)


def detached(b: Bench) -> FakeProcess:
    """Leave a server running that an earlier program started to stay."""
    process = FakeProcess(55, is_detached=True)
    process.is_up = True
    b.host.left = Running("http://127.0.0.1:4711", 55, process)
    return process


async def test_one_that_was_started_to_stay_is_adopted_and_outlives_us() -> None:
    async with bench() as b:
        process = detached(b)
        await b.runner.look()
        view = b.runner.view()
        assert (view.state, view.pid, view.port, view.is_detached) == (S.READY, 55, 4711, True)
        assert view.uptime_s is not None
        assert view.uptime_s >= 30
        assert await b.runner.ensure() == "http://127.0.0.1:4711"
        await b.runner.aclose()
        assert (process.stops, process.is_released, process.returncode) == ([], True, None)


async def test_a_look_does_not_end_what_another_program_is_just_starting() -> None:
    """``services status`` while ``services start`` waits for its server."""
    async with bench() as b:
        process = detached(b)
        process.is_up = False
        await b.runner.look()
        assert (b.runner.state, b.runner.view().pid) == (S.STARTING, 55)
        await b.runner.aclose()
        assert (process.stops, process.is_released) == ([], True)


async def test_an_adopted_one_is_stopped_when_a_person_says_so_even_at_once() -> None:
    async with bench() as b:
        process = detached(b)
        await b.runner.look()
        b.runner.stop()
        assert (await b.runner.settled()).state is S.STOPPED
        assert process.returncode is not None


async def test_an_adopted_one_that_is_ended_by_order_elsewhere_is_not_brought_back() -> None:
    async with bench() as b:
        process = detached(b)
        await b.runner.look()
        process.order = True
        b.host.left = None
        process.die(-1)
        await b.reach(S.STOPPED)
        assert b.host.spawned == []


async def test_an_adopted_one_that_crashes_is_healed() -> None:
    async with bench() as b:
        process = detached(b)
        await b.runner.look()
        b.host.left = None
        process.die(-1)
        await b.reach(S.BACKOFF)
        await b.reach(S.READY)
        assert len(b.host.spawned) == 1
        assert b.host.current.is_detached, "it was started to stay, and so is the new one"


async def test_one_that_was_started_to_stay_but_is_not_ready_yet_ends_with_us() -> None:
    async with bench("waits") as b:
        b.runner.start(is_detached=True)
        await b.clock.until(lambda: bool(b.host.spawned))
        await b.runner.aclose()
        assert b.host.current.stops


async def test_started_to_stay_and_ready_it_outlives_us() -> None:
    async with bench() as b:
        b.runner.start(is_detached=True)
        await b.reach(S.READY)
        await b.runner.aclose()
        assert (b.host.current.stops, b.host.current.is_released) == ([], True)


async def test_looking_starts_nothing_and_a_start_in_the_middle_of_it_is_not_lost() -> None:
    async with bench() as b:
        await b.runner.look()
        assert (b.runner.state, b.host.spawned) == (S.STOPPED, [])
        assert b.runner.view().install is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(b.runner.look())
            await asyncio.sleep(0)
            b.runner.start()
            await b.reach(S.READY)
        assert len(b.host.spawned) == 1


async def test_after_the_end_nothing_begins_and_nothing_hangs() -> None:
    async with bench() as b:
        await b.runner.aclose()
        await b.runner.look()
        with pytest.raises(ServiceStoppedError):
            await b.runner.ensure()
        assert b.host.spawned == []


async def test_stop_while_it_starts_leaves_nothing() -> None:
    async with bench("waits") as b:
        b.runner.start()
        await b.clock.until(lambda: bool(b.host.spawned))
        b.runner.stop()
        assert b.runner.state is S.STOPPING
        await b.reach(S.STOPPED)
        assert b.host.current.returncode is not None


async def test_stop_before_the_first_step_leaves_nothing() -> None:
    async with bench() as b:
        b.runner.start()
        b.runner.stop()
        await b.reach(S.STOPPED)
        assert b.host.spawned == []


async def test_stop_between_two_tries_is_the_end_of_them() -> None:
    async with bench("dies") as b:
        b.runner.start()
        await b.reach(S.BACKOFF)
        b.runner.stop()
        await b.reach(S.STOPPED)
        await b.clock.run_for(20)
        assert len(b.host.spawned) == 1


async def test_whoever_waits_for_it_while_it_is_stopped_is_told() -> None:
    async with bench("waits") as b, asyncio.TaskGroup() as group:
        need = group.create_task(expect_stopped(b))
        await b.clock.until(lambda: bool(b.host.spawned))
        b.runner.stop()
        await b.clock.until(need.done)


async def expect_stopped(b: Bench) -> None:
    with pytest.raises(ServiceStoppedError):
        await b.runner.ensure()


async def test_stop_asks_in_its_own_way_first_then_ends_the_tree() -> None:
    async with bench() as b:
        await b.runner.ensure()
        b.host.current.is_stubborn = True
        b.runner.stop()
        took_s = await b.reach(S.STOPPED)
        assert b.host.current.interrupts == 1
        assert took_s >= b.driver.quit_grace_s
        assert b.host.current.stops


async def test_closing_the_program_waits_for_no_slow_farewell() -> None:
    async with bench() as b:
        await b.runner.ensure()
        b.driver.quit_grace_s = 600
        b.host.current.is_stubborn = True
        b.runner.stop()
        async with asyncio.TaskGroup() as group:
            closing = group.create_task(b.runner.aclose())
            assert await b.clock.until(closing.done) < b.driver.quit_grace_s / 2
        assert b.host.current.stops


async def test_restart_and_a_start_while_it_stops_begin_anew() -> None:
    async with bench() as b:
        await b.runner.ensure()
        b.runner.restart()
        await b.clock.until(lambda: b.runner.state is S.READY and len(b.host.spawned) == 2)
        b.runner.stop()
        b.runner.start()
        await b.clock.until(lambda: b.runner.state is S.READY and len(b.host.spawned) == 3)


async def test_a_taken_port_gives_way_to_a_free_one() -> None:
    async with bench() as b:
        b.host.taken.add(4000)
        assert await b.runner.ensure() == "http://127.0.0.1:45678"
        assert b.host.commands[0].argv[1] == "45678"
        assert b.runner.view().port == 45678


async def test_one_that_moves_to_another_port_by_itself_is_followed() -> None:
    async with bench("waits") as b:
        b.runner.start()
        await b.clock.until(lambda: bool(b.host.spawned))
        b.host.current.say("moved to 4001")
        await b.clock.until(lambda: b.runner.view().port == 4001)
        await b.clock.until(lambda: b.host.noted_ports == [4001])


async def test_a_program_that_cannot_be_run_is_not_tried_again() -> None:
    async with bench("missing") as b:
        with pytest.raises(ServiceProgramError) as error:
            await b.runner.ensure()
        assert error.value.params["program"] == "program"
        assert b.runner.state is S.FAILED
        assert b.host.spawned == []


async def test_without_an_installation_it_says_so() -> None:
    async with bench() as b:
        b.driver.found = []
        with pytest.raises(ServiceNotInstalledError):
            await b.runner.ensure()
        assert not await b.runner.can_start()


async def test_with_automatic_starts_off_only_a_person_starts_it() -> None:
    async with bench(auto_start=False) as b:
        with pytest.raises(ServiceOffError):
            await b.runner.ensure()
        assert not await b.runner.can_start()
        b.runner.start()
        await b.reach(S.READY)
        b.policy[0] = ServicePolicy()
        assert await b.runner.can_start()


async def test_on_another_machine_nothing_is_started() -> None:
    async with bench() as b:
        b.driver.where = "http://192.0.2.7:8188"
        with pytest.raises(ServiceRemoteError):
            await b.runner.ensure()
        assert b.host.spawned == []


async def test_what_it_wrote_is_kept_searched_announced_and_written() -> None:
    async with bench() as b:
        await b.runner.ensure()
        b.host.current.say("\x1b[32m[INFO]\x1b[0m Loading model", " 10%|#  |", " 50%|## |", "done", "ERROR: no memory")
        await b.clock.until(lambda: len(b.host.written) == 4)
        assert b.host.written == ["[INFO] Loading model", " 50%|## |", "done", "ERROR: no memory"]
        assert [line.text for line in b.runner.log.find("error")] == ["ERROR: no memory"]
        assert [line.text for line in b.runner.log.find("MODEL loading")] == ["[INFO] Loading model"]
        assert [line.number for line in b.runner.log.find()] == [1, 2, 3, 4]
