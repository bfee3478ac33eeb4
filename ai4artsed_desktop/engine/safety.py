"""The safety gate: every text that reaches a model and every picture for children and young people passes here.

Three things decide, in this order:

1. The term lists (``domain/safety``), without any model, in German, English, Turkish, Ukrainian, French and Arabic.
   They are what makes the check of texts *available* on a fresh machine. A passage in another language is unavailable.
2. A local model that follows instructions, where there is one: it may clear terms that are harmless in some contexts,
   never an absolute one, and for children it is asked about every text. Its answer counts only in the exact shape that
   was asked for (``safety_judge``). The tiny built-in model is never asked.
3. The level: ``kids`` and ``youth`` stop at anything unavailable (fail closed); ``adult`` stops at what the law
   forbids; ``research`` stops at sexual content with minors only, and notes the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from itertools import pairwise
from typing import Any

from ai4artsed_desktop.domain.errors import AppError, SafetyBlockedError, SafetyUnavailableError, TextTooLongError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import MAX_TEXT_CHARS, SafetyLevel
from ai4artsed_desktop.domain.safety.check import ListCheck, check_lists, decide, merged
from ai4artsed_desktop.domain.safety.folding import fold
from ai4artsed_desktop.domain.safety.verdicts import Category, Finding, NamedPerson, Verdict
from ai4artsed_desktop.engine.safety_judge import Judge
from ai4artsed_desktop.engine.safety_lists import ListsStore, SafetyFiles, SafetyLists
from ai4artsed_desktop.engine.text_models import TextModels

#: Longer texts are looked through in a thread: nothing blocks the loop for more than 10 ms (STYLE).
INLINE_CHARS = 4_000
#: So much of two texts is looked at where they meet.
_SEAM_WORDS, _SEAM_CHARS = 3, 120
_SHOWN_TERMS, _SHOWN_CHARS = 6, 40
#: Why a picture that a person gave is not used.
INPUT_PICTURE = "safety.reason.input_picture"
_SUGGESTIONS = {INPUT_PICTURE.rpartition(".")[2], *(category.value for category in Category)}


class SafetyGate:
    """Checks texts and pictures.

    Args:
        files: Where the lists lie; None = nowhere, and nothing can be checked.
        models: The models for the stages "safety" and "vision".
    """

    def __init__(self, files: SafetyFiles | None, models: TextModels) -> None:
        self._store = ListsStore(files)
        self._judge = Judge(models)

    async def lists(self) -> SafetyLists | Reason:
        """Return the lists, read on first use, or why there are none."""
        return await self._store.get()

    async def check(
        self, texts: Iterable[str], level: SafetyLevel, *, is_code: bool = False, ask_model: bool = True
    ) -> Verdict:
        """Return the verdict on all ``texts`` together.

        Args:
            is_code: They are the words of a program, of which no language is asked.
            ask_model: False leaves the verdict to the lists.

        Raises:
            TextTooLongError: One is longer than any text may be.
        """
        given = tuple(dict.fromkeys(text for text in texts if text.strip()))
        check_lengths(given)
        lists = await self._store.get()
        if isinstance(lists, Reason):
            return Verdict("unavailable", level, (lists,))
        if sum(map(len, given)) > INLINE_CHARS:
            check = await asyncio.to_thread(_check_all, given, level, lists, is_code)
        else:
            check = _check_all(given, level, lists, is_code)
        wants_model = ask_model and given and not check.absolute and (check.contextual or level == "kids")
        if not wants_model or (check.uncovered and not check.contextual):
            return decide(check)
        return await self._with_model(given, check)

    async def check_picture(self, frames: Sequence[bytes], level: SafetyLevel) -> Verdict:
        """Return the verdict on a picture, or on frames of a film. Only a local model that sees can tell.

        Args:
            frames: Whole picture files; none = nobody could take the medium apart.
        """
        judgement = await self._judge.pictures(frames, level) if frames else None
        if judgement is None:
            key = "safety.reason.no_vision" if frames else "safety.reason.no_frames"
            return Verdict("unavailable", level, (Reason(key),))
        if judgement.is_suitable is None:
            return Verdict("unavailable", level, (Reason("safety.reason.model_silent"),), model=judgement.model)
        if judgement.is_suitable:
            return Verdict("pass", level, model=judgement.model)
        key = f"safety.reason.{judgement.category.value}" if judgement.category else "safety.reason.picture"
        return Verdict("block", level, (Reason(key),), model=judgement.model)

    async def can_see(self) -> bool:
        """Tell whether pictures can be checked here."""
        return await self._judge.can_see()

    async def names(self, texts: Iterable[str]) -> tuple[NamedPerson, ...]:
        """Return what looks like persons' names, so that nobody's leaves the machine unnoticed; none without lists."""
        lists = await self._store.get()
        if isinstance(lists, Reason):
            return ()
        return tuple(name for text in texts for name in lists.names.find(text[:MAX_TEXT_CHARS]))

    async def _with_model(self, texts: tuple[str, ...], check: ListCheck) -> Verdict:
        listed = tuple(dict.fromkeys(finding.text for finding in check.contextual))
        judgement = await self._judge.text("\n\n".join(texts), listed, check.level)
        if judgement is None:
            return decide(check)
        if judgement.is_suitable is None:
            # The lists' word stands. For children a check that was begun and not ended did not take place.
            verdict = replace(decide(check), model=judgement.model)
            if verdict.verdict != "pass" or check.level != "kids":
                return verdict
            return replace(verdict, verdict="unavailable", reasons=(Reason("safety.reason.model_silent"),))
        if judgement.is_suitable:
            cleared = () if check.is_pushy else check.contextual
            return decide(check, (finding.term for finding in cleared), judgement.model)
        verdict = replace(decide(check), model=judgement.model)
        if verdict.verdict == "block" or check.level != "kids":
            return verdict
        key = f"safety.reason.{judgement.category.value}" if judgement.category else "safety.reason.model"
        return replace(verdict, verdict="block", reasons=(Reason(key),))


def check_lengths(texts: Iterable[str]) -> None:
    """Let texts pass that somebody can have meant; an answer of 10 MB is none of them. Raises TextTooLongError."""
    for text in texts:
        if len(text) > MAX_TEXT_CHARS:
            raise TextTooLongError(length=f"{len(text):,}", limit=f"{MAX_TEXT_CHARS:,}")


def demand(verdict: Verdict) -> None:
    """Let a verdict pass or raise.

    Raises:
        SafetyBlockedError: Something was found.
        SafetyUnavailableError: Nothing can check, and the level demands it.
    """
    if not verdict.lets_pass:
        raise refusal(verdict)


def refusal(verdict: Verdict) -> AppError:
    """Return the error that tells a person kindly what was found, and what could be said instead."""
    level = f"safety.level.{verdict.level}"
    reason = verdict.reasons[0]
    if verdict.verdict == "unavailable":
        return SafetyUnavailableError(level=level, reason=reason.key, **reason.params)
    category = verdict.found[0].category.value if verdict.found else reason.key.rpartition(".")[2]
    found = shown_terms(verdict)
    return SafetyBlockedError(
        level=level,
        found=found,
        in_brackets=f"({found})" if found else "",
        reason=reason.key,
        category=category,
        suggestion=f"safety.suggestion.{category if category in _SUGGESTIONS else 'other'}",
    )


def shown_terms(verdict: Verdict) -> str:
    """Return the words that were found as they stand in the text, for a person to read; ``""`` if none was."""
    words = (" ".join(_visible(finding.text).split())[:_SHOWN_CHARS] for finding in verdict.found)
    return " · ".join(list(dict.fromkeys(filter(None, words)))[:_SHOWN_TERMS])


def record_of(verdict: Verdict, texts: Sequence[str] = ()) -> dict[str, Any]:
    """Return a verdict as it is kept in a run's folder, with the ``texts`` it is about."""
    record = asdict(replace(verdict, reasons=()))
    record["reasons"] = [{"key": reason.key, **reason.params} for reason in verdict.reasons]
    return {**record, **({"texts": list(texts)} if texts else {})}


