"""The self-test of the gate: are the lists whole, and do they decide what they are meant to decide?"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.safety.check import check_lists, decide
from ai4artsed_desktop.domain.safety.lists import COVERED_LANGUAGES
from ai4artsed_desktop.engine.safety import SafetyGate
from ai4artsed_desktop.engine.safety_lists import Example, SafetyLists


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How the gate stands.

    Attributes:
        problem: Why no text can be checked here, or None.
        wrong: Examples whose verdict is not the expected one; the gate is not to be trusted then.
        examples, terms: How many there are.
        digest: SHA-256 over the lists.
        can_see: Whether pictures can be checked, too.
    """

    problem: Reason | None = None
    wrong: tuple[Example, ...] = ()
    examples: int = 0
    terms: int = 0
    digest: str = ""
    can_see: bool = False
    languages: tuple[str, ...] = COVERED_LANGUAGES

    @property
    def is_green(self) -> bool:
        """Whether texts are checked as they are meant to be."""
        return self.problem is None and not self.wrong


async def run_self_test(gate: SafetyGate) -> SelfTest:
    """Try the examples that ship with the lists; takes a few milliseconds once the lists are read."""
    lists = await gate.lists()
    can_see = await gate.can_see()
    if isinstance(lists, Reason):
        return SelfTest(problem=lists, can_see=can_see)
    wrong = await asyncio.to_thread(_wrong, lists)
    problem = Reason("safety.reason.self_test", {"count": str(len(wrong))}) if wrong else None
    return SelfTest(problem, wrong, len(lists.examples), lists.terms, lists.digest, can_see)


def _wrong(lists: SafetyLists) -> tuple[Example, ...]:
    return tuple(example for example in lists.examples if not fits(example, lists))


def fits(example: Example, lists: SafetyLists) -> bool:
    """Tell whether the lists decide an example as expected."""
    verdict = decide(check_lists(example.text, example.level, lists.matcher))
    has_category = example.category is None or any(found.category is example.category for found in verdict.found)
    return verdict.verdict == example.verdict and has_category
