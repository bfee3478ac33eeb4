"""Output chunks: a ComfyUI graph, filled and handed to the backend that its chunk names."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import asdict

from ai4artsed_desktop.domain.chunks import ApiOutputChunk, Chunk, OutputChunk, mappings_of
from ai4artsed_desktop.domain.errors import LocalOnlyError, NotRunnableError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.graphs import build_graph
from ai4artsed_desktop.engine.lora import AppliedLora, LoraChoice
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.steps.base import OutputJob, Services
from ai4artsed_desktop.engine.templates import fill_request


def build_request(job: OutputJob) -> tuple[MediaRequest, tuple[AppliedLora, ...]]:
    """Return the filled graph or request of a job, without sending it, and the LoRAs that are in it.

    Raises:
        CatalogError, PlaceholderError: See engine/templates.py.
        LoraFamilyError, NoLoraPlaceError: See engine/lora.py.
    """
    chunk = job.chunk
    if isinstance(chunk, OutputChunk):
        loras = [LoraChoice(lora.name, lora.strength) for lora in job.loras]
        built = build_graph(chunk, job.parameters, job.texts, loras, job.run_id)
        return MediaRequest(chunk, job.parameters, graph=built.graph), tuple(built.applied)
    assert isinstance(chunk, ApiOutputChunk)
    body = fill_request(chunk.api_config, mappings_of(chunk), job.parameters, job.texts)
    return MediaRequest(chunk, job.parameters, body=body), ()


class BackendStep:
    """Runs chunks that a media backend executes; two chunk types, one way."""

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
        request, applied = build_request(job)
        await job.keep("workflow", request.graph if request.graph is not None else request.body)
        async with aclosing(backend.generate(request)) as updates:
            async for update in updates:
                if isinstance(update, MediaProgress):
                    job.progress(update)
                else:
                    await job.save(update)
        return {"loras": [asdict(lora) for lora in applied]} if applied else {}


STEP = BackendStep("output_chunk")