def _check_all(texts: Sequence[str], level: SafetyLevel, lists: SafetyLists, is_code: bool) -> ListCheck:
    checks = [check_lists(text, level, lists.matcher, is_code=is_code) for text in texts]
    seams = [_check_seam(before, after, level, lists) for before, after in pairwise(texts)]
    return merged([*checks, *seams], level)


def _check_seam(before: str, after: str, level: SafetyLevel, lists: SafetyLists) -> ListCheck:
    """Return what lies across the end of one text and the beginning of the next.

    A word that is cut in two fields ("haken", "kreuz") is put together by whatever fills them into one prompt.
    """
    left = " ".join(before[-_SEAM_CHARS:].split()[-_SEAM_WORDS:])
    right = " ".join(after[:_SEAM_CHARS].split()[:_SEAM_WORDS])
    # Of a seam no language is asked: its texts have been.
    check = check_lists(f"{left} {right}", level, lists.matcher, is_code=True)

    def across(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(finding for finding in found if finding.start < len(left) < finding.end)

    return ListCheck(level, None, across(check.absolute), across(check.contextual))


def _visible(text: str) -> str:
    """Return ``text`` without characters that nobody sees or that turn what stands behind them around."""
    return text if text.isascii() else "".join(char for char in text if char.isspace() or fold(char))
