"""Lipogram: the text once more, without one letter."""

from __future__ import annotations

import unicodedata
from collections import Counter
from string import ascii_lowercase

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult, ProcedureStep
from ai4artsed_desktop.domain.procedures.tokens import graphemes, swap_words, words
from ai4artsed_desktop.domain.procedures.vocabulary import Vocabulary
from ai4artsed_desktop.domain.procedures.wordlists import columns

_ELISION = "’"
_AUTO = "auto"
_WITHOUT = {"en": "Without", "de": "Ohne"}


def has_letter(text: str, letter: str) -> bool:
    """Tell whether ``letter`` occurs in ``text``, in any case, with any mark (é counts as e, ß as s)."""
    return letter in unicodedata.normalize("NFD", unicodedata.normalize("NFKD", text).casefold())


def _letter(text: str, context: ProcedureContext) -> str:
    """Return the letter to lose: the chosen one, or one that a good part of the words, but not most, will miss."""
    wanted = PROCEDURE.choice(context, "letter")
    if wanted != _AUTO:
        return wanted
    counted = Counter[str]()
    all_words = words(text)
    for word in all_words:
        counted.update(letter for letter in ascii_lowercase if has_letter(word, letter))
    if not counted:
        return "e"
    telling = sorted(letter for letter, n in counted.items() if len(all_words) <= 5 * n <= 3 * len(all_words))
    return context.random.choice(telling) if telling else min(counted, key=lambda letter: (-counted[letter], letter))


def _without(word: str, letter: str) -> str:
    """Return ``word`` with an apostrophe where the letter was, as poets elide: Apf’l."""
    kept = "".join(_ELISION if has_letter(char, letter) else char for char in graphemes(word))
    while _ELISION * 2 in kept:
        kept = kept.replace(_ELISION * 2, _ELISION)
    return kept


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    letter = _letter(text, context)
    vocabulary = Vocabulary(context, text)
    near = vocabulary.swap_table(columns(context.word_lists.get("near_words", ())))
    chosen: dict[str, str] = {}

    def swap(word: str, before: str) -> str | None:
        if not has_letter(word, letter):
            return None
        if word not in chosen:  # one word, one answer: a text that calls the apple two names is harder to follow
            candidates = [other for other in near.get(word.casefold(), ()) if vocabulary.agrees(word, other, before)]
            fitting = [other for other in candidates if not has_letter(other, letter)]
            chosen[word] = context.random.choice(fitting) if fitting else _without(word, letter)
        return chosen[word]

    new = swap_words(text, swap, context.language)
    lacking = _without(new, letter)  # gaps, and "a" turned into "an", must lack it as well
    return ProcedureResult(lacking, (ProcedureStep(_WITHOUT.get(context.language, _WITHOUT["en"]), letter),))


PROCEDURE = Procedure(
    id="lipogram",
    languages=("de", "en"),
    source="Lasos of Hermione, ode without sigma, 6th century BCE; Georges Perec, La Disparition, 1969",
    apply=_apply,
    word_lists=("nouns", "plurals", "near_words"),
    options={"letter": (_AUTO, _AUTO, *ascii_lowercase)},
)
