"""Finds out whether a model wrote an output's code in this very run, and how it is asked to mend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai4artsed_desktop.domain.chunks import ProcessingChunk, TextPassthroughChunk
from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.events import RunProgressed, StageRoundFinished, StageTextStreamed
from ai4artsed_desktop.domain.parameters import SEED_LIMIT
from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.code_repair import REPAIR_CHUNK, CodeAuthor
from ai4artsed_desktop.engine.steps.base import Services, TextJob
from ai4artsed_desktop.engine.steps.processing import run_processing
from ai4artsed_desktop.engine.steps.text_passthrough import strip_fences

if TYPE_CHECKING:
    from ai4artsed_desktop.engine.orchestrator import RunJob


def author_of(
    job: RunJob, config: OutputConfig, local_only: bool, services: Services, demand: Callable[[str], None]
) -> CodeAuthor | None:
    """Return who mends the code of ``config``, or None where the code is nobody's but the person's.

    What a person wrote or changed is never rewritten behind their back: they are shown the error instead.

    Args:
        demand: Raises if a text may not become a medium.
    """
    written = next((s for s in job.stages if s.name is StageName.OPTIMISATION and s.output_id == config.id), None)
    chunk = job.catalog.chunk(config.chunk).value
    entry = job.catalog.chunks.get(REPAIR_CHUNK)
    is_code = isinstance(chunk, TextPassthroughChunk) and chunk.framework is not None
    if not is_code or written is None or written.state != "done" or written.edited_from is not None or entry is None:
        return None
    repair_chunk = entry.value
    assert isinstance(repair_chunk, ProcessingChunk)
    rules = localized(config.meta.optimization_instruction or {}, job.request.language)

    async def rewrite(complaint: str, number: int) -> tuple[str, str]:
        job.publish(RunProgressed(job.run_id, None, "progress.repairing", step=number))
        outcome = await run_processing(
            TextJob(
                stage=StageName.OPTIMISATION,
                chunk=repair_chunk,
                text=complaint,
                rules=rules,
                language=job.request.language,
                seed=(job.seed + number) % SEED_LIMIT,  # the same seed could give the same mistake
                reporter=_RepairReporter(job, number),
                role_model=written.model,
                local_only=local_only,
            ),
            services,
        )
        code = strip_fences(outcome.text)
        demand(code)
        return code, outcome.model

    def tell(label: str, text: str) -> None:
        job.publish(StageRoundFinished(job.run_id, StageName.OUTPUT, label, text))

    return CodeAuthor(rewrite, tell)


@dataclass(frozen=True, slots=True)
class _RepairReporter:
    """Lets the mended code stream as text of the output stage; its rounds are told by the repair itself."""

    job: RunJob
    number: int

    def started(self, model: str) -> None:
        """The stage has begun already; who mends is in the round's record."""

    def streamed(self, delta: str, candidate: int = 0) -> None:
        self.job.publish(StageTextStreamed(self.job.run_id, StageName.OUTPUT, delta, self.number + candidate))

    def round_finished(self, label: str, text: str) -> None:
        raise AssertionError("a repair is one request")

    def thinks(self) -> None:
        self.job.publish(RunProgressed(self.job.run_id, None, "progress.thinking"))
