"""One loaded model: its child process and the conversation with it over HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import httpx
import psutil

from ai4artsed_desktop.adapters.http import streamed_body
from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.launch import child_argv, child_cwd
from ai4artsed_desktop.adapters.text_models.llama_files import may_vanish
from ai4artsed_desktop.adapters.text_models.openai_stream import (
    StreamError,
    StreamIncompleteError,
    check_status,
    read_deltas,
    request_body,
    request_path,
)
from ai4artsed_desktop.domain.errors import ContextTooLongError, ModelError, ModelLoadError, ModelStoppedError
from ai4artsed_desktop.domain.text_models import ModelGrade, TextDelta, TextModelInfo, TextRequest
from ai4artsed_desktop.domain.token_estimate import answer_room

_log = logging.getLogger(__name__)

#: A cold load of a large model from a slow disk takes minutes; beyond this something is wrong.
LOAD_LIMIT_S = 900.0

#: No byte for so long means dead: the server pings every 30 s, also while it reads a long prompt.
SILENCE_LIMIT_S = 180.0

#: Loading the library and its drivers takes well below a second.
_ASK_LIMIT_S = 20.0

#: What a model is loaded with until a text needs more: enough for most, and gigabytes are not taken in advance.
_CONTEXT_TOKENS = 4096
_TINY_CONTEXT_TOKENS = 2048

#: Less holds no idea and its rules.
_LEAST_CONTEXT_TOKENS = 512

#: The context grows to a multiple of this, so that a text a little longer needs no new load.
_CONTEXT_STEP_TOKENS = 4096

#: Where a file does not tell what a token takes: more than models of 30 billion weights with grouped heads need.
_CAREFUL_CACHE_BYTES = 256 * 1024

#: Of the memory that the weights leave free, the context may take so much.
_CACHE_SHARE = 0.5

#: More than a chat template adds around one message.
_TEMPLATE_TOKENS = 64

#: Exit codes: POSIX signal, Windows STATUS_ILLEGAL_INSTRUCTION (ntstatus.h).
_ILLEGAL_INSTRUCTION = frozenset({-signal.SIGILL, 0xC000001D})

#: How long a child whose connection broke may take to be seen dead.
_DEATH_LIMIT_S = 2.0


def default_threads() -> int:
    """Return physical cores − 1, at least 1: one stays free for the window.

    Measured: with other work on the machine, as many threads as cores fall to a tenth of the speed (spinning barriers).
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(psutil.cpu_count(logical=False) or available, available) - 1)


def first_context(info: TextModelInfo) -> int:
    """Return the context that most texts need, in tokens; never more than the model was made for."""
    usual = _TINY_CONTEXT_TOKENS if info.grade is ModelGrade.TINY else _CONTEXT_TOKENS
    return min(info.context_tokens or usual, usual)


def longest_context(info: TextModelInfo, bound_tokens: int | None, free_bytes: int) -> int:
    """Return the longest context that model, settings and memory allow, in tokens.

    Args:
        bound_tokens: What the settings allow; None = no bound of theirs.
        free_bytes: Memory that is free before the model is loaded.
    """
    for_cache = max(0, free_bytes - (info.size_bytes or 0)) * _CACHE_SHARE
    by_memory = int(for_cache / (info.cache_bytes_per_token or _CAREFUL_CACHE_BYTES))
    first = first_context(info)
    longest = min(info.context_tokens or first, max(by_memory, first))
    return longest if bound_tokens is None else min(longest, max(bound_tokens, _LEAST_CONTEXT_TOKENS))


