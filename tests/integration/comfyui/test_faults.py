"""The fault table: each row one thing that goes wrong, against both generations. No hang, no lost medium."""

from __future__ import annotations

import asyncio
import copy
import io
import time
from contextlib import aclosing
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from websockets.asyncio.client import connect

from ai4artsed_desktop.adapters.backends import comfyui_feed, comfyui_job
from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient
from ai4artsed_desktop.adapters.backends.comfyui_outputs import OutputFile
from ai4artsed_desktop.domain.backend_errors import (
    BackendStoppedError,
    InputFileMissingError,
    JobInterruptedError,
    JobLostError,
    JobStuckError,
    MediumDamagedError,
    MediumGoneError,
    MediumTooLargeError,
    NodeFailedError,
    NoMediumError,
    OutOfMemoryError,
)
from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError
from tests.support.comfyui_client_kit import (
    IMPATIENT,
    SHORT,
    client_of,
    post_foreign,
    run,
    run_with_progress,
    sampling,
    saving,
)
from tests.support.comfyui_double import Faults
from tests.support.comfyui_nodes import png
from tests.support.comfyui_records import exchanges, graph_of
from tests.support.comfyui_servers import ServerName, generation_of, on_doubles, on_every_server, serving
from tests.support.comfyui_worker import recorded_preview

FRAMES_OF_A_RUN = 45


async def picture_of(client: ComfyUiClient, graph: dict[str, Any]) -> bytes:
    """Run a graph that saves one picture; return the picture."""
    (file,) = (await run(client, graph)).outputs
    assert isinstance(file, OutputFile)
    return (await client.fetch(file))[0]


@on_every_server
async def test_a_socket_dropped_at_any_message_loses_no_medium(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        counts = range(0, FRAMES_OF_A_RUN, 1 if double.slowness == 1.0 else 4)
        for count in counts:
            double.faults.drop_socket_after = count
            graph = sampling(seed=count)
            assert double.is_made(await picture_of(client, graph), graph, "9"), f"dropped after {count} frames"
        assert len(double.worker.history) == len(counts), "no job was sent twice"


NOISE: list[str | bytes] = ['{"type"', "[]", '{"type": 5, "data": []}', b"", b"\0\0\0\4\xff\xff\xff\xff{", b"\0" * 9]


@on_every_server
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"lose_frames": {"end"}}, id="last word lost"),
        pytest.param({"lose_frames": {"end", "execution_success"}}, id="success lost"),
        pytest.param(
            {"lose_frames": {"end", "execution_success", "status", "executed", "progress"}}, id="nearly all lost"
        ),
        pytest.param({"statuses": {"/prompt": [503]}}, id="503 for the prompt"),
        pytest.param({"statuses": {"/prompt": [500, 500]}}, id="500 for the prompt, twice"),
        pytest.param({"statuses": {"/history": [500, 503, 500]}}, id="500 and 503 for the history"),
        pytest.param({"statuses": {"/view": [500, 503]}}, id="500 and 503 for the file"),
        pytest.param({"statuses": {"/queue": [500, 503]}, "lose_frames": {"end"}}, id="500 and 503 for the queue"),
        pytest.param({"garbage": {"/history": 2, "/prompt": 1}}, id="no JSON"),
        pytest.param({"cut_bodies": {"/view": 2}}, id="the file breaks off"),
        pytest.param({"cut_bodies": {"/history": 2}}, id="the history breaks off"),
        pytest.param({"slow_s": {"/view": 0.3, "/prompt": 0.1}}, id="slow answers"),
        pytest.param({"half_files": 2}, id="half a file, twice"),
        pytest.param({"lose_prompt_answers": 1}, id="the prompt's answer is lost"),
        pytest.param({"chooses_ids": True}, id="the server chooses the id"),
        pytest.param({"refuses_sockets": True}, id="no websocket at all"),
        pytest.param({"noise": NOISE}, id="noise between the frames"),
    ],
)
async def test_the_medium_arrives_all_the_same(server: ServerName, faults: dict[str, Any]) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.faults = Faults(**copy.deepcopy(faults))  # they count down
        graph = sampling()
        assert double.is_made(await picture_of(client, graph), graph, "9")
        assert len(double.worker.history) == 1


