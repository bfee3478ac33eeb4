"""N+7: every noun gives way to the seventh noun after it in the dictionary."""

from __future__ import annotations

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import swap_words, words
from ai4artsed_desktop.domain.procedures.vocabulary import Noun, Vocabulary


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    vocabulary = Vocabulary(context, text)
    distance = PROCEDURE.number(context, "distance")

    def swap(word: str, before: str) -> str | None:
        # German counts among the nouns of the same gender, so that der, die, das and the adjectives still agree.
        found = vocabulary.noun(word, before)
        return vocabulary.counted_on(found[0], distance).form(found[1]) if found else None

    if any(vocabulary.noun(word) for word in words(text)):
        return ProcedureResult(swap_words(text, swap, context.language))
    return ProcedureResult(_from_where_it_would_stand(text, vocabulary, distance))


def _from_where_it_would_stand(text: str, vocabulary: Vocabulary, distance: int) -> str:
    """No noun is known: the longest word counts as one, from the place it would have in the dictionary."""
    content = [word for word in words(text) if vocabulary.is_content(word)] or words(text)
    if not content or not vocabulary.nouns:
        return text
    chosen = max(content, key=len)
    gender = min(vocabulary.nouns_by_gender)
    new = vocabulary.counted_on(Noun(chosen, gender), distance).word
    return swap_words(text, lambda word, _: new if word == chosen else None, vocabulary.language)


PROCEDURE = Procedure(
    id="n_plus_7",
    languages=("de", "en"),
    source="Jean Lescure, S+7, Oulipo, 1961",
    apply=_apply,
    word_lists=("nouns", "plurals", "small_words"),
    options={"distance": (7, 1, 50)},
)
