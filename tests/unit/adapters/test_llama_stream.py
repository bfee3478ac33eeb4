"""The wire shape, as recorded from llama.cpp's server, and what may go wrong with it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.text_models.openai_stream import (
    StreamError,
    StreamIncompleteError,
    error_from_body,
    read_deltas,
    request_body,
    request_path,
)
from ai4artsed_desktop.domain.text_models import ChatMessage, TextDelta, TextRequest, TextUsage


async def chunks(*parts: bytes) -> AsyncGenerator[bytes, None]:
    for part in parts:
        yield part


async def read(*parts: bytes | str) -> list[TextDelta]:
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return [delta async for delta in read_deltas(chunks(*encoded))]


def event(**facts: object) -> str:
    return f"data: {json.dumps(facts, ensure_ascii=False)}\n\n"


def chat(content: str | None = None, finish: str | None = None, **more: object) -> str:
    return event(choices=[{"index": 0, "delta": {"content": content, **more}, "finish_reason": finish}])


def raw(text: str, finish: str | None = None, **more: object) -> str:
    return event(choices=[{"text": text, "index": 0, "finish_reason": finish}], **more)


DONE = "data: [DONE]\n\n"
TIMINGS = {"cache_n": 2, "prompt_n": 7, "prompt_ms": 40.5, "predicted_n": 3, "predicted_ms": 121.0}


async def test_a_chat_stream_gives_its_text_and_its_end() -> None:
    deltas = await read(chat(None, role="assistant"), chat("Hel"), chat("lo"), chat(finish="stop"), DONE)
    assert deltas == [TextDelta("Hel"), TextDelta("lo"), TextDelta(finish_reason="stop")]


async def test_a_raw_stream_gives_measured_figures() -> None:
    deltas = await read(raw("a"), raw("", "length", timings=TIMINGS), DONE)
    assert deltas[-1] == TextDelta(
        finish_reason="length", usage=TextUsage(prompt_tokens=9, completion_tokens=3, generate_ms=161.5)
    )


async def test_usage_may_come_after_the_end_and_with_no_choices() -> None:
    usage = event(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 6})
    (delta,) = await read(chat(finish="stop"), usage, DONE)
    assert (delta.usage.prompt_tokens, delta.usage.completion_tokens, delta.usage.generate_ms) == (5, 6, None)


async def test_comments_and_unknown_fields_are_skipped() -> None:
    deltas = await read(
        ": OPENROUTER PROCESSING\n\n", "id: 7\n", "event: message\n", chat("x"), ":\n", chat(finish="stop")
    )
    assert [delta.text for delta in deltas] == ["x", ""]


async def test_thinking_is_kept_apart() -> None:
    deltas = await read(chat(None, reasoning_content="hmm"), chat("yes"), chat(finish="stop"), DONE)
    assert deltas[:2] == [TextDelta(thinking="hmm"), TextDelta("yes")]


async def test_line_separators_inside_json_do_not_split_it() -> None:
    text = "a\u2028b\u2029c\x85d\x0be"
    deltas = await read(chat(text), chat(finish="stop"))
    assert deltas[0].text == text


async def test_a_stream_without_an_end_mark_is_incomplete_and_keeps_what_came() -> None:
    seen: list[str] = []
    with pytest.raises(StreamIncompleteError):
        async for delta in read_deltas(chunks(chat("half").encode(), DONE.encode())):
            seen.append(delta.text)
    assert seen == ["half"]


@pytest.mark.parametrize("line", ["data: {broken\n\n", "data: 7\n\n", 'data: "x"\n\n'])
async def test_what_is_no_json_object_is_an_error(line: str) -> None:
    with pytest.raises(StreamError):
        await read(chat("x"), line)


@pytest.mark.parametrize(
    "line",
    [
        event(error={"code": 500, "message": "boom", "type": "server_error"}),
        'error: {"error": {"code": 500, "message": "boom", "type": "server_error"}}\n\n',
    ],
)
async def test_an_error_in_the_stream_is_an_error(line: str) -> None:
    with pytest.raises(StreamError) as caught:
        await read(chat("x"), line, DONE)
    assert (str(caught.value), caught.value.kind) == ("boom", "server_error")


def test_errors_of_every_shape_are_read() -> None:
    typed = error_from_body(400, b'{"error":{"message":"long","type":"exceed_context_size_error","n_ctx":2048}}')
    assert (typed.kind, typed.facts["n_ctx"]) == ("exceed_context_size_error", 2048)
    assert str(error_from_body(404, b'{"error":"model not found"}')) == "model not found"
    assert "502" in str(error_from_body(502, b"<html>Bad gateway</html>"))
    assert "500" in str(error_from_body(500, b"[]"))
    assert "500" in str(error_from_body(500, b"\xff"))


@given(st.integers(1, 40))
async def test_any_cut_into_chunks_gives_the_same(size: int) -> None:
    data = (chat("Größe 😀") + chat("!") + chat(finish="stop") + DONE).encode()
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    assert [delta.text for delta in await read(*parts)] == ["Größe 😀", "!", ""]


def test_all_fields_of_a_request_reach_the_body() -> None:
    request = TextRequest(
        prompt="p", max_tokens=9, temperature=0.0, top_p=0.5, min_p=0.0, repeat_penalty=1.1, dry_multiplier=0.8,
        dry_allowed_length=3, seed=5, stop=("\n",), json_schema={"type": "object"},
    )  # fmt: skip
    assert request_path(request) == "/v1/completions"
    assert request_body(request, "m") == {
        "model": "m", "stream": True, "prompt": "p", "max_tokens": 9, "temperature": 0.0, "top_p": 0.5, "min_p": 0.0,
        "repeat_penalty": 1.1, "dry_multiplier": 0.8, "dry_allowed_length": 3, "seed": 5, "stop": ["\n"],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
    }  # fmt: skip


def test_what_was_not_asked_for_is_not_sent() -> None:
    request = TextRequest(messages=(ChatMessage("system", "s"), ChatMessage("user", "u")))
    body = request_body(request, "m", max_tokens=0)
    assert request_path(request) == "/v1/chat/completions"
    assert set(body) == {"model", "stream", "messages", "max_tokens", "temperature", "top_p", "seed"}
    assert body["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert body["max_tokens"] == 1


@given(st.integers(0, 2**64))
def test_no_seed_means_random(seed: int) -> None:
    assert 0 <= request_body(TextRequest(prompt="p", seed=seed), "m")["seed"] < 2**32 - 1
