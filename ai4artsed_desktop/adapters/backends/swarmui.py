"""SwarmUI as a media backend: plain pictures by its own call, everything else as a graph on one of its ComfyUIs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.backends.comfyui import ComfyUiBackend
from ai4artsed_desktop.adapters.backends.comfyui_outputs import extension_of
from ai4artsed_desktop.adapters.backends.comfyui_pool import ComfyUiPool
from ai4artsed_desktop.adapters.local_only import NetworkGuard, answers, is_on_this_machine
from ai4artsed_desktop.domain.backend_errors import NotAllowedError, NoWorkerError
from ai4artsed_desktop.domain.chunks import Chunk, OutputChunk, mappings_of
from ai4artsed_desktop.domain.comfyui import Graph, class_of
from ai4artsed_desktop.domain.errors import BackendError, LocalOnlyError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest, Server
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.backends.swarmui_client import SwarmUiClient
    from ai4artsed_desktop.adapters.backends.swarmui_job import SwarmProgress

_LOOK_AGE_S = 5.0
#: What a call must name to be one; all else has defaults in SwarmUI.
_NEEDED = {"prompt", "model"}
#: In these SwarmUI reads ``<lora:…>``, ``<random:…>`` and more as orders (its documentation, "Prompt Syntax").
_TEXTS = frozenset({"prompt", "negativeprompt"})
_HARMLESS = str.maketrans("<>", "‹›")


class SwarmUiBackend:
    """Runs output chunks on one SwarmUI, which may have many servers.

    A chunk whose parameters name SwarmUI's own (a ``field`` such as ``cfgscale`` without a node) is a plain
    text-to-image call, which SwarmUI gives to the server of its choice. With LoRAs, and without such names, its graph
    runs on the ComfyUI with the least to do.

    Args:
        address: ``http://host:port``.
        guard: Asked before every connection.
        client: A client of one's own instead, closed with the backend.
        backend_id: The ``backend_type`` of the chunks.
    """

    def __init__(
        self,
        address: str,
        guard: NetworkGuard,
        client: SwarmUiClient | None = None,
        backend_id: str = "swarmui",
    ) -> None:
        self._address = address
        self._guard = guard
        self._made_client = client
        self._id = backend_id
        self._looking = asyncio.Lock()
        self._looked_at = -1e9
        self._reason: Reason | None = None
        self._known: dict[str, ComfyUiBackend] = {}
        self._pool = ComfyUiPool((), guard, backend_id)
        self._server: Server | None = None
        self._left: list[SwarmUiClient | ComfyUiBackend] = []

    @property
    def id(self) -> str:
        """The ``backend_type`` of the chunks it runs."""
        return self._id

    @property
    def is_local(self) -> bool:
        """Whether SwarmUI is on this machine."""
        return is_on_this_machine(self._address)

    def use_servers(self, servers: Callable[[str], Server | None]) -> None:
        """Have it started when a job needs it; it may answer at another address than the one given."""
        self._server = servers("swarmui")

    @property
    def client(self) -> SwarmUiClient:
        """The server, for questions."""
        if self._made_client is None:
            from ai4artsed_desktop.adapters.backends.swarmui_client import SwarmUiClient

            self._made_client = SwarmUiClient(self._address, guard=self._guard)
        return self._made_client

    async def problem(self, chunk: Chunk) -> Reason | None:
        """Return why ``chunk`` cannot run now: no SwarmUI, no ComfyUI at work, or what that one lacks."""
        if self._guard.is_on and not self.is_local:
            return Reason("reason.swarmui_not_local", {"address": self._address})
        await self._look()
        if self._reason is not None and self._reason.key == "reason.swarmui_not_reachable":
            # One that is not started yet cannot say what it lacks; the job will.
            can_start = self._server is not None and await self._server.can_start()
            return None if can_start else self._reason
        return self._reason or await self._pool.problem(chunk)

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        """Run one request; closing the iterator cancels our own job only.

        Raises:
            LocalOnlyError: SwarmUI is not on this machine, and nothing may leave it.
            NoWorkerError: No ComfyUI behind it is at work.
            BackendError: See ``SwarmUiClient.text_to_image`` and ``ComfyUiBackend.generate``.
        """
        if not self.is_local and (request.local_only or self._guard.is_on):
            raise LocalOnlyError(host=self._address)
        if self._server is not None:
            if await self._server.running() is None:
                yield MediaProgress(None, "progress.swarmui.starting")
            self._move_to(await self._server.address())
        arguments = call_arguments(request)
        if arguments is None:
            await self._look()
            if not self._pool.servers:
                state = self._reason.params.get("state", "–") if self._reason else "–"
                raise NoWorkerError(backend=self.client.backend, state=state)
        updates = self._pool.generate(request) if arguments is None else self._call(arguments)
        async with aclosing(updates):
            async for update in updates:
                yield update

    async def free_memory(self) -> None:
        """Unload models from graphics memory. Raises BackendUnavailableError, BackendError."""
        await self.client.free()

    async def aclose(self) -> None:
        """Close all clients."""
        for part in (*self._left, *self._known.values()):
            await part.aclose()
        if self._made_client is not None:
            await self._made_client.aclose()

    async def _call(self, arguments: Mapping[str, object]) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        from ai4artsed_desktop.adapters.backends.swarmui_job import SwarmPicture

        async with aclosing(self.client.text_to_image(arguments)) as updates:
            async for update in updates:
                if not isinstance(update, SwarmPicture):
                    yield _progress(update)
                    continue
                yield MediaProgress(1.0, "progress.swarmui.fetching")
                data, mime = await self.client.picture(update)
                facts: dict[str, object] = {"backend": self._id, "address": self._address, "request": dict(arguments)}
                yield ProducedMedium(mime.partition("/")[0], mime, extension_of(mime), data=data, metadata=facts)

    async def _look(self) -> None:
        """See what is there; one look serves all chunks that are asked for at once."""
        async with self._looking:
            if time.monotonic() - self._looked_at > _LOOK_AGE_S:
                if self._server is not None and (address := await self._server.running()) is not None:
                    self._move_to(address)
                self._reason = await self._reason_now()
                self._looked_at = time.monotonic()

    async def _reason_now(self) -> Reason | None:
        place = {"address": self._address}
        if not await answers(self._address, self._guard):
            self._use(())
            return Reason("reason.swarmui_not_reachable", place)
        try:
            status = await self.client.status()
            servers = [server for server in await self.client.servers() if server.is_comfyui]
        except NotAllowedError as exc:
            self._use(())
            return Reason("reason.swarmui_not_allowed", {**place, "words": exc.detail})
        except BackendError:  # it went away between two questions, or is something else
            self._use(())
            return Reason("reason.swarmui_not_reachable", place)
        ready = [server.id for server in servers if server.status == "running"]
        self._use(ready)
        if ready:
            return None
        if status.is_loading:
            return Reason("reason.swarmui_loading", place)
        return Reason("reason.swarmui_no_worker", {**place, "state": status.state})

    def _move_to(self, address: str) -> None:
        """Talk to it at its new address; what still waits for the old one ends by itself."""
        if address == self._address:
            return
        self._left += [*self._known.values(), *([self._made_client] if self._made_client is not None else [])]
        self._address, self._made_client, self._looked_at = address, None, -1e9
        self._known.clear()
        self._use(())

    def _use(self, server_ids: Sequence[str]) -> None:
        """Give jobs to these servers from now on; those that others still work on go on."""
        for server_id in server_ids:
            if server_id not in self._known:
                client = self.client.comfyui(server_id)
                self._known[server_id] = ComfyUiBackend(self._address, client, self._id, self._guard)
        servers = tuple(self._known[server_id] for server_id in server_ids)
        if servers != self._pool.servers:
            self._pool = ComfyUiPool(servers, self._guard, self._id)


def call_arguments(request: MediaRequest) -> dict[str, object] | None:
    """Return the arguments of the text-to-image call that does what the graph does, None if only the graph does.

    The picture is asked for as data: our own folder is where it belongs, and names with prompts in them stay private.
    Texts lose their angle brackets, with which they could change the job.
    """
    chunk = request.chunk
    if not isinstance(chunk, OutputChunk) or chunk.media_type != "image" or request.files:
        return None
    if request.graph is not None and _has_loras(request.graph):
        return None
    arguments: dict[str, object] = {}
    for name, places in mappings_of(chunk).items():
        value = request.parameters.get(name)
        for place in places:
            if place.node_id is None and place.field is not None and value is not None:
                arguments[place.field] = str(value).translate(_HARMLESS) if place.field in _TEXTS else value
    return {**arguments, "donotsave": True} if arguments.keys() >= _NEEDED else None


def _has_loras(graph: Graph) -> bool:
    return any(class_of(graph, node_id).startswith("LoraLoader") for node_id in graph)


def _progress(update: SwarmProgress) -> MediaProgress:
    """Say it in the engine's words."""
    if update.is_again:
        message = "progress.swarmui.again"
    else:
        message = "progress.swarmui.working" if update.is_running else "progress.swarmui.waiting"
    preview, mime = update.preview or (None, "")
    return MediaProgress(update.fraction, message, preview=preview, preview_mime=mime)


def make_backend(settings: Callable[[], Settings]) -> SwarmUiBackend:
    """Return the backend for the SwarmUI that the settings name."""
    return SwarmUiBackend(settings().swarmui_address, NetworkGuard(lambda: settings().local_only))
