"""The client of one ComfyUI server: run graphs, fetch what they made, upload inputs, ask what is there."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

from ai4artsed_desktop.adapters.backends.comfyui_feed import SOCKET_SAVER, Feed, JobProgress
from ai4artsed_desktop.adapters.backends.comfyui_frames import ImageFrame, is_whole_image
from ai4artsed_desktop.adapters.backends.comfyui_http import ComfyUiHttp, QueueSnapshot
from ai4artsed_desktop.adapters.backends.comfyui_job import Job, Previews, QueueReader, cancel
from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_number, as_object, as_text
from ai4artsed_desktop.adapters.backends.comfyui_outputs import Output, OutputFile, read_outputs
from ai4artsed_desktop.adapters.backends.comfyui_refusals import failure
from ai4artsed_desktop.adapters.backends.comfyui_socket import Lines
from ai4artsed_desktop.adapters.backends.server_http import Limits, UnansweredError
from ai4artsed_desktop.adapters.local_only import HERE_ONLY, NetworkGuard
from ai4artsed_desktop.domain.backend_errors import BackendStoppedError, MediumDamagedError, NoMediumError
from ai4artsed_desktop.domain.comfyui import Graph, check_graph, class_of
from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError
from ai4artsed_desktop.engine.tasks import TaskScope

T = TypeVar("T")

DEFAULT_ADDRESS = "http://127.0.0.1:8188"

#: Describing 639 nodes took the server up to 0.2 s, with many extensions and a slow disk far more.
_OBJECT_INFO_LIMIT_S = 120.0
_REACHABLE_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class JobResult:
    """What an ended job left.

    Attributes:
        outputs: Files and texts, by node id, from the history.
        pictures: (node id, picture) of SaveImageWebsocket nodes, which the history does not know.
    """

    prompt_id: str
    outputs: tuple[Output, ...]
    pictures: tuple[tuple[str, ImageFrame], ...] = ()


class ComfyUiClient:
    """One ComfyUI server, of October 2025 or newer. Opens connections when they are needed; close it with ``aclose``.

    Args:
        address: ``http://host:port``; a path is kept, such as SwarmUI's ``/ComfyBackendDirect``.
        backend: What people call the server, for errors.
        headers: Sent with every request, such as which of SwarmUI's servers is meant.
        guard: Asked before every connection; without one the client reaches this machine only.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        limits: Limits | None = None,
        backend: str = "ComfyUI",
        headers: Mapping[str, str] | None = None,
        guard: NetworkGuard = HERE_ONLY,
    ) -> None:
        self._limits = limits or Limits()
        self._http = ComfyUiHttp(address, self._limits, backend, guard, headers)
        self._queue = QueueReader(self._http)
        self._lines = Lines(self._http.address, self._http.headers, guard, self._limits.idle_s)
        self._cancels = TaskScope("comfyui-cancels")

    @property
    def address(self) -> str:
        """Where the server is."""
        return self._http.address

    @property
    def backend(self) -> str:
        """What people call the server."""
        return self._http.backend

    async def aclose(self) -> None:
        """See cancels through, as far as they hold soon, and close all connections."""
        await self._cancels.aclose(self._limits.cancel_close_s)
        await self._lines.aclose()
        await self._http.aclose()

    async def run(self, graph: Graph, *, previews: Previews = "auto") -> AsyncGenerator[JobProgress | JobResult]:
        """Run a graph: progress while it lasts, one result at the end. Closing the iterator cancels this job only.

        Raises:
            UnsafeGraphError: The graph is not sent, because it would break the server.
            LocalOnlyError: The server is elsewhere, and nothing may leave the machine.
            GraphRefusedError, NodeFailedError, JobInterruptedError, JobLostError, JobStuckError.
            BackendUnavailableError: Also as BackendStoppedError.
        """
        check_graph(graph, self.backend)
        self._http.guard.check_address(self.address)
        feed = Feed(str(uuid.uuid4()), graph)
        async with self._lines.listening(feed) as line:
            job = Job(self._http, self._queue, line, feed, graph)
            try:
                await job.post(previews)
                async with aclosing(job.follow()) as updates:
                    async for progress in updates:
                        yield progress
                entry = await job.entry()
            except BackendStoppedError:
                job.is_ended = True  # nothing listens any more, so nothing is left to cancel
                raise
            finally:
                if job.was_sent and not job.is_ended:
                    await self.cancel(feed.prompt_id)
        yield self._result(entry, feed, graph)

    async def cancel(self, prompt_id: str) -> None:
        """Cancel one job, and no other. Returns when it holds, or after a while; then it is repeated further on."""
        limit_s = self._limits.cancel_limit_s
        task = self._cancels.spawn(cancel(self._http, self._queue, prompt_id, limit_s), name=prompt_id)
        await asyncio.wait({task}, timeout=self._limits.cancel_wait_s)

    def _result(self, entry: JsonObject, feed: Feed, graph: Graph) -> JobResult:
        outputs = tuple(read_outputs(as_object(entry.get("outputs"))))
        pictures = tuple((node_id, frame) for node_id, frames in feed.finals.items() for frame in frames)
        for node_id in graph:
            if class_of(graph, node_id) == SOCKET_SAVER and (node_id not in feed.finals or feed.drops):
                # What was sent while the socket was down is nowhere else.
                raise NoMediumError("the socket was lost", backend=self.backend, node=node_id)
        if not outputs and not pictures and feed.error is not None:
            raise failure(feed.error, graph, self.backend)
        return JobResult(feed.prompt_id, outputs, pictures)

    async def fetch(self, file: OutputFile) -> tuple[bytes, str]:
        """Return a file's bytes and MIME type; what comes incomplete is fetched again.

        Raises:
            MediumGoneError, MediumTooLargeError, MediumDamagedError, BackendUnavailableError.
        """

        async def whole_file() -> tuple[bytes, str]:
            data, told = await self._http.view(file)
            mime = file.mime or told or "application/octet-stream"
            if not is_whole_image(data, mime) and not mime.startswith("text/"):
                raise UnansweredError(f"{len(data)} bytes without a proper end")
            return data, mime

        try:
            return await self._http.several_times(whole_file)
        except UnansweredError as exc:
            if exc.is_refused:
                raise BackendUnavailableError(str(exc), backend=self.backend) from exc
            raise MediumDamagedError(str(exc), backend=self.backend, file=file.filename) from exc

    async def upload_image(self, filename: str, data: bytes, *, overwrite: bool = False) -> OutputFile:
        """Upload a picture, sound or video to the server's input folder; **use the returned name**.

        The same name with other bytes gets a new name unless ``overwrite`` is set.

        Raises:
            MediumTooLargeError, BackendUnavailableError, BackendError.
        """
        fields = {"type": "input", "overwrite": "true" if overwrite else "false"}
        return await self._upload("/upload/image", filename, data, fields)

    async def upload_mask(self, filename: str, data: bytes, original: OutputFile) -> OutputFile:
        """Upload a mask (PNG with alpha) for an uploaded picture; the server puts the picture's colours under it.

        Raises:
            MediumGoneError: The picture is not there; the server itself would answer that all is well.
            MediumTooLargeError, BackendUnavailableError, BackendError.
        """
        reference = {"filename": original.filename, "subfolder": original.subfolder, "type": original.type}
        fields = {"type": "input", "original_ref": json.dumps(reference)}
        mask = await self._upload("/upload/mask", filename, data, fields)
        await self.fetch(mask)
        return mask

    async def is_reachable(self) -> bool:
        """Tell whether a ComfyUI answers at the address."""
        try:
            stats = await self._http.get_json("/system_stats", timeout_s=_REACHABLE_LIMIT_S)
        except (UnansweredError, BackendError):
            return False
        return "system" in as_object(stats)

    async def system_stats(self) -> JsonObject:
        """Return versions, start arguments, memory and devices. Raises BackendUnavailableError."""
        return as_object(await self._answered(self._http.get_json("/system_stats")))

    async def object_info(self, node_class: str | None = None) -> JsonObject:
        """Return the description of all nodes, or of one (empty if unknown). Raises BackendUnavailableError."""
        path = "/object_info" if node_class is None else f"/object_info/{node_class}"
        return as_object(await self._answered(self._http.get_json(path, timeout_s=_OBJECT_INFO_LIMIT_S)))

    async def models(self, folder: str) -> tuple[str, ...]:
        """Return the model files in one of the server's folders; none for an unknown folder."""
        response = await self._answered(self._http.ask("GET", f"/models/{folder}"))
        return tuple(as_text(name) for name in as_list(response.json() if response.status_code == 200 else []))

    async def remaining(self) -> int:
        """Return how many jobs run or wait, whoever sent them; cheap. Raises BackendUnavailableError."""
        answer = as_object(await self._answered(self._http.get_json("/prompt", timeout_s=_REACHABLE_LIMIT_S)))
        return int(as_number(as_object(answer.get("exec_info")).get("queue_remaining")) or 0)

    async def model_metadata(self, folder: str, filename: str) -> JsonObject:
        """Return the metadata in a model file's header.

        Raises:
            BackendError: There is no such file, or no metadata in it; BackendUnavailableError if nothing answers.
        """
        return as_object(await self._answered(self._http.get_json(f"/view_metadata/{folder}", filename=filename)))

    async def queue(self) -> QueueSnapshot:
        """Return who runs and who waits. Raises BackendUnavailableError."""
        return await self._answered(self._queue.get())

    async def free(self) -> None:
        """Ask the server to unload its models; it does so between jobs. Raises BackendUnavailableError."""
        await self._answered(self._http.free())

    async def _upload(self, route: str, filename: str, data: bytes, fields: Mapping[str, str]) -> OutputFile:
        """Upload; again if it broke off, which is safe: equal bytes keep their name."""
        name = _safe_name(filename)
        return await self._answered(self._http.several_times(lambda: self._http.upload(route, name, data, fields)))

    async def _answered(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except UnansweredError as exc:
            raise BackendUnavailableError(str(exc), backend=self.backend) from exc


def _safe_name(filename: str) -> str:
    r"""Return a name that the server stores as it is: no folders, no quotes (sent as ``%22``), no ``..`` (refused)."""
    name = re.sub(r'[\\/:*?"<>|\x00-\x1f\x7f]', "_", filename).strip(" .")
    return re.sub(r"\.{2,}", ".", name) or "input"
