"""Tautogram: all words of weight begin with the same letter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from string import ascii_lowercase

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult
from ai4artsed_desktop.domain.procedures.tokens import swap_words, words
from ai4artsed_desktop.domain.procedures.vocabulary import Noun, NounForm, Vocabulary, inflected, sort_key

_AUTO = "auto"
_DEFINITE = {"der", "die", "das", "dieser", "diese", "jeder", "jede", "jedes"}


def _letter(text: str, vocabulary: Vocabulary, context: ProcedureContext) -> str:
    """Return the wanted letter, else the one with which most of the idea's words of weight begin."""
    wanted = PROCEDURE.choice(context, "letter")
    if wanted != _AUTO:
        return wanted
    own = words(text)
    nouns = [word for word in own if vocabulary.noun(word)] or [word for word in own if vocabulary.is_content(word)]
    counted = Counter(sort_key(word)[:1] for word in nouns)
    usable = sorted(letter for letter in counted if letter in ascii_lowercase)
    if not usable:
        return context.random.choice("abfkmst")
    most = max(counted[letter] for letter in usable)
    return context.random.choice([letter for letter in usable if counted[letter] == most])


def _ending_after(article: str, noun: Noun, form: NounForm) -> str:
    """Return the German adjective ending between an article (or none) and a noun."""
    article = article.casefold()
    if article.endswith(("en", "em", "es", "er")) and article not in {"der", "dieser", "jeder"}:
        return "en"
    if form is not NounForm.SINGULAR:
        return "en" if article in _DEFINITE else "e"
    return "e" if article in _DEFINITE else {"m": "er", "f": "e", "n": "es"}[noun.gender]


class _Exchange:
    """Exchanges nouns and adjectives for others of the same form that begin with the letter."""

    def __init__(self, letter: str, own: Sequence[str], vocabulary: Vocabulary, context: ProcedureContext) -> None:
        self._letter = letter
        self._taken = {word.casefold() for word in own}
        self._vocabulary = vocabulary
        self._random = context.random
        self._chosen: dict[str, str | None] = {}
        self._nouns = [noun for noun in vocabulary.nouns if sort_key(noun.word).startswith(letter)]
        self._adjectives = [word for word in vocabulary.adjectives if sort_key(word).startswith(letter)]

    def __call__(self, word: str, before: str) -> str | None:
        if sort_key(word).startswith(self._letter) or not self._vocabulary.is_content(word):
            return None
        if word not in self._chosen:
            self._chosen[word] = self._drawn(self._candidates(word, before))
        return self._chosen[word]

    def adorned(self, word: str, before: str) -> str | None:
        """Set an adjective with the letter before a noun, for texts in which nothing can be exchanged."""
        found = self._vocabulary.noun(word, before)
        adjective = self._drawn(self._adjectives) if found and word not in self._chosen else None
        if found is None or adjective is None:
            return None
        self._chosen[word] = None
        ending = _ending_after(before, *found) if self._vocabulary.language == "de" else ""
        return f"{inflected(adjective, ending)} {word if self._vocabulary.language == 'de' else word.lower()}"

    def _candidates(self, word: str, before: str) -> Sequence[str]:
        # A word that may be both (orange, light) counts as what it more often is before a noun: an adjective.
        if adjective := self._vocabulary.adjective(word):
            return [inflected(other, adjective[1]) for other in self._adjectives]
        if found := self._vocabulary.noun(word, before):
            noun, form = found
            fitting = [other for other in self._nouns if other.gender == noun.gender]
            return [other.form(form) for other in fitting if form is NounForm.SINGULAR or other.plural]
        return self._verbs(word)

    def _verbs(self, word: str) -> Sequence[str]:
        if word.casefold() not in self._vocabulary.verbs:
            return ()
        return [verb for verb in self._vocabulary.verbs if sort_key(verb).startswith(self._letter)]

    def _drawn(self, candidates: Sequence[str]) -> str | None:
        unused = [word for word in candidates if word.casefold() not in self._taken] or candidates
        drawn = self._random.choice(unused) if unused else None
        self._taken.add((drawn or "").casefold())
        return drawn


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    vocabulary = Vocabulary(context, text)
    letter = _letter(text, vocabulary, context)
    exchange = _Exchange(letter, words(text), vocabulary, context)
    new = swap_words(text, exchange, context.language)
    return ProcedureResult(new if new != text else swap_words(text, exchange.adorned, context.language))


PROCEDURE = Procedure(
    id="tautogram",
    languages=("de", "en"),
    source="Hugbald of Saint-Amand, Ecloga de calvis, 9th century: every word begins with c",
    apply=_apply,
    word_lists=("nouns", "plurals", "adjectives", "verbs", "small_words"),
    options={"letter": (_AUTO, _AUTO, *ascii_lowercase)},
)
