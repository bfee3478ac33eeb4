"""The lens lab: one idea through several interceptions at once, as runs of their own that differ in nothing else."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo, TooManyLensesError
from ai4artsed_desktop.domain.parameters import SEED_LIMIT
from ai4artsed_desktop.domain.runs import RunRecord, RunRequest, StageName
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.runs import RunService, as_error_info

#: More columns than this can neither be compared nor seen side by side (issue 4, item 7).
MAX_LENSES = 6


@dataclass(frozen=True, slots=True)
class LensResult:
    """What one interception made of the idea. ``error`` None and an empty text: the run was cancelled."""

    interception_id: str
    run_id: str
    text: str = ""
    model: str = ""
    ms: float = 0.0
    error: ErrorInfo | None = None


def lens_requests(idea: RunRequest, interception_ids: Sequence[str], catalog: Catalog) -> tuple[RunRequest, ...]:
    """Return one request for each interception, in order, all with one seed and without a medium.

    Args:
        idea: Its text, seed (None draws one for all), language, safety level and models; the rest is replaced.

    Raises:
        TooManyLensesError: More than ``MAX_LENSES``, or none.
        UnknownEntryError: One is not in the catalogue. Nothing is submitted then.
    """
    if not 0 < len(interception_ids) <= MAX_LENSES:
        raise TooManyLensesError(count=str(len(interception_ids)), limit=str(MAX_LENSES))
    for name in interception_ids:
        catalog.interception(name)
    seed = secrets.randbelow(SEED_LIMIT) if idea.seed is None else idea.seed
    return tuple(replace(idea, interception_id=name, seed=seed, outputs=(), rules=None) for name in interception_ids)


async def run_lenses(runs: RunService, requests: Sequence[RunRequest]) -> tuple[LensResult, ...]:
    """Carry out the requests and return their results in order; one that fails does not stop the others.

    The runs wait in the one queue, where a model is asked for one thing at a time. Cancelling cancels them all.

    Raises:
        EmptyTextError, TextTooLongError, ParameterError: The idea cannot be used; nothing runs.
    """
    run_ids: list[str] = []
    try:
        # In the loop: a request that is refused takes back those before it.
        run_ids.extend(runs.submit(request) for request in requests)
        pairs = zip(requests, run_ids, strict=True)
        return tuple([await _result(runs, request.interception_id, run_id) for request, run_id in pairs])
    except (asyncio.CancelledError, AppError):
        for run_id in run_ids:
            runs.cancel(run_id)
        raise


async def _result(runs: RunService, interception_id: str, run_id: str) -> LensResult:
    try:
        return result_of(await runs.wait(run_id))
    except AppError as exc:
        return LensResult(interception_id, run_id, error=as_error_info(exc))


def result_of(record: RunRecord) -> LensResult:
    """Return what a recorded text run made of its idea."""
    stage = next((s for s in reversed(record.stages) if s.name is StageName.INTERCEPTION), None)
    error = ErrorInfo(record.error.code, record.error.params, record.error.detail) if record.error else None
    if stage is None:
        return LensResult(record.interception_id, record.run_id, error=error)
    return LensResult(record.interception_id, record.run_id, stage.text, stage.model, stage.ms, error)
