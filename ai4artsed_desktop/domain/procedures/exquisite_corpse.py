"""Exquisite corpse: a sentence in folds; no player sees the fold before. The players here are chance and the idea."""

from __future__ import annotations

from collections.abc import Sequence

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult, ProcedureStep
from ai4artsed_desktop.domain.procedures.tokens import as_sentence, words
from ai4artsed_desktop.domain.procedures.vocabulary import Noun, Vocabulary, inflected

# German definite articles with the weak ending of the adjective after them: nominative and accusative singular.
_SUBJECT = {"m": ("der", "e"), "f": ("die", "e"), "n": ("das", "e")}
_OBJECT = {"m": ("den", "en"), "f": ("die", "e"), "n": ("das", "e")}


class _Players:
    """Hands out words: the idea's own first, each once, then words from the lists."""

    def __init__(self, text: str, context: ProcedureContext) -> None:
        self.vocabulary = Vocabulary(context, text)
        self._random = context.random
        own = words(text)
        found = [self.vocabulary.noun(word, before) for before, word in zip(["", *own], own, strict=False)]
        self._nouns = list(dict.fromkeys(entry[0] for entry in found if entry))
        if not self._nouns:
            content = [word for word in own if self.vocabulary.is_content(word)] or own
            self._nouns = [Noun(word, "?") for word in dict.fromkeys(content)]
        known = (self.vocabulary.adjective(word) for word in own)
        self._adjectives = list(dict.fromkeys(entry[0] for entry in known if entry))
        self._nouns.reverse()
        self._adjectives.reverse()

    def noun(self) -> Noun | None:
        """Return the idea's next noun, else one from the list."""
        if self._nouns:
            return self._nouns.pop()
        return self._random.choice(self.vocabulary.nouns) if self.vocabulary.nouns else None

    def adjective(self) -> str:
        """Return the idea's next adjective or, half of the time, one from the list."""
        if self._adjectives and self._random.random() < 0.6:
            return self._adjectives.pop()
        return self.drawn(self.vocabulary.adjectives)

    def drawn(self, entries: Sequence[str]) -> str:
        """Return any of the entries, ``""`` of none."""
        return self._random.choice(entries) if entries else ""


def _phrase(noun: Noun, adjective: str, roles: dict[str, tuple[str, str]], language: str) -> str:
    if noun.gender == "?":  # a word of unknown kind stands for itself, like a name
        return noun.word
    if language == "en":
        return f"the {adjective} {noun.word}".replace("  ", " ")
    article, ending = roles[noun.gender]
    word = noun.plural if roles is _OBJECT and noun.is_weak else noun.word
    return " ".join(part for part in (article, inflected(adjective, ending), word) if part)


def _sentence(players: _Players, language: str) -> list[str]:
    subject, thing = players.noun(), players.noun()
    verb = players.drawn(players.vocabulary.verbs)
    folds = [
        _phrase(subject, players.adjective(), _SUBJECT, language) if subject else "",
        verb,
        _phrase(thing, players.adjective(), _OBJECT, language) if thing else "",
    ]
    return [fold for fold in folds if fold]


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    if not words(text):
        return ProcedureResult(text)
    players = _Players(text, context)
    folded = [_sentence(players, context.language) for _ in range(PROCEDURE.number(context, "sentences"))]
    steps = tuple(ProcedureStep(str(n), fold) for n, fold in enumerate((f for line in folded for f in line), start=1))
    return ProcedureResult(" ".join(as_sentence(" ".join(folds)) for folds in folded), steps)


PROCEDURE = Procedure(
    id="exquisite_corpse",
    languages=("de", "en"),
    source="Le cadavre exquis, game of the Paris Surrealists, 1925",
    apply=_apply,
    word_lists=("nouns", "plurals", "adjectives", "verbs", "small_words"),
    options={"sentences": (2, 1, 12)},
)
