"""Cloud services as a media backend: one generic step. A new service is one chunk and one config, and no code."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import cast

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.secrets import Secrets
from ai4artsed_desktop.domain.chunks import ApiOutputChunk, Chunk
from ai4artsed_desktop.domain.errors import AppError, ProviderKeyError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.model_services import ModelService
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

#: Returns a service's key, None if there is none. Called with the provider's id.
KeySource = Callable[[str], Awaitable[str | None]]


def make_api_backend(guard: NetworkGuard, secrets: Secrets, services: Sequence[ModelService]) -> ApiBackend:
    """Return the backend for every service that ``resources/providers`` describes."""
    known = {service.id: service for service in services}

    async def key_of(provider: str) -> str | None:
        return await secrets.get(provider, known[provider].key_variable if provider in known else "")

    async def may_have_key(provider: str) -> bool:
        return await secrets.may_have(provider, known[provider].key_variable if provider in known else "")

    def name_of(provider: str) -> str:
        return known[provider].name if provider in known else provider

    return ApiBackend(guard, key_of, name_of, may_have_key)


async def _perhaps(provider: str) -> bool:
    del provider
    return True


class ApiBackend:
    """Runs ``api_output_chunk`` chunks.

    Args:
        guard: Asked before every connection.
        key_of: Where keys come from.
        name_of: What people call a provider, by its id.
        may_have_key: Tells quickly whether a key is worth asking for.
    """

    id = "api"
    is_local = False

    def __init__(
        self,
        guard: NetworkGuard,
        key_of: KeySource,
        name_of: Callable[[str], str],
        may_have_key: Callable[[str], Awaitable[bool]] = _perhaps,
    ) -> None:
        self._guard = guard
        self._may_have_key = may_have_key
        self._key_of = key_of
        self._name_of = name_of

    async def problem(self, chunk: Chunk) -> Reason | None:
        """Return why the chunk cannot run: nothing may leave the machine, or there is no key. Asks no service."""
        config = cast("ApiOutputChunk", chunk).api_config
        name = self._name_of(config.provider)
        if self._guard.is_on:
            return Reason("reason.local_only", {"host": name})
        try:
            key = await self._key_of(config.provider) if await self._may_have_key(config.provider) else None
        except AppError as exc:
            return Reason("reason.key_unreadable", {"provider": name, "detail": str(exc)})
        return None if key else Reason("reason.key_missing", {"provider": name})

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium, None]:
        """Send the request, wait for the job where there is one, and yield its media.

        Raises:
            ProviderError: See api_calls.py and domain/api_errors.py.
            LocalOnlyError: Nothing may leave the machine.
        """
        chunk = cast("ApiOutputChunk", request.chunk)
        provider = chunk.api_config.provider
        name = self._name_of(provider)
        key = await self._key_of(provider)
        if not key:
            raise ProviderKeyError(provider=name)
        # Imported now: the window asks for problems at its start, and needs no HTTP client for that.
        from ai4artsed_desktop.adapters.backends.api_job import run_job

        async with aclosing(run_job(self._guard, chunk, request.body or {}, key, name)) as updates:
            async for update in updates:
                yield update

    async def aclose(self) -> None:
        """Nothing stays open between requests."""
