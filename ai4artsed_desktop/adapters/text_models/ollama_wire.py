"""Ollama's wire shape: request bodies, answers line by line, errors. Opens no connection.

Source: Ollama's server as read in August 2026 (routes, api types); newer fields may be missing in older servers.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from ai4artsed_desktop.adapters.process.lines import LineSplitter
from ai4artsed_desktop.adapters.text_models.foreign_json import number, table, words
from ai4artsed_desktop.adapters.text_models.openai_stream import (
    AnswerBound,
    StreamError,
    StreamIncompleteError,
    error_from_body,
)
from ai4artsed_desktop.domain.text_models import ChatMessage, TextDelta, TextRequest, TextUsage

#: What people call it.
NAME = "Ollama"

#: Where a name without a host and a namespace lies (Ollama's own defaults).
DEFAULT_HOST, DEFAULT_NAMESPACE, DEFAULT_TAG = "registry.ollama.ai", "library", "latest"

#: Contexts that are asked for. Few, because a request with another one makes the server load the model anew.
_CONTEXT_STEPS = (4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144)

#: Seeds are handed on to llama.cpp, where the largest unsigned 32-bit number means "random".
_SEEDS = 2**31


def full_name(name: str) -> str:
    """Return a model's name with its tag, as every list of the server shows it: ``llama3.2`` → ``llama3.2:latest``."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:{DEFAULT_TAG}"


def is_remote_name(name: str) -> bool:
    """Tell whether the server would pass requests for this model on to the internet."""
    tag = full_name(name).rpartition(":")[2]
    return tag == "cloud" or tag.endswith("-cloud")


def context_to_ask_for(needed_tokens: int, longest: int | None, loaded: int | None) -> int:
    """Return the context length for a request.

    The server's own default cuts longer texts silently, and a length other than that of the loaded model makes it load
    anew: so the loaded one is kept where it is enough, and else the next of a few steps is taken.

    Args:
        needed_tokens: Text and answer together.
        longest: What the model was made for, None = unknown.
        loaded: What the model is loaded with now, None = it is not.
    """
    if loaded is not None and loaded >= needed_tokens:
        return loaded
    step = next((step for step in _CONTEXT_STEPS if step >= needed_tokens), needed_tokens)
    return min(step, longest) if longest is not None else step


def request_path(request: TextRequest) -> str:
    """Return the path that serves this kind of request."""
    return "/api/generate" if request.prompt is not None else "/api/chat"


def request_body(
    request: TextRequest, model: str, *, context_tokens: int, keep_alive_s: float, think: bool
) -> dict[str, Any]:
    """Return the JSON body of a streamed request.

    ``think`` is always said: on a model that can think, its absence means yes.
    """
    options: dict[str, Any] = {
        "num_ctx": context_tokens,
        "num_predict": max(1, request.max_tokens),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed % _SEEDS,
    }
    optional = {
        "min_p": request.min_p,
        "repeat_penalty": request.repeat_penalty,
        "stop": list(request.stop) or None,
    }
    options |= {name: value for name, value in optional.items() if value is not None}
    body: dict[str, Any] = {
        "model": model,
        "stream": True,
        "think": think,
        "keep_alive": keep_alive_seconds(keep_alive_s),
        "truncate": False,  # a text that is too long is an error, never a shorter text
        "options": options,
    }
    if request.prompt is not None:
        body |= {"prompt": request.prompt, "raw": True}
    else:
        body["messages"] = [_message(message) for message in request.messages]
    if request.json_schema is not None:
        body["format"] = request.json_schema
    return body


def keep_alive_seconds(keep_alive_s: float) -> int:
    """Return what ``keep_alive`` says: a number is seconds, −1 for ever, 0 unloads. A number as text is an error."""
    return -1 if keep_alive_s < 0 else round(keep_alive_s)


def _message(message: ChatMessage) -> dict[str, Any]:
    shape: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.images:
        shape["images"] = [base64.b64encode(image).decode("ascii") for image in message.images]
    return shape


async def read_objects(chunks: AsyncIterable[bytes]) -> AsyncGenerator[dict[str, Any], None]:
    """Read newline-delimited JSON objects; an ``error`` in one is raised, whatever the status was.

    Raises:
        StreamError: A line is an error or no JSON object.
    """
    splitter = LineSplitter()
    async for chunk in chunks:
        for line in splitter.feed(chunk):
            if line.strip():
                yield _object(line)
    for line in splitter.finish():
        yield _object(line)


def _object(line: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise StreamError(f"not JSON: {line[:200]}") from exc
    if not isinstance(value, dict):
        raise StreamError(f"not an object: {line[:200]}")
    shape = cast("dict[str, Any]", value)
    if shape.get("error"):
        raise error_from_body(200, line.encode())
    return shape


async def read_deltas(chunks: AsyncIterable[bytes]) -> AsyncGenerator[TextDelta, None]:
    """Read a streamed answer; the last delta has the ``finish_reason`` and the figures.

    Raises:
        StreamError: A line is an error or no JSON object, or the answer has no end.
        StreamIncompleteError: The stream ended without its end mark (seen also after many equal words in a row).
    """
    bound = AnswerBound()
    async with aclosing(read_objects(chunks)) as objects:
        async for event in objects:
            delta = _delta(event)
            bound.note(delta)
            if event.get("done") is True:
                if delta.text or delta.thinking:
                    yield delta
                yield TextDelta(finish_reason=str(event.get("done_reason") or "stop"), usage=_usage(event))
                return
            if delta.text or delta.thinking:
                yield delta
    raise StreamIncompleteError("the answer broke off without an end mark")


def _delta(event: dict[str, Any]) -> TextDelta:
    message = table(event.get("message"))
    return TextDelta(
        text=words(message.get("content")) or words(event.get("response")),
        thinking=words(message.get("thinking")) or words(event.get("thinking")),
    )


def _usage(event: dict[str, Any]) -> TextUsage:
    """Figures come in nanoseconds and are left out while 0."""
    generate_ns = _number(event, "prompt_eval_duration") + _number(event, "eval_duration")
    return TextUsage(
        prompt_tokens=int(_number(event, "prompt_eval_count")) or None,
        completion_tokens=int(_number(event, "eval_count")) or None,
        load_ms=_number(event, "load_duration") / 1e6,
        generate_ms=generate_ns / 1e6 or None,
    )


def _number(event: dict[str, Any], name: str) -> float:
    """A figure; it is left out while 0."""
    return max(0.0, number(event.get(name)) or 0.0)


@dataclass(frozen=True, slots=True)
class PullStep:
    """One line of a download's progress.

    Attributes:
        status: What the server does now, in its own words.
        digest: The layer it is about, "" for none.
        total_bytes, done_bytes: Of this layer.
    """

    status: str
    digest: str = ""
    total_bytes: int = 0
    done_bytes: int = 0

    @property
    def is_end(self) -> bool:
        """Only this status means that all is there."""
        return self.status == "success"


def pull_step(event: dict[str, Any]) -> PullStep:
    """Return a line of ``/api/pull`` or ``/api/create``; ``completed`` is left out while 0."""
    return PullStep(
        status=words(event.get("status")),
        digest=words(event.get("digest")),
        total_bytes=int(_number(event, "total")),
        done_bytes=int(_number(event, "completed")),
    )
