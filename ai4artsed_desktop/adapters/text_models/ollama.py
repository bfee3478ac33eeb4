"""The models of an Ollama server: list, streamed answers, and one policy for how long they stay in memory."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ai4artsed_desktop.adapters.local_only import NetworkGuard, answers, is_on_this_machine, port_of
from ai4artsed_desktop.adapters.text_models.ollama_models import OllamaModels, read_loaded, stored_models
from ai4artsed_desktop.adapters.text_models.ollama_store import default_store
from ai4artsed_desktop.adapters.text_models.ollama_wire import (
    NAME,
    context_to_ask_for,
    keep_alive_seconds,
    request_body,
    request_path,
)
from ai4artsed_desktop.domain.errors import (
    AppError,
    LocalOnlyError,
    ModelError,
    ModelLoadError,
    ModelMissingError,
    ModelStoppedError,
    ProviderCreditError,
    ProviderError,
    ProviderLimitError,
    ProviderSignInError,
    ProviderUnavailableError,
)
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.text_models import TextDelta, TextModelInfo, TextRequest
from ai4artsed_desktop.domain.token_estimate import check_fits
from ai4artsed_desktop.engine.ports import Server

if TYPE_CHECKING:
    # Imported with the first request: the HTTP client behind it would cost every start of the window.
    from ai4artsed_desktop.adapters.text_models.ollama_http import OllamaHttp, StatusError
    from ai4artsed_desktop.adapters.text_models.ollama_models import LoadedModel

_log = logging.getLogger(__name__)

PROVIDER = "ollama"

#: Pauses before a busy server (503) is asked again: half a minute in all, then it is said.
BUSY_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0)

#: A model that is told to go leaves after its running answers; longer than this and it is said.
UNLOAD_LIMIT_S = 10.0
_UNLOAD_POLL_S = 0.2

#: A cold load of a large model from a slow disk; the server itself gives up after 5 minutes without progress.
LOAD_LIMIT_S = 600.0

_NOT_FOUND, _BUSY, _FORBIDDEN, _BAD_REQUEST = 404, 503, 403, 400
#: What a model says that the server passes on to Ollama's own service.
_UNAUTHORISED, _PAYMENT, _TOO_MANY = 401, 402, 429

StateCallback = Callable[[str, Literal["loading", "ready", "freed", "failed"], str], None]


class _BusyError(ProviderUnavailableError):
    """The server's queue is full; it may be asked again."""


@dataclass(slots=True)
class _Connection:
    """What belongs to one address; another address makes another one."""

    http: OllamaHttp
    models: OllamaModels
    known: dict[str, TextModelInfo]


