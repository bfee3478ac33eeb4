"""Requests to a cloud service: sent once, repeated only where the service says so, read up to a limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from ai4artsed_desktop.adapters.event_stream import event_data
from ai4artsed_desktop.adapters.http import streamed_body
from ai4artsed_desktop.adapters.local_only import is_loopback
from ai4artsed_desktop.adapters.storage.sniffing import HEAD_BYTES, sniff
from ai4artsed_desktop.domain.api_answers import (
    MAX_ANSWER_BYTES,
    Answer,
    MediumPart,
    Problem,
    UnreadableAnswerError,
    decode_base64,
    read_problem,
    values_at,
)
from ai4artsed_desktop.domain.api_errors import MediumLinkError
from ai4artsed_desktop.domain.chunks import ApiConfig
from ai4artsed_desktop.domain.errors import (
    ProviderCreditError,
    ProviderError,
    ProviderKeyError,
    ProviderLimitError,
    ProviderRefusedError,
    ProviderUnavailableError,
)
from ai4artsed_desktop.engine.ports import MediaProgress

#: Tries of one request altogether. A failed picture is not billed, but the person waits.
MAX_TRIES = 3
#: A longer wait is the person's to decide.
MAX_WAIT_S = 30.0
_FIRST_WAIT_S = 1.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: JSON in ``body``, or a medium as it is in ``data``."""

    body: object = None
    data: bytes | None = None


