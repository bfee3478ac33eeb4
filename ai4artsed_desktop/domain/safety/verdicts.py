"""What a check found and what follows from it, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import SafetyLevel

#: From the strictest level to the freest.
LEVELS: tuple[SafetyLevel, ...] = ("kids", "youth", "adult", "research")
#: Levels at which an unavailable check blocks (LESSONS 13: a check must not fail open).
CHECKED_LEVELS: frozenset[SafetyLevel] = frozenset({"kids", "youth"})

VerdictWord = Literal["pass", "block", "unavailable"]


class Category(StrEnum):
    """Why a term stands in a list; each has texts ``safety.category.<value>`` and ``safety.suggestion.<value>``.

    Sources: ``UNCONSTITUTIONAL`` §§ 86, 86a StGB · ``SEXUAL_MINORS`` §§ 184b, 184c StGB · the others from the public
    criteria of the age ratings (USK: violence, sexuality, drugs, language, self-harm; PEGI; FSK).
    """

    UNCONSTITUTIONAL = "unconstitutional"
    SEXUAL_MINORS = "sexual_minors"
    SEXUAL = "sexual"
    VIOLENCE = "violence"
    SELF_HARM = "self_harm"
    HATE = "hate"
    DRUGS = "drugs"
    DANGER = "danger"


@dataclass(frozen=True, slots=True)
class Finding:
    """One listed term in a text.

    Attributes:
        term: The term as it stands in the list.
        start, end: The place in the text as given, in characters; ``end`` is exclusive.
        text: What stands there, disguise included.
        is_contextual: Harmless in some contexts, so that a model may clear it. An absolute term stays.
        is_note: Noted only: at this level the term passes.
    """

    term: str
    category: Category
    start: int
    end: int
    text: str
    is_contextual: bool = False
    is_note: bool = False


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """A passage that looks like a person's name; ``start`` and ``end`` as in Finding."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate decided, as it is recorded in the run folder.

    Attributes:
        reasons: Language-file keys with their parameters; never empty for ``block`` and ``unavailable``.
        found: The terms that count at this level.
        language: The text's language as far as it can be told.
        model: Id of the model that was asked too, ``""`` if none was.
        cleared: Contextual terms that the model or the context cleared.
    """

    verdict: VerdictWord
    level: SafetyLevel
    reasons: tuple[Reason, ...] = ()
    found: tuple[Finding, ...] = ()
    language: str | None = None
    model: str = ""
    cleared: tuple[Finding, ...] = ()

    @property
    def lets_pass(self) -> bool:
        """Tell whether work may go on: a level that demands a check does not go on without one."""
        return self.verdict == "pass" or (self.verdict == "unavailable" and self.level not in CHECKED_LEVELS)


def strictest(*levels: SafetyLevel) -> SafetyLevel:
    """Return the strictest of ``levels``."""
    return min(levels, key=LEVELS.index)
