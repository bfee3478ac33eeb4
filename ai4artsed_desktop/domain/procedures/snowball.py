"""Snowball: each line one word, each word one letter longer than the one before."""

from __future__ import annotations

from collections.abc import Iterable

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import graphemes, sentences, words
from ai4artsed_desktop.domain.procedures.vocabulary import Vocabulary

#: Openings that read like speech, by language: words of one, two and three letters.
_OPENINGS = {"en": (("O", "so"), ("I", "am"), ("a", "bit")), "de": (("O", "so"), ("O", "du"), ("O", "da"))}
_LENGTH_OF_GAPS = 11


def _by_length(entries: Iterable[str]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for entry in entries:
        bucket = found.setdefault(len(graphemes(entry)), [])
        if entry not in bucket:
            bucket.append(entry)
    return found


def _ball(sentence: str, vocabulary: Vocabulary, context: ProcedureContext) -> list[str]:
    own = [word for word in words(sentence) if vocabulary.is_content(word)] or words(sentence)
    nouns = _by_length(word for word in own if vocabulary.noun(word))
    content = _by_length(own)
    fillers = _by_length(vocabulary.adjectives)
    longest = max((len(graphemes(word)) for word in own), default=0)
    opening = context.random.choice(_OPENINGS.get(context.language, _OPENINGS["en"]))
    openings = _by_length(opening)
    lines: list[str] = []
    for length in range(1, max(longest, 3) + 1):
        pools = (nouns, content, openings, fillers if 2 < length <= _LENGTH_OF_GAPS else {})
        pool = next((pool[length] for pool in pools if length in pool), None)
        if pool:
            lines.append(context.random.choice(pool))
    return lines + _last(len(graphemes(lines[-1])) if lines else 0, vocabulary, context)


def _last(length: int, vocabulary: Vocabulary, context: ProcedureContext) -> list[str]:
    """Let the ball roll on by one adjective and come to rest at a noun, where the lists have any."""
    adjectives = [word for word in vocabulary.adjectives if len(word) == length + 1]
    nouns = [noun.word for noun in vocabulary.nouns if len(noun.word) == length + 1 + bool(adjectives)]
    if not nouns:
        return []
    return [context.random.choice(pool) for pool in (adjectives, nouns) if pool]


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    vocabulary = Vocabulary(context, text)
    parts = [part for part in sentences(text) if words(part)][: PROCEDURE.number(context, "balls")]
    balls = ["\n".join(_ball(part, vocabulary, context)) for part in parts]
    return ProcedureResult("\n\n".join(ball for ball in balls if ball) or text)


PROCEDURE = Procedure(
    id="snowball",
    languages=("de", "en"),
    source="Rhopalic verse, late antiquity (Ausonius, 4th century); Boule de neige, Oulipo, 1960s",
    apply=_apply,
    word_lists=("nouns", "plurals", "adjectives", "small_words"),
    options={"balls": (3, 1, 12)},
)
