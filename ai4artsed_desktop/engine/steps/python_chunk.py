"""Python chunks: our own code that makes media, such as the Sketchbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ai4artsed_desktop.domain.chunks import Chunk, PythonChunk
from ai4artsed_desktop.domain.code_art import Framework, RenderJob, RenderVerdict
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.ports import MediaProgress
from ai4artsed_desktop.engine.steps.base import OutputJob, Services
from ai4artsed_desktop.engine.steps.rendering import code_medium, renderer_problem, verdict_error


@dataclass(frozen=True, slots=True)
class _Context:
    """The only way out of the chunk (see engine/python_chunks.py)."""

    job: OutputJob
    work_dir: Path

    @property
    def text(self) -> str:
        return self.job.text

    @property
    def language(self) -> str:
        return self.job.language

    @property
    def seed(self) -> int:
        return self.job.seed

    async def progress(self, fraction: float | None, message: str) -> None:
        self.job.progress(MediaProgress(fraction, message))

    async def render(
        self,
        framework: Framework,
        code: str,
        *,
        width_px: int = 1024,
        height_px: int = 1024,
        frames: int = 1,
        duration_s: float = 24.0,
    ) -> RenderVerdict:
        verdict = await self.job.services.renderer.render(
            RenderJob(
                framework=framework,
                code=code,
                seed=self.seed,
                width_px=width_px,
                height_px=height_px,
                frames=frames,
                duration_s=duration_s,
                out_dir=self.work_dir,
            )
        )
        if not verdict.ok:
            if isinstance(self.job.chunk, PythonChunk) and self.job.chunk.framework == framework:
                # The error says that the code is kept: what failed can be read, mended and run again.
                await self.job.save(code_medium(framework, code))
            raise verdict_error(verdict)
        return verdict


class PythonChunkStep:
    """Runs ``chunks/*.py``."""

    chunk_type = "python_chunk"
    keeps_request = False

    async def problem(self, chunk: Chunk, is_trusted: bool, services: Services) -> Reason | None:
        """Return why the chunk cannot run: it is not ours and not allowed, or its renderer is missing."""
        if not is_trusted:
            return Reason("reason.foreign_python")
        is_code = isinstance(chunk, PythonChunk) and chunk.framework is not None
        return await renderer_problem(services) if is_code else None

    async def run(self, job: OutputJob) -> Mapping[str, object]:
        """Execute the chunk and save what it made, in its order."""
        context = _Context(job, job.make_work_dir())
        for medium in await job.services.python_chunks.execute(job.chunk_path, context, dict(job.parameters)):
            await job.save(medium)
        return {}


STEP = PythonChunkStep()
