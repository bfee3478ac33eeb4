"""What every step that renders code shares: verdicts as errors and as media."""

from __future__ import annotations

from ai4artsed_desktop.domain.code_art import Framework, RenderedMedium, RenderFailure, RenderVerdict
from ai4artsed_desktop.domain.errors import CodeArtError, RendererMissingError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.steps.base import Services

#: Entity type of the code itself in a run record, by framework (FORMATS, text_passthrough).
CODE_KINDS: dict[Framework, str] = {"p5js": "p5", "tonejs": "tonejs"}


async def renderer_problem(services: Services) -> Reason | None:
    """Return why no code can be rendered here, or None."""
    library = await services.renderer.problem()
    return None if library is None else Reason("reason.renderer_missing", {"library": library})


def verdict_error(verdict: RenderVerdict) -> CodeArtError:
    """Return a failed verdict as the error a person reads; each failure has its own texts in the language files."""
    if verdict.failure is RenderFailure.RENDERER_MISSING:
        return RendererMissingError(verdict.message, library=verdict.message)
    failure = verdict.failure or RenderFailure.NO_OUTPUT
    detail = "\n".join([verdict.message, *verdict.attempts, *(f"{c.line}: {c.text}" for c in verdict.console[-20:])])
    facts = {
        **verdict.advice_params,
        "reason": f"code_art.failure.{failure.value}",
        "place": "code_art.at_line" if verdict.line else "",
        "line": str(verdict.line),
        "advice": verdict.advice,
    }
    return CodeArtError(detail.strip(), **facts)


def rendered(medium: RenderedMedium) -> ProducedMedium:
    """Return a rendered file as a medium of the run."""
    kind = medium.mime.split("/", maxsplit=1)[0]
    facts = medium.model_dump(exclude_none=True, exclude={"path", "mime", "sha256", "bytes"})
    return ProducedMedium(kind, medium.mime, medium.path.suffix.lstrip("."), path=medium.path, metadata=facts)


def code_medium(framework: Framework, code: str, metadata: dict[str, object] | None = None) -> ProducedMedium:
    """Return code as a medium of the run."""
    return ProducedMedium(
        CODE_KINDS[framework],
        "text/javascript",
        "js",
        data=code.encode(),
        metadata={"format": "js", "framework": framework, **(metadata or {})},
    )
