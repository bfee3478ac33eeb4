"""Erasure: most of a page is painted over, and what stays visible is a poem."""

from __future__ import annotations

import re

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import graphemes, split
from ai4artsed_desktop.domain.procedures.vocabulary import Vocabulary

_BAR = "█"
_LONGEST_BAR = 12
#: Marks before a bar that vanish with it; a bound, so that a text of marks alone takes linear time.
_LONGEST_GAP = 40


def _kept(parts: list[str], vocabulary: Vocabulary, context: ProcedureContext) -> set[int]:
    """Choose the places of the words that stay: mostly such that carry meaning, some with their small word before."""
    share = PROCEDURE.number(context, "keep_percent") / 100
    places = range(1, len(parts), 2)
    content = [place for place in places if vocabulary.is_content(parts[place])] or list(places)
    count = max(1, min(round(len(content) * share), len(places) - 1))
    chosen = set(context.random.sample(content, min(count, len(content))))
    nouns = [place for place in content if vocabulary.noun(parts[place])]
    if nouns and not chosen & set(nouns):  # a residue without any thing in it gives nothing to see
        chosen.pop()
        chosen.add(context.random.choice(nouns))
    for place in sorted(chosen):
        small = place - 2 in places and not vocabulary.is_content(parts[place - 2])
        if small and len(chosen) < len(places) - 1 and context.random.random() < 0.4:
            chosen.add(place - 2)
    return chosen


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    parts = split(text)
    if len(parts) <= 3:
        return ProcedureResult(_single(text, context))
    kept = _kept(parts, Vocabulary(context, text), context)
    with_bars = PROCEDURE.choice(context, "marks") == "bars"
    for place in range(1, len(parts), 2):
        if place not in kept:
            parts[place] = _BAR * min(len(graphemes(parts[place])), _LONGEST_BAR)
    painted = "".join(parts)
    # What stays may be a sign that the gaps swallow; then nothing was there to erase.
    return ProcedureResult(painted if with_bars else _as_gaps(painted) or text)


def _as_gaps(painted: str) -> str:
    """Turn runs of bars, with the marks between them, into gaps: words, an ellipsis, words."""
    gapped = re.sub(
        rf"[^\w\n]{{0,{_LONGEST_GAP}}}{_BAR}[{_BAR}\W]*", lambda run: "\n" if "\n" in run[0] else " … ", painted
    )
    return re.sub(r"\n+", "\n", gapped).strip()


def _single(text: str, context: ProcedureContext) -> str:
    """One word: letters are painted over, at least one stays."""
    letters = graphemes(text)
    shown = [char for char in letters if not char.isspace()]
    if len(shown) < 2:
        return text
    kept = set(context.random.sample(range(len(letters)), (len(letters) + 1) // 2))
    return "".join(char if place in kept or char.isspace() else _BAR for place, char in enumerate(letters))


PROCEDURE = Procedure(
    id="erasure",
    languages=("de", "en"),
    source="Doris Cross, Dictionary Columns, 1965; Ronald Johnson, Radi os, 1977",
    apply=_apply,
    word_lists=("nouns", "plurals", "small_words"),
    options={"keep_percent": (60, 10, 90), "marks": ("gaps", "gaps", "bars")},
)
