"""Text passthrough: the stage text is the medium, such as code that a model or a person wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ai4artsed_desktop.domain.chunks import Chunk, TextPassthroughChunk
from ai4artsed_desktop.domain.code_art import RenderJob
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.ports import MediaProgress
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.steps.base import OutputJob, Services
from ai4artsed_desktop.engine.steps.rendering import code_medium, rendered, renderer_problem, verdict_error

_FENCED = re.compile(r"```[A-Za-z0-9]*[ \t]*\n(.*?)\n?```", re.DOTALL)
_RENDER_FIELDS = {"width": "width_px", "height": "height_px", "frames": "frames", "duration_s": "duration_s"}


class TextPassthroughStep:
    """Stores the text and, where it is code, renders it in the sandbox."""

    chunk_type = "text_passthrough"

    async def problem(self, chunk: Chunk, is_trusted: bool, services: Services) -> Reason | None:
        """Return why the chunk cannot run: its renderer is missing."""
        del is_trusted  # there is no foreign code in the chunk itself
        is_code = isinstance(chunk, TextPassthroughChunk) and chunk.framework is not None
        return await renderer_problem(services) if is_code else None

    async def run(self, job: OutputJob) -> Mapping[str, object]:
        """Save the code first, so that it is kept whatever it does, then render it."""
        assert isinstance(job.chunk, TextPassthroughChunk)
        framework = job.chunk.framework
        if framework is None:
            await job.save(ProducedMedium("text", "text/plain", "txt", data=job.text.encode()))
            return {}
        code = strip_fences(job.text)
        await job.save(code_medium(framework, code))
        given = {field: job.parameters[name] for name, field in _RENDER_FIELDS.items() if name in job.parameters}
        render_job = RenderJob.model_validate(
            {"framework": framework, "code": code, "seed": job.seed, "out_dir": job.make_work_dir(), **given}
        )
        job.progress(MediaProgress(None, "progress.rendering"))
        verdict = await job.services.renderer.render(render_job)
        if not verdict.ok:
            raise verdict_error(verdict)
        for medium in verdict.media:
            await job.save(rendered(medium))
        return {}


def strip_fences(text: str) -> str:
    """Return the code inside the first markdown fence, or the text as it is: models like to wrap code."""
    match = _FENCED.search(text)
    return match.group(1) if match else text


STEP = TextPassthroughStep()
