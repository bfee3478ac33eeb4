"""Output chunks: a ComfyUI graph, filled and handed to the backend that its chunk names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict

from ai4artsed_desktop.domain.backend_errors import BackendStoppedError, JobLostError
from ai4artsed_desktop.domain.chunks import ApiOutputChunk, Chunk, OutputChunk, mappings_of
from ai4artsed_desktop.domain.errors import LocalOnlyError, NotRunnableError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.graphs import build_graph
from ai4artsed_desktop.engine.input_images import input_files
from ai4artsed_desktop.engine.lora import AppliedLora, LoraChoice
from ai4artsed_desktop.engine.ports import MediaBackend, MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.steps.base import OutputJob, Services
from ai4artsed_desktop.engine.tasks import beside
from ai4artsed_desktop.engine.templates import fill_request

#: The server gets its work first, and only then the disk: what takes longer than this is worth a record in between.
_MOMENT_S = 0.15


def build_request(job: OutputJob, loras: Sequence[LoraChoice] = ()) -> tuple[MediaRequest, tuple[AppliedLora, ...]]:
    """Return the filled graph or request of a job, without sending it, and the LoRAs that are in it.

    Raises:
        CatalogError, PlaceholderError: See engine/templates.py.
        LoraFamilyError, NoLoraPlaceError: See engine/lora.py.
    """
    chunk = job.chunk
    if isinstance(chunk, OutputChunk):
        built = build_graph(chunk, job.parameters, job.texts, loras, job.run_id)
        files = input_files(chunk, job.images)
        request = MediaRequest(chunk, job.parameters, graph=built.graph, files=files, local_only=job.local_only)
        return request, tuple(built.applied)
    assert isinstance(chunk, ApiOutputChunk)
    body = fill_request(chunk.api_config, mappings_of(chunk), job.parameters, job.texts)
    return MediaRequest(chunk, job.parameters, body=body, local_only=job.local_only), ()


class BackendStep:
    """Runs chunks that a media backend executes; two chunk types, one way."""

    keeps_request = True

    def __init__(self, chunk_type: str) -> None:
        self.chunk_type = chunk_type

    async def problem(self, chunk: Chunk, is_trusted: bool, services: Services) -> Reason | None:
        """Return why the chunk cannot run: no such backend here, or what the backend says."""
        del is_trusted  # a graph or request is data
        assert isinstance(chunk, OutputChunk | ApiOutputChunk)
        backend = services.backends.get(chunk.backend_type)
        if backend is None:
            return Reason("reason.backend_missing", {"backend": chunk.backend_type})
        return await backend.problem(chunk)

    async def run(self, job: OutputJob) -> Mapping[str, object]:
        """Fill the request, keep it, run it, and save every medium as it comes.

        Raises:
            LocalOnlyError, NotRunnableError, BackendError.
        """
        assert isinstance(job.chunk, OutputChunk | ApiOutputChunk)
        backend = job.services.backends.get(job.chunk.backend_type)
        if isinstance(job.chunk, ApiOutputChunk) and job.local_only:
            raise LocalOnlyError(host=job.chunk.api_config.provider)
        if backend is None:
            raise NotRunnableError(id=job.config.id, reason="reason.backend_missing", backend=job.chunk.backend_type)
        if job.local_only and not backend.is_local:
            raise LocalOnlyError(host=backend.id)
        request, applied = build_request(job, await job.services.loras.choices(job.loras))
        job.keep("workflow", request.graph if request.graph is not None else request.body)
        if not backend.is_local:
            await job.made()  # what is sent costs
        is_over = asyncio.Event()

        async def write() -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_MOMENT_S):
                    await is_over.wait()
            await job.flush()

        async with beside(write(), name=f"{job.run_id}:workflow"):
            await _generate_healing(backend, request, job)
            is_over.set()
        return {"loras": [asdict(lora) for lora in applied]} if applied else {}


async def _generate_healing(backend: MediaBackend, request: MediaRequest, job: OutputJob) -> None:
    """Run the request; once more if its server died under it, the supervisor brought it back, and nothing was saved.

    Raises:
        BackendError: What the backend says; after a second failure that one's.
    """
    healer = job.services.healer
    service = healer.service_of(backend.id) if healer is not None else ""
    starts = healer.starts(service) if healer is not None else 0
    saved: list[ProducedMedium] = []
    try:
        await _generate(backend, request, job, saved)
    except (BackendStoppedError, JobLostError) as exc:
        if saved or not service or healer is None or not await healer.heal(service):
            raise
        if isinstance(exc, JobLostError) and healer.starts(service) == starts:
            raise  # the server never went away: somebody deleted the job
        job.progress(MediaProgress(None, "progress.backend.again"))
        await _generate(backend, request, job, saved)


async def _generate(backend: MediaBackend, request: MediaRequest, job: OutputJob, saved: list[ProducedMedium]) -> None:
    async with aclosing(backend.generate(request)) as updates:
        async for update in updates:
            await job.made()  # it mostly is by now; if it cannot be, the server works in vain
            if isinstance(update, MediaProgress):
                job.progress(update)
            else:
                saved.append(update)  # before it is on disk: a half-saved one must not come twice either
                await job.save(update)


STEP = BackendStep("output_chunk")
