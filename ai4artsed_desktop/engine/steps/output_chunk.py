"""Output chunks: a ComfyUI graph, filled and handed to the backend that its chunk names."""

from __future__ import annotations

from contextlib import aclosing

from ai4artsed_desktop.domain.chunks import ApiOutputChunk, Chunk, OutputChunk, mappings_of
from ai4artsed_desktop.domain.errors import LocalOnlyError, NotRunnableError
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.steps.base import OutputJob, Reason, Services
from ai4artsed_desktop.engine.templates import fill_graph, fill_request


def build_request(job: OutputJob) -> MediaRequest:
    """Return the filled graph or request of a job, without sending it.

    Raises:
        CatalogError, PlaceholderError: See engine/templates.py.
    """
    chunk, mappings = job.chunk, mappings_of(job.chunk)
    if isinstance(chunk, OutputChunk):
        return MediaRequest(chunk, job.parameters, graph=fill_graph(chunk, mappings, job.parameters, job.texts))
    assert isinstance(chunk, ApiOutputChunk)
    return MediaRequest(chunk, job.parameters, body=fill_request(chunk.api_config, mappings, job.parameters, job.texts))


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
        said = await backend.problem(chunk)
        return None if said is None else Reason(said)

    async def run(self, job: OutputJob) -> None:
        """Fill the request, run it, and save every medium as it comes. Raises LocalOnlyError, NotRunnableError."""
        assert isinstance(job.chunk, OutputChunk | ApiOutputChunk)
        if isinstance(job.chunk, ApiOutputChunk) and job.local_only:
            raise LocalOnlyError(host=job.chunk.api_config.provider)
        backend = job.services.backends.get(job.chunk.backend_type)
        if backend is None:
            raise NotRunnableError(id=job.config.id, reason="reason.backend_missing", backend=job.chunk.backend_type)
        async with aclosing(backend.generate(build_request(job))) as updates:
            async for update in updates:
                if isinstance(update, MediaProgress):
                    job.progress(update.fraction, update.message)
                else:
                    await job.save(update)


STEP = BackendStep("output_chunk")
