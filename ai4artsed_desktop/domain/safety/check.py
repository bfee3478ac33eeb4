"""The verdict of the lists on a text, without any model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.safety.coverage import cover
from ai4artsed_desktop.domain.safety.matcher import Hit, Matcher
from ai4artsed_desktop.domain.safety.verdicts import CHECKED_LEVELS, Finding, Verdict

#: The context of words that are meant for the checking model itself.
PUSHY = "injection"
#: More findings tell a person nothing new, and would swell a run's record.
MAX_FOUND = 40


@dataclass(frozen=True, slots=True)
class ListCheck:
    """What the lists say of one text at one level.

    Attributes:
        absolute: Terms that block whatever anybody says.
        contextual: Terms that block unless a model clears them.
        cleared: Contextual terms that the text's own context cleared.
        noted: Terms that pass at this level and are noted.
        uncovered: The first passage in a language that no list answers for, at levels that demand a check.
        is_pushy: The text speaks to whoever checks it ("ignore the rules"): no model may clear anything in it.
    """

    level: SafetyLevel
    language: str | None
    absolute: tuple[Finding, ...] = ()
    contextual: tuple[Finding, ...] = ()
    cleared: tuple[Finding, ...] = ()
    noted: tuple[Finding, ...] = ()
    uncovered: str = ""
    is_pushy: bool = False


def check_lists(text: str, level: SafetyLevel, matcher: Matcher, *, is_code: bool = False) -> ListCheck:
    """Return what the lists say of ``text``.

    Args:
        is_code: The text is the words of a program (``words_of_code``), of which no language is asked.
    """
    matches = matcher.match(text)
    if level not in CHECKED_LEVELS and not matches.hits:
        return ListCheck(level, None)
    coverage = cover(text)
    language = coverage.language
    counting = [hit for hit in matches.hits if hit.group.counts_in(language)]
    blocking = [hit for hit in counting if level in hit.group.levels]
    noted = _findings((hit for hit in counting if level in hit.group.noted_at), text, level)
    cleared = [hit for hit in blocking if matches.contexts.intersection(hit.group.cleared_by)]
    left = [hit for hit in blocking if hit not in cleared]
    return ListCheck(
        level,
        language,
        absolute=_findings((hit for hit in left if not hit.group.may_be_cleared), text, level),
        contextual=_findings((hit for hit in left if hit.group.may_be_cleared), text, level),
        cleared=_findings(cleared, text, level),
        noted=noted,
        uncovered=coverage.uncovered if level in CHECKED_LEVELS and not is_code else "",
        is_pushy=PUSHY in matches.contexts,
    )


def decide(check: ListCheck, cleared_terms: Iterable[str] = (), model: str = "") -> Verdict:
    """Return the verdict: a term that nobody cleared blocks, a passage that nobody can read is unavailable.

    Args:
        cleared_terms: Contextual terms that a model cleared.
        model: Id of that model.
    """
    let_go = frozenset(cleared_terms)
    cleared = (*check.cleared, *(f for f in check.contextual if f.term in let_go))
    found = (*check.absolute, *(f for f in check.contextual if f.term not in let_go))
    verdict = Verdict("pass", check.level, language=check.language, model=model, cleared=cleared[:MAX_FOUND])
    if found:
        categories = dict.fromkeys(finding.category for finding in found)
        reasons = tuple(Reason(f"safety.reason.{category.value}") for category in categories)
        return replace(verdict, verdict="block", reasons=reasons, found=found[:MAX_FOUND])
    if check.uncovered:
        reasons = (Reason("safety.reason.language", {"passage": check.uncovered}),)
        return replace(verdict, verdict="unavailable", reasons=reasons)
    reasons = (Reason("safety.reason.noted"),) if check.noted else ()
    return replace(verdict, reasons=reasons, found=check.noted[:MAX_FOUND])


def _findings(hits: Iterable[Hit], text: str, level: SafetyLevel) -> tuple[Finding, ...]:
    """Return the hits as findings, one per place and category: a word may stand in several languages' lists."""
    found = {(hit.start, hit.end, hit.group.category): hit.finding(text, level) for hit in reversed(tuple(hits))}
    return tuple(reversed(found.values()))


def merged(checks: Sequence[ListCheck], level: SafetyLevel) -> ListCheck:
    """Return the checks of several texts as one; none at all gives one that found nothing."""
    if len(checks) == 1:
        return checks[0]

    def all_of(part: Callable[[ListCheck], tuple[Finding, ...]]) -> tuple[Finding, ...]:
        return tuple(finding for check in checks for finding in part(check))

    return ListCheck(
        level,
        next((check.language for check in checks if check.language), None),
        all_of(lambda check: check.absolute),
        all_of(lambda check: check.contextual),
        all_of(lambda check: check.cleared),
        all_of(lambda check: check.noted),
        next((check.uncovered for check in checks if check.uncovered), ""),
        any(check.is_pushy for check in checks),
    )
