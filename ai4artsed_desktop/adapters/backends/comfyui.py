"""ComfyUI as a media backend: a filled graph in, progress and media out."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Set
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ai4artsed_desktop.adapters.backends.comfyui_feed import JobProgress
from ai4artsed_desktop.adapters.backends.comfyui_frames import ImageFrame
from ai4artsed_desktop.adapters.backends.comfyui_inputs import with_files
from ai4artsed_desktop.adapters.backends.comfyui_outputs import (
    Output,
    OutputFile,
    OutputText,
    choose_outputs,
    extension_of,
)
from ai4artsed_desktop.adapters.local_only import HERE_ONLY, NetworkGuard, answers, is_on_this_machine
from ai4artsed_desktop.domain.backend_errors import (
    MediumGoneError,
    ModelFileMissingError,
    NoMediumError,
    ValueRefusedError,
)
from ai4artsed_desktop.domain.chunks import Chunk, OutputChunk, mappings_of
from ai4artsed_desktop.domain.comfyui import Graph, class_of, with_own_prefix
from ai4artsed_desktop.domain.errors import BackendError, LocalOnlyError
from ai4artsed_desktop.domain.object_info import NO_FILE, as_listed, check_graph, renamed_files
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.graphs import graph_issues
from ai4artsed_desktop.engine.ports import MediaBackend, MediaProgress, MediaRequest, Server
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient, JobResult

#: The catalogue asks for every chunk in one go; one look at the server serves them all.
_LOOK_AGE_S = 5.0
_FEW_NODES = 24


class ComfyUiBackend:
    """Runs output chunks on one ComfyUI server.

    Args:
        address: ``http://host:port``. The client is made when a server answers there: with the HTTP and websocket
            libraries behind it, it would cost every start of the window.
        client: A client of one's own instead, closed with the backend.
        backend_id: The ``backend_type`` of the chunks.
        guard: Asked before every connection; without one only this machine is reached.
    """

    def __init__(
        self,
        address: str,
        client: ComfyUiClient | None = None,
        backend_id: str = "comfyui",
        guard: NetworkGuard = HERE_ONLY,
    ) -> None:
        self._address = address
        self._made_client = client
        self._id = backend_id
        self._guard = guard
        self._looked_at = -1e9
        self._nodes: dict[str, dict[str, Any]] | None = None
        self._asked = set[str]()
        self._looking = asyncio.Lock()
        self._server: Server | None = None
        self._can_start = False
        self._left_clients: list[ComfyUiClient] = []

    @property
    def id(self) -> str:
        """The ``backend_type`` of the chunks it runs."""
        return self._id

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._address

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return is_on_this_machine(self._address)

    def use_server(self, server: Server | None) -> None:
        """Have the server started when a job needs it; it may answer at another address than the one given."""
        self._server = server

    @property
    def client(self) -> ComfyUiClient:
        """The server, for uploads and questions."""
        if self._made_client is None:
            from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient

            self._made_client = ComfyUiClient(self._address, guard=self._guard)
        return self._made_client

    async def problem(self, chunk: Chunk) -> Reason | None:
        """Return why ``chunk`` cannot run now: no server, or a node or model file that the server lacks."""
        assert isinstance(chunk, OutputChunk)
        await self._look({node.class_type for node in chunk.workflow.values()})
        if self._nodes is None:  # one that is not started yet cannot say what it lacks; the job will
            return None if self._can_start else Reason("reason.comfyui_not_reachable", {"address": self._address})
        issues = [issue for issue in graph_issues(chunk, self._nodes) if issue.severity == "error"]
        missing = [issue.params["name"] for issue in issues if issue.code == NO_FILE]
        if missing:
            return Reason("reason.comfyui_no_files", {"files": ", ".join(dict.fromkeys(missing))})
        return Reason(issues[0].code, issues[0].params) if issues else None

    async def _look(self, classes: Set[str]) -> None:
        """Know the server's words on some nodes; a description that is minutes old would hide files just added."""
        async with self._looking:  # the catalogue asks for all its chunks at once; one look serves them
            if time.monotonic() - self._looked_at > _LOOK_AGE_S:
                await self._find()
            unknown = classes - self._asked
            if self._nodes is None or not unknown:
                return
            try:
                found = await self._describe(unknown)
            except BackendError:  # it went away between two questions: not reachable, then
                self._nodes = None
                return
            self._nodes |= {name: node for name, node in found.items() if isinstance(node, dict)}
            self._asked |= unknown

    async def _find(self) -> None:
        """See whether the server is there; nothing is known of its nodes yet."""
        self._nodes, self._asked = None, set()
        if self._server is not None and (address := await self._server.running()) is not None:
            self._move_to(address)
        if await answers(self._address, self._guard) and await self.client.is_reachable():
            self._nodes = {}
        self._can_start = self._nodes is None and self._server is not None and await self._server.can_start()
        self._looked_at = time.monotonic()

    async def _describe(self, classes: Set[str]) -> dict[str, object]:
        """Return the server's words on some nodes: one by one while they are few, as all 639 take it up to 0.2 s."""
        if len(classes) > _FEW_NODES:
            return dict(await self.client.object_info())
        said = await asyncio.gather(*(self.client.object_info(name) for name in classes), return_exceptions=True)
        found: dict[str, object] = {}
        for answer in said:
            if isinstance(answer, BaseException):
                raise answer
            found |= answer
        return found

    def _move_to(self, address: str) -> None:
        """Talk to the server at its new address; what still waits for the old one ends by itself."""
        if address != self._address:
            self._address = address
            if self._made_client is not None:
                self._left_clients.append(self._made_client)
                self._made_client = None

    async def lacks(self, request: MediaRequest) -> int:
        """Return how many model files of a request the server is without; 0 if it does not say."""
        graph: dict[str, Any] = dict(request.graph or {})
        await self._look({class_of(graph, node_id) for node_id in graph})
        if self._nodes is None:
            return 0
        brought = {file.name for file in request.files}
        issues = check_graph(graph, self._nodes)
        return sum(issue.code == NO_FILE and issue.params["name"] not in brought for issue in issues)

    async def load(self) -> int:
        """Return how many jobs the server has to do, whoever sent them. Raises BackendUnavailableError."""
        return await self.client.remaining()

    async def free_memory(self) -> None:
        """Ask the server to unload its models; it does so between jobs. Raises BackendUnavailableError."""
        await self.client.free()

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        """Run the request's graph; yield progress, then every medium. Closing the iterator cancels our own job only.

        Raises:
            LocalOnlyError: The server is not on this machine, and nothing may leave it.
            BackendError: One of domain/backend_errors.py.
        """
        if request.local_only and not self.is_local:
            raise LocalOnlyError(host=self._address)
        chunk = request.chunk
        assert request.graph is not None and isinstance(chunk, OutputChunk)
        if self._server is not None:
            if await self._server.running() is None:
                yield MediaProgress(None, "progress.comfyui.starting")
            self._move_to(await self._server.address())
        wanted = await with_files(self.client, request.graph, request.files)
        graph = self._as_listed(wanted)
        has_medium = False
        try:
            async with aclosing(self._attempt(chunk, graph, renamed_files(wanted, graph))) as updates:
                async for update in updates:
                    has_medium = has_medium or isinstance(update, ProducedMedium)
                    yield update
            return
        except ModelFileMissingError:
            again = await self._as_listed_now(graph)
            if again == graph:
                raise
        except MediumGoneError:
            if has_medium:
                raise
            # An equal job ran before and its file was deleted: with names of its own the server writes it anew.
            again = with_own_prefix(graph, uuid.uuid4().hex[:8])
        async with aclosing(self._attempt(chunk, again, renamed_files(wanted, again))) as updates:
            async for update in updates:
                yield update

    def _as_listed(self, graph: Graph) -> Graph:
        """Return the graph with the server's own names for model files, as far as they are known; nobody is asked."""
        return as_listed(dict[str, Any](graph), self._nodes or {})

    async def _as_listed_now(self, graph: Graph) -> Graph:
        """Return the graph with the names that the server lists now."""
        self._looked_at = -1e9
        await self._look({class_of(graph, node_id) for node_id in graph})
        return self._as_listed(graph)

    async def _attempt(
        self, chunk: OutputChunk, graph: Graph, renamed: Mapping[str, str]
    ) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        from ai4artsed_desktop.adapters.backends.comfyui_client import JobResult

        result: JobResult | None = None
        try:
            async with aclosing(self.client.run(graph)) as updates:
                async for update in updates:
                    if isinstance(update, JobResult):
                        result = update
                    else:
                        yield _progress(update)
        except (ValueRefusedError, ModelFileMissingError) as exc:
            exc.params["parameter"] = _parameter_of(chunk, exc.params) or exc.params["input"]
            raise
        assert result is not None
        chosen = self._chosen(chunk, result)
        yield MediaProgress(1.0, "progress.comfyui.fetching")
        facts: dict[str, object] = {"backend": self._id, "address": self._address, "prompt_id": result.prompt_id}
        if renamed:
            facts["model_files"] = dict(renamed)
        for item in chosen:
            yield await self._medium(item, facts)

    async def aclose(self) -> None:
        """Close the client."""
        for client in (*self._left_clients, self._made_client):
            if client is not None:
                await client.aclose()

    def _chosen(self, chunk: OutputChunk, result: JobResult) -> list[Output | tuple[str, ImageFrame]]:
        """Return the result's media. Raises NoMediumError if there is none, or none of a node the chunk names."""
        wanted = chunk.output_mapping.node_ids
        outputs = choose_outputs(result.outputs, wanted, wants_text=chunk.media_type in ("text", "code"))
        pictures = [item for item in result.pictures if not wanted or item[0] in wanted]
        found = {item.node_id for item in outputs} | {node_id for node_id, _ in pictures}
        missing = [node_id for node_id in wanted if node_id not in found]
        if missing or not found:
            raise NoMediumError(backend=self.client.backend, node=", ".join(missing) or "–")
        return [*outputs, *pictures]

    async def _medium(self, item: Output | tuple[str, ImageFrame], known: Mapping[str, object]) -> ProducedMedium:
        facts = dict(known)
        if isinstance(item, OutputText):
            facts["node_id"] = item.node_id
            return ProducedMedium("text", "text/plain", "txt", data=item.text.encode(), metadata=facts)
        if isinstance(item, OutputFile):
            data, mime = await self.client.fetch(item)
            facts |= {"node_id": item.node_id, "filename": item.filename}
            facts |= {"subfolder": item.subfolder, "type": item.type}
            return ProducedMedium(item.kind or "image", mime, item.extension, data=data, metadata=facts)
        node_id, picture = item
        facts["node_id"] = node_id
        return ProducedMedium("image", picture.mime, extension_of(picture.mime), data=picture.image, metadata=facts)


