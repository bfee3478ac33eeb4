"""The safety gate's place in the engine: every text that reaches a model and every medium passes here.

Nothing in this version can check a text; the gate says so. A level that demands a check (kids, youth) is therefore
blocked, never waved through.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ai4artsed_desktop.domain.errors import SafetyUnavailableError
from ai4artsed_desktop.domain.runs import SafetyLevel

#: Levels at which an unavailable check blocks (LESSONS 13: a check must not fail open).
CHECKED_LEVELS: frozenset[SafetyLevel] = frozenset({"kids", "youth"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided, as it is recorded in the run folder."""

    verdict: Literal["pass", "block", "unavailable"]
    level: SafetyLevel
    reasons: tuple[str, ...] = ()


def check_texts(texts: Iterable[str], level: SafetyLevel) -> Verdict:
    """Return the verdict on all ``texts`` together: ``unavailable``, because no checker exists yet."""
    del texts  # nothing here can read them; the parameter is the gate's shape
    return Verdict("unavailable", level, ("safety.no_checker",))


def demand(verdict: Verdict) -> None:
    """Let a verdict pass or raise.

    Raises:
        SafetyUnavailableError: Nothing can check, and the level demands it.
    """
    if verdict.verdict == "unavailable" and verdict.level in CHECKED_LEVELS:
        raise SafetyUnavailableError(level=verdict.level)
