"""The text models of all providers, and which one serves which stage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing

from ai4artsed_desktop.domain.errors import (
    LocalOnlyError,
    ModelMissingError,
    NotRunnableError,
    ProviderKeyError,
    ProviderUnavailableError,
)
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.settings import AUTO_MODEL, Settings, StageRole
from ai4artsed_desktop.domain.text_models import ModelGrade, TextDelta, TextModelInfo, TextRequest
from ai4artsed_desktop.engine.ports import ModelDigests, TextModelProvider

#: Only a model that follows instructions may do these; a tiny one would only pretend (contract llm, section 4).
_NEEDS_INSTRUCT: frozenset[StageRole] = frozenset({"translation", "optimisation", "safety", "vision", "coding"})


#: Makes room on the graphics card for a model, and holds it while inside; see ``GpuUse.around_model``.
RoomForModel = Callable[[TextModelInfo], AbstractAsyncContextManager[None]]


class TextModels:
    """Lists, chooses and calls text models.

    Args:
        room: Entered before a model is asked, left when its answer has ended; None = nothing is shared.
    """

    def __init__(
        self,
        providers: Sequence[TextModelProvider],
        settings: Callable[[], Settings],
        digests: ModelDigests | None = None,
        room: RoomForModel | None = None,
    ) -> None:
        self._providers = {provider.id: provider for provider in providers}
        self._settings = settings
        self._digests = digests
        self._room = room

    async def list_models(self) -> tuple[TextModelInfo, ...]:
        """Return the models of every provider, best first."""
        lists = await asyncio.gather(*(provider.list_models() for provider in self._providers.values()))
        return tuple(sorted((info for infos in lists for info in infos), key=_rank))

    async def choose(self, role: StageRole, wanted: str | None = None, local_only: bool = False) -> TextModelInfo:
        """Return the model for a stage; see ``pick``."""
        return self.pick(await self.list_models(), role, wanted, local_only)

    def pick(
        self, models: Sequence[TextModelInfo], role: StageRole, wanted: str | None = None, local_only: bool = False
    ) -> TextModelInfo:
        """Return the one of ``models`` (best first) that serves a stage.

        Args:
            wanted: A model id set for this run; None = the settings' choice.
            local_only: Nothing may leave the machine, whatever the settings say.

        Raises:
            ModelMissingError: The model that was asked for is not there, or is damaged; never another one in its place.
            ProviderUnavailableError: The server or service that was asked for serves no models now.
            LocalOnlyError: The model that was asked for is not on this machine.
            NotRunnableError: "auto" was asked for and no model here can do this.
        """
        name = wanted or getattr(self._settings().stage_models, role)
        if name == AUTO_MODEL:
            return _best(models, role)
        found = next((info for info in models if info.id == name), None)
        if found is None:
            self._check_provider(name)
        if found is None or found.problem is not None:
            raise ModelMissingError(found.problem or "" if found else "", model=name)
        if found.grade is ModelGrade.TINY and role in _NEEDS_INSTRUCT:
            raise NotRunnableError(id=name, reason="reason.tiny_model")
        self._check_local(found, local_only)
        return found

    def problems(self) -> dict[str, Reason]:
        """Return why providers serve no models now, by id, as far as the last list told."""
        found = {provider_id: provider.problem for provider_id, provider in self._providers.items()}
        return {provider_id: reason for provider_id, reason in found.items() if reason is not None}

    def stream(
        self, info: TextModelInfo, request: TextRequest, local_only: bool = False
    ) -> AsyncGenerator[TextDelta, None]:
        """Generate with a model, once there is room for it on the graphics card; close the iterator to cancel.

        Raises:
            LocalOnlyError: Nothing may leave the machine and the model is not on it.
            VramError: There is no room for it; see VramArbiter.lease.
            ModelError: See the provider.
        """
        self._check_local(info, local_only)
        if self._room is None or not info.is_local:
            return self._providers[info.provider].stream(info.id, request)
        return self._stream_in(self._room(info), info, request)

    async def _stream_in(
        self, room: AbstractAsyncContextManager[None], info: TextModelInfo, request: TextRequest
    ) -> AsyncGenerator[TextDelta, None]:
        async with room, aclosing(self._providers[info.provider].stream(info.id, request)) as deltas:
            async for delta in deltas:
                yield delta

    async def digest(self, info: TextModelInfo) -> str:
        """Return the SHA-256 of a model's weights as its provider or its file tells, ``""`` if neither does."""
        if info.digest or info.path is None or self._digests is None:
            return info.digest or ""
        return await self._digests.sha256(info.path)

    def _check_local(self, info: TextModelInfo, local_only: bool) -> None:
        if not info.is_local and (local_only or self._settings().local_only):
            raise LocalOnlyError(host=info.provider)

    def _check_provider(self, name: str) -> None:
        """Say what is wrong with the provider of a model that is not in the list, if anything is."""
        provider = self._providers.get(name.partition("/")[0])
        if provider is not None and (reason := provider.problem) is not None:
            if reason.key == "reason.local_only":
                raise LocalOnlyError(host=reason.params.get("host", provider.id))
            if reason.key == "reason.provider_key":
                raise ProviderKeyError(provider=reason.params["provider"])
            raise ProviderUnavailableError(**reason.params)

    async def release(self) -> None:
        """Free the memory of every model of every provider."""
        await asyncio.gather(*(provider.release() for provider in self._providers.values()))

    async def aclose(self) -> None:
        """Stop every provider, in reverse order of start."""
        for provider in reversed(tuple(self._providers.values())):
            await provider.aclose()


def _best(models: Sequence[TextModelInfo], role: StageRole) -> TextModelInfo:
    """Return the best local model for a role; what leaves the machine is only ever chosen by name."""
    usable = [m for m in models if m.problem is None and m.is_local and not m.is_guard]
    able = [m for m in usable if m.grade is ModelGrade.INSTRUCT] if role in _NEEDS_INSTRUCT else usable
    if role == "vision":
        able = [m for m in able if m.can_see]
    if not able:
        missing = "reason.no_vision_model" if role == "vision" else "reason.tiny_model" if usable else "reason.no_model"
        raise NotRunnableError(id=role, reason=missing)
    return able[0]


def _rank(info: TextModelInfo) -> tuple[bool, bool, int, str]:
    return (info.problem is not None, info.grade is ModelGrade.TINY, -(info.parameters or 0), info.id)
