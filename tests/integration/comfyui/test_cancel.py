"""Cancelling: our own job and no other, checked until it holds."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient
from ai4artsed_desktop.adapters.backends.comfyui_outputs import OutputFile
from tests.support.comfyui_client_kit import SHORT, client_of, post_foreign, run, sampling, saving
from tests.support.comfyui_double import ComfyUiDouble
from tests.support.comfyui_servers import ServerName, on_every_server, serving


async def start_and_cancel(client: ComfyUiClient, graph: dict[str, Any], ready: asyncio.Event) -> None:
    """Run a graph in a task of its own, and cancel the task when ``ready`` is set."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(run(client, graph))
        await ready.wait()
        task.cancel()


def ours(double: ComfyUiDouble) -> str:
    return double.posted[-1]["prompt_id"]


@on_every_server
async def test_a_waiting_job_goes_and_the_running_one_stays(server: ServerName) -> None:
    limits = replace(SHORT, arrival_s=3.0)
    async with serving(server) as double, client_of(double, limits) as client:
        double.faults.interrupts_anything = True  # an interrupt would hit the other's job
        hold = double.hold("3", step=1)
        foreign = await post_foreign(double, sampling(seed=50))
        async with aclosing(client.run(saving())) as updates:
            async for update in updates:
                if update.queue_position == 1:  # pyright: ignore[reportAttributeAccessIssue] - no result comes here
                    break
            left = time.monotonic()
        assert time.monotonic() - left < limits.arrival_s, "a job that was seen is not waited for again"
        assert double.worker.pending == []
        assert ("POST", "/interrupt") not in double.requests
        hold.released.set()
        await double.until(lambda: foreign in double.worker.history)
        assert double.worker.history[foreign]["status"]["status_str"] == "success"
        assert ours(double) not in double.worker.history


@on_every_server
async def test_a_running_job_is_interrupted_and_the_waiting_one_runs_on(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=2)
        waiting = ""
        async with aclosing(client.run(sampling())) as updates:
            async for _ in updates:
                if hold.reached.is_set():
                    waiting = await post_foreign(double, saving())
                    break
        double.worker.holds.clear()
        await double.until(lambda: waiting in double.worker.history)
        assert double.worker.history[waiting]["status"]["status_str"] == "success"
        assert double.worker.history[double.posted[0]["prompt_id"]]["status"]["completed"] is False


@on_every_server
async def test_a_job_in_its_last_node_ends_by_itself_and_nobody_else_is_hit(server: ServerName) -> None:
    """While it saves, nothing looks at the interrupt any more; the client sees that it is over and leaves it."""
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("9")
        async with asyncio.TaskGroup() as group:
            group.create_task(start_and_cancel(client, sampling(), hold.reached))
            await double.until(lambda: ("POST", "/interrupt") in double.requests)
            hold.released.set()
        assert double.worker.history[ours(double)]["status"]["status_str"] == "success"
        result = await run(client, saving())
        assert len(result.outputs) == 1


@on_every_server
async def test_leaving_while_the_file_is_fetched_cancels_nothing(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        (file,) = (await run(client, saving())).outputs
        assert isinstance(file, OutputFile)
        double.faults.slow_s["/view"] = 0.4
        async with asyncio.TaskGroup() as group:
            fetching = group.create_task(client.fetch(file))
            await double.until(lambda: ("GET", "/view") in double.requests)
            fetching.cancel()
        assert not {("POST", "/interrupt"), ("POST", "/queue")} & set(double.requests)


@on_every_server
@pytest.mark.parametrize("lost", [1, 3])
async def test_a_lost_interrupt_is_repeated(server: ServerName, lost: int) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.worker.lost_interrupts = lost
        hold = double.hold("3", step=1)
        await start_and_cancel(client, sampling(), hold.reached)
        assert double.worker.history[ours(double)]["status"]["completed"] is False
        assert double.requests.count(("POST", "/interrupt")) >= lost + 1


@on_every_server
async def test_a_cancel_that_meets_failing_answers_is_repeated(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=1)
        double.faults.statuses["/interrupt"] = [500, 503]
        await start_and_cancel(client, sampling(), hold.reached)
        assert double.worker.history[ours(double)]["status"]["completed"] is False


@on_every_server
async def test_a_job_whose_prompt_is_unanswered_is_found_and_cancelled(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.faults.late_prompt_answer = asyncio.Event()
        hold = double.hold("3", step=1)
        await start_and_cancel(client, sampling(), hold.reached)
        assert double.worker.history[ours(double)]["status"]["completed"] is False
        assert double.worker.remaining == 0


@on_every_server
async def test_cancelling_again_during_the_cancel_does_not_stop_it(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.worker.lost_interrupts = 3
        hold = double.hold("3", step=1)
        task = asyncio.get_running_loop().create_task(run(client, sampling()))
        await hold.reached.wait()
        task.cancel()
        await double.until(lambda: ("POST", "/interrupt") in double.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await double.until(lambda: not double.worker.remaining)
        assert double.worker.history[ours(double)]["status"]["completed"] is False


@on_every_server
async def test_leaving_waits_no_longer_than_said_and_closing_sees_the_cancel_through(server: ServerName) -> None:
    """A node without steps looks at no interrupt; who leaves is not kept, and whoever closes waits for it."""
    limits = replace(SHORT, cancel_wait_s=0.1, cancel_close_s=20.0)
    async with serving(server) as double:
        async with client_of(double, limits) as client:
            hold = double.hold("8")
            await start_and_cancel(client, sampling(), hold.reached)
            assert double.worker.remaining == 1, "the job is left while the server still works on it"
            hold.released.set()
        assert double.worker.remaining == 0
        assert double.worker.history[ours(double)]["status"]["completed"] is False