@on_doubles
async def test_a_late_history_entry_is_waited_for(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.worker.history_lag_s = 0.35
        assert double.is_made(await picture_of(client, saving()), saving(), "2")


@on_every_server
async def test_frames_that_come_before_the_answer_to_the_prompt_are_not_lost(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.faults.late_prompt_answer = asyncio.Event()
        double.worker.preview = recorded_preview()
        async with asyncio.TaskGroup() as group:
            job = group.create_task(run_with_progress(client, sampling()))
            await double.until(lambda: double.worker.history)
            double.faults.late_prompt_answer.set()
        _, result = job.result()
        assert len(result.outputs) == 1


@on_every_server
async def test_an_answer_that_never_comes_is_replaced_by_looking(server: ServerName) -> None:
    async with serving(server) as double, client_of(double, IMPATIENT) as client:
        double.faults.late_prompt_answer = asyncio.Event()
        graph = saving()
        assert double.is_made(await picture_of(client, graph), graph, "2")
        assert len(double.posted) == 1


@on_every_server
async def test_half_a_jpeg_is_no_preview(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.worker.preview = recorded_preview()
        double.faults.half_previews = True
        double.worker.step_s = 0.02
        progress, _ = await run_with_progress(client, sampling())
        assert progress
        assert not any(update.preview for update in progress)
        double.faults.half_previews = False
        progress, _ = await run_with_progress(client, sampling(seed=2))
        shown = [update.preview.image for update in progress if update.preview]
        assert shown
        assert all(double.is_preview(image) for image in shown)


@on_every_server
async def test_a_file_that_never_comes_whole_is_an_error_with_its_name(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.faults.half_files = 99
        with pytest.raises(MediumDamagedError) as caught:
            await picture_of(client, saving())
    assert caught.value.params["file"] == "plain_00001_.png"


@on_every_server
async def test_a_slow_object_info_holds_up_no_job(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.faults.slow_s["/object_info"] = 1.0 * double.slowness
        async with asyncio.TaskGroup() as group:
            info = group.create_task(client.object_info())
            await picture_of(client, saving())
            assert not info.done()
        assert "EmptyImage" in info.result()


@on_every_server
@pytest.mark.parametrize("is_shared", [True, False], ids=["one client", "two clients"])
async def test_two_jobs_that_cross_keep_their_own_media(server: ServerName, is_shared: bool) -> None:
    async with serving(server) as double, client_of(double) as first, client_of(double) as other:
        second = first if is_shared else other
        graphs = [saving(colour, "same") for colour in range(8)]
        hold = double.hold("1")
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(picture_of((first, second)[i % 2], graph)) for i, graph in enumerate(graphs)]
            await hold.reached.wait()
            hold.released.set()
        made = [job.result() for job in jobs]
        assert all(double.is_made(data, graph, "2") for data, graph in zip(made, graphs, strict=True))


@on_every_server
async def test_a_foreign_job_without_client_leaves_no_trace_in_ours(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.worker.preview = recorded_preview()
        hold = double.hold("3", step=3)
        foreign = await post_foreign(double, sampling(seed=99))
        await hold.reached.wait()
        async with asyncio.TaskGroup() as group:
            job = group.create_task(run_with_progress(client, saving()))
            await double.until(lambda: double.worker.pending)
            hold.released.set()
        progress, result = job.result()
    assert result.prompt_id != foreign
    assert [update.preview for update in progress if update.preview] == []
    assert {update.node_id for update in progress} <= {"", "1", "2"}


@on_every_server
async def test_an_id_on_two_sockets_makes_ours_silent_and_asking_saves_the_job(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=2)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(picture_of(client, sampling()))
            await hold.reached.wait()
            client_id = double.posted[0]["client_id"]
            async with connect(f"ws://127.0.0.1:{double.port}/ws?clientId={client_id}", proxy=None) as twin:
                await twin.recv()
            await double.until(lambda: not double.open_sockets)
            hold.released.set()
        assert double.is_made(job.result(), sampling(), "9")


@on_every_server
async def test_a_server_killed_in_the_middle_is_told_at_once(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=1)
        started = 0.0
        with pytest.raises(BackendStoppedError):
            async with aclosing(client.run(sampling())) as updates:
                async for _ in updates:
                    if hold.reached.is_set() and not started:
                        started = time.monotonic()
                        await double.kill()
        assert time.monotonic() - started < SHORT.refused_s + 1.5
        await double.start()


@on_every_server
async def test_a_server_restarted_in_the_middle_has_forgotten_the_job(server: ServerName) -> None:
    async with serving(server) as double, client_of(double, replace(SHORT, refused_s=3.0)) as client:
        hold = double.hold("3", step=1)
        with pytest.raises(JobLostError):
            async with aclosing(client.run(sampling())) as updates:
                async for _ in updates:
                    if hold.reached.is_set() and double.worker.running is not None:
                        await double.kill()
                        await double.start()
        assert double.is_made(await picture_of(client, saving()), saving(), "2"), "the next job runs on the new server"


@on_every_server
async def test_a_server_that_is_not_there_is_unavailable(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        await double.kill()
        assert not await client.is_reachable()
        with pytest.raises(BackendUnavailableError):
            await run(client, saving())
        await double.start()
        assert await client.is_reachable()


@on_every_server
async def test_a_server_that_takes_connections_and_is_mute_is_given_up(server: ServerName) -> None:
    async with serving(server) as double, client_of(double, IMPATIENT) as client:
        hold = double.hold("3", step=1)
        async with asyncio.TaskGroup() as group:
            failing = group.create_task(failure_of(client, sampling()))
            await hold.reached.wait()
            double.faults.is_mute = True
            double.drop_sockets()
    assert isinstance(failing.result(), BackendUnavailableError)


@on_every_server
async def test_a_server_that_only_fails_is_an_error(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.faults.statuses["/prompt"] = [500] * 99
        with pytest.raises(BackendError) as caught:
            await run(client, saving())
    assert "got itself in trouble" in caught.value.detail


@on_every_server
async def test_a_worker_that_never_moves_again_is_noticed(server: ServerName) -> None:
    async with (
        serving(server) as double,
        client_of(double, replace(SHORT, stuck_s=0.6, cancel_wait_s=0.1)) as client,
    ):
        double.hold("1")
        with pytest.raises(JobStuckError):
            await run(client, saving())


@on_every_server
@pytest.mark.parametrize("graph", [graph_of("new", "09"), graph_of("new", "10")], ids=["broken file", "raising node"])
async def test_an_execution_error_names_node_kind_and_words(server: ServerName, graph: dict[str, Any]) -> None:
    async with serving(server) as double, client_of(double) as client:
        with pytest.raises(NodeFailedError) as caught:
            await run(client, graph)
    assert caught.value.params["node"] in {"LoadImage", "ProbeRaise"}
    assert caught.value.params["kind"] in {"PIL.UnidentifiedImageError", "ValueError"}
    assert any(words in caught.value.detail for words in ("cannot identify image file", "probe error"))


@on_every_server
async def test_no_memory_left_is_an_error_of_its_own(server: ServerName) -> None:
    graph = sampling() | {
        "8": {"class_type": "OutOfMemory", "inputs": {"samples": ["3", 0]}, "_meta": {"title": "Decode"}}
    }
    async with serving(server) as double, client_of(double) as client:
        with pytest.raises(OutOfMemoryError) as caught:
            await run(client, graph)
    assert caught.value.params["node"] == "Decode"


@on_every_server
async def test_a_blocked_branch_does_not_spoil_the_other_one(server: ServerName) -> None:
    graph = graph_of("new", "11")
    async with serving(server) as double, client_of(double) as client:
        assert double.is_made(await picture_of(client, graph), graph, "4")
        with pytest.raises(NodeFailedError) as caught:
            alone = {"1": {"class_type": "ProbeBlock", "inputs": {"message": "nothing at all"}}, "2": graph["2"]}
            await run(client, alone)
    assert "nothing at all" in caught.value.detail


@on_every_server
async def test_a_job_that_someone_else_interrupts_says_so(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=1)
        with pytest.raises(JobInterruptedError):
            async with aclosing(client.run(sampling())) as updates:
                async for _ in updates:
                    if hold.reached.is_set():
                        double.worker.interrupt()


@on_every_server
async def test_a_waiting_job_that_someone_else_deletes_is_lost(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.hold("3", step=1)
        await post_foreign(double, sampling(seed=50))
        with pytest.raises(JobLostError):
            async with aclosing(client.run(saving())) as updates:
                async for update in updates:
                    if update.queue_position == 1:  # pyright: ignore[reportAttributeAccessIssue] - no result comes here
                        double.worker.delete([job.prompt_id for job in double.worker.pending])


@on_every_server
async def test_a_prompt_taken_in_part_is_no_success_and_is_cancelled(server: ServerName) -> None:
    notes = exchanges(generation_of(server), "prompt-errors")
    partly = next(exchange for exchange in notes if str(exchange.get("note")).startswith("one of two outputs"))
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("1")
        async with asyncio.TaskGroup() as group:
            failing = group.create_task(failure_of(client, partly["request"]["json"]["prompt"]))
            await double.until(lambda: ("POST", "/interrupt") in double.requests)
            hold.released.set()
        error = failing.result()
        assert isinstance(error, InputFileMissingError)
        assert error.params["file"] == "missing.png"
        (entry,) = double.worker.history.values()
        assert entry["status"]["messages"][-1][0] == "execution_interrupted"


async def failure_of(client: ComfyUiClient, graph: dict[str, Any]) -> BackendError:
    """Run a graph that fails; return its error."""
    with pytest.raises(BackendError) as caught:
        await run(client, graph)
    return caught.value


@on_every_server
async def test_a_cached_job_whose_file_was_deleted_says_so(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        await picture_of(client, saving())
        double.worker.disk.files.clear()
        with pytest.raises(MediumGoneError) as caught:
            await picture_of(client, saving())
    assert caught.value.params["file"] == "plain_00001_.png"


@on_every_server
async def test_a_file_larger_than_the_cap_is_not_taken(server: ServerName) -> None:
    async with serving(server) as double, client_of(double, replace(SHORT, max_medium_bytes=64)) as client:
        with pytest.raises(MediumTooLargeError):
            await picture_of(client, saving())


@on_every_server
async def test_pictures_over_the_socket_arrive_and_lost_ones_are_told(server: ServerName) -> None:
    graph = dict(graph_of("new", "23"))
    async with serving(server) as double, client_of(double) as client:
        result = await run(client, graph)
        assert [node for node, _ in result.pictures] == ["2", "2"]
        for index, (_, picture) in enumerate(result.pictures):
            with Image.open(io.BytesIO(picture.image)) as shown, Image.open(io.BytesIO(png(graph, "2", index))) as made:
                assert (shown.size, shown.format) == (made.size, "PNG")
        # Another colour: the server would answer the same graph from its cache, with fewer frames.
        graph |= {"1": {**graph["1"], "inputs": {**graph["1"]["inputs"], "color": 1}}}
        double.faults.drop_socket_after = 12
        with pytest.raises(NoMediumError):
            await run(client, graph)


@on_every_server
async def test_a_jump_of_the_clock_changes_nothing(server: ServerName, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=1)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(picture_of(client, sampling()))
            await hold.reached.wait()
            monkeypatch.setattr(time, "time", lambda: real() - 86_400.0)
            hold.released.set()
        assert double.is_made(job.result(), sampling(), "9")


@on_every_server
async def test_a_sleep_of_the_machine_is_no_silence_of_the_job(
    server: ServerName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some systems' monotonic clock goes on while they sleep; three hours later the job is where it was."""
    leap_s = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + leap_s)
    for module in (comfyui_job, comfyui_feed):
        monkeypatch.setattr(module, "time", clock)
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=1)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(picture_of(client, sampling()))
            await hold.reached.wait()
            double.faults.slow_s["/queue"] = 0.1
            asked = double.requests.count(("GET", "/queue"))
            await double.until(lambda: double.requests.count(("GET", "/queue")) > asked)
            leap_s = 3 * 3600.0  # in the middle of a question
            await double.until(lambda: double.requests.count(("GET", "/queue")) > asked + 2)
            leap_s = 6 * 3600.0
            await double.until(lambda: double.requests.count(("GET", "/queue")) > asked + 4)
            hold.released.set()
        assert double.is_made(job.result(), sampling(), "9")


@on_doubles
async def test_a_late_entry_is_waited_for_without_the_last_word_too(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.worker.history_lag_s = 0.35
        double.faults.lose_frames.add("end")
        assert double.is_made(await picture_of(client, saving()), saving(), "2")


@on_every_server
async def test_after_a_loss_the_old_job_keeps_its_id_and_new_jobs_get_another(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=1)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(picture_of(client, sampling()))
            await hold.reached.wait()
            asked = double.requests.count(("GET", "/queue"))
            double.drop_sockets()
            await double.until(lambda: double.requests.count(("GET", "/queue")) > asked)  # the loss was noticed
            second = group.create_task(picture_of(client, saving()))
            await double.until(lambda: len(double.posted) == 2 and double.open_sockets == 2)
            hold.released.set()
        assert double.is_made(first.result(), sampling(), "9")
        assert double.is_made(second.result(), saving(), "2")
        assert double.posted[0]["client_id"] != double.posted[1]["client_id"]
