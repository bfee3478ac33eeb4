"""One request to a cloud service: sent, waited for, and its media taken. Imported with the first request."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any, cast
from urllib.parse import quote

import httpx

from ai4artsed_desktop.adapters.backends.api_calls import ApiCalls, Reply, media_of
from ai4artsed_desktop.adapters.http import open_client
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.storage.sniffing import HEAD_BYTES, sniff
from ai4artsed_desktop.domain.api_answers import Answer, UnreadableAnswerError, read_answer, values_at
from ai4artsed_desktop.domain.api_errors import JobFailedError, JobTimeoutError, NoMediumInAnswerError
from ai4artsed_desktop.domain.chunks import ApiOutputChunk, AsyncPolling
from ai4artsed_desktop.domain.errors import AppError, ProviderError
from ai4artsed_desktop.engine.ports import MediaProgress
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

#: A picture may take minutes before its first byte; connecting may not.
TIMEOUT = httpx.Timeout(300.0, connect=10.0)
#: Waits between two questions for a job's state grow up to this.
_MAX_INTERVAL_S = 15.0
_CANCEL_LIMIT_S = 3.0
_MAX_WORDS = 300


async def run_job(
    guard: NetworkGuard, chunk: ApiOutputChunk, body: Mapping[str, Any], key: str, name: str
) -> AsyncGenerator[MediaProgress | ProducedMedium, None]:
    """Send the request, wait for the job where there is one, and yield its media.

    Args:
        name: What people call the service.

    Raises:
        ProviderError: See api_calls.py and domain/api_errors.py.
        LocalOnlyError: Nothing may leave the machine.
    """
    config = chunk.api_config
    reply = Reply()
    async with open_client(guard, TIMEOUT, uses_system_proxy=True) as http:
        calls = ApiCalls(http, config, key, name)
        yield MediaProgress(None, "progress.api.working")
        async with contextlib.aclosing(calls.submit(body)) as updates:
            async for update in updates:
                if isinstance(update, Reply):
                    reply = update
                else:
                    yield update
        if config.async_polling is not None:
            async with contextlib.aclosing(_polled(calls, config.async_polling, reply, name)) as states:
                async for state in states:
                    if isinstance(state, Reply):
                        first, reply = reply, state
                        reply = Reply({**_dict(first.body), **_dict(state.body)}, state.data)
                    else:
                        yield state
        answer = _read(chunk, reply, name)
        for part in media_of(reply, answer):
            data = part.data if part.data is not None else await calls.fetch(part.url)
            yield _medium(data, chunk, answer, name)


def _read(chunk: ApiOutputChunk, reply: Reply, name: str) -> Answer:
    try:
        answer = read_answer(reply.body, chunk.output_mapping.extract_path)
    except UnreadableAnswerError as exc:
        raise ProviderError(str(exc), provider=name) from exc
    if reply.data is None and not answer.media:
        words = " ".join(answer.text.split())[:_MAX_WORDS]
        raise NoMediumInAnswerError(provider=name, words=words or "–")
    return answer


def _medium(data: bytes, chunk: ApiOutputChunk, answer: Answer, name: str) -> ProducedMedium:
    """Return a medium named by its own first bytes: what a service calls it may be missing or wrong."""
    mime = sniff(data[:HEAD_BYTES])
    if mime is None:
        raise NoMediumInAnswerError(provider=name, words="?")
    kind, extension = mime.split("/")
    config = chunk.api_config
    facts = {"provider": config.provider, "model": config.model, **answer.facts}
    if answer.cost_usd is not None:
        facts["cost_usd"] = answer.cost_usd
    if answer.text:
        facts["words"] = answer.text[:_MAX_WORDS]
    extension = {"jpeg": "jpg", "mpeg": "mp3"}.get(extension, extension)
    return ProducedMedium(kind, mime, extension, data=data, metadata=facts)


async def _polled(
    calls: ApiCalls, polling: AsyncPolling, first: Reply, name: str
) -> AsyncGenerator[MediaProgress | Reply, None]:
    """Ask for the job until it has ended; cancel it at the service when the person cancels."""
    job_id = next(values_at(first.body, polling.id_path), None)
    if not isinstance(job_id, str | int):
        raise JobFailedError(provider=name, words="–")

    def at(endpoint: str) -> str:
        return endpoint.replace("{id}", quote(str(job_id), safe=""))

    give_up_s = time.monotonic() + polling.limit_s
    interval_s, reply, is_ended = polling.interval_s, first, False
    try:
        while not (is_ended := _is_ended(polling, reply, name)):
            if time.monotonic() > give_up_s:
                raise JobTimeoutError(provider=name, minutes=f"{polling.limit_s / 60:.0f}")
            yield MediaProgress(_fraction(polling, reply), "progress.api.working")
            await asyncio.sleep(interval_s)
            interval_s = min(_MAX_INTERVAL_S, interval_s * 1.2)
            reply = await calls.ask("GET", at(polling.status_endpoint))
        yield await calls.ask("GET", at(polling.result_endpoint)) if polling.result_endpoint else reply
    except (asyncio.CancelledError, GeneratorExit, JobTimeoutError):
        if polling.cancel_endpoint is not None and not is_ended:
            with contextlib.suppress(AppError, TimeoutError):  # it ends by itself; cancelling only saves money
                async with asyncio.timeout(_CANCEL_LIMIT_S):
                    await calls.ask("POST", at(polling.cancel_endpoint))
        raise


def _is_ended(polling: AsyncPolling, reply: Reply, name: str) -> bool:
    status = str(next(values_at(reply.body, polling.status_path), "")).lower()
    if status in {value.lower() for value in polling.failed_values}:
        reason = next(values_at(reply.body, polling.error_path), None)
        words = reason if isinstance(reason, str) else next(values_at(reason, "message"), None)
        raise JobFailedError(provider=name, words=str(words or status)[:_MAX_WORDS])
    return status in {value.lower() for value in polling.done_values}


def _fraction(polling: AsyncPolling, reply: Reply) -> float | None:
    """Return how far the job is, as the service says it in percent."""
    value = next(values_at(reply.body, polling.progress_path), None) if polling.progress_path else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return min(1.0, max(0.0, float(cast("float", value)) / 100)) if is_number else None


def _dict(body: object) -> dict[str, object]:
    return cast("dict[str, object]", body) if isinstance(body, dict) else {}
