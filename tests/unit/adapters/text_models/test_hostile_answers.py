"""Whatever a server says, the readers end with text, or with one error that is known."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.secrets import Secrets
from ai4artsed_desktop.adapters.text_models import ollama_wire, openai_stream
from ai4artsed_desktop.adapters.text_models.ollama import Ollama
from ai4artsed_desktop.adapters.text_models.ollama_wire import context_to_ask_for, full_name, is_remote_name, pull_step
from ai4artsed_desktop.adapters.text_models.openai_compatible import OpenAICompatible
from ai4artsed_desktop.adapters.text_models.openai_models import read_models
from ai4artsed_desktop.adapters.text_models.openai_stream import StreamError, error_from_body
from ai4artsed_desktop.adapters.text_models.provider_errors import Refusal, retry_after_s
from ai4artsed_desktop.adapters.text_models.provider_presets import ProviderPreset
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.text_models import ChatMessage, TextDelta, TextRequest

#: Keys that mean something to the readers, so that nonsense comes to stand where they look.
KEYS = st.sampled_from(
    (
        "choices",
        "delta",
        "content",
        "text",
        "finish_reason",
        "usage",
        "timings",
        "prompt_n",
        "predicted_ms",
        "cost",
        "error",
        "message",
        "thinking",
        "done",
        "done_reason",
        "eval_count",
        "load_duration",
        "response",
        "status",
        "total",
        "completed",
        "digest",
        "code",
        "metadata",
        "type",
        "data",
        "id",
        "meta",
        "architecture",
        "capabilities",
    )
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
EVENTS = st.lists(st.dictionaries(KEYS, VALUES, max_size=5), max_size=4)
PRESET = ProviderPreset(
    id="x", name="X", address="http://127.0.0.1:1/v1", data_protection={"de": "", "en": ""}, source=""
)


async def pieces(body: bytes, size: int = 7) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def collect(deltas: AsyncIterable[TextDelta]) -> str:
    """Return the text of a stream, or "" where it ended with an error of ours."""
    try:
        return "".join([delta.text async for delta in deltas])
    except StreamError:
        return ""


@given(EVENTS)
async def test_any_json_in_an_event_stream_is_text_or_a_known_error(events: list[dict[str, Any]]) -> None:
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()
    assert isinstance(await collect(openai_stream.read_deltas(pieces(body))), str)


@given(EVENTS)
async def test_any_json_lines_are_text_or_a_known_error(events: list[dict[str, Any]]) -> None:
    body = "".join(f"{json.dumps(event)}\n" for event in events).encode()
    assert isinstance(await collect(ollama_wire.read_deltas(pieces(body))), str)


@given(st.binary(max_size=200))
async def test_any_bytes_are_text_or_a_known_error(body: bytes) -> None:
    await collect(openai_stream.read_deltas(pieces(b"data: " + body)))
    await collect(ollama_wire.read_deltas(pieces(body)))
    assert str(error_from_body(500, body)) is not None


@given(VALUES)
def test_any_json_is_a_list_of_models_and_a_step_of_a_download(value: Any) -> None:
    assert isinstance(read_models(value, PRESET, is_local=True), list)
    assert isinstance(read_models({"data": [value, {"id": "x", "meta": value}]}, PRESET, is_local=True), list)
    assert pull_step({"status": value, "total": value, "completed": value, "digest": value}).done_bytes >= 0


@given(VALUES, st.sampled_from((200, 400, 401, 402, 403, 404, 429, 500, 503)))
def test_any_error_body_becomes_an_error_with_words(value: Any, status: int) -> None:
    error = error_from_body(status, json.dumps({"error": value}).encode())
    assert isinstance(Refusal(status, error, key="sk").as_error("X", "http://x", "m"), AppError)


@pytest.mark.parametrize("reader", [openai_stream.read_deltas, ollama_wire.read_deltas])
async def test_an_answer_without_an_end_is_ended(reader: Any) -> None:
    word = "x" * 100_000
    event = {"choices": [{"delta": {"content": word}}], "message": {"content": word}}
    prefix = "data: " if reader is openai_stream.read_deltas else ""

    async def endless() -> AsyncGenerator[bytes, None]:
        while True:
            yield f"{prefix}{json.dumps(event)}\n".encode()

    chars = 0
    with pytest.raises(StreamError):
        async for delta in reader(endless()):
            chars += len(delta.text)
    assert 1_000_000 < chars < 10_000_000


@pytest.mark.parametrize("reader", [openai_stream.read_deltas, ollama_wire.read_deltas])
async def test_a_line_of_ten_megabytes_is_no_answer(reader: Any) -> None:
    with pytest.raises(StreamError):
        async for _ in reader(pieces(b"data: " + b"x" * 10_000_000, 65_536)):
            pass


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("", None), ("soon", None), ("inf", None), ("nan", None)],
)
def test_what_a_service_asks_to_wait_is_read(value: str, seconds: float | None) -> None:
    assert retry_after_s(value, 0.0) == seconds
    assert retry_after_s("Thu, 01 Jan 1970 00:01:00 GMT", 20.0) == 40.0


def test_names_and_contexts() -> None:
    assert (full_name("a"), full_name("h:1/a"), full_name("x/a:b")) == ("a:latest", "h:1/a:latest", "x/a:b")
    assert [is_remote_name(name) for name in ("a:cloud", "a:1b-cloud", "cloud:1b", "a")] == [True, True, False, False]
    assert context_to_ask_for(100, 131_072, None) == 4_096
    assert context_to_ask_for(5_000, 131_072, 32_768) == 32_768
    assert context_to_ask_for(5_000, 131_072, 4_096) == 8_192
    assert context_to_ask_for(5_000, 6_000, None) == 6_000
    assert context_to_ask_for(900_000, None, None) == 900_000


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:99999", "http://[::1", "http://", "http://a b/", "ftp://127.0.0.1", "x"],
)
async def test_an_address_that_is_none_is_a_known_error(address: str, tmp_path: Path) -> None:
    guard = NetworkGuard(lambda: False)
    ollama = Ollama(address, guard)
    service = OpenAICompatible(PRESET, lambda: address, Secrets(tmp_path / "keys.json", {}), guard)
    request = TextRequest(messages=(ChatMessage("user", "Hi"),))
    for provider, model in ((ollama, "ollama/x:1b"), (service, "x/y")):
        assert await provider.list_models() == []
        assert provider.problem is not None
        with pytest.raises(AppError):
            async with aclosing(provider.stream(model, request)) as deltas:
                await anext(deltas)
        await provider.aclose()
