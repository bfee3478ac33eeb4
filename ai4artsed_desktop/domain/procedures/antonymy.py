"""Antonymy: every word that has an opposite gives way to it."""

from __future__ import annotations

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import split, swap_words
from ai4artsed_desktop.domain.procedures.vocabulary import Vocabulary
from ai4artsed_desktop.domain.procedures.wordlists import columns

_EVERYTHING_BUT = {"en": "Anything but this: ", "de": "Alles, nur nicht dies: "}


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    vocabulary = Vocabulary(context, text)
    table = vocabulary.swap_table(columns(context.word_lists.get("opposites", ())))
    scope = PROCEDURE.choice(context, "scope")

    def swap(word: str, before: str) -> str | None:
        if scope == "keep_nouns" and vocabulary.noun(word, before) and not vocabulary.adjective(word):
            return None
        found = [other for other in table.get(word.casefold(), ()) if vocabulary.agrees(word, other, before)]
        return context.random.choice(found) if found else None

    turned = swap_words(text, swap, context.language)
    if turned != text or not any(split(text)[1::2]):
        return ProcedureResult(turned)
    return ProcedureResult(_EVERYTHING_BUT.get(context.language, _EVERYTHING_BUT["en"]) + text.strip())


PROCEDURE = Procedure(
    id="antonymy",
    languages=("de", "en"),
    source="Marcel Bénabou, antonymic translation, Oulipo, 1970s",
    apply=_apply,
    word_lists=("opposites", "nouns", "plurals", "adjectives"),
    options={"scope": ("all", "all", "keep_nouns")},
)
