"""ComfyUI as a media backend: a filled graph in, progress and media out."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from ai4artsed_desktop.adapters.addresses import is_listening, is_loopback
from ai4artsed_desktop.adapters.backends.comfyui_feed import JobProgress
from ai4artsed_desktop.adapters.backends.comfyui_frames import ImageFrame
from ai4artsed_desktop.adapters.backends.comfyui_outputs import Output, OutputFile, OutputText, choose_outputs
from ai4artsed_desktop.domain.backend_errors import MediumGoneError, NoMediumError
from ai4artsed_desktop.domain.chunks import Chunk, OutputChunk
from ai4artsed_desktop.domain.comfyui import Graph, with_own_prefix
from ai4artsed_desktop.domain.errors import BackendError
from ai4artsed_desktop.domain.object_info import NO_FILE
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.graphs import graph_issues
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient, JobResult

#: The catalogue asks for every chunk in one go; one look at the server serves them all.
_LOOK_AGE_S = 5.0
_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg"}


class ComfyUiBackend:
    """Runs output chunks on one ComfyUI server.

    Args:
        address: ``http://host:port``. The client is made when a server answers there: with the HTTP and websocket
            libraries behind it, it would cost every start of the window.
        client: A client of one's own instead, closed with the backend.
        backend_id: The ``backend_type`` of the chunks.
    """

    def __init__(self, address: str, client: ComfyUiClient | None = None, backend_id: str = "comfyui") -> None:
        self._address = address
        self._made_client = client
        self._id = backend_id
        self._looked_at = -1e9
        self._nodes: dict[str, dict[str, Any]] | None = None
        self._looking = asyncio.Lock()

    @property
    def id(self) -> str:
        """The ``backend_type`` of the chunks it runs."""
        return self._id

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        return is_loopback(self._address)

    @property
    def client(self) -> ComfyUiClient:
        """The server, for uploads and questions."""
        if self._made_client is None:
            from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient

            self._made_client = ComfyUiClient(self._address)
        return self._made_client

    async def problem(self, chunk: Chunk) -> Reason | None:
        """Return why ``chunk`` cannot run now: no server, or a node or model file that the server lacks."""
        async with self._looking:  # the catalogue asks for all its chunks at once; one look serves them
            if time.monotonic() - self._looked_at > _LOOK_AGE_S:
                await self._look()
        if self._nodes is None:
            return Reason("reason.comfyui_not_reachable", {"address": self._address})
        assert isinstance(chunk, OutputChunk)
        issues = [issue for issue in graph_issues(chunk, self._nodes) if issue.severity == "error"]
        missing = [issue.params["name"] for issue in issues if issue.code == NO_FILE]
        if missing:
            return Reason("reason.comfyui_no_files", {"files": ", ".join(dict.fromkeys(missing))})
        return Reason(issues[0].code, issues[0].params) if issues else None

    async def _look(self) -> None:
        """Ask the server for its nodes; a description that is minutes old would hide files that were just added."""
        self._nodes = None
        if await is_listening(self._address) and await self.client.is_reachable():
            with contextlib.suppress(BackendError):  # it went away between two questions: not reachable, then
                nodes = await self.client.object_info()
                self._nodes = {name: node for name, node in nodes.items() if isinstance(node, dict)}
        self._looked_at = time.monotonic()

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        """Run the request's graph; yield progress, then every medium. Closing the iterator cancels our own job only.

        Raises:
            BackendError: One of domain/backend_errors.py.
        """
        chunk, graph = request.chunk, request.graph
        assert graph is not None and isinstance(chunk, OutputChunk)
        has_medium = False
        try:
            async with aclosing(self._attempt(chunk, graph)) as updates:
                async for update in updates:
                    has_medium = has_medium or isinstance(update, ProducedMedium)
                    yield update
            return
        except MediumGoneError:
            if has_medium:
                raise
        # An equal job ran before and its file was deleted: with names of its own the server writes it anew.
        async with aclosing(self._attempt(chunk, with_own_prefix(graph, uuid.uuid4().hex[:8]))) as updates:
            async for update in updates:
                yield update

    async def _attempt(self, chunk: OutputChunk, graph: Graph) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        from ai4artsed_desktop.adapters.backends.comfyui_client import JobResult

        result: JobResult | None = None
        async with aclosing(self.client.run(graph)) as updates:
            async for update in updates:
                if isinstance(update, JobResult):
                    result = update
                else:
                    yield _progress(update)
        assert result is not None
        chosen = self._chosen(chunk, result)
        yield MediaProgress(1.0, "progress.comfyui.fetching")
        for item in chosen:
            yield await self._medium(item, result.prompt_id)

    async def aclose(self) -> None:
        """Close the client."""
        if self._made_client is not None:
            await self._made_client.aclose()

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

    async def _medium(self, item: Output | tuple[str, ImageFrame], prompt_id: str) -> ProducedMedium:
        facts: dict[str, object] = {"backend": self._id, "prompt_id": prompt_id}
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
        return ProducedMedium("image", picture.mime, _EXTENSIONS[picture.mime], data=picture.image, metadata=facts)


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


def make_backend(settings: Settings) -> ComfyUiBackend:
    """Return the backend for the server that the settings name."""
    return ComfyUiBackend(settings.comfyui_address)
