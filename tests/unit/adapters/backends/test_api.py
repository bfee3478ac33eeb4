"""The generic step for cloud services, against a service over real sockets that gives the documented answers."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.backends import api_calls
from ai4artsed_desktop.adapters.backends.api_backend import ApiBackend
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.api_errors import (
    JobFailedError,
    JobTimeoutError,
    MediumLinkError,
    NoMediumInAnswerError,
)
from ai4artsed_desktop.domain.chunks import ApiOutputChunk, chunk_reader
from ai4artsed_desktop.domain.errors import (
    LocalOnlyError,
    ProviderCreditError,
    ProviderError,
    ProviderKeyError,
    ProviderLimitError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from tests.support.cloud_double import MP4, PNG, CloudDouble, Told, cloud_double, json_told, shape
from tests.support.virtual_time import run_in_virtual_time
from tests.support.world import open_world

ROOT = Path(__file__).parents[4]
KEY = "sk-secret-0123456789"


@pytest.fixture
async def service() -> AsyncGenerator[CloudDouble, None]:
    """Return a service at work."""
    async with cloud_double() as double:
        yield double


def chunk_for(service: CloudDouble, **api: Any) -> ApiOutputChunk:
    extract = api.pop("extract_path", None)
    chunk = chunk_reader.validate_python(
        {
            "name": "output_image_test",
            "type": "api_output_chunk",
            "media_type": api.pop("media_type", "image"),
            "api_config": {"provider": "test", "model": "m", "endpoint": f"{service.base}/make", **api},
            "output_mapping": {"type": "chat_completion_with_image", "extract_path": extract},
        }
    )
    assert isinstance(chunk, ApiOutputChunk)
    return chunk


def backend(*, key: str | None = KEY, local_only: bool = False) -> ApiBackend:
    async def key_of(_provider: str) -> str | None:
        return key

    return ApiBackend(NetworkGuard(lambda: local_only), key_of, lambda _: "Test service")


async def make(chunk: ApiOutputChunk, body: dict[str, Any] | None = None, **of: Any) -> list[ProducedMedium]:
    async with aclosing(backend(**of).generate(MediaRequest(chunk, {}, body=body or {"prompt": "apple"}))) as updates:
        return [update async for update in updates if isinstance(update, ProducedMedium)]


PICTURES = (
    "OpenRouter image API, buffered",
    "OpenRouter image API, streamed",
    "OpenRouter chat completions with image output (message.images)",
    "older/other: content list with image_url",
    "OpenAI images",
    "OpenAI images streamed",
)


@pytest.mark.parametrize("name", PICTURES)
async def test_every_documented_answer_with_a_picture_gives_that_picture(service: CloudDouble, name: str) -> None:
    service.tell("/make", shape(name))
    (medium,) = await make(chunk_for(service))
    assert medium.data == PNG and (medium.kind, medium.mime, medium.extension) == ("image", "image/png", "png")
    assert medium.metadata["provider"] == "test" and medium.metadata["model"] == "m"


async def test_key_and_body_arrive_and_costs_are_recorded(service: CloudDouble) -> None:
    service.tell("/make", shape("OpenRouter image API, buffered"))
    (medium,) = await make(chunk_for(service, headers={"X-Title": "AI4ArtsEd"}), {"prompt": 'a "red" apple', "n": 1})
    (asked,) = service.asked
    assert asked.headers["authorization"] == f"Bearer {KEY}" and asked.headers["x-title"] == "AI4ArtsEd"
    assert json.loads(asked.body) == {"prompt": 'a "red" apple', "n": 1}
    assert medium.metadata["cost_usd"] == 0.04


async def test_previews_of_a_streamed_picture_are_shown(service: CloudDouble) -> None:
    service.tell("/make", shape("OpenRouter image API, streamed"))
    request = MediaRequest(chunk_for(service), {}, body={"stream": True})
    async with aclosing(backend().generate(request)) as updates:
        previews = [u.preview async for u in updates if isinstance(u, MediaProgress) and u.preview]
    assert previews == [PNG]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("OpenRouter image API, error inside the stream", ProviderError),
        ("answer without a picture (200)", NoMediumInAnswerError),
        ("markdown picture in the text", NoMediumInAnswerError),
        ("401", ProviderKeyError),
        ("401 OpenAI", ProviderKeyError),
        ("402 credits", ProviderCreditError),
        ("403 moderation", ProviderRefusedError),
        ("403 guardrail", ProviderRefusedError),
        ("400 content policy, typed", ProviderRefusedError),
        ("400 OpenAI moderation", ProviderRefusedError),
        ("400 unknown model", ProviderError),
        ("400 wrong endpoint", ProviderError),
        ("404 privacy", ProviderError),
        ("413", ProviderError),
        ("429", ProviderLimitError),
        ("429 OpenAI, quota", ProviderCreditError),
        ("chat stream, error mid-stream", ProviderLimitError),
    ],
)
async def test_every_documented_refusal_means_this_error(
    service: CloudDouble, name: str, expected: type[ProviderError], quick: None
) -> None:
    service.tell("/make", shape(name))
    with pytest.raises(ProviderError) as caught:
        await make(chunk_for(service))
    assert type(caught.value) is expected
    assert caught.value.params["provider"] == "Test service"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait next to nothing between tries that name no time."""
    monkeypatch.setattr(api_calls, "_FIRST_WAIT_S", 0.001)


