"""Text models behind the OpenAI-compatible API: servers on this machine and services on the internet, one adapter."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ai4artsed_desktop.adapters.local_only import NetworkGuard, answers, is_on_this_machine, port_of
from ai4artsed_desktop.adapters.secrets import Secrets
from ai4artsed_desktop.adapters.text_models.openai_models import read_models
from ai4artsed_desktop.adapters.text_models.openai_stream import (
    StreamError,
    StreamIncompleteError,
    error_from_body,
    read_deltas,
    request_body,
)
from ai4artsed_desktop.adapters.text_models.provider_errors import Refusal, retry_after_s, status_in
from ai4artsed_desktop.adapters.text_models.provider_presets import ProviderPreset
from ai4artsed_desktop.domain.errors import (
    LocalOnlyError,
    ModelError,
    ModelMissingError,
    ModelStoppedError,
    NotRunnableError,
    ProviderError,
    ProviderKeyError,
    ProviderUnavailableError,
    StorageError,
)
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.text_models import TextDelta, TextModelInfo, TextRequest
from ai4artsed_desktop.domain.token_estimate import check_fits

if TYPE_CHECKING:
    # Imported with the first request: the HTTP client behind it would cost every start of the window.
    import httpx

_log = logging.getLogger(__name__)

#: Silence that is no longer work: reasoning models of services think for minutes, with comments as signs of life; a
#: server on this machine may read a large model from a slow disk first.
SILENCE_LIMIT_S = 600.0

#: Pauses before another try where the service names none; two more tries at most.
RETRY_PAUSES_S = (1.0, 4.0)

#: How long a list of models counts before it is asked for again: a service's changes once in a while.
_FRESH_HERE_S, _FRESH_AWAY_S = 2.0, 600.0

#: How long a service that could not be asked is taken to be away: the window asks often, and each time would wait.
_FAILED_AWAY_S = 30.0
_LIST_LIMIT_S = 6.0

#: What a model that always reasons refuses, and the room that its reasoning gets beside the answer.
_SAMPLING = frozenset({"temperature", "top_p", "stop", "seed", "min_p", "repeat_penalty"})
_REASONING_TOKENS = 4_096

#: Printable ASCII without spaces: all that a header can carry.
_KEY = re.compile(r"[!-~]{1,4096}")


class OpenAICompatible:
    """One service or server; fits ``engine.ports.TextModelProvider``.

    Args:
        preset: What it needs and accepts.
        address: Where it answers now, "" = it is switched off.
        secrets: Where its key is.
        guard: Asked before every connection.
        pause: Waits before another try.
    """

    def __init__(
        self,
        preset: ProviderPreset,
        address: Callable[[], str],
        secrets: Secrets,
        guard: NetworkGuard,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._preset = preset
        self._address = address
        self._secrets = secrets
        self._guard = guard
        self._pause = pause
        self._http: httpx.AsyncClient | None = None
        self._known: dict[str, TextModelInfo] = {}
        self._known_of = ("", "")
        self._known_until_s = 0.0
        self._known_error: ProviderError | ModelError | None = None
        self._problem: Reason | None = None

    @property
    def id(self) -> str:
        """The preset's id."""
        return self._preset.id

    @property
    def problem(self) -> Reason | None:
        """Why it serves no models, as far as the last list told; None if it does, or is switched off."""
        return self._problem

    async def list_models(self) -> list[TextModelInfo]:
        """Return its models; none while it is switched off, or where ``problem`` says why."""
        address = self._address()
        self._problem = None
        if not address:
            return []
        try:
            return await self._list(address)
        except LocalOnlyError as exc:
            self._problem = Reason("reason.local_only", exc.params)
        except ProviderKeyError:
            self._problem = Reason("reason.provider_key", {"provider": self._preset.name})
        except (ProviderError, ModelError, StorageError) as exc:
            _log.info("%s: %s", self._preset.name, exc.detail)
            self._problem = Reason("reason.provider_unreachable", {"provider": self._preset.name, "address": address})
        return []

    async def stream(self, model_id: str, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        """Generate; closing the iterator closes the connection, which ends the work.

        Raises:
            ProviderError: As ProviderKeyError, ProviderCreditError, ProviderLimitError … too.
            ModelMissingError, ModelStoppedError, ContextTooLongError, ModelError, LocalOnlyError.
        """
        address = self._address()
        name = model_id.removeprefix(f"{self.id}/")
        if not address:
            raise ModelMissingError("the service is switched off", model=model_id)
        if request.prompt is not None and not self._preset.has_completions:
            raise NotRunnableError(id=model_id, reason="reason.chat_only")
        self._check(address)
        known = self._known.get(model_id)
        check_fits(request, name, known.context_tokens if known else None)
        key = await self._key(address)
        for pause_s in (*RETRY_PAUSES_S, None):
            try:
                async with aclosing(self._answer(address, name, request, key)) as deltas:
                    async for delta in deltas:
                        yield delta
                return
            except _RetryError as exc:
                if pause_s is None:
                    raise exc.refusal.as_error(self._preset.name, address, name) from exc
                wait_s = exc.refusal.retry_after_s
            await self._pause(pause_s if wait_s is None else wait_s)

    async def release(self) -> None:
        """Nothing of it is in our memory."""

    async def aclose(self) -> None:
        """Close connections."""
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    async def _list(self, address: str) -> list[TextModelInfo]:
        self._check(address)
        key = await self._key(address)
        if self._known_of != (address, key) or time.monotonic() >= self._known_until_s:
            await self._look(address, key)
        if self._known_error is not None:
            raise self._known_error.with_traceback(None)
        return list(self._known.values())

    async def _look(self, address: str, key: str) -> None:
        """Ask for the list. A service that is away is not asked again and again while it does not answer."""
        is_here = is_on_this_machine(address)
        self._known, self._known_of, self._known_error = {}, (address, key), None
        try:
            if is_here and not await answers(address, self._guard):
                raise ProviderUnavailableError("nothing listens", provider=self._preset.name, address=address)
            infos = read_models(await self._ask(address, "/models", key), self._preset, is_local=is_here)
            self._known = {info.id: info for info in infos}
            fresh_s = _FRESH_HERE_S if is_here else _FRESH_AWAY_S
        except (ProviderError, ModelError) as exc:
            self._known_error = exc
            fresh_s = 0.0 if is_here else _FAILED_AWAY_S
        self._known_until_s = time.monotonic() + fresh_s

    async def _ask(self, address: str, path: str, key: str) -> object:
        import httpx

        try:
            response = await self._client().get(address + path, headers=_headers(key), timeout=_LIST_LIMIT_S)
            if not response.is_success:
                raise (await self._refusal(response, key)).as_error(self._preset.name, address, "")
            return response.json()
        except (httpx.TransportError, ValueError) as exc:
            words = f"{type(exc).__name__}: {exc}"
            raise ProviderUnavailableError(words, provider=self._preset.name, address=address) from exc

    async def _answer(
        self, address: str, model: str, request: TextRequest, key: str
    ) -> AsyncGenerator[TextDelta, None]:
        """Ask once. Raises _RetryError if asking again is worth while, and nothing came yet."""
        import httpx

        from ai4artsed_desktop.adapters.http import streamed_body

        path = "/completions" if request.prompt is not None else "/chat/completions"
        has_begun = False
        try:
            async with self._client().stream(
                "POST", address + path, json=provider_body(request, model, self._preset), headers=_headers(key)
            ) as response:
                if not response.is_success:
                    raise self._judged(await self._refusal(response, key), address, model)
                async with streamed_body(response) as chunks, aclosing(read_deltas(chunks)) as deltas:
                    async for delta in deltas:
                        has_begun = True
                        yield delta
        except StreamIncompleteError as exc:
            raise ModelStoppedError(str(exc), model=model) from exc
        except StreamError as exc:
            refusal = Refusal(status_in(exc), exc, key=key)
            if has_begun:
                raise refusal.as_error(self._preset.name, address, model) from exc
            raise self._judged(refusal, address, model) from exc
        except httpx.TransportError as exc:
            words = f"{type(exc).__name__}: {exc}"
            if has_begun:
                raise ModelStoppedError(words, model=model) from exc
            raise ProviderUnavailableError(words, provider=self._preset.name, address=address) from exc

    def _judged(self, refusal: Refusal, address: str, model: str) -> Exception:
        if refusal.is_transient:
            return _RetryError(refusal)
        return refusal.as_error(self._preset.name, address, model)

    async def _refusal(self, response: httpx.Response, key: str) -> Refusal:
        error = error_from_body(response.status_code, await response.aread())
        asked_s = retry_after_s(response.headers.get("retry-after", ""), time.time())
        return Refusal(response.status_code, error, asked_s, key)

    def _check(self, address: str) -> None:
        """Raise LocalOnlyError if it is away and nothing may leave, ProviderUnavailableError if it is no address."""
        self._guard.check_address(address)
        if port_of(address) is None:
            raise ProviderUnavailableError("that is no address", provider=self._preset.name, address=address)

    async def _key(self, address: str) -> str:
        """Return the key, "" where none is needed and none is known. Raises ProviderKeyError, StorageError."""
        is_its_own = urlsplit(address).hostname == urlsplit(self._preset.address).hostname
        # What stands in the environment is meant for the service itself, not for another address in its place.
        key = await self._secrets.get(self.id, self._preset.key_variable if is_its_own else "") or ""
        is_wrong = bool(key) and not _KEY.fullmatch(key)  # it would stand in the words of the header's error
        if is_wrong or (not key and self._preset.needs_key):
            raise ProviderKeyError(provider=self._preset.name)
        return key

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            from ai4artsed_desktop.adapters.http import open_client

            timeout = httpx.Timeout(SILENCE_LIMIT_S, connect=10.0, write=60.0)
            self._http = open_client(self._guard, timeout, uses_system_proxy=True)
        return self._http


class _RetryError(Exception):
    """This try failed in a way that may pass."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(str(refusal.error))
        self.refusal = refusal


def provider_body(request: TextRequest, model: str, preset: ProviderPreset) -> dict[str, Any]:
    """Return a request's body with what the service knows, under the names it knows."""
    always = {"model", "stream", "max_tokens", "temperature", "messages", "prompt", "response_format"}
    full = request_body(request, model)
    if preset.reasoning_models and re.search(preset.reasoning_models, model):
        full = {name: value for name, value in full.items() if name not in _SAMPLING}
        full["max_tokens"] += _REASONING_TOKENS  # reasoning counts as answer there
    body = {
        preset.renames.get(name, name): value
        for name, value in full.items()
        if name in always or name in preset.accepts or name in preset.renames
    }
    if preset.has_stream_options:
        body["stream_options"] = {"include_usage": True}
    return body | preset.extra | ({} if request.think else preset.without_thinking)


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}
