"""The OpenAI wire shape of text generation: request bodies, streamed answers, errors. Knows no server in particular.

Recorded from llama.cpp's server; other servers differ in what they leave out, not in what they send.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from ai4artsed_desktop.adapters.process.lines import LineSplitter
from ai4artsed_desktop.domain.text_models import TextDelta, TextRequest, TextUsage

#: Seeds go over the wire as unsigned 32 bits, and the highest one means "random" (llama.h, LLAMA_DEFAULT_SEED).
_RANDOM_SEED = 2**32 - 1


class StreamError(Exception):
    """The server answered with an error, or not in the agreed shape.

    Attributes:
        kind: The error's typed name, such as ``exceed_context_size_error``; branch on this, never on the words.
        facts: The whole error object.
    """

    def __init__(self, message: str, kind: str = "", facts: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.facts = facts or {}


class StreamIncompleteError(StreamError):
    """The stream ended without its end mark: what came is not the whole answer."""


def request_path(request: TextRequest) -> str:
    """Return the path below the server's address that serves this kind of request."""
    return "/v1/completions" if request.prompt is not None else "/v1/chat/completions"


def request_body(request: TextRequest, model: str, max_tokens: int | None = None) -> dict[str, Any]:
    """Return the JSON body of a streamed request.

    Args:
        max_tokens: Replaces the request's own bound, where a server has a lower one.
    """
    body: dict[str, Any] = {
        "model": model,
        "stream": True,
        "max_tokens": max(1, request.max_tokens if max_tokens is None else max_tokens),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed % _RANDOM_SEED,
    }
    if request.prompt is not None:
        body["prompt"] = request.prompt
    else:
        body["messages"] = [{"role": message.role, "content": message.content} for message in request.messages]
    optional = {
        "min_p": request.min_p,
        "repeat_penalty": request.repeat_penalty,
        "dry_multiplier": request.dry_multiplier,
        "dry_allowed_length": request.dry_allowed_length,
        "stop": list(request.stop) or None,
    }
    body |= {name: value for name, value in optional.items() if value is not None}
    if request.json_schema is not None:
        schema = {"name": "answer", "schema": request.json_schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


async def check_status(response: httpx.Response) -> None:
    """Raise StreamError unless the status is 200: errors before the first token come as plain JSON."""
    if not response.is_success:
        raise error_from_body(response.status_code, await response.aread())


def error_from_body(status: int, body: bytes) -> StreamError:
    """Return the error in a body of any shape."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    return _error(answer) or StreamError(f"HTTP {status}: {body[:500].decode('utf-8', 'replace')}")


async def read_deltas(chunks: AsyncIterable[bytes]) -> AsyncGenerator[TextDelta, None]:
    """Read server-sent events; the last delta has the ``finish_reason`` and the usage.

    Raises:
        StreamError: An event is an error or no JSON object.
        StreamIncompleteError: The stream ended without a finish reason.
    """
    end = _End()
    async with aclosing(_events(chunks)) as events:
        async for data in events:
            if data == "[DONE]":
                break
            event = _parse(data)
            end.note(event)
            if (delta := _delta(event)) is not None:
                yield delta
    if end.reason is None:
        raise StreamIncompleteError("the answer broke off without an end mark")
    yield TextDelta(finish_reason=end.reason, usage=end.usage())


async def _events(chunks: AsyncIterable[bytes]) -> AsyncGenerator[str, None]:
    # Not httpx's aiter_lines: it also splits at U+2028 and other characters that may stand inside JSON text.
    splitter = LineSplitter()
    async for chunk in chunks:
        for line in splitter.feed(chunk):
            if (data := _data_of(line)) is not None:
                yield data
    for line in splitter.finish():
        if (data := _data_of(line)) is not None:
            yield data


def _data_of(line: str) -> str | None:
    """The data of a line; None for comments (pings), empty lines and other fields."""
    name, _, value = line.partition(":")
    return value.removeprefix(" ") if name in {"data", "error"} else None


def _parse(data: str) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except ValueError as exc:
        raise StreamError(f"not JSON: {data[:200]}") from exc
    if (error := _error(event)) is not None:
        raise error
    if not isinstance(event, dict):
        raise StreamError(f"not an object: {data[:200]}")
    return cast(dict[str, Any], event)


def _error(answer: object) -> StreamError | None:
    if not isinstance(answer, dict):
        return None
    facts = cast(dict[str, Any], answer).get("error")
    if isinstance(facts, str):
        return StreamError(facts)
    if isinstance(facts, dict):
        known = cast(dict[str, Any], facts)
        return StreamError(str(known.get("message", known)), str(known.get("type", "")), known)
    return None


def _choice(event: dict[str, Any]) -> dict[str, Any]:
    choices = cast(list[dict[str, Any]], event.get("choices") or [{}])  # the usage event has an empty list
    return choices[0]


def _delta(event: dict[str, Any]) -> TextDelta | None:
    choice = _choice(event)
    delta = cast(dict[str, Any], choice.get("delta") or {})
    text = str(choice.get("text") or delta.get("content") or "")
    thinking = str(delta.get("reasoning_content") or delta.get("reasoning") or "")
    return TextDelta(text=text, thinking=thinking) if text or thinking else None


@dataclass(slots=True)
class _End:
    """What the events told about the end: usage may come after the finish reason."""

    reason: str | None = None
    counts: dict[str, Any] = field(default_factory=dict[str, Any])
    timings: dict[str, Any] = field(default_factory=dict[str, Any])

    def note(self, event: dict[str, Any]) -> None:
        self.reason = _choice(event).get("finish_reason") or self.reason
        self.counts = event.get("usage") or self.counts
        self.timings = event.get("timings") or self.timings

    def usage(self) -> TextUsage:
        cached = self.timings.get("cache_n", 0)
        prompt_tokens = self.timings["prompt_n"] + cached if "prompt_n" in self.timings else None
        generate_ms = None
        if "predicted_ms" in self.timings:
            generate_ms = self.timings["predicted_ms"] + self.timings.get("prompt_ms", 0.0)
        return TextUsage(
            prompt_tokens=self.counts.get("prompt_tokens", prompt_tokens),
            completion_tokens=self.counts.get("completion_tokens", self.timings.get("predicted_n")),
            generate_ms=generate_ms,
        )
