"""What works, against both generations: progress, places in the queue, every kind of output, uploads, the backend."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from ai4artsed_desktop.adapters.backends.comfyui import ComfyUiBackend
from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient
from ai4artsed_desktop.adapters.backends.comfyui_feed import JobProgress
from ai4artsed_desktop.adapters.backends.comfyui_outputs import OutputFile, OutputText
from ai4artsed_desktop.domain.backend_errors import (
    MediumGoneError,
    MediumTooLargeError,
    ModelFileMissingError,
    NoMediumError,
    UnsafeGraphError,
)
from ai4artsed_desktop.domain.chunks import OutputChunk
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.tasks import TaskScope
from tests.support.comfyui_client_kit import SHORT, client_of, post_foreign, run, run_with_progress, sampling, saving
from tests.support.comfyui_double import running
from tests.support.comfyui_nodes import png
from tests.support.comfyui_records import graph_of, recorded
from tests.support.comfyui_servers import ServerName, generation_of, on_doubles, on_every_server, serving
from tests.support.comfyui_worker import recorded_preview


def request_for(
    graph: dict[str, Any],
    media_type: str = "image",
    node_ids: tuple[str, ...] = (),
    mappings: dict[str, Any] | None = None,
) -> MediaRequest:
    """Return what the engine hands to the backend."""
    chunk = OutputChunk.model_validate(
        {
            "name": "output_test",
            "type": "output_chunk",
            "backend_type": "comfyui",
            "media_type": media_type,
            "workflow": graph,
            "input_mappings": mappings or {},
            "output_mapping": {"node_ids": node_ids},
        }
    )
    return MediaRequest(chunk, {}, graph=graph)


def has_alpha(data: bytes) -> bool:
    """Tell whether a picture can be seen through somewhere."""
    with Image.open(io.BytesIO(data)) as picture:
        return "A" in picture.getbands()


async def made_by(client: ComfyUiClient, request: MediaRequest) -> tuple[list[MediaProgress], list[ProducedMedium]]:
    """Run a request through the backend; return progress and media."""
    progress: list[MediaProgress] = []
    media: list[ProducedMedium] = []
    async with aclosing(ComfyUiBackend(client.address, client).generate(request)) as updates:
        async for update in updates:
            if isinstance(update, ProducedMedium):
                media.append(update)
            else:
                assert isinstance(update, MediaProgress)
                progress.append(update)
    return progress, media


@on_every_server
async def test_progress_names_nodes_and_steps_and_never_goes_back(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.worker.step_s = 0.02
        double.worker.preview = recorded_preview()
        progress, _ = await run_with_progress(client, sampling(steps=6))
    fractions = [update.fraction for update in progress if update.fraction is not None]
    assert fractions == sorted(fractions)
    assert 0.3 < max(fractions) <= 1.0
    sampler = [update for update in progress if update.node_id == "3"]
    assert {update.node_name for update in sampler} == {"The sampler"}
    assert {update.steps for update in sampler} == {6}
    assert len({update.step for update in sampler}) >= 3
    assert any(update.preview and double.is_preview(update.preview.image) for update in progress)


@on_every_server
async def test_the_place_in_the_queue_is_told_and_counts_down(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        first, second = double.hold("1", step=1), double.hold("2", step=1)
        for node_id in ("1", "2"):
            inputs = {"steps": 3, "seconds": 0.05, "salt": node_id}
            await post_foreign(double, {node_id: {"class_type": "ProbeSteps", "inputs": inputs}})
        positions: list[int] = []
        async with aclosing(client.run(saving())) as updates:
            async for update in updates:
                place = update.queue_position if isinstance(update, JobProgress) else None
                if place is None or place in positions:
                    continue
                positions.append(place)
                {2: first, 1: second}[place].released.set()
    assert positions == [2, 1]


@on_every_server
@pytest.mark.parametrize(
    ("name", "kind", "mime"),
    [
        ("audio-flac-from-EmptyAudio", "audio", "audio/flac"),
        ("audio-mp3", "audio", "audio/mpeg"),
        ("audio-opus", "audio", "audio/ogg"),
        ("audio-preview", "audio", "audio/flac"),
        ("video-mp4", "video", "video/mp4"),
        ("video-webm", "video", "video/webm"),
        ("text-preview-any", "text", "text/plain"),
        ("save-text", "text", "text/plain"),
        ("load-invert-save", "image", "image/png"),
    ],
)
async def test_each_kind_of_output_becomes_its_medium(server: ServerName, name: str, kind: str, mime: str) -> None:
    kinds: dict[str, Any] = recorded(generation_of(server), "outputs-of-every-kind")
    graph = kinds[name if name in kinds else next(other for other in kinds if other.startswith(name[:9]))]["prompt"]
    async with serving(server) as double, client_of(double) as client:
        if server == "real" and not await client.object_info(graph["2"]["class_type"]):
            pytest.skip("this server has no such node yet")
        _, media = await made_by(client, request_for(graph, kind))
        (medium,) = media
        assert (medium.kind, medium.mime) == (kind, mime)
        where = {name: str(medium.metadata.get(name)) for name in ("type", "subfolder", "filename")}
        stored = double.stored(where["type"], where["subfolder"], where["filename"])
        assert medium.data in (stored, "hällo".encode(), b"64")
        assert medium.metadata["node_id"] in graph


@on_every_server
async def test_a_batch_becomes_several_media_and_shown_ones_are_left_out(server: ServerName) -> None:
    graph = graph_of("new", "25")
    async with serving(server) as double, client_of(double) as client:
        _, media = await made_by(client, request_for(graph))
        assert len(media) == 3
        assert all(double.is_made(medium.data, graph, "2", index) for index, medium in enumerate(media))
        assert {medium.metadata["type"] for medium in media} == {"output"}
        _, shown = await made_by(client, request_for(graph, node_ids=("3",)))
        assert {medium.metadata["type"] for medium in shown} == {"temp"}
        assert len(shown) == 3


@on_every_server
async def test_a_file_in_a_subfolder_is_found(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        _, (medium,) = await made_by(client, request_for(saving(prefix="a/b/Äpfel & Birnen")))
    assert medium.metadata["subfolder"] == "a/b"
    assert double.is_made(medium.data, saving(), "2")


@on_every_server
async def test_free_form_outputs_give_their_files_and_texts(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        outputs = (await run(client, graph_of("new", "12"))).outputs
    assert outputs == (OutputFile("1", "x_00001.mp4"), OutputText("1", "hello"))


@on_every_server
async def test_a_named_node_that_gives_nothing_is_an_error(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        with pytest.raises(NoMediumError) as caught:
            await made_by(client, request_for(saving(), node_ids=("2", "7")))
    assert caught.value.params["node"] == "7"


@on_every_server
async def test_a_missing_model_is_told_by_its_file(server: ServerName) -> None:
    graph = next(
        exchange["request"]["json"]["prompt"]
        for exchange in recorded(generation_of(server), "prompt-errors")
        if exchange.get("note") == "value not in list: model file missing"
    )
    place = {"node_id": "4", "field": "inputs.ckpt_name"}
    async with serving(server) as double, client_of(double) as client:
        with pytest.raises(ModelFileMissingError) as caught:
            await made_by(client, request_for(graph, mappings={"checkpoint": place}))
    assert caught.value.params == {
        "backend": "ComfyUI",
        "file": "missing-model.safetensors",
        "node": "CheckpointLoaderSimple",
        "node_id": "4",
        "parameter": "checkpoint",
        "input": "ckpt_name",
    }


@on_every_server
async def test_a_graph_that_would_break_the_server_never_leaves_us(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        with pytest.raises(UnsafeGraphError) as caught:
            await run(client, saving() | {"3": {"class_type": "EmptyImage"}})
        assert caught.value.params["node"] == "3"
        assert double.requests == []


@on_every_server
async def test_a_prompt_carries_our_ids_as_the_server_wants_them(server: ServerName) -> None:
    graph = sampling(seed=2**64 - 1)
    async with serving(server) as double, client_of(double) as client:
        result = await run(client, graph)
        (body,) = double.posted
    assert body["prompt_id"] == result.prompt_id
    assert body["prompt_id"] == body["prompt_id"].lower()
    assert isinstance(body["client_id"], str)
    assert body["prompt"]["3"]["inputs"]["seed"] == 2**64 - 1
    assert "extra_pnginfo" not in json.dumps(body)


@on_every_server
async def test_jobs_one_after_the_other_share_a_socket_that_goes_with_the_client(server: ServerName) -> None:
    async with serving(server) as double:
        async with client_of(double) as client:
            for colour in range(3):
                await run(client, saving(colour))
            assert len({body["client_id"] for body in double.posted}) == double.open_sockets == 1
        await double.until(lambda: not double.open_sockets)


@on_every_server
async def test_a_socket_that_no_job_uses_is_closed_after_a_while(server: ServerName) -> None:
    limits = replace(SHORT, idle_s=0.05)
    async with serving(server) as double, client_of(double, limits) as client:
        for colour in range(2):
            await run(client, saving(colour))
            await double.until(lambda: not double.open_sockets)
        assert len({body["client_id"] for body in double.posted}) == 2


@on_every_server
async def test_an_idle_socket_that_was_lost_is_not_opened_again_until_a_job_needs_one(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        await run(client, saving(1))
        double.drop_sockets()
        await asyncio.sleep(0.3)
        assert double.open_sockets == 0
        await run(client, saving(2))
        assert len({body["client_id"] for body in double.posted}) == 2


@on_every_server
async def test_many_jobs_at_once_share_one_socket(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(run(client, saving(colour, f"c{colour}"))) for colour in range(30)]
        assert len({body["client_id"] for body in double.posted}) == 1
        names = [output.filename for job in jobs for output in job.result().outputs if isinstance(output, OutputFile)]
    assert names == [f"c{colour}_00001_.png" for colour in range(30)]


@on_every_server
async def test_many_jobs_are_posted_a_few_at_a_time_and_one_that_waits_for_its_turn_was_never_sent(
    server: ServerName,
) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.faults.late_prompt_answer = asyncio.Event()
        scope = TaskScope("test")
        jobs = [scope.spawn(run(client, saving(colour)), name=str(colour)) for colour in range(6)]
        await double.until(lambda: len(double.posted) == 4)
        jobs[4].cancel()
        await asyncio.wait({jobs[4]})
        assert ("GET", "/queue") not in double.requests, "there is nothing to look for"
        double.faults.late_prompt_answer.set()
        results = await asyncio.gather(*jobs, return_exceptions=True)
        assert [number for number, result in enumerate(results) if isinstance(result, asyncio.CancelledError)] == [4]
        assert sorted(body["prompt"]["1"]["inputs"]["color"] for body in double.posted) == [0, 1, 2, 3, 5]


@on_every_server
async def test_an_upload_takes_the_name_the_server_gives(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        first = await client.upload_image("Äpfel 1.png", b"one")
        again = await client.upload_image("Äpfel 1.png", b"one")
        other = await client.upload_image("Äpfel 1.png", b"two")
        replaced = await client.upload_image("Äpfel 1.png", b"three", overwrite=True)
        assert (first.filename, again.filename, other.filename) == ("Äpfel 1.png", "Äpfel 1.png", "Äpfel 1 (1).png")
        assert (replaced.filename, replaced.type) == ("Äpfel 1.png", "input")
        assert double.stored("input", "", "Äpfel 1.png") == b"three"


@on_every_server
async def test_an_upload_that_breaks_off_is_repeated(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.faults.statuses["/upload"] = [503]
        double.faults.cut_bodies["/upload"] = 1
        assert (await client.upload_image("up.png", b"one")).filename == "up.png"
        assert double.stored("input", "", "up.png") == b"one"


@on_every_server
async def test_an_address_needs_no_scheme(server: ServerName) -> None:
    async with serving(server) as double:
        client = ComfyUiClient(f"127.0.0.1:{double.port}/")
        assert client.address == double.url
        assert await client.is_reachable()
        await client.aclose()


@on_every_server
@pytest.mark.parametrize(
    ("asked", "sent"),
    [('a"b.png', "a_b.png"), ("../../x.png", "_._x.png"), ("a..b.png", "a.b.png"), ("\n", "_"), ("..", "input")],
)
async def test_a_dangerous_file_name_is_made_harmless(server: ServerName, asked: str, sent: str) -> None:
    async with serving(server) as double, client_of(double) as client:
        assert (await client.upload_image(asked, b"x")).filename == sent


@on_every_server
async def test_a_mask_belongs_to_an_uploaded_picture(server: ServerName) -> None:
    picture = png(saving(), "2")
    async with serving(server) as double, client_of(double) as client:
        original = await client.upload_image("up.png", picture)
        mask = await client.upload_mask("mask.png", picture, original)
        stored = double.stored("input", "", mask.filename)
        assert stored == picture or (server == "real" and stored is not None and has_alpha(stored))
        with pytest.raises(MediumGoneError):
            await client.upload_mask("mask2.png", picture, OutputFile("", "gone.png", "", "input"))


@on_doubles
async def test_an_upload_over_the_limit_says_how_much_is_allowed(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.max_upload_bytes = 2_000_000
        with pytest.raises(MediumTooLargeError) as caught:
            await client.upload_image("big.png", b"\0" * 2_000_001)
    assert caught.value.params["limit_mb"] == "2"


@on_every_server
async def test_the_backend_says_whether_it_can_be_reached(server: ServerName) -> None:
    chunk = request_for(saving()).chunk
    async with serving(server) as double:
        backend = ComfyUiBackend(double.url)
        assert backend.id == "comfyui"
        assert await backend.problem(chunk) is None
        await backend.aclose()
        await double.kill()
        gone = ComfyUiBackend(double.url)
        assert await gone.problem(chunk) == Reason("reason.comfyui_not_reachable", {"address": double.url})
        await gone.aclose()
        await double.start()


@on_every_server
async def test_the_backend_names_the_files_and_nodes_that_the_server_lacks(server: ServerName) -> None:
    graph = request_for(saving()).chunk.model_dump(by_alias=True)
    loader: dict[str, Any] = {
        "class_type": "LoraLoaderModelOnly",
        "inputs": {"lora_name": "gone.safetensors", "strength_model": 1.0},
    }
    stranger: dict[str, Any] = {"class_type": "NodeOfAnotherServer", "inputs": {}}
    async with serving(server) as double:
        backend = ComfyUiBackend(double.url)
        for node, key, params in (
            (loader, "reason.comfyui_no_files", {"files": "gone.safetensors"}),
            (stranger, "graph.problem.no_class", {"node": "99", "name": "NodeOfAnotherServer"}),
        ):
            chunk = OutputChunk.model_validate({**graph, "workflow": {**graph["workflow"], "99": node}})
            reason = await backend.problem(chunk)
            assert reason is not None and reason.key == key
            assert reason.params.items() >= params.items()
        await backend.aclose()


@pytest.mark.parametrize("is_asked", [True, False])
async def test_a_model_file_goes_out_under_the_name_the_server_lists(is_asked: bool) -> None:
    """Also when the file was put into its subfolder after the last look, and the server refuses the plain name."""
    name = "special.safetensors"
    graph = sampling()
    graph["4"]["inputs"]["ckpt_name"] = name
    fault = {
        "type": "value_not_in_list",
        "message": "Value not in list",
        "details": f"ckpt_name: '{name}' not in list",
        "extra_info": {"input_name": "ckpt_name", "received_value": name},
    }
    refusal = {"error": {}, "node_errors": {"4": {"errors": [fault], "dependent_outputs": ["9"]}}}
    async with running() as double:
        double.more_checkpoints = [f"SD1\\{name}"]
        double.refusals[json.dumps(graph, sort_keys=True)] = 400, refusal
        backend = ComfyUiBackend(double.url)
        ask = request_for(graph)
        if is_asked:
            assert await backend.problem(ask.chunk) is None
        media = [update async for update in backend.generate(ask) if isinstance(update, ProducedMedium)]
        await backend.aclose()
        sent = [body["prompt"]["4"]["inputs"]["ckpt_name"] for body in double.posted]
    (medium,) = media
    assert medium.metadata["model_files"] == {name: f"SD1\\{name}"}, "the record says what was really used"
    assert sent == ([f"SD1\\{name}"] if is_asked else [name, f"SD1\\{name}"])


@on_every_server
async def test_the_backend_reports_steps_previews_and_words(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        double.worker.step_s = 0.02
        double.worker.preview = recorded_preview()
        progress, (medium,) = await made_by(client, request_for(sampling()))
    assert {update.message for update in progress} >= {"progress.comfyui.working", "progress.comfyui.fetching"}
    assert any(update.preview_mime == "image/jpeg" and double.is_preview(update.preview or b"") for update in progress)
    assert any((update.node, update.steps) == ("The sampler", 4) for update in progress)
    assert progress[-1].fraction == 1.0
    assert double.is_made(medium.data, sampling(), "9")


@on_every_server
async def test_a_cached_medium_whose_file_was_deleted_is_made_anew(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        await made_by(client, request_for(saving()))
        double.worker.disk.files.clear()
        _, (medium,) = await made_by(client, request_for(saving()))
        assert double.is_made(medium.data, saving(), "2")
        assert str(medium.metadata["filename"]).startswith("plain_")


@on_every_server
async def test_a_file_that_cannot_be_made_anew_is_an_error(server: ServerName) -> None:
    graph = saving() | {"2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
    async with serving(server) as double, client_of(double) as client:
        await made_by(client, request_for(graph))
        double.worker.disk.files.clear()
        with pytest.raises(MediumGoneError):
            await made_by(client, request_for(graph))


@on_every_server
async def test_leaving_the_backend_early_ends_its_job(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        hold = double.hold("3", step=1)
        async with aclosing(ComfyUiBackend(client.address, client).generate(request_for(sampling()))) as updates:
            async for _ in updates:
                if hold.reached.is_set():
                    break
        assert double.worker.remaining == 0


@on_every_server
async def test_questions_are_answered(server: ServerName) -> None:
    async with serving(server) as double, client_of(double) as client:
        assert "comfyui_version" in str(await client.system_stats())
        assert "EmptyImage" in await client.object_info()
        assert await client.object_info("NoSuchNode") == {}
        assert await client.models("checkpoints") == ("tiny-sd15-random.safetensors",)
        assert await client.models("unet") == ()
        assert (await client.queue()).pending == ()
        await client.free()
