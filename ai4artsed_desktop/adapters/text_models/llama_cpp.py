"""The models inside the program: GGUF files served by llama.cpp, one child process per loaded model."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.text_models.llama_files import PROVIDER, ModelFiles
from ai4artsed_desktop.domain.errors import AppError, ModelLoadError, ModelMissingError
from ai4artsed_desktop.domain.text_models import TextDelta, TextModelInfo, TextRequest

if TYPE_CHECKING:
    import httpx

    from ai4artsed_desktop.adapters.text_models.llama_server import LlamaServer

_log = logging.getLogger(__name__)

ModelState = Literal["loading", "ready", "freed", "failed"]

#: ``(model id, state, detail)``; called on the event loop, must return quickly.
StateCallback = Callable[[str, ModelState, str], None]


@dataclass(slots=True)
class _Slot:
    """A model that is loaded or being loaded.

    Attributes:
        server: None until it is loaded.
        loading: The scope the load runs in; ``aclose`` ends it.
    """

    server: LlamaServer | None = None
    loading: asyncio.Timeout = field(default_factory=lambda: asyncio.timeout(None))
    users: int = 0
    is_closing: bool = False
    idle_timer: asyncio.TimerHandle | None = None


class BuiltInModels:
    """Text model provider ``built_in``; fits ``engine.ports.TextModelProvider``.

    Args:
        store: Where the model files are.
        threads: For each model; None = physical cores − 1.
        max_loaded: Further models push out the idle ones; a busy one is waited for.
        context_tokens: The longest context that a model may be loaded with; None = as model and memory allow.
        idle_s: A model that nobody used for so long is freed.
        on_state: Told when a model is loading, ready, freed, or failed.
    """

    def __init__(
        self,
        store: ModelsStore,
        *,
        threads: int | None = None,
        context_tokens: int | None = None,
        max_loaded: int = 1,
        idle_s: float = 300.0,
        guards: Guards | None = None,
        on_state: StateCallback | None = None,
    ) -> None:
        self._store = store
        self._files = ModelFiles()
        self._threads = threads
        self._context_tokens = context_tokens
        self._max_loaded = max_loaded
        self._idle_s = idle_s
        self._guards = guards or Guards()
        self._on_state = on_state
        self._slots: dict[str, _Slot] = {}
        #: The longest context that somebody waits for, by model: who comes later waits behind them.
        self._wanted_tokens: dict[str, int] = {}
        self._ending: list[LlamaServer] = []
        self._changed = asyncio.Event()
        self._http: httpx.AsyncClient | None = None
        self._is_closed = False
        self._cards: int | None = None
        self._counting = asyncio.Lock()

    @property
    def id(self) -> str:
        """``built_in``."""
        return PROVIDER

    @property
    def problem(self) -> None:
        """Nothing stands between it and its files; each file says for itself what is wrong with it."""
        return

    def configure(self, *, threads: int | None, context_tokens: int | None, idle_s: float) -> None:
        """Change how models are run; one that is loaded stays as it is until it is loaded again."""
        self._threads = threads
        self._context_tokens = context_tokens
        self._idle_s = idle_s

    async def list_models(self) -> list[TextModelInfo]:
        """Return every model file, damaged and missing ones with their problem."""
        infos = await asyncio.to_thread(lambda: self._files.describe(self._store.files()))
        loaded = self.loaded()
        return [replace(info, is_loaded=info.id in loaded) for info in infos]

    async def stream(self, model_id: str, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        """Generate, after loading the model if needed; close the iterator to cancel, also while it loads.

        Raises:
            ModelMissingError, ModelLoadError, ModelStoppedError, ContextTooLongError, ModelError.
        """
        needed_tokens, was_loaded = 0, False
        while True:
            async with self._use(model_id, needed_tokens) as (server, is_fresh):
                was_loaded |= is_fresh
                needed_tokens = await server.needed_context(request)
                if needed_tokens > server.context_tokens:
                    continue  # with a longer context, once nobody uses this one
                async with aclosing(server.stream(request)) as deltas:
                    async for delta in deltas:
                        yield delta if was_loaded or delta.finish_reason is None else _without_load_time(delta)
                return

    def loaded(self) -> dict[str, LlamaServer]:
        """Return the models that are in memory now, by id."""
        return {model_id: slot.server for model_id, slot in self._slots.items() if slot.server is not None}

    async def can_use_cards(self) -> bool:
        """Tell whether this build of llama.cpp can use a graphics card; asked once, in a process of its own."""
        async with self._counting:
            if self._cards is None:
                from ai4artsed_desktop.adapters.text_models.llama_server import (
                    count_cards,  # late, as the server itself
                )

                self._cards = await count_cards(self._guards)
            return bool(self._cards)

    def is_busy(self, model_id: str) -> bool:
        """Tell whether a model loads or answers now."""
        slot = self._slots.get(model_id)
        return slot is not None and slot.users > 0

    async def release(self) -> None:
        """Free every model once its running requests have ended."""
        for model_id, slot in tuple(self._slots.items()):
            while slot.users and self._slots.get(model_id) is slot:
                await self._changed.wait()
            if self._slots.get(model_id) is slot:
                await self._free(model_id, slot)

    async def aclose(self) -> None:
        """End every model at once; running requests fail with ModelStoppedError."""
        self._is_closed = True
        self._notify()
        while self._slots:
            for model_id, slot in tuple(self._slots.items()):
                if slot.server is not None:
                    await self._free(model_id, slot)
                else:
                    slot.loading.reschedule(0)  # a time long past: now
                    await self._changed.wait()
        await self._wait_for_endings()
        if self._http is not None:
            await self._http.aclose()

    @asynccontextmanager
    async def _use(self, model_id: str, needed_tokens: int) -> AsyncGenerator[tuple[LlamaServer, bool], None]:
        """Give a loaded model, with a context that long where it can have one, and whether it was loaded for this."""
        slot, load_tokens = await self._claim(model_id, needed_tokens)
        slot.users += 1
        try:
            if load_tokens is not None:
                await self._load(model_id, slot, load_tokens)
            assert slot.server is not None, "claimed slots are loaded, or are ours to load"
            yield slot.server, load_tokens is not None
        finally:
            slot.users -= 1
            self._after_use(model_id, slot)

    async def _claim(self, model_id: str, needed_tokens: int) -> tuple[_Slot, int | None]:
        """Wait until the model's slot is ready, or make room and take a new one.

        Then the caller loads it, with a context for so many tokens (the second answer).
        """
        while True:
            if self._is_closed:
                raise ModelLoadError("the program is closing", model=model_id)
            slot = self._slots.get(model_id)
            if slot is not None and slot.server is not None and not slot.is_closing:
                if slot.server.context_tokens < needed_tokens:
                    self._wanted_tokens[model_id] = max(needed_tokens, self._wanted_tokens.get(model_id, 0))
                if slot.server.is_alive and model_id not in self._wanted_tokens:
                    _cancel_timer(slot)
                    return slot, None
                if not slot.users:
                    await self._free(model_id, slot, "freed" if slot.server.is_alive else "failed")
                    continue
            if slot is None:
                if len(self._slots) < self._max_loaded:
                    self._slots[model_id] = slot = _Slot()
                    return slot, max(needed_tokens, self._wanted_tokens.pop(model_id, 0))
                idle = next((item for item in self._slots.items() if not item[1].users), None)
                if idle is not None and not idle[1].is_closing:
                    await self._free(*idle)
                    continue
            await self._changed.wait()

    async def _load(self, model_id: str, slot: _Slot, needed_tokens: int) -> None:
        self._tell(model_id, "loading")
        try:
            async with slot.loading:
                await self._wait_for_endings()
                info = await self._find(model_id)
                # Imported with the first model: the HTTP client behind it would cost every start of the window.
                from ai4artsed_desktop.adapters.text_models.llama_server import (
                    LlamaServer,
                    LoadOptions,
                    default_threads,
                )

                options = LoadOptions(self._threads or default_threads(), needed_tokens, self._context_tokens)
                slot.server = await LlamaServer.start(info, options, self._client(), self._guards)
        except TimeoutError as exc:
            self._tell(model_id, "freed")
            raise ModelLoadError("the program is closing", model=model_id) from exc
        except AppError as exc:
            self._tell(model_id, "failed", exc.detail)
            raise
        except asyncio.CancelledError:
            self._tell(model_id, "freed")
            raise
        self._tell(model_id, "ready")
        self._notify()

    async def _find(self, model_id: str) -> TextModelInfo:
        info = next((info for info in await self.list_models() if info.id == model_id), None)
        if info is None or info.problem == "reason.model_missing":
            raise ModelMissingError(model=model_id.removeprefix(f"{PROVIDER}/"))
        if info.problem is not None:
            raise ModelLoadError(info.problem, model=info.name)
        return info

    def _after_use(self, model_id: str, slot: _Slot) -> None:
        if self._slots.get(model_id) is not slot or slot.is_closing:
            pass  # others have taken care of it
        elif slot.server is None:
            del self._slots[model_id]  # it could not be loaded
        elif not slot.server.is_alive:
            self._let_end(model_id, slot, slot.server, "failed")
        elif not slot.users:
            loop = asyncio.get_running_loop()
            slot.idle_timer = loop.call_later(self._idle_s, self._let_end, model_id, slot, slot.server, "freed")
        self._notify()

    def _let_end(self, model_id: str, slot: _Slot, server: LlamaServer, state: ModelState) -> None:
        """End a slot's child without waiting; the next load and ``aclose`` do."""
        slot.is_closing = True
        server.ask_to_end()
        self._ending.append(server)
        self._forget(model_id, slot, state)

    async def _wait_for_endings(self) -> None:
        while self._ending:
            server = self._ending[-1]
            await server.stop()
            if server in self._ending:
                self._ending.remove(server)

    async def _free(self, model_id: str, slot: _Slot, state: ModelState = "freed") -> None:
        """End a slot's child and wait until its memory is free."""
        slot.is_closing = True
        _cancel_timer(slot)
        try:
            if slot.server is not None:
                self._ending.append(slot.server)
                await self._wait_for_endings()
        finally:
            self._forget(model_id, slot, state)

    def _forget(self, model_id: str, slot: _Slot, state: ModelState) -> None:
        if self._slots.get(model_id) is slot:
            del self._slots[model_id]
            self._tell(model_id, state)
        self._notify()

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            from ai4artsed_desktop.adapters.http import open_client
            from ai4artsed_desktop.adapters.text_models.llama_server import SILENCE_LIMIT_S

            # Local only, whatever the settings say: it talks to our own children and to nobody else.
            timeout = httpx.Timeout(SILENCE_LIMIT_S, connect=3.0)
            self._http = open_client(NetworkGuard(lambda: True), timeout, uses_certificates=False)
        return self._http

    def _notify(self) -> None:
        """Wake everyone who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _tell(self, model_id: str, state: ModelState, detail: str = "") -> None:
        _log.info("model %s: %s %s", model_id, state, detail)
        if self._on_state is not None:
            self._on_state(model_id, state, detail)


def _cancel_timer(slot: _Slot) -> None:
    if slot.idle_timer is not None:
        slot.idle_timer.cancel()
        slot.idle_timer = None


def _without_load_time(last: TextDelta) -> TextDelta:
    return replace(last, usage=replace(last.usage, load_ms=None))