@pytest.mark.parametrize("name", ["502", "524 and 529", "200 with an error body"])
async def test_what_may_pass_is_tried_again_but_not_for_ever(service: CloudDouble, name: str, quick: None) -> None:
    service.tell("/make", shape(name))
    with pytest.raises(ProviderUnavailableError):
        await make(chunk_for(service))
    assert service.count("/make") == api_calls.MAX_TRIES
    service.tell("/make", shape(name), shape("OpenAI images"))
    assert len(await make(chunk_for(service))) == 1


@pytest.mark.parametrize("status", [402, 429, 503])
async def test_a_wait_that_the_service_names_is_kept_and_a_long_one_is_the_persons_to_decide(
    service: CloudDouble, status: int
) -> None:
    busy = {"error": {"code": status, "message": "later"}}
    service.tell("/make", json_told(busy, status, Retry_After="0"), shape("OpenAI images"))
    assert len(await make(chunk_for(service))) == 1
    service.tell("/make", json_told(busy, status, Retry_After="3600"))
    before = service.count("/make")
    with pytest.raises(ProviderError) as caught:
        await make(chunk_for(service))
    assert service.count("/make") == before + 1
    if status == 429:
        assert caught.value.params["wait_s"] == "3600"


@pytest.mark.parametrize("name", ["402 credits", "401", "429 OpenAI, quota", "403 moderation", "400 unknown model"])
async def test_what_cannot_pass_is_asked_once(service: CloudDouble, name: str) -> None:
    service.tell("/make", shape(name))
    with pytest.raises(ProviderError):
        await make(chunk_for(service))
    assert service.count("/make") == 1


async def test_no_part_of_the_key_reaches_an_error_or_a_log(
    service: CloudDouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for status in (400, 401, 403, 500):
        service.tell("/make", json_told({"error": {"message": f"bad key {KEY} in request"}}, status))
        with pytest.raises(ProviderError) as caught:
            await make(chunk_for(service))
        assert KEY not in repr(caught.value.info())
    assert KEY not in caplog.text


async def test_without_a_key_nothing_is_asked(service: CloudDouble) -> None:
    with pytest.raises(ProviderKeyError):
        await make(chunk_for(service), key=None)
    reason = await backend(key=None).problem(chunk_for(service))
    assert reason is not None and reason.key == "reason.key_missing"
    assert service.asked == [] and await backend().problem(chunk_for(service)) is None


async def test_local_only_opens_no_connection(service: CloudDouble) -> None:
    chunk = chunk_for(service, endpoint="https://service.invalid/make")
    with pytest.raises(LocalOnlyError):
        await make(chunk, local_only=True)
    reason = await backend(local_only=True).problem(chunk)
    assert reason is not None and reason.key == "reason.local_only"


@pytest.mark.parametrize("cut_after", [0, 1, 7, 60])
async def test_an_answer_cut_anywhere_is_a_clear_error(service: CloudDouble, cut_after: int) -> None:
    whole = shape("OpenAI images")
    service.tell("/make", Told(200, whole.body, cut_after=cut_after))
    with pytest.raises(ProviderUnavailableError):
        await make(chunk_for(service))
    assert service.count("/make") == 1, "it may have arrived: a second picture would cost again"


@pytest.mark.parametrize("lines", [0, 1, 2, 3])
async def test_a_stream_that_ends_before_its_picture_is_a_clear_error(service: CloudDouble, lines: int) -> None:
    body = b"\n".join(shape("OpenAI images streamed").body.split(b"\n")[:lines])
    service.tell("/make", Told(200, body, "text/event-stream"))
    with pytest.raises(ProviderError):
        await make(chunk_for(service))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"words"',
        b"{}",
        b'{"data": 7, "choices": {"0": 1}}',
        b'{"data": [{"b64_json": "%%%"}]}',
        b"<html>gateway</html>",
        b"[" * 100_000,
        b'{"data": [{"b64_json": "' + b"PHN2Zz48L3N2Zz4=" + b'"}]}',
        b"\xff\xfe\x00",
    ],
)
async def test_an_answer_of_anything_else_is_a_clear_error(service: CloudDouble, body: bytes) -> None:
    service.tell("/make", Told(200, body))
    with pytest.raises(ProviderError):
        await make(chunk_for(service))


