"""Several ComfyUI servers as one backend: each job goes to the server with the least to do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from ai4artsed_desktop.adapters.backends.comfyui import ComfyUiBackend
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError, LocalOnlyError, NotRunnableError
from ai4artsed_desktop.domain.parameters import with_values
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest, Server
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

#: More than any queue: a server that does not answer is asked last.
_UNREACHABLE = 1_000_000


class ComfyUiPool:
    """Spreads jobs over servers that can run them.

    Args:
        servers: In the order they are preferred while they have equally much to do; closed with the pool.
        guard: Tells whether nothing may leave the machine.
    """

    def __init__(self, servers: Sequence[ComfyUiBackend], guard: NetworkGuard, backend_id: str = "comfyui") -> None:
        self._servers = tuple(servers)
        self._guard = guard
        self._id = backend_id
        self._choosing = asyncio.Lock()
        #: Jobs that were given to a server and are not in its queue yet.
        self._on_the_way: Counter[ComfyUiBackend] = Counter()

    @property
    def id(self) -> str:
        """The ``backend_type`` of the chunks it runs."""
        return self._id

    @property
    def is_local(self) -> bool:
        """Whether a server is on this machine; only such a one gets a job that must not leave it."""
        return any(server.is_local for server in self._servers)

    def use_servers(self, servers: Callable[[str], Server | None]) -> None:
        """Have the first server started when a job needs it; the others are run by somebody else."""
        if self._servers:
            self._servers[0].use_server(servers("comfyui"))

    @property
    def servers(self) -> tuple[ComfyUiBackend, ...]:
        """Every server, in the order they were named."""
        return self._servers

    async def problem(self, chunk: Chunk) -> Reason | None:
        """Return why ``chunk`` can run on none of the servers now, in the words of the first one."""
        allowed = self._allowed(self._guard.is_on)
        if not allowed:
            return Reason("reason.comfyui_not_local", {})
        reasons = await asyncio.gather(*(server.problem(chunk) for server in allowed))
        return None if None in reasons else reasons[0]

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        """Run the request on the server with the least to do; on another if that one goes away before a medium came.

        Raises:
            LocalOnlyError: No server is on this machine, and nothing may leave it.
            NotRunnableError: No server has what the chunk needs.
            BackendError: See ``ComfyUiBackend.generate``.
        """
        left = self._allowed(request.local_only or self._guard.is_on)
        if not left:
            raise LocalOnlyError(host=self._servers[0].address if self._servers else self._id)
        while True:
            server = await self._choose(left, request)
            left.remove(server)
            has_medium = False
            try:
                async with aclosing(self._run_on(server, request)) as updates:
                    async for update in updates:
                        has_medium = has_medium or isinstance(update, ProducedMedium)
                        yield update
                return
            except BackendUnavailableError:
                if has_medium or not left:
                    raise

    async def load(self) -> int:
        """Return how many jobs all servers together have to do. Raises BackendUnavailableError."""
        return sum([await server.load() for server in self._servers])

    async def free_memory(self) -> None:
        """Ask every server that answers to unload its models; it does so between jobs.

        Raises:
            BackendUnavailableError: None answered.
        """
        answers = await asyncio.gather(
            *(server.free_memory() for server in self._allowed(self._guard.is_on)), return_exceptions=True
        )
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        for failure in failures:
            if not isinstance(failure, BackendError) or len(failures) == len(answers):
                raise failure

    async def aclose(self) -> None:
        """Close all clients."""
        for server in self._servers:
            await server.aclose()

    def _allowed(self, local_only: bool) -> list[ComfyUiBackend]:
        return [server for server in self._servers if server.is_local or not local_only]

    async def _choose(self, servers: Sequence[ComfyUiBackend], request: MediaRequest) -> ComfyUiBackend:
        """Return the server with the least to do among those that can run the request, and count the job there.

        Raises:
            NotRunnableError: None can.
        """
        if len(servers) == 1:
            self._on_the_way[servers[0]] += 1
            return servers[0]
        async with self._choosing:  # one after the other, so that each sees where the one before went
            chunk = with_values(request.chunk, request.parameters)
            reasons = await asyncio.gather(*(server.problem(chunk) for server in servers))
            able = [server for server, reason in zip(servers, reasons, strict=True) if reason is None]
            if not able:
                reason = next(reason for reason in reasons if reason is not None)
                raise NotRunnableError(id=request.chunk.name, **{"reason": reason.key, **reason.params})
            # A LoRA or another model that the person chose may be on some servers only.
            lacking = await asyncio.gather(*(server.lacks(request) for server in able))
            able = [server for server, lacks in zip(able, lacking, strict=True) if lacks == min(lacking)]
            loads = await asyncio.gather(*(self._load_of(server) for server in able))
            server = able[loads.index(min(loads))]
            self._on_the_way[server] += 1
            return server

    async def _load_of(self, server: ComfyUiBackend) -> int:
        try:
            return self._on_the_way[server] + await server.load()
        except BackendError:
            return _UNREACHABLE

    async def _run_on(
        self, server: ComfyUiBackend, request: MediaRequest
    ) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        is_there = False
        try:
            async with aclosing(server.generate(request)) as updates:
                async for update in updates:
                    if not is_there:
                        is_there = True
                        self._on_the_way[server] -= 1
                    yield update
        finally:
            if not is_there:
                self._on_the_way[server] -= 1
