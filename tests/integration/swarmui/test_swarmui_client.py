"""SwarmUI's own calls against the double: progress, pictures, sessions, interrupts, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from ai4artsed_desktop.adapters.backends.swarmui_client import SwarmServer
from ai4artsed_desktop.adapters.backends.swarmui_job import SwarmPicture
from ai4artsed_desktop.domain.backend_errors import (
    AllBusyError,
    BackendStoppedError,
    GenerationRefusedError,
    JobInterruptedError,
    JobLostError,
    JobStuckError,
    MediumDamagedError,
    MediumGoneError,
    MediumTooLargeError,
    ModelFileMissingError,
    NodeFailedError,
    NoMediumError,
    NotAllowedError,
    NoWorkerError,
    OutOfMemoryError,
    SessionLostError,
)
from ai4artsed_desktop.domain.errors import AppError, BackendUnavailableError
from tests.support.comfyui_records import exchanges
from tests.support.comfyui_worker import recorded_preview
from tests.support.swarmui_client_kit import CALL, LIMITS, call, client_of
from tests.support.swarmui_double import running
from tests.support.swarmui_work import picture_for


async def test_a_call_brings_progress_previews_and_its_picture() -> None:
    async with running() as double, client_of(double) as client:
        progress, pictures = await call(client)
    assert pictures == [(picture_for(7), "image/png")]
    assert any(update.preview == (recorded_preview(), "image/jpeg") for update in progress)
    fractions = [update.fraction for update in progress if update.fraction is not None]
    assert fractions and all(0.0 <= fraction <= 1.0 for fraction in fractions)
    (asked,) = double.work.asked
    assert asked["images"] == 1
    assert {name: asked[name] for name in CALL} == CALL


@pytest.mark.parametrize("prompt", ["ein Apfel für 50 %", "what? #1 & more", "ä/ö+ü"])
async def test_a_saved_picture_is_found_under_its_unquoted_name(prompt: str) -> None:
    async with running() as double, client_of(double) as client:
        _, pictures = await call(client, donotsave=False, prompt=prompt)
    assert pictures == [(picture_for(7), "image/png")]


async def test_a_person_s_setting_may_send_data_instead_of_names_and_back() -> None:
    async with running() as double, client_of(double) as client:
        double.work.ignores_donotsave = True
        assert (await call(client))[1] == [(picture_for(7), "image/png")]
        assert list(double.work.files)


@pytest.mark.parametrize("faults", [{"is_nested": True}, {"indices_are_numbers": True}, {}])
async def test_results_are_read_as_the_code_and_as_the_papers_tell_them(faults: dict[str, bool]) -> None:
    async with running() as double, client_of(double) as client:
        for name, value in faults.items():
            setattr(double.work, name, value)
        assert len((await call(client))[1]) == 1


async def test_results_that_are_not_final_and_discarded_ones_are_no_media() -> None:
    async with running() as double, client_of(double) as client:
        stray = {"image": "View/x.png", "request_id": "1"}
        double.work.extra_frames = [
            {**stray, "batch_index": "-11"},
            {**stray, "batch_index": -1},
            {**stray, "batch_index": "5"},
            {"discard_indices": [5]},
        ]
        assert (await call(client))[1] == [(picture_for(7), "image/png")]


async def test_many_calls_side_by_side_keep_their_own_pictures() -> None:
    async with running(comfyuis=3) as double, client_of(double) as client, asyncio.TaskGroup() as group:
        jobs = [group.create_task(call(client, seed=seed)) for seed in range(12)]
    assert [job.result()[1][0][0] for job in jobs] == [picture_for(seed) for seed in range(12)]
    assert len(double.work.asked) == 12


async def test_sessions_are_used_again_but_never_by_two_calls_at_a_time() -> None:
    async with running(comfyuis=2) as double, client_of(double) as client:
        for _ in range(3):
            await call(client)
        assert len(double.sessions) == 1
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(call(client)) for _ in range(2)]
        assert all(job.result()[1] for job in jobs)
        assert len({asked["session_id"] for asked in double.work.asked[-2:]}) == 2


async def test_leaving_a_call_interrupts_it_and_no_other() -> None:
    async with running(comfyuis=2) as double, client_of(double) as client:
        kept, left = double.work.hold(2), double.work.hold(2)
        async with asyncio.TaskGroup() as group:
            other = group.create_task(call(client, seed=1))
            await kept.reached.wait()
            async with aclosing(client.text_to_image(CALL)) as updates:
                async for _ in updates:
                    if left.reached.is_set():
                        break
            assert double.work.remaining == 1
            kept.released.set()
        assert other.result()[1] == [(picture_for(1), "image/png")]


async def test_a_cancelled_task_interrupts_its_call_while_it_waits_and_while_it_runs() -> None:
    async with running() as double, client_of(double) as client:
        hold = double.work.hold(2)
        async with asyncio.TaskGroup() as group:
            first = group.create_task(call(client, seed=1))
            await hold.reached.wait()
            waiting = group.create_task(call(client, seed=2))
            await double.until(lambda: len(double.work.asked) == 2)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert double.work.remaining == 1
            first.cancel()
        assert double.work.remaining == 0


async def test_a_lost_interrupt_is_repeated_until_it_holds() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.lost_interrupts = 2
        hold = double.work.hold(2)
        async with aclosing(client.text_to_image(CALL)) as updates:
            async for _ in updates:
                if hold.reached.is_set():
                    break
        assert double.work.remaining == 0
        assert double.requests.count(("POST", "/API/InterruptAll")) >= 3


async def test_a_session_that_the_server_forgot_is_renewed_once() -> None:
    async with running() as double, client_of(double) as client:
        await call(client)
        await client.status()
        double.sessions.clear()  # as after a restart without its database
        assert (await client.status()).is_ready
        assert (await call(client))[1] == [(picture_for(7), "image/png")]


async def test_a_server_that_forgets_every_session_is_not_asked_for_ever() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.unknown_sessions = 99
        with pytest.raises(SessionLostError):
            await client.status()
        with pytest.raises(SessionLostError):
            await call(client)
        assert double.requests.count(("POST", "/API/GetNewSession")) <= 5


@pytest.mark.parametrize("frames", range(8))
async def test_a_socket_dropped_at_any_frame_loses_no_picture(frames: int) -> None:
    async with running() as double, client_of(double) as client:
        double.faults.drop_sockets_after = [frames]
        progress, pictures = await call(client)
    assert pictures == [(picture_for(7), "image/png")]
    assert {asked["seed"] for asked in double.work.asked} == {7}
    assert any(update.is_again for update in progress) == (len(double.work.asked) > 1)
    assert double.work.remaining == 0


async def test_a_socket_that_drops_again_and_again_is_given_up() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.drop_sockets_after = [2] * 9
        with pytest.raises(JobLostError):
            await call(client)
        assert len(double.work.asked) == 2
        assert double.work.remaining == 0


async def test_without_a_websocket_the_picture_comes_all_the_same() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.refuses_sockets = True
        progress, pictures = await call(client)
    assert (progress, pictures) == ([], [(picture_for(7), "image/png")])
    assert ("POST", "/API/GenerateText2Image") in double.requests


async def test_without_a_websocket_a_cancel_still_interrupts() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.refuses_sockets = True
        hold = double.work.hold(1)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(call(client))
            await hold.reached.wait()
            job.cancel()
        assert double.work.remaining == 0


NOISE: list[str | bytes] = ['{"gen_progress"', "[]", '{"status": 5}', b"", b"\xff\xfe", '{"image": 7}', "[" * 50_000]


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"noise": NOISE}, id="noise between the frames"),
        pytest.param({"lose_frames": {"gen_progress", "status"}}, id="no progress at all"),
    ],
)
async def test_a_hostile_wire_changes_nothing(faults: dict[str, Any]) -> None:
    async with running() as double, client_of(double) as client:
        await client.status()
        for name, value in faults.items():
            setattr(double.faults, name, value)
        _, pictures = await call(client)
        assert pictures == [(picture_for(7), "image/png")]


async def test_a_redirect_instead_of_a_session_is_told_and_the_next_call_works() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.statuses["GetNewSession"] = [302]
        with pytest.raises(BackendUnavailableError):
            await call(client)
        assert (await call(client))[1] == [(picture_for(7), "image/png")]


async def test_a_silent_call_that_the_server_still_has_is_waited_for() -> None:
    async with running() as double, client_of(double, replace(LIMITS, keep_alive_s=0.05)) as client:
        hold = double.work.hold(2)
        async with asyncio.TaskGroup() as group:
            job = group.create_task(call(client))
            await hold.reached.wait()
            await double.until(lambda: double.requests.count(("POST", "/API/GetCurrentStatus")) >= 3)
            hold.released.set()
        assert job.result()[1] == [(picture_for(7), "image/png")]


async def test_a_lost_end_is_noticed_and_the_call_made_again() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.goes_silent = True

        async def heal() -> None:
            await double.until(lambda: ("POST", "/API/GetCurrentStatus") in double.requests)
            double.faults.goes_silent = False

        async with asyncio.TaskGroup() as group:
            group.create_task(heal())
            progress, pictures = await call(client)
    assert any(update.is_again for update in progress)
    assert pictures == [(picture_for(7), "image/png")]


async def test_work_that_never_moves_again_is_given_up_and_interrupted() -> None:
    limits = replace(LIMITS, keep_alive_s=0.05, waiting_s=0.3)
    async with running() as double, client_of(double, limits) as client:
        double.work.hold(2)
        with pytest.raises(JobStuckError):
            await call(client)
        assert double.work.remaining == 0


REFUSED = json.dumps(
    next(e for e in exchanges("new", "prompt-errors") if "model file" in str(e.get("note")))["response"]["json"]
)


@pytest.mark.parametrize("over_socket", [True, False], ids=["websocket", "plain"])
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"error": "No backends match the settings of the request given! Backends refused: x"}, GenerationRefusedError),
        ({"error": "Timeout! All backends are occupied with other tasks."}, AllBusyError),
        ({"error": "Generation session interrupted."}, JobInterruptedError),
        ({"error": "ComfyUI execution error: something broke"}, NodeFailedError),
        ({"error": "ComfyUI execution error: Allocation on device 0 (out of memory)"}, OutOfMemoryError),
        ({"error": f"ComfyUI errored: {REFUSED}"}, ModelFileMissingError),
        ({"error": "ComfyUI errored: {half"}, GenerationRefusedError),
        ({"error": "No ComfyUI backend available, loading failed."}, NoWorkerError),
        ({"error": "Model 'tiny-sd15-random' not found."}, ModelFileMissingError),
        ({"error": "You lack permissions.", "error_id": "bad_permissions"}, NotAllowedError),
        ({"error_id": "ratelimit"}, NotAllowedError),
        ({"error": "Something went wrong while generating images."}, GenerationRefusedError),
        ({"error_id": "an_id_of_tomorrow"}, GenerationRefusedError),
        ({"error": {"not": "a text"}}, GenerationRefusedError),
        ({"error": None}, GenerationRefusedError),
    ],
)
async def test_each_refusal_has_its_own_error(answer: dict[str, Any], error: type[AppError], over_socket: bool) -> None:
    async with running() as double, client_of(double) as client:
        double.faults.refuses_sockets = not over_socket
        double.work.refusals = [answer]
        with pytest.raises(error) as caught:
            await call(client)
        assert caught.value.params["backend"] == "SwarmUI"
        assert ("POST", "/API/InterruptAll") not in double.requests
        assert (await call(client))[1], "the next call works"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, {"error": "no"}, GenerationRefusedError),
        (400, {"error_id": "bad_permissions", "error": "You lack permissions for this route."}, NotAllowedError),
        (400, {"error_id": "internal_error", "error": "An internal error occurred"}, GenerationRefusedError),
        (200, {"error": "Invalid or unauthorized."}, NotAllowedError),
        (500, {}, BackendUnavailableError),
    ],
)
async def test_a_question_that_is_refused_says_why(status: int, body: dict[str, Any], error: type[AppError]) -> None:
    async with running() as double, client_of(double) as client:
        double.faults.answers["GetCurrentStatus"] = [(status, body)]
        with pytest.raises(error):
            await client.status()


async def test_a_plain_401_is_a_missing_right_and_garbage_is_no_answer() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.statuses["GetNewSession"] = [401]
        with pytest.raises(NotAllowedError):
            await client.status()
        double.faults.garbage["GetNewSession"] = 1
        with pytest.raises(BackendUnavailableError):
            await client.status()
        assert (await client.status()).is_ready


async def test_half_a_picture_as_data_is_an_error_and_half_a_file_is_fetched_again() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.half_pictures = 1
        with pytest.raises(MediumDamagedError):
            await call(client)
        double.faults.half_pictures = 2
        assert (await call(client, donotsave=False))[1] == [(picture_for(7), "image/png")]
        double.faults.half_pictures = 99
        with pytest.raises(MediumDamagedError):
            await call(client, donotsave=False)


async def test_a_picture_of_ten_megabytes_arrives_and_one_over_the_limit_does_not() -> None:
    huge = picture_for(7) + b"\0" * 10_000_000
    async with running() as double, client_of(double) as client:
        double.work.picture = lambda seed: huge
        for saved in (False, True):
            ((data, _),) = (await call(client, donotsave=not saved))[1]
            assert data == huge
    async with running() as double, client_of(double, replace(LIMITS, max_medium_bytes=1_000_000)) as client:
        double.work.picture = lambda seed: huge
        for saved in (False, True):
            with pytest.raises(MediumTooLargeError):
                await call(client, donotsave=not saved)


@pytest.mark.parametrize(
    "place", ["View/gone.png", "http://127.0.0.1:9/x.png", "//127.0.0.1:9/x.png", "../../settings", "View/../../x"]
)
async def test_a_picture_is_only_ever_fetched_from_the_server_itself(place: str) -> None:
    async with running() as double, client_of(double) as client:
        with pytest.raises(MediumGoneError):
            await client.picture(SwarmPicture(place))
        assert all(method == "GET" for method, path in double.requests if "API" not in path)


@pytest.mark.parametrize("place", ["data:image/png;base64,%%%", "data:", "data:image/png;base64,"])
async def test_broken_data_is_a_damaged_medium(place: str) -> None:
    async with running() as double, client_of(double) as client:
        with pytest.raises(MediumDamagedError):
            await client.picture(SwarmPicture(place))


async def test_a_call_that_ends_without_a_picture_is_an_error() -> None:
    async with running() as double, client_of(double) as client:
        double.faults.lose_frames = {"image"}
        with pytest.raises(NoMediumError):
            await call(client)


async def test_a_server_killed_in_the_middle_is_told() -> None:
    async with running() as double, client_of(double) as client:
        hold = double.work.hold(2)
        with pytest.raises(BackendStoppedError):
            async with aclosing(client.text_to_image(CALL)) as updates:
                async for _ in updates:
                    if hold.reached.is_set():
                        await double.kill()
        await double.start()
        assert (await call(client))[1] == [(picture_for(7), "image/png")]


async def test_a_server_that_is_not_there_or_mute_is_unavailable() -> None:
    async with running() as double, client_of(double, replace(LIMITS, answer_s=0.3)) as client:
        double.faults.is_mute = True
        with pytest.raises(BackendUnavailableError):
            await client.status()
        await double.kill()
        with pytest.raises(BackendUnavailableError):
            await call(client)
        await double.start()


async def test_questions_are_answered() -> None:
    async with running(comfyuis=2) as double, client_of(double) as client:
        double.states["1"] = "loading"
        status = await client.status()
        assert (status.state, status.is_loading, status.is_ready) == ("some_loading", True, True)
        assert await client.servers() == (
            SwarmServer("0", "comfyui_selfstart", "running"),
            SwarmServer("1", "comfyui_selfstart", "loading"),
        )
        assert await client.models("LoRA") == ("a.safetensors",)
        with pytest.raises(GenerationRefusedError):
            await client.models("Nonsense")
        await client.refresh()
        assert await client.free(system_memory=True) == 1
        assert double.freed[0]["system_ram"] is True


async def test_each_request_is_as_the_server_wants_it() -> None:
    """JSON with its length told, and a session for all but the first call."""
    async with running() as double, client_of(double) as client:
        await client.status()
        assert double.requests == [("POST", "/API/GetNewSession"), ("POST", "/API/GetCurrentStatus")]