def streamed(*events: str) -> Told:
    return Told(200, "".join(events).encode(), "text/event-stream")


PICTURE_EVENT = json.dumps(
    {"type": "image_generation.completed", "b64_json": base64.b64encode(PNG).decode(), "text": "Grüße 🌍"},
    ensure_ascii=False,
)


async def test_an_answer_cut_at_any_byte_is_never_a_picture(service: CloudDouble) -> None:
    whole = json.dumps({"data": [{"b64_json": base64.b64encode(PNG).decode()}], "note": "Grüße 🌍"}).encode()
    for after in range(len(whole)):
        service.tell("/make", Told(200, whole, cut_after=after))
        with pytest.raises(ProviderUnavailableError):
            await make(chunk_for(service))
    assert service.count("/make") == len(whole)


async def test_a_stream_cut_at_any_byte_is_never_a_picture(service: CloudDouble) -> None:
    # Whole as far as HTTP goes: it just ends.
    whole = f": PROCESSING\n\ndata: {PICTURE_EVENT}".encode()
    for after in range(len(whole) - 1):
        service.tell("/make", Told(200, whole[:after], "text/event-stream"))
        with pytest.raises(ProviderError):
            await make(chunk_for(service), {"stream": True})


async def test_comments_and_characters_split_between_pieces_do_no_harm(service: CloudDouble) -> None:
    told = streamed(": OPENROUTER PROCESSING\n\n", ":\n\n", f"data: {PICTURE_EVENT}\n\n", "data: [DONE]\n\n")
    service.tell("/make", replace(told, piece=1))
    (medium,) = await make(chunk_for(service), {"stream": True})
    assert medium.data == PNG


@pytest.mark.parametrize("line", ["{nonsense", "[]", "7", "\x00"])
async def test_an_event_that_is_no_object_is_a_clear_error(service: CloudDouble, line: str) -> None:
    service.tell("/make", streamed(f"data: {line}\n\n", "data: [DONE]\n\n"))
    with pytest.raises(ProviderError):
        await make(chunk_for(service), {"stream": True})


async def test_a_connection_that_the_service_has_closed_is_never_used_again(service: CloudDouble) -> None:
    kept = json_told({"data": [{"b64_json": base64.b64encode(PNG).decode()}]}, Connection="keep-alive")
    service.tell("/make", kept)
    there = backend()
    request = MediaRequest(chunk_for(service), {}, body={"prompt": "apple"})
    for _ in range(5):
        async with aclosing(there.generate(request)) as updates:
            assert [u.data async for u in updates if isinstance(u, ProducedMedium)] == [PNG]
    await there.aclose()


def test_an_answer_that_takes_ninety_seconds_is_waited_for() -> None:
    async def body() -> list[ProducedMedium]:
        async with cloud_double() as service:
            service.tell("/make", replace(shape("OpenAI images"), wait_s=90))
            return await make(chunk_for(service))

    made, took_s = run_in_virtual_time(body)
    assert [medium.data for medium in made] == [PNG] and took_s > 89


async def test_an_endless_answer_is_not_read(service: CloudDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_calls, "MAX_ANSWER_BYTES", 10_000)
    service.tell("/make", Told(200, b'{"x": "' + b"y" * 200_000 + b'"}'))
    with pytest.raises(ProviderError) as caught:
        await make(chunk_for(service))
    assert "too large" in str(caught.value.detail)


