"""Text passthrough: the stage text is the medium, such as code that a model or a person wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from ai4artsed_desktop.domain.chunks import Chunk, TextPassthroughChunk
from ai4artsed_desktop.domain.code_art import MAX_CODE_CHARS, Framework, RenderFailure, RenderJob, RenderVerdict
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.code_repair import Repaired, repair
from ai4artsed_desktop.engine.ports import MediaProgress
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.steps.base import OutputJob, Services
from ai4artsed_desktop.engine.steps.rendering import code_medium, rendered, renderer_problem, verdict_error

_FENCED = re.compile(r"```[A-Za-z0-9]*[ \t]*\n(.*?)\n?```", re.DOTALL)
_RENDER_FIELDS = {"width": "width_px", "height": "height_px", "frames": "frames", "duration_s": "duration_s"}


class TextPassthroughStep:
    """Stores the text and, where it is code, renders it in the sandbox."""

    chunk_type = "text_passthrough"
    keeps_request = False

    async def problem(self, chunk: Chunk, is_trusted: bool, services: Services) -> Reason | None:
        """Return why the chunk cannot run: its renderer is missing."""
        del is_trusted  # there is no foreign code in the chunk itself
        is_code = isinstance(chunk, TextPassthroughChunk) and chunk.framework is not None
        return await renderer_problem(services) if is_code else None

    async def run(self, job: OutputJob) -> Mapping[str, object]:
        """Keep the code whatever it does, and render it; code that a model wrote is mended by it if it fails."""
        assert isinstance(job.chunk, TextPassthroughChunk)
        framework = job.chunk.framework
        if framework is None:
            await job.save(ProducedMedium("text", "text/plain", "txt", data=job.text.encode()))
            return {}
        code = strip_fences(job.text)
        if job.author is None:
            await job.save(code_medium(framework, code))
            state = Repaired(code, await _render(job, framework, code))
        else:  # what the model wrote is on disk as the text of its stage
            verdict = await _render(job, framework, code)
            state = await repair(job.author, framework, code, verdict, partial(_render, job, framework), job.write)
            await job.save(code_medium(framework, state.code, {"repairs": len(state.rounds)} if state.rounds else None))
        if not state.verdict.ok:
            raise verdict_error(state.verdict)
        for medium in state.verdict.media:
            await job.save(rendered(medium))
        return {"repairs": state.rounds} if state.rounds else {}


async def _render(job: OutputJob, framework: Framework, code: str) -> RenderVerdict:
    given = {field: job.parameters[name] for name, field in _RENDER_FIELDS.items() if name in job.parameters}
    if len(code) > MAX_CODE_CHARS:
        return RenderVerdict(ok=False, failure=RenderFailure.TOO_LARGE, message=f"{len(code):,} characters of code")
    render_job = RenderJob.model_validate(
        {"framework": framework, "code": code, "seed": job.seed, "out_dir": job.make_work_dir(), **given}
    )
    job.progress(MediaProgress(None, "progress.rendering"))
    return await job.services.renderer.render(render_job)


def strip_fences(text: str) -> str:
    """Return the code inside the first markdown fence, or the text as it is: models like to wrap code."""
    match = _FENCED.search(text)
    return match.group(1) if match else text


STEP = TextPassthroughStep()
