"""Homophones: the text as an ear might write it down."""

from __future__ import annotations

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.sound import Ear, respelled
from ai4artsed_desktop.domain.procedures.tokens import Swap, swap_words
from ai4artsed_desktop.domain.procedures.vocabulary import Vocabulary


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    vocabulary = Vocabulary(context, text)
    new = swap_words(text, _by_lists(Ear(vocabulary, context), context), context.language)
    if new == text:  # nothing in it sounds like a known word: then the ear spells as it hears
        new = swap_words(text, _by_spelling(vocabulary), context.language)
    return ProcedureResult(new)


def _by_lists(ear: Ear, context: ProcedureContext) -> Swap:
    heard: dict[str, str | None] = {}

    def swap(word: str, before: str) -> str | None:
        if word not in heard:
            neighbours = ear.neighbours(word, before)
            heard[word] = context.random.choice(neighbours) if neighbours else None
        return heard[word]

    return swap


def _by_spelling(vocabulary: Vocabulary) -> Swap:
    return lambda word, _: respelled(word, vocabulary.language) if vocabulary.is_content(word) else None


PROCEDURE = Procedure(
    id="homophones",
    languages=("de", "en"),
    source="Luis van Rooten, Mots d'Heures: Gousses, Rames, 1967; homophonic translation, Oulipo",
    apply=_apply,
    word_lists=("homophones", "nouns", "plurals", "small_words"),
)