def context_for(needed_tokens: int, first_tokens: int, longest_tokens: int) -> int:
    """Return the context to load a model with, in tokens."""
    steps = -(-needed_tokens // _CONTEXT_STEP_TOKENS) * _CONTEXT_STEP_TOKENS
    return min(longest_tokens, max(first_tokens, steps))


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a model is loaded.

    Attributes:
        needed_tokens: The context that a text is known to need; 0 = the usual one.
        bound_tokens: The longest context that the settings allow; None = what model and memory do.
    """

    threads: int
    needed_tokens: int = 0
    bound_tokens: int | None = None


async def count_cards(guards: Guards) -> int | None:
    """Return how many graphics cards the installed llama.cpp can use; None if it could not be asked.

    In a process of its own: a broken driver ends that one, and its libraries stay out of ours.
    """
    try:
        async with asyncio.timeout(_ASK_LIMIT_S):
            child = await ChildProcess.start(
                child_argv("llm", json.dumps("devices")),
                name="llama.cpp devices",
                cwd=child_cwd(),
                watchdog=guards.watchdog,
                ledger=guards.ledger,
            )
            async with child, aclosing(child.lines()) as lines:
                async for line in lines:
                    if isinstance(cards := _parse(line).get("cards"), int):
                        return cards
    except (OSError, TimeoutError) as exc:
        _log.warning("llama.cpp does not tell which cards it can use: %s", exc)
    return None


class LlamaServer:
    """A model that is loaded and answers; made by ``start``, ended by ``stop``.

    ``context_tokens`` is what it was loaded with, ``longest_tokens`` what another load could give it.
    """

    def __init__(
        self, info: TextModelInfo, child: ChildProcess, http: httpx.AsyncClient, key: str, context: tuple[int, int]
    ) -> None:
        self.info = info
        self.context_tokens, self.longest_tokens = context
        self.load_ms = 0.0
        self._child = child
        self._http = http
        self._headers = {"Authorization": f"Bearer {key}"}
        self._url = ""

    @classmethod
    async def start(
        cls, info: TextModelInfo, options: LoadOptions, http: httpx.AsyncClient, guards: Guards
    ) -> LlamaServer:
        """Start the child and wait until the model is loaded; a cancelled call leaves no child.

        Raises:
            ModelLoadError: With the reason from llama.cpp's log in ``detail``.
        """
        assert info.path is not None, "a model without a problem has a file"
        start_s = time.monotonic()
        longest = longest_context(info, options.bound_tokens, psutil.virtual_memory().available)
        context = context_for(options.needed_tokens, first_context(info), longest)
        job = {
            "model": info.path,
            "alias": info.name,
            "context_tokens": context,
            "threads": options.threads,
            "may_vanish": await asyncio.to_thread(may_vanish, Path(info.path)),
        }
        key = secrets.token_urlsafe(32)
        try:
            child = await ChildProcess.start(
                child_argv("llm", json.dumps(job)),
                name=info.id,
                cwd=child_cwd(),
                stdin_data=f"{key}\n".encode(),
                keep_stdin_open=True,
                watchdog=guards.watchdog,
                ledger=guards.ledger,
            )
        except OSError as exc:
            raise ModelLoadError(str(exc), model=info.name) from exc
        server = cls(info, child, http, key, (context, longest))
        try:
            await server._become_ready()
        except BaseException:
            await child.stop(grace_s=0)
            raise
        server.load_ms = (time.monotonic() - start_s) * 1000
        return server

    @property
    def is_alive(self) -> bool:
        """Return whether the child still runs."""
        return self._child.returncode is None

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    @property
    def url(self) -> str:
        """The address it serves; without the key it answers only ``/health``."""
        return self._url

    async def stream(self, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        """Generate; closing the iterator closes the connection, which frees the server within milliseconds.

        The request must fit: see ``needed_context``.

        Raises:
            ContextTooLongError, ModelStoppedError, ModelError.
        """
        limit = min(request.max_tokens, self.context_tokens)
        body = request_body(request, self.info.name, limit) | {
            # The same request gives the same text, whatever was asked before; a cached beginning changes rounding.
            "cache_prompt": False,
            # Models that can think aloud or not: a transformation of a sentence needs no essay before it.
            "chat_template_kwargs": {"enable_thinking": False},
        }
        try:
            async with self._http.stream(
                "POST", self._url + request_path(request), json=body, headers=self._headers
            ) as response:
                await check_status(response)
                async with streamed_body(response) as chunks, aclosing(read_deltas(chunks)) as deltas:
                    async for delta in deltas:
                        yield delta if delta.finish_reason is None else self._with_load_time(delta)
        except (httpx.TransportError, StreamIncompleteError) as exc:
            raise await self._stopped(exc) from exc
        except StreamError as exc:
            raise self._refused(exc) from exc

    async def count_tokens(self, request: TextRequest) -> int:
        """Return how many tokens a request's text is, by the model's own template and tokenizer.

        Raises:
            ModelStoppedError, ModelError.
        """
        text = request.prompt
        if text is None:
            messages = [{"role": message.role, "content": message.content} for message in request.messages]
            text = str((await self._ask("/apply-template", {"messages": messages})).get("prompt", ""))
        answer = await self._ask("/tokenize", {"content": text, "add_special": True, "parse_special": True})
        return len(cast("list[object]", answer.get("tokens", [])))

    async def needed_context(self, request: TextRequest) -> int:
        """Return the tokens of text and answer, once it is clear that some load of this model can hold them.

        Measured by the model's own tokenizer, unless the text is far too short for it to matter.

        Raises:
            ContextTooLongError: No load of it can.
            ModelStoppedError, ModelError.
        """
        texts = [request.prompt or "", *(message.content for message in request.messages)]
        # No token is shorter than a byte.
        at_most = sum(len(text.encode("utf-8", "replace")) + _TEMPLATE_TOKENS for text in texts)
        if at_most + (room := answer_room(request.max_tokens, self.context_tokens)) <= self.context_tokens:
            return at_most + room
        tokens = await self.count_tokens(request)
        if (needed := tokens + answer_room(request.max_tokens, self.context_tokens)) <= self.context_tokens:
            return needed
        needed = tokens + answer_room(request.max_tokens, self.longest_tokens)
        if needed > self.longest_tokens:
            raise ContextTooLongError(model=self.info.name, tokens=str(needed), limit=str(self.longest_tokens))
        return needed

    async def _ask(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self._http.post(self._url + path, json=body, headers=self._headers)
            await check_status(response)
        except httpx.TransportError as exc:
            raise await self._stopped(exc) from exc
        except StreamError as exc:
            raise self._refused(exc) from exc
        return _parse(response.text)

    async def is_busy(self) -> bool:
        """Return whether a generation is running in the server (``/slots``)."""
        response = await self._http.get(f"{self._url}/slots", headers=self._headers)
        response.raise_for_status()
        return any(slot["is_processing"] for slot in response.json())

    def ask_to_end(self) -> None:
        """Begin to end the child; ``stop`` waits for it."""
        self._child.ask_to_end()

    async def stop(self) -> None:
        """End the child and free its memory."""
        await self._child.stop()

    async def _become_ready(self) -> None:
        try:
            async with asyncio.timeout(LOAD_LIMIT_S):
                self._url = await self._read_address()
                (await self._http.get(f"{self._url}/health")).raise_for_status()
        except TimeoutError as exc:
            raise ModelLoadError(f"not loaded after {LOAD_LIMIT_S:.0f} s", model=self.info.name) from exc
        except httpx.HTTPError as exc:
            raise ModelLoadError(self._reason(str(exc)), model=self.info.name) from exc
        self._child.note_port(httpx.URL(self._url).port or 0)

    async def _read_address(self) -> str:
        """Return the address from the child's one line."""
        async with aclosing(self._child.lines()) as lines:
            async for line in lines:
                answer = _parse(line)
                if "ready" in answer:
                    return str(answer["ready"])
                if "failed" in answer:
                    await self._child.wait()
                    raise ModelLoadError(self._reason(str(answer["failed"])), model=self.info.name)
        code = await self._child.wait()
        words = "the processor lacks instructions that llama.cpp needs" if code in _ILLEGAL_INSTRUCTION else "it ended"
        raise ModelLoadError(self._reason(f"{words}, exit code {code}"), model=self.info.name)

    def _reason(self, words: str) -> str:
        return "\n".join([words, *self._child.tail()])

    def _with_load_time(self, last: TextDelta) -> TextDelta:
        return replace(last, usage=replace(last.usage, load_ms=self.load_ms))

    async def _stopped(self, cause: Exception) -> ModelStoppedError:
        """The connection broke: give a dying child a moment, so that its last words and exit code are known."""
        words = str(cause) or type(cause).__name__
        try:
            async with asyncio.timeout(_DEATH_LIMIT_S):
                words += f" (exit code {await self._child.wait()})"
        except TimeoutError:
            words += " (the process still runs)"
        return ModelStoppedError(self._reason(words), model=self.info.name)

    def _refused(self, error: StreamError) -> ModelError:
        if error.kind == "exceed_context_size_error":
            tokens, limit = (str(error.facts.get(key, "?")) for key in ("n_prompt_tokens", "n_ctx"))
            return ContextTooLongError(str(error), model=self.info.name, tokens=tokens, limit=limit)
        return ModelError(str(error), model=self.info.name)


def _parse(line: str) -> dict[str, Any]:
    """A line of the child's own protocol; anything else it prints means nothing to us."""
    try:
        answer = json.loads(line)
    except ValueError:
        return {}
    return cast(dict[str, Any], answer) if isinstance(answer, dict) else {}