class ApiCalls:
    """One chunk's requests.

    Args:
        http: Guarded client; it follows no redirects.
        config: The chunk's request.
        key: Goes into one header of requests to the service's own endpoints, and nowhere else.
        provider: What people call the service.
    """

    def __init__(self, http: httpx.AsyncClient, config: ApiConfig, key: str, provider: str) -> None:
        self._http = http
        self._config = config
        self._provider = provider
        self._headers = {**config.headers, config.key_header: config.key_format.format(key=key)}
        self._key = key

    async def submit(self, body: Mapping[str, object]) -> AsyncGenerator[MediaProgress | Reply, None]:
        """Send the chunk's request; yield previews of a streamed answer and waits between tries, then the reply.

        Raises:
            ProviderError: See ``error_of``.
            LocalOnlyError: Nothing may leave the machine.
        """
        config = self._config
        arguments: dict[str, Any] = {}
        if config.method == "POST" and config.body_format == "json":
            arguments["json"] = body
        elif config.method == "POST":
            # Each field a part of its own (RFC 7578), as services that also take files want it.
            arguments["files"] = {name: (None, _form_value(value)) for name, value in body.items()}
        async with aclosing(self._tries(config.method, config.endpoint, arguments)) as updates:
            async for update in updates:
                yield update

    async def ask(self, method: str, endpoint: str) -> Reply:
        """Send a request without a body, such as a question for a job's state. Raises like ``submit``."""
        reply = Reply()
        async with aclosing(self._tries(method, endpoint, {})) as updates:
            async for update in updates:
                if isinstance(update, Reply):
                    reply = update
        return reply

    async def fetch(self, url: str) -> bytes:
        """Return the medium that lies at ``url``, asked for without the key.

        Raises:
            MediumLinkError: The host is none of the chunk's, or there is no medium.
            LocalOnlyError: Nothing may leave the machine.
        """
        for _ in range(MAX_TRIES):
            self._check_host(url)
            try:
                async with self._http.stream("GET", url) as response:
                    if response.status_code in _REDIRECTS:
                        url = str(response.url.join(response.headers.get("location", "")))
                        continue
                    if not response.is_success:
                        raise self._link_error(url, f"HTTP {response.status_code}")
                    data = await self._read(response)
            except (httpx.HTTPError, httpx.InvalidURL) as exc:
                raise self._link_error(url, type(exc).__name__) from exc
            if sniff(data[:HEAD_BYTES]) is None:
                raise self._link_error(url, response.headers.get("content-type", "?"))
            return data
        raise self._link_error(url, "too many redirects")

    def _check_host(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").lower()
        except ValueError as exc:  # such as half an IPv6 address
            raise MediumLinkError(provider=self._provider, host="?", reason="no address") from exc
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))
        own = (urlsplit(self._config.endpoint).hostname or "").lower()
        is_known = any(host == known or host.endswith(f".{known}") for known in (*self._config.media_hosts, own))
        if not (is_safe and is_known):
            raise self._link_error(url, "not an address of this service")

    def _link_error(self, url: str, reason: str) -> MediumLinkError:
        return MediumLinkError(provider=self._provider, host=urlsplit(url).hostname or "?", reason=reason)

    async def _tries(
        self, method: str, endpoint: str, arguments: Mapping[str, Any]
    ) -> AsyncGenerator[MediaProgress | Reply, None]:
        for number in range(1, MAX_TRIES + 1):
            problem: Problem | None = None
            try:
                async with (
                    self._http.stream(method, endpoint, headers=self._headers, **arguments) as response,
                    aclosing(self._updates(response)) as updates,
                ):
                    async for update in updates:
                        if isinstance(update, Problem):
                            problem = update
                            break
                        yield update
                    else:
                        return
            except httpx.HTTPError as exc:
                # Not sent again: it may have arrived, and each picture costs.
                raise ProviderUnavailableError(
                    type(exc).__name__, provider=self._provider, address=urlsplit(endpoint).hostname or "?"
                ) from exc
            wait_s = problem.retry_after_s if problem.retry_after_s is not None else _FIRST_WAIT_S * 2**number
            if number == MAX_TRIES or not problem.may_pass or wait_s > MAX_WAIT_S:
                raise self.error_of(problem)
            yield MediaProgress(None, "progress.api.busy")
            await asyncio.sleep(wait_s)

    async def _updates(self, response: httpx.Response) -> AsyncGenerator[MediaProgress | Reply | Problem, None]:
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type == "text/event-stream" and response.is_success:
            async with aclosing(self._events(response)) as updates:
                async for update in updates:
                    yield update
            return
        data = await self._read(response)
        if response.is_success and content_type.partition("/")[0] in {"image", "audio", "video"}:
            is_filtered = response.headers.get("finish-reason", "").upper() == "CONTENT_FILTERED"
            yield Problem("refused", "CONTENT_FILTERED") if is_filtered else Reply(data=data)
            return
        try:
            body: object = json.loads(data) if data.strip() else None
        except (ValueError, RecursionError):
            body = None
            if response.is_success:
                yield Problem("failed", f"{content_type or 'no type'}: no JSON")
                return
        headers = {name.lower(): value for name, value in response.headers.items()}
        yield read_problem(response.status_code, headers, body) or Reply(body)

    async def _events(self, response: httpx.Response) -> AsyncGenerator[MediaProgress | Reply | Problem, None]:
        """Yield what a stream of server-sent events brings; one that ends before its last event is a failure."""
        async with (
            streamed_body(response) as chunks,
            aclosing(self._limited(chunks)) as limited,
            aclosing(event_data(limited)) as events,
        ):
            async for data in events:
                if data.strip() == "[DONE]":
                    continue
                yield (update := _event_update(data))
                if not isinstance(update, MediaProgress):
                    return
        yield Problem("failed", "the stream ended too early")

    async def _limited(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        received = 0
        async for chunk in chunks:
            received += len(chunk)
            if received > MAX_ANSWER_BYTES:
                raise ProviderError("the answer is too large", provider=self._provider)
            yield chunk

    async def _read(self, response: httpx.Response) -> bytes:
        async with streamed_body(response) as chunks, aclosing(self._limited(chunks)) as limited:
            return b"".join([chunk async for chunk in limited])

    def error_of(self, problem: Problem) -> ProviderError:
        """Return the error that says why there is no medium; its technical detail never repeats the key."""
        detail = problem.words[:500].replace(self._key, "…") if self._key else problem.words[:500]
        if problem.failure == "key":
            return ProviderKeyError(provider=self._provider)  # the service's words repeat part of the key
        if problem.failure == "limit":
            return ProviderLimitError(detail, provider=self._provider, wait_s=problem.retry_after_s)
        if problem.failure == "busy":
            host = urlsplit(self._config.endpoint).hostname or "?"
            return ProviderUnavailableError(detail, provider=self._provider, address=host)
        classes = {"credit": ProviderCreditError, "refused": ProviderRefusedError, "failed": ProviderError}
        return classes[problem.failure](detail, provider=self._provider)


def media_of(reply: Reply, answer: Answer) -> tuple[MediumPart, ...]:
    """Return the media of a reply: itself, or those its JSON names."""
    return (MediumPart(data=reply.data),) if reply.data is not None else answer.media


def _event_update(data: str) -> MediaProgress | Reply | Problem:
    """Read one event of the images APIs: a preview, the whole picture, or what went wrong."""
    try:
        event: object = json.loads(data)
    except (ValueError, RecursionError):
        return Problem("failed", "a line of the stream is no JSON")
    if (problem := read_problem(200, {}, event)) is not None:
        return problem
    if str(next(values_at(event, "type"), "")).endswith(".completed"):
        return Reply({"data": [event], "usage": next(values_at(event, "usage"), None)})
    preview = _preview(event)
    return MediaProgress(None, "progress.api.working", preview=preview, preview_mime=sniff(preview or b"") or "")


def _preview(event: object) -> bytes | None:
    try:
        return decode_base64(str(next(values_at(event, "b64_json"), ""))) or None
    except UnreadableAnswerError:
        return None  # only a preview: the picture itself is judged when it comes


def _form_value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
