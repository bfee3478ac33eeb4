"""Acrostic: the idea's word runs down the edge, and each letter begins a line."""

from __future__ import annotations

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import capitalised, graphemes, words
from ai4artsed_desktop.domain.procedures.vocabulary import Noun, Vocabulary, inflected, sort_key

#: Longer words would fill pages.
_MOST_LINES = 12
# German adjectives without an article, nominative singular.
_ENDINGS = {"m": "er", "f": "e", "n": "es", "": ""}


def _key_word(text: str, vocabulary: Vocabulary) -> str:
    """Return the idea's first noun, else its longest word of weight, else its first word."""
    own = words(text)
    nouns = [word for word in own if vocabulary.noun(word)]
    content = [word for word in own if vocabulary.is_content(word)]
    return (nouns or sorted(content, key=len, reverse=True)[:1] or own or [text.strip()])[0]


def _line(letter: str, own: list[Noun], vocabulary: Vocabulary, context: ProcedureContext) -> str:
    """Return one line: an adjective with the letter and a noun, the idea's own as long as there are any."""
    draw = context.random.choice
    start = sort_key(letter)[:1]
    adjectives = [word for word in vocabulary.adjectives if sort_key(word).startswith(start)]
    if adjectives and vocabulary.nouns:
        noun = own.pop() if own else draw(vocabulary.nouns)
        return f"{capitalised(inflected(draw(adjectives), _ENDINGS[noun.gender]))} {noun.word}"
    nouns = [noun.word for noun in vocabulary.nouns if sort_key(noun.word).startswith(start)]
    if nouns:
        return capitalised(draw(nouns))
    return f"{letter}: {draw(vocabulary.nouns).word}" if vocabulary.nouns else letter


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    vocabulary = Vocabulary(context, text)
    key = _key_word(text, vocabulary)
    found = (vocabulary.noun(word) for word in words(text) if word != key)
    own = list(dict.fromkeys(entry[0] for entry in found if entry))[:_MOST_LINES]
    own.reverse()
    letters = [char for char in graphemes(key) if not char.isspace() and char not in "'’-"][:_MOST_LINES]
    return ProcedureResult("\n".join(_line(letter, own, vocabulary, context) for letter in letters) or text)


PROCEDURE = Procedure(
    id="acrostic",
    languages=("de", "en"),
    source="Babylonian Theodicy, about 1000 BCE: the first signs of its stanzas spell the poet's name",
    apply=_apply,
    word_lists=("nouns", "plurals", "adjectives", "small_words"),
)
