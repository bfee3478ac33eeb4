"""The OpenAI wire shape of text generation: request bodies, streamed answers, errors. Knows no server in particular.

Recorded from llama.cpp's server; other servers differ in what they leave out, not in what they send.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ai4artsed_desktop.adapters.event_stream import event_data
from ai4artsed_desktop.adapters.text_models.foreign_json import items, number, table, whole, words
from ai4artsed_desktop.domain.text_models import ChatMessage, TextDelta, TextRequest, TextUsage

if TYPE_CHECKING:
    import httpx

#: Seeds go over the wire as unsigned 32 bits, and the highest one means "random" (llama.h, LLAMA_DEFAULT_SEED).
_RANDOM_SEED = 2**32 - 1

#: No answer that anybody reads is longer; a server that goes on is broken, or means harm.
_LONGEST_ANSWER_CHARS = 4_000_000


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


class AnswerBound:
    """Ends an answer that does not end itself, before it fills the memory."""

    def __init__(self) -> None:
        self._chars = 0

    def note(self, delta: TextDelta) -> None:
        """Count a piece. Raises StreamError beyond the longest answer."""
        self._chars += len(delta.text) + len(delta.thinking)
        if self._chars > _LONGEST_ANSWER_CHARS:
            raise StreamError(f"the answer is longer than {_LONGEST_ANSWER_CHARS} characters")


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
        body["messages"] = [{"role": message.role, "content": _content(message)} for message in request.messages]
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


def _content(message: ChatMessage) -> str | list[dict[str, Any]]:
    """Text alone is a string; with pictures it is a list of parts, a picture being a data URL."""
    if not message.images:
        return message.content
    pictures = [{"type": "image_url", "image_url": {"url": _data_url(image)}} for image in message.images]
    return [{"type": "text", "text": message.content}, *pictures]


def _data_url(image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "webp" if image[8:12] == b"WEBP" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"


async def check_status(response: httpx.Response) -> None:
    """Raise StreamError unless the status is 200: errors before the first token come as plain JSON."""
    if not response.is_success:
        raise error_from_body(response.status_code, await response.aread())


def error_from_body(status: int, body: bytes) -> StreamError:
    """Return the error in a body of any shape."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    return _error(answer) or StreamError(f"HTTP {status}: {body[:500].decode('utf-8', 'replace')}")


async def read_deltas(chunks: AsyncIterable[bytes]) -> AsyncGenerator[TextDelta, None]:
    """Read server-sent events; the last delta has the ``finish_reason`` and the usage.

    Raises:
        StreamError: An event is an error or no JSON object.
        StreamIncompleteError: The stream ended without a finish reason.
    """
    end = _End()
    bound = AnswerBound()
    async with aclosing(event_data(chunks)) as events:
        async for data in events:
            if data == "[DONE]":
                break
            event = _parse(data)
            end.note(event)
            if (delta := _delta(event)) is not None:
                bound.note(delta)
                yield delta
    if end.reason is None:
        raise StreamIncompleteError("the answer broke off without an end mark")
    yield TextDelta(finish_reason=end.reason, usage=end.usage())


def _parse(data: str) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except (ValueError, RecursionError) as exc:
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
        return StreamError(str(known.get("message", known)), str(known.get("type") or ""), known)
    return None


def _choice(event: dict[str, Any]) -> dict[str, Any]:
    choices = items(event.get("choices"))
    return table(choices[0]) if choices else {}  # the usage event has an empty list


def _delta(event: dict[str, Any]) -> TextDelta | None:
    choice = _choice(event)
    delta = table(choice.get("delta"))
    text = _said(choice.get("text") or delta.get("content"))
    thinking = _said(delta.get("reasoning_content") or delta.get("reasoning"))
    return TextDelta(text=text, thinking=thinking) if text or thinking else None


def _said(value: object) -> str:
    """A piece of text; some services send a list of parts."""
    return words(value) or "".join(words(table(part).get("text")) for part in items(value))


@dataclass(slots=True)
class _End:
    """What the events told about the end: usage may come after the finish reason."""

    reason: str | None = None
    counts: dict[str, Any] = field(default_factory=dict[str, Any])
    timings: dict[str, Any] = field(default_factory=dict[str, Any])

    def note(self, event: dict[str, Any]) -> None:
        reason = words(_choice(event).get("finish_reason"))
        if reason == "error":  # OpenRouter's mark of an error that it cannot say in the agreed shape
            raise StreamError("the service failed in the middle of its answer")
        self.reason = reason or self.reason
        self.counts = table(event.get("usage")) or self.counts
        self.timings = table(event.get("timings")) or self.timings

    def usage(self) -> TextUsage:
        counts, timings = self.counts, self.timings
        read = number(timings.get("prompt_n"))
        generate_ms = number(timings.get("predicted_ms"))
        if read is not None:
            read += number(timings.get("cache_n")) or 0
        if generate_ms is not None:
            generate_ms += number(timings.get("prompt_ms")) or 0
        return TextUsage(
            prompt_tokens=whole(counts.get("prompt_tokens")) or whole(read),
            completion_tokens=whole(counts.get("completion_tokens")) or whole(timings.get("predicted_n")),
            generate_ms=generate_ms,
            cost_usd=number(counts.get("cost")),  # what the service says this answer cost (OpenRouter)
        )