async def test_a_picture_elsewhere_is_fetched_without_the_key(service: CloudDouble) -> None:
    service.tell("/make", json_told({"data": [{"url": f"{service.base}/files/a.png"}]}))
    service.tell("/files", Told(302, headers={"Location": "/moved/a.png"}))
    service.tell("/moved", Told(200, PNG, "application/octet-stream"))
    (medium,) = await make(chunk_for(service))
    assert medium.data == PNG
    assert all("authorization" not in asked.headers for asked in service.asked if asked.method == "GET")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Told(404, b"gone"), "HTTP 404"),
        (Told(200, b"<html>log in</html>", "text/html"), "text/html"),
        (Told(302, headers={"Location": "https://elsewhere.invalid/a.png"}), "not an address of this service"),
        (Told(302, headers={"Location": "/files/again"}), "too many redirects"),
        (Told(200, PNG, cut_after=9), "RemoteProtocolError"),
    ],
)
async def test_a_picture_that_is_not_there_is_a_clear_error(service: CloudDouble, answer: Told, reason: str) -> None:
    service.tell("/make", json_told({"data": [{"url": f"{service.base}/files/a.png"}]}))
    service.tell("/files", answer)
    with pytest.raises(MediumLinkError) as caught:
        await make(chunk_for(service))
    assert caught.value.params["reason"] == reason


@pytest.mark.parametrize("url", ["https://evil.invalid/a.png", "http://service.invalid/a.png", "https://[bad/a"])
async def test_an_answer_cannot_send_the_program_anywhere(service: CloudDouble, url: str) -> None:
    service.tell("/make", json_told({"data": [{"url": url}]}))
    with pytest.raises(MediumLinkError):
        await make(chunk_for(service, media_hosts=["files.invalid"]))


def polling(service: CloudDouble, **more: Any) -> dict[str, Any]:
    return {"status_endpoint": f"{service.base}/jobs/{{id}}", "interval_s": 0.001, **more}


async def test_a_job_is_asked_for_until_its_file_is_there(service: CloudDouble) -> None:
    service.tell("/make", json_told({"id": "a/b", "status": "starting"}, 201))
    done = {"id": "a/b", "status": "succeeded", "output": [f"{service.base}/out.mp4"]}
    service.tell("/jobs", json_told({"status": "processing", "progress": 40}), json_told(done))
    service.tell("/out", Told(200, MP4, "video/mp4"))
    job = polling(service, progress_path="progress", cancel_endpoint=f"{service.base}/cancel/{{id}}")
    chunk = chunk_for(service, async_polling=job, extract_path="output[]", media_type="video")
    request = MediaRequest(chunk, {}, body={})
    async with aclosing(backend().generate(request)) as generated:
        updates = [update async for update in generated]
    media = [update for update in updates if isinstance(update, ProducedMedium)]
    assert [(m.kind, m.data) for m in media] == [("video", MP4)]
    assert 0.4 in [update.fraction for update in updates if isinstance(update, MediaProgress)]
    assert service.count("/jobs/a%2Fb") == 2, "an id is one part of the path, whatever is in it"
    assert service.count("/cancel") == 0


async def test_a_job_whose_file_needs_the_key_is_fetched_with_it(service: CloudDouble) -> None:
    service.tell("/make", json_told({"id": "video_1", "status": "queued"}))
    service.tell("/jobs/video_1", json_told({"id": "video_1", "status": "completed"}))
    service.tell("/jobs/video_1/content", Told(200, MP4, "video/mp4"))
    job = polling(service, result_endpoint=f"{service.base}/jobs/{{id}}/content")
    (medium,) = await make(chunk_for(service, async_polling=job, media_type="video"))
    assert medium.data == MP4 and service.asked[-1].headers["authorization"] == f"Bearer {KEY}"


async def test_a_job_that_fails_says_why(service: CloudDouble) -> None:
    service.tell("/make", json_told({"data": {"task_id": 7, "status": "pending"}}))
    failed = {"data": {"status": "Failed", "error": {"message": "prompt not allowed"}}}
    service.tell("/jobs/7", json_told(failed))
    job = polling(service, id_path="data.task_id", status_path="data.status", error_path="data.error")
    with pytest.raises(JobFailedError) as caught:
        await make(chunk_for(service, async_polling=job))
    assert caught.value.params["words"] == "prompt not allowed"


