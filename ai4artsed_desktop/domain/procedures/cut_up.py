"""Tzara's hat: cut the words out, shake, and lay them down in the order in which they come."""

from __future__ import annotations

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import ends_sentence, graphemes, split
from ai4artsed_desktop.domain.procedures.vocabulary import Vocabulary

_LINE_LENGTHS = (2, 3, 3, 4, 4, 5)


def _slips(text: str, context: ProcedureContext) -> list[str]:
    """Return the paper slips: all words; a capital that only marked a sentence's start is cut off."""
    small = Vocabulary(context, text).small_words
    parts = split(text)
    slips: list[str] = []
    for place in range(1, len(parts), 2):
        word = parts[place]
        at_start = place == 1 or ends_sentence(parts[place - 1])
        slips.append(word.lower() if at_start and word.casefold() in small and word != "I" else word)
    return slips


def _shaken(slips: list[str], context: ProcedureContext) -> list[str]:
    drawn = list(slips)
    for _ in range(8):  # a hat that gives back the poem unchanged was not shaken
        context.random.shuffle(drawn)
        if drawn != slips:
            break
    return drawn


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    slips = _slips(text, context)
    if len(slips) < 2:
        letters = graphemes(slips[0] if slips else text)
        return ProcedureResult("".join(_shaken(letters, context)))
    drawn = _shaken(slips, context)
    lines: list[str] = []
    start = 0
    while start < len(drawn):
        length = context.random.choice(_LINE_LENGTHS)
        lines.append(" ".join(drawn[start : start + length]))
        start += length
    return ProcedureResult("\n".join(lines))


PROCEDURE = Procedure(
    id="cut_up",
    languages=("de", "en"),
    source='Tristan Tzara, "To Make a Dadaist Poem", 1920',
    apply=_apply,
    word_lists=("small_words",),
)