def _parameter_of(chunk: OutputChunk, refused: Mapping[str, str]) -> str:
    """Return the parameter that a refused input was filled from, ``""`` if it is the graph's own value."""
    place = (refused["node_id"], f"inputs.{refused['input']}")
    mappings = mappings_of(chunk).items()
    return next((name for name, places in mappings if any((p.node_id, p.field) == place for p in places)), "")


def _progress(update: JobProgress) -> MediaProgress:
    """Say it in the engine's words."""
    if not update.is_connected:
        message = "progress.comfyui.reconnecting"
    else:
        message = "progress.comfyui.working" if update.is_running else "progress.comfyui.waiting"
    preview = update.preview
    return MediaProgress(
        fraction=update.fraction,
        message=message,
        node=update.node_name,
        step=update.step,
        steps=update.steps,
        queue_position=update.queue_position,
        preview=None if preview is None else preview.image,
        preview_mime="" if preview is None else preview.mime,
    )


def make_backend(settings: Callable[[], Settings]) -> MediaBackend:
    """Return the backend for the servers that the settings name."""
    from ai4artsed_desktop.adapters.backends.comfyui_pool import ComfyUiPool

    now, guard = settings(), NetworkGuard(lambda: settings().local_only)
    if now.comfyui_through_swarmui:
        from ai4artsed_desktop.adapters.backends.swarmui import SwarmUiBackend

        return SwarmUiBackend(now.swarmui_address, guard, backend_id="comfyui")
    addresses = dict.fromkeys((now.comfyui_address, *now.comfyui_more_addresses))
    return ComfyUiPool([ComfyUiBackend(address, guard=guard) for address in addresses], guard)