async def test_a_job_that_never_ends_is_given_up_and_cancelled_there(service: CloudDouble) -> None:
    service.tell("/make", json_told({"id": "x", "status": "starting"}))
    service.tell("/jobs", json_told({"status": "processing"}))
    service.tell("/cancel", json_told({}))
    job = polling(service, limit_s=0.05, cancel_endpoint=f"{service.base}/cancel/{{id}}")
    with pytest.raises(JobTimeoutError):
        await make(chunk_for(service, async_polling=job))
    assert service.count("/cancel/x") == 1


async def test_cancelling_ends_the_job_at_the_service_too(service: CloudDouble) -> None:
    service.tell("/make", json_told({"id": "x", "status": "starting"}))
    service.tell("/jobs", json_told({"status": "processing"}))
    service.tell("/cancel", json_told({}))
    job = polling(service, cancel_endpoint=f"{service.base}/cancel/{{id}}")
    async with aclosing(
        backend().generate(MediaRequest(chunk_for(service, async_polling=job), {}, body={}))
    ) as updates:
        async for _ in updates:
            if service.count("/jobs") >= 2:
                break
    assert service.count("/cancel/x") == 1


async def test_fields_go_as_a_form_where_the_service_wants_one(service: CloudDouble) -> None:
    service.tell("/make", json_told({"image": json.loads(shape("OpenAI images").body)["data"][0]["b64_json"]}))
    chunk = chunk_for(
        service, body_format="multipart", key_header="X-API-Key", key_format="{key}", extract_path="image"
    )
    (medium,) = await make(chunk, {"prompt": "Äpfel", "seed": 7})
    (asked,) = service.asked
    assert medium.data == PNG
    assert asked.headers["x-api-key"] == KEY and asked.headers["content-type"].startswith("multipart/form-data")
    assert 'name="prompt"\r\n\r\nÄpfel\r\n'.encode() in asked.body and b'name="seed"\r\n\r\n7\r\n' in asked.body


@pytest.mark.parametrize(
    "answer",
    [
        json_told({"image": "AAAA", "finish_reason": "CONTENT_FILTERED"}),
        Told(200, PNG, "image/png", {"finish-reason": "CONTENT_FILTERED"}),
        json_told({"name": "content_moderation", "errors": ["Your request was flagged"]}, 403),
    ],
)
async def test_a_filtered_picture_is_a_refusal(service: CloudDouble, answer: Told) -> None:
    service.tell("/make", answer)
    with pytest.raises(ProviderRefusedError):
        await make(chunk_for(service, extract_path="image"))


async def test_a_picture_that_is_the_answer_itself(service: CloudDouble) -> None:
    service.tell("/make", Told(200, PNG, "image/png"))
    (medium,) = await make(chunk_for(service))
    assert medium.data == PNG


async def test_a_whole_run_records_medium_and_costs_and_no_key(service: CloudDouble, app_home: Path) -> None:
    service.tell("/make", shape("OpenRouter image API, buffered"))
    chunk = chunk_for(service, request_body={"prompt": "{{PREVIOUS_OUTPUT}}"}).model_dump(mode="json", exclude={"name"})
    config = json.loads((ROOT / "configs" / "output" / "seedream45.json").read_text(encoding="utf-8"))
    config["parameters"] = {"OUTPUT_CHUNK": "output_image_mine"}
    async with open_world(app_home, backends={"api": backend()}) as world:
        world.entry("chunks/output_image_mine.json", chunk)
        world.entry("configs/output/mine.json", config)
        await world.engine.reload_catalog()
        record = await world.run("A red apple", "as_is", "mine")
        assert record.state == "finished", record.error
        (medium,) = (entity for entity in record.entities if entity.type == "image")
        assert medium.metadata["cost_usd"] == 0.04
        assert json.loads(service.asked[0].body) == {"prompt": "A red apple"}
        folder = world.folder_of(record.run_id)
        assert all(KEY.encode() not in path.read_bytes() for path in folder.iterdir())
        world.assert_tidy(record.run_id)


async def test_local_only_refuses_the_run_before_any_work(service: CloudDouble, app_home: Path) -> None:
    async with open_world(app_home, backends={"api": backend(local_only=True)}, local_only=True) as world:
        record = await world.run("A red apple", "dada", "seedream45")
    assert record.error is not None and record.error.code == "error.catalog.not_runnable"
    assert [stage.name for stage in record.stages] == []