class Ollama:
    """Text model provider ``ollama``; fits ``engine.ports.TextModelProvider``.

    Starts and stops no process itself: ``use_server`` gives it the supervisor's hook.

    Args:
        address: Where it answers.
        guard: Asked before every connection.
        keep_alive_s: How long a model stays in memory after its last answer: the one place where this is decided.
            It goes with every request, because the server remembers the last value that it was told. Below 0 = always.
        on_state: Told when a model is being loaded, is ready or was freed.
        pause: Waits before a busy server is asked again.
    """

    def __init__(
        self,
        address: str,
        guard: NetworkGuard,
        *,
        keep_alive_s: float = 300.0,
        on_state: StateCallback | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._configured = self._address = address
        self._server: Server | None = None
        self._guard = guard
        self._keep_alive_s = keep_alive_s
        self._on_state = on_state
        self._pause = pause
        self._connection: _Connection | None = None
        self._old: list[_Connection] = []
        self._problem: Reason | None = None
        self._pinned: frozenset[str] = frozenset()
        self._answering: Counter[str] = Counter()

    @property
    def id(self) -> str:
        """``ollama``."""
        return PROVIDER

    @property
    def address(self) -> str:
        """Where it answers."""
        return self._address

    @property
    def problem(self) -> Reason | None:
        """Why the last list was empty, None if it was not."""
        return self._problem

    def use_server(self, server: Server | None) -> None:
        """Get the server that the supervisor starts when a model of it is needed; None = nothing starts it."""
        self._server = server

    def configure(self, *, address: str, keep_alive_s: float) -> None:
        """Talk to another address, or keep models for another time; running answers go on as they began."""
        self._keep_alive_s = keep_alive_s
        if address != self._configured:
            self._configured = address
            self._move(address)

    def pin(self, model_ids: frozenset[str]) -> None:
        """Let these models stay in memory for ever from their next answer on (workshops); others follow the policy."""
        self._pinned = model_ids

    async def list_models(self) -> list[TextModelInfo]:
        """Return the server's models; what its store holds, if it would only have to be started; else none.

        Then ``problem`` says why.
        """
        try:
            if await self.is_there():
                connection = self._connect()
                infos = await connection.models.read(connection.http, is_local=is_on_this_machine(self._address))
                connection.known = {info.id: info for info in infos}
                self._problem = None
                return infos
        except LocalOnlyError as exc:
            self._problem = Reason("reason.local_only", exc.params)
            return []
        except ProviderError as exc:
            _log.info("Ollama: %s", exc.detail)
        else:
            if self._server is not None and await self._server.can_start():
                self._problem = None
                return await asyncio.to_thread(stored_models, default_store())
        self._problem = Reason("reason.provider_unreachable", {"provider": NAME, "address": self._address})
        return []

    async def loaded(self) -> list[LoadedModel]:
        """Return what is in the server's memory, ours or not. Raises ProviderError, LocalOnlyError."""
        return await read_loaded(self._connect().http)

    def is_answering(self, model_id: str) -> bool:
        """Tell whether a model loads or answers for us now."""
        return self._answering[model_id] > 0

    async def load(self, model_id: str) -> None:
        """Bring a model into memory, as the policy for its stay says. Raises ModelMissingError, ProviderError."""
        await self._be_there()
        connection = self._connect()
        info = await self._find(connection, model_id)
        self._tell(info.id, "loading")
        body = {"model": info.name, "keep_alive": keep_alive_seconds(self._stay_s(info))}
        await connection.http.ask("POST", "/api/generate", body, limit_s=LOAD_LIMIT_S)
        self._tell(info.id, "ready")

    async def stream(self, model_id: str, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        """Generate, after the server has loaded the model if needed; closing the iterator ends both.

        Raises:
            ModelMissingError, ModelLoadError, ModelStoppedError, ContextTooLongError, ModelError.
            ProviderUnavailableError: Nothing answers, or the server is busy beyond all patience.
            LocalOnlyError: The server passes this model on to the internet.
        """
        self._answering[model_id] += 1
        try:
            async with aclosing(self._patiently(model_id, request)) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            self._answering[model_id] -= 1

    async def unload(self, name: str) -> None:
        """Free a model's memory and return when it is free: the server says yes at once and does it later.

        Raises:
            ModelError: It is still there after 10 s (somebody uses it).
            ProviderError, LocalOnlyError.
        """
        http = self._connect().http
        await http.ask("POST", "/api/generate", {"model": name, "keep_alive": 0})
        loop = asyncio.get_running_loop()
        end_s = loop.time() + UNLOAD_LIMIT_S
        while any(model.name == name for model in await self.loaded()):
            if loop.time() > end_s:
                raise ModelError("still in memory: another request uses it", model=name)
            await asyncio.sleep(_UNLOAD_POLL_S)
        self._tell(f"{PROVIDER}/{name}", "freed")

    async def release(self) -> None:
        """Free every model's memory; a server that is not there holds none of ours."""
        try:
            if not await self.is_there():
                return
        except LocalOnlyError:
            return  # another machine's memory is none of ours
        for model in await self.loaded():
            await self.unload(model.name)

    async def aclose(self) -> None:
        """Close connections; the server and its models stay as they are."""
        for connection in (*self._old, self._connection):
            if connection is not None:
                await connection.http.aclose()
        self._old.clear()
        self._connection = None

    async def is_there(self) -> bool:
        """Tell whether it answers: at the address set for it, or where the supervisor started it.

        Raises:
            LocalOnlyError: Asking would leave the machine, and nothing may.
        """
        started_at = await self._server.running() if self._server is not None else None
        for address in dict.fromkeys((started_at or self._configured, self._configured)):
            if await answers(address, self._guard):
                self._move(address)
                return True
        return False

    async def _be_there(self) -> None:
        """Let the supervisor start it, if that is what is missing. Raises ServiceError, LocalOnlyError."""
        if self._server is not None and not await self.is_there() and await self._server.can_start():
            self._move(await self._server.address())

    def _move(self, address: str) -> None:
        if address != self._address:
            self._address = address
            if self._connection is not None:
                self._old.append(self._connection)
            self._connection = None

    def _connect(self) -> _Connection:
        if self._connection is None:
            if port_of(self._address) is None:
                raise ProviderUnavailableError("that is no address", provider=NAME, address=self._address)
            from ai4artsed_desktop.adapters.text_models.ollama_http import OllamaHttp

            self._connection = _Connection(OllamaHttp(self._address, self._guard), OllamaModels(), {})
        return self._connection

    async def _find(self, connection: _Connection, model_id: str) -> TextModelInfo:
        if model_id not in connection.known:
            infos = await connection.models.read(connection.http, is_local=is_on_this_machine(self._address))
            connection.known = {info.id: info for info in infos}
        info = connection.known.get(model_id)
        if info is None:
            raise ModelMissingError(model=model_id.removeprefix(f"{PROVIDER}/"))
        if not info.is_local and self._guard.is_on:
            raise LocalOnlyError(host=info.name)  # the server would pass it on
        return info

    async def _prepare(self, connection: _Connection, info: TextModelInfo, request: TextRequest) -> dict[str, object]:
        """Return the request's body, with a context that holds the whole text and its answer."""
        tokens = check_fits(request, info.name, info.context_tokens)
        loaded = next((model for model in await read_loaded(connection.http) if model.name == info.name), None)
        if loaded is None:
            self._tell(info.id, "loading")
        return request_body(
            request,
            info.name,
            context_tokens=context_to_ask_for(tokens, info.context_tokens, loaded.context_tokens if loaded else None),
            keep_alive_s=self._stay_s(info),
            think=request.think and info.can_think,
        )

    async def _patiently(self, model_id: str, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        """Ask, and ask again while the server is busy."""
        await self._be_there()
        connection = self._connect()
        info = await self._find(connection, model_id)
        body = await self._prepare(connection, info, request)
        for pause_s in (*BUSY_PAUSES_S, None):
            try:
                async with aclosing(self._answer(connection, info, request, body)) as deltas:
                    async for delta in deltas:
                        yield delta
                return
            except _BusyError:  # its status: nothing was begun
                if pause_s is None:
                    raise
            await self._pause(pause_s)

    async def _answer(
        self, connection: _Connection, info: TextModelInfo, request: TextRequest, body: dict[str, object]
    ) -> AsyncGenerator[TextDelta, None]:
        """Ask once."""
        import httpx

        from ai4artsed_desktop.adapters.text_models.ollama_http import StatusError
        from ai4artsed_desktop.adapters.text_models.ollama_wire import read_deltas
        from ai4artsed_desktop.adapters.text_models.openai_stream import StreamError, StreamIncompleteError

        has_begun = False
        try:
            async with (
                connection.http.stream(request_path(request), body) as chunks,
                aclosing(read_deltas(chunks)) as deltas,
            ):
                async for delta in deltas:
                    if not has_begun:
                        has_begun = True
                        self._tell(info.id, "ready")
                    yield delta
        except StatusError as exc:
            raise self._refused(exc, info) from exc
        except StreamIncompleteError as exc:
            raise ModelStoppedError(str(exc), model=info.name) from exc
        except StreamError as exc:
            raise ModelError(str(exc), model=info.name) from exc
        except httpx.TransportError as exc:
            if has_begun:
                raise ModelStoppedError(f"{type(exc).__name__}: {exc}", model=info.name) from exc
            raise connection.http.unavailable(exc) from exc

    def _refused(self, refusal: StatusError, info: TextModelInfo) -> AppError:
        """Return what a status means; its words differ from place to place in the server."""
        words = f"HTTP {refusal.status}: {refusal}"
        if refusal.status == _NOT_FOUND:
            if self._connection is not None:
                self._connection.known.pop(info.id, None)
            return ModelMissingError(words, model=info.name)
        if refusal.status == _UNAUTHORISED:
            return ProviderSignInError(words, provider=NAME, model=info.name)
        if refusal.status == _PAYMENT:
            return ProviderCreditError(words, provider=NAME)
        if refusal.status == _TOO_MANY:
            return ProviderLimitError(words, provider=NAME)
        if refusal.status == _BUSY:
            return _BusyError(words, provider=NAME, address=self._address)
        if refusal.status == _FORBIDDEN and not info.is_local:
            return LocalOnlyError(words, host=info.name)
        if refusal.status == _BAD_REQUEST:
            return ModelError(words, model=info.name)
        self._tell(info.id, "failed", words)
        return ModelLoadError(words, model=info.name)

    def _stay_s(self, info: TextModelInfo) -> float:
        """The one policy: how long a model stays in memory after its last answer; below 0 = always."""
        return -1 if info.id in self._pinned else self._keep_alive_s

    def _tell(self, model_id: str, state: Literal["loading", "ready", "freed", "failed"], detail: str = "") -> None:
        _log.info("model %s: %s %s", model_id, state, detail)
        if self._on_state is not None:
            self._on_state(model_id, state, detail)
