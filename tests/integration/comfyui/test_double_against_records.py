"""The double says what the real servers said, frame by frame and body by body."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from tests.support.comfyui_double import ComfyUiDouble, running
from tests.support.comfyui_records import (
    GENERATIONS,
    Generation,
    comparable,
    exchanges,
    graph_of,
    recorded,
    recorded_frame,
    recorded_frames,
)
from tests.support.comfyui_worker import recorded_preview

LIMIT_S = 10.0
FEATURES = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})
EMPTY = {"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 77}}}

pytestmark = pytest.mark.parametrize("generation", GENERATIONS)


def socket(double: ComfyUiDouble, client_id: str) -> Any:
    return connect(f"ws://127.0.0.1:{double.port}/ws?clientId={client_id}", proxy=None, max_queue=None)


async def post(double: ComfyUiDouble, graph: dict[str, Any], client_id: str | None = "a") -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False, base_url=double.url) as http:
        body = {"prompt": graph} | ({} if client_id is None else {"client_id": client_id})
        return (await http.post("/prompt", json=body)).json()


async def frames_until(ws: ClientConnection, is_last: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    async with asyncio.timeout(LIMIT_S):
        while not frames or not is_last(frames[-1]):
            frames.append(comparable(await ws.recv()))
    return frames


def is_end(frame: dict[str, Any]) -> bool:
    return frame.get("type") == "executing" and frame["data"].get("node", "") is None


def is_idle(frame: dict[str, Any]) -> bool:
    return frame.get("type") == "status" and frame["data"]["status"]["exec_info"]["queue_remaining"] == 0


async def run(double: ComfyUiDouble, graph: dict[str, Any]) -> list[dict[str, Any]]:
    async with socket(double, "a") as ws:
        await post(double, graph)
        return await frames_until(ws, is_end)


@pytest.mark.parametrize(
    ("scenario", "name"),
    [
        ("01", "01-t2i-lora-normal"),
        ("09", "09-execution-error"),
        ("10", "10-error-with-other-outputs"),
        ("11", "11-execution-blocked-message"),
        ("12", "12-ui-dict-free-form"),
        ("22", "22-binary-text-frame"),
        ("23", "23-save-image-websocket"),
        ("25", "25-batch-of-three"),
    ],
)
async def test_a_run_sends_the_recorded_frames(generation: Generation, scenario: str, name: str) -> None:
    expected = recorded_frames(generation, name)
    async with running(generation) as double:
        double.worker.is_reversed = (generation, scenario) in (("old", "11"), ("old", "25"))
        frames = await run(double, graph_of(generation, scenario))
    assert without_names(frames) == without_names(expected)


def without_names(frames: list[dict[str, Any]]) -> str:
    """File names count up, tracebacks name lines of the version; the sequence and all else must be equal."""
    for frame in frames:
        data: dict[str, Any] = frame.get("data", {})
        data.pop("traceback", None)
        shown: dict[str, list[Any]] = data.get("output", {})
        for item in (item for items in shown.values() for item in items):
            if isinstance(item, dict):
                cast("dict[str, Any]", item).pop("filename", None)
    return json.dumps(frames, indent=1)


async def test_an_equal_run_is_cached_and_a_deleted_file_is_still_told(generation: Generation) -> None:
    graph = graph_of(generation, "02")
    async with running(generation) as double:
        await run(double, graph)
        double.worker.disk.files.clear()
        frames = await run(double, graph)
    assert without_names(frames) == without_names(recorded_frames(generation, "02-t2i-everything-cached"))


async def test_an_interrupt_takes_effect_at_the_next_step(generation: Generation) -> None:
    graph = graph_of(generation, "06")
    async with running(generation) as double, socket(double, "a") as ws:
        hold = double.hold("3", step=3)
        await post(double, graph)
        await hold.reached.wait()
        double.worker.interrupt()
        frames = await frames_until(ws, is_end)
    assert without_names(frames) == without_names(recorded_frames(generation, "06-interrupted-while-sampling"))


async def test_an_interrupt_waits_for_the_end_of_a_node_without_progress(generation: Generation) -> None:
    graph, name = graph_of(generation, "07"), "07-interrupt-during-a-node-without-progress"
    async with running(generation) as double, socket(double, "a") as ws:
        hold = double.hold("1")
        await post(double, graph)
        await hold.reached.wait()
        double.worker.interrupt()
        hold.released.set()
        frames = await frames_until(ws, is_end)
    assert without_names(frames) == without_names(recorded_frames(generation, name))


async def test_the_last_node_without_progress_ignores_an_interrupt(generation: Generation) -> None:
    graph, name = graph_of(generation, "08"), "08-interrupt-too-late"
    async with running(generation) as double, socket(double, "a") as ws:
        hold = double.hold("1")
        await post(double, graph)
        await hold.reached.wait()
        double.worker.interrupt()
        hold.released.set()
        frames = await frames_until(ws, is_end)
    assert without_names(frames) == without_names(recorded_frames(generation, name))


async def test_a_foreign_job_is_heard_in_part(generation: Generation) -> None:
    """Recorded with a warm cache: only the sampler and what follows ran."""
    name = "14-foreign-job-without-client-id"
    graph = graph_of(generation, "01")
    warm = {node_id: graph[node_id] for node_id in ("4", "5", "6", "7", "10")} | {
        "99": {"class_type": "PreviewImage", "inputs": {"a": ["5", 0], "b": ["6", 0], "c": ["7", 0]}}
    }
    graph["3"]["inputs"]["steps"] = 3
    async with running(generation) as double:
        await run(double, warm)
        async with socket(double, "uninvolved") as ws:
            await post(double, graph, None)
            await ws.recv()
            frames = await frames_until(ws, is_idle)
    expected = recorded_frames(generation, name)[1:]
    assert without_names(frames) == without_names(expected)


async def test_three_jobs_run_one_after_the_other_with_throttled_progress(generation: Generation) -> None:
    graphs = [{"1": {"class_type": "ProbeSteps", "inputs": {"steps": 5, "seconds": 0.05, "salt": n}}} for n in range(3)]
    async with running(generation) as double, socket(double, "a") as ws:
        hold = double.hold("1")
        for graph in graphs:
            await post(double, graph)
        hold.released.set()
        frames: list[dict[str, Any]] = []
        for _ in graphs:
            frames += await frames_until(ws, is_end)
    expected = recorded_frames(generation, "26-three-queued")
    assert without_names(frames) == without_names(expected)


async def test_a_reconnect_names_the_node_but_not_the_job_and_replays_nothing(generation: Generation) -> None:
    graph = {"1": {"class_type": "ProbeSteps", "inputs": {"steps": 40, "seconds": 0.05, "salt": 1}}}
    async with running(generation) as double:
        async with socket(double, "r") as first:
            hold = double.hold("1", step=11)
            await post(double, graph, "r")
            await hold.reached.wait()
            await first.close()
        await double.until(lambda: not double.open_sockets)
        async with socket(double, "r") as second:
            frames = await frames_until(second, lambda frame: frame.get("type") == "executing")
            hold.released.set()
            frames += await frames_until(second, is_end)
        async with socket(double, "r") as third:
            after = comparable(await third.recv())
            assert after["type"] == "status"
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(third.recv(), 0.1)
    expected = recorded_frames(generation, "17-reconnect-mid-run-2")
    assert frames[:2] == expected[:2]
    assert [frame["type"] for frame in frames[-4:]] == [frame["type"] for frame in expected[-4:]]
    assert [frame["type"] for frame in recorded_frames(generation, "18-reconnect-after-the-end")] == ["status"]


async def test_a_second_socket_with_the_same_id_is_dropped_silently_when_the_first_closes(
    generation: Generation,
) -> None:
    graph = EMPTY | {"2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "smoke"}}}
    async with running(generation) as double:
        older = await socket(double, "d")
        async with socket(double, "d") as newer:
            await post(double, graph, "d")
            frames = await frames_until(newer, is_end)
            await older.close()
            await double.until(lambda: not double.open_sockets)
            await post(double, EMPTY | {"3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}, "d")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(newer.recv(), 0.2)
    assert without_names(frames) == without_names(recorded_frames(generation, "19-duplicate-clientId-new-socket"))


async def test_the_first_message_may_ask_for_features(generation: Generation) -> None:
    async with running(generation) as double, socket(double, "f") as ws:
        await ws.send(FEATURES)
        frames = [comparable(await ws.recv()), comparable(await ws.recv())]
        for ignored in (
            '{"type": "feature_flags", "data": {"supports_preview_metadata": false}}',
            "{no json",
            "x",
            b"y",
        ):
            await ws.send(ignored)
        assert double.knows_metadata("f")
    assert frames == recorded_frames(generation, "05-feature-flags")


async def test_each_refused_prompt_gets_the_recorded_answer(generation: Generation) -> None:
    compared = 0
    async with running(generation) as double, httpx.AsyncClient(trust_env=False, base_url=double.url) as http:
        for exchange in exchanges(generation, "prompt-errors"):
            asked, expected = exchange["request"], exchange["response"]
            content = asked["raw_body"].encode() if "raw_body" in asked else json.dumps(asked["json"]).encode()
            answer = await http.post("/prompt", content=content)
            assert answer.status_code == expected["status"], exchange.get("note")
            if "text" in expected:
                assert answer.text == expected["text"]
            elif expected["status"] == 400:
                assert answer.json() == expected["json"]
            else:
                assert answer.json()["node_errors"] == expected["json"]["node_errors"]
            compared += 1
    assert compared == 36


async def test_an_entry_of_the_history_is_as_recorded(generation: Generation) -> None:
    for scenario in ("01", "09", "11", "22", "25"):
        expected = recorded(generation, "history-entries")[scenario]
        async with running(generation) as double, httpx.AsyncClient(trust_env=False, base_url=double.url) as http:
            double.worker.is_reversed = (generation, scenario) in (("old", "11"), ("old", "25"))
            async with socket(double, "client-A") as ws:
                graph = expected["prompt"][2]
                hold = double.hold("3" if scenario == "01" else "1")
                prompt_id = (await post(double, graph, "client-A"))["prompt_id"]
                await hold.reached.wait()
                assert (await http.get(f"/history/{prompt_id}")).json() == {}
                hold.released.set()
                await frames_until(ws, is_end)
            entry = (await http.get(f"/history/{prompt_id}")).json()[prompt_id]
        assert entry.keys() == expected.keys()
        assert entry["outputs"].keys() == expected["outputs"].keys()
        assert {k: list(v) for k, v in entry["outputs"].items()} == {k: list(v) for k, v in expected["outputs"].items()}
        assert entry["meta"] == expected["meta"]
        assert entry["prompt"][2:] == [expected["prompt"][2], entry["prompt"][3], expected["prompt"][4]]
        assert entry["prompt"][3].keys() == expected["prompt"][3].keys()
        status, wanted = entry["status"], expected["status"]
        assert (status["status_str"], status["completed"]) == (wanted["status_str"], wanted["completed"])
        assert [name for name, _ in status["messages"]] == [name for name, _ in wanted["messages"]]


async def test_each_kind_of_output_is_told_under_the_recorded_key(generation: Generation) -> None:
    for name, expected in recorded(generation, "outputs-of-every-kind").items():
        if name in ("upload_audio", "animated-webp", "animated-png", "image-compare") or "outputs" not in expected:
            continue
        async with running(generation) as double:
            entry = await finished(double, expected["prompt"])
        shown = {
            node_id: {
                key: [item if isinstance(item, str) else ending(item) for item in items] for key, items in ui.items()
            }
            for node_id, ui in entry["outputs"].items()
        }
        wanted = {
            node_id: {
                key: [item if isinstance(item, str) else ending(item) for item in items] for key, items in ui.items()
            }
            for node_id, ui in expected["outputs"].items()
        }
        assert shown == wanted, name


def ending(item: Any) -> Any:
    """Without the counter, and without the letters a temp file is named with."""
    if not isinstance(item, dict):
        return item
    return item["subfolder"], item["type"], item["filename"].split("0000", 1)[1]


async def finished(double: ComfyUiDouble, graph: dict[str, Any]) -> dict[str, Any]:
    async with socket(double, "a") as ws:
        prompt_id = (await post(double, graph))["prompt_id"]
        await frames_until(ws, is_end)
    return double.worker.history[prompt_id]


async def test_a_killed_server_leaves_its_sockets_without_a_close_frame(generation: Generation) -> None:
    async with running(generation) as double:
        ws = await socket(double, "k")
        await ws.recv()
        await double.kill()
        with pytest.raises(ConnectionClosedError) as closed:
            await ws.recv()
        assert closed.value.rcvd is None
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", double.port)


async def test_previews_come_in_the_recorded_order_with_and_without_metadata(generation: Generation) -> None:
    graph = graph_of(generation, "01")
    graph["3"]["inputs"]["steps"] = 3
    async with running(generation) as double:
        double.worker.preview = recorded_preview()
        plain = await run(double, graph)
        double.worker.forget_cache()
        async with socket(double, "m") as ws:
            await ws.send(FEATURES)
            await ws.recv()
            await ws.recv()
            await post(double, graph, "m")
            named = await frames_until(ws, is_end)
    assert shape(plain) == shape(recorded_frames("new", "37-preview-size-64"))
    assert shape(named) == shape(recorded_frames("new", "38-preview-size-64-metadata"))


def shape(frames: list[dict[str, Any]]) -> list[str]:
    """The kinds of frames from the first progress to the last."""
    kinds = [str(frame.get("type", frame.get("event"))) for frame in frames]
    first = kinds.index("progress")
    return kinds[first - 1 : len(kinds) - kinds[::-1].index("progress") + 1]


async def test_binary_frames_are_built_as_recorded(generation: Generation) -> None:
    note = recorded_frame(generation, "event3-text")
    async with running(generation) as double, socket(double, "a") as ws:
        await ws.recv()
        double.send_note("5", "width: 64, height: 64\n batch size: 1", "a")
        assert await ws.recv() == note
        image = recorded_frame(generation, "event1-png")
        double.send_image(image[8:], {"image_type": "image/png"}, "a")
        assert await ws.recv() == image


async def test_a_node_without_inputs_stops_the_worker_for_good(generation: Generation) -> None:
    graph = EMPTY | {
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "smoke"}},
        "3": {"class_type": "EmptyImage"},
    }
    async with running(generation) as double, socket(double, "z") as ws:
        await post(double, graph, "z")
        frames = await frames_until(ws, lambda frame: frame["type"] == "execution_start")
        await post(double, EMPTY | {"2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}, "z")
        frames.append(comparable(await ws.recv()))
        # As noted in the recording of what a prompt without inputs does.
        assert [frame["type"] for frame in frames] == ["status", "status", "status", "execution_start", "status"]
        assert double.worker.remaining == 2
