"""Telephone: the text is whispered from ear to ear, and every ear gets something wrong."""

from __future__ import annotations

from collections.abc import Iterable

from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext, ProcedureResult, ProcedureStep
from ai4artsed_desktop.domain.procedures.sound import Ear, respelled
from ai4artsed_desktop.domain.procedures.tokens import split, swap_words
from ai4artsed_desktop.domain.procedures.vocabulary import Vocabulary

#: Share of the words that could be misheard and are, in each round; at least one always is.
_MISHEARD = 0.3
#: How far along the noun list a word may slip when nothing sounds like it.
_SLIP = 4
_ROUND = {"en": "Ear", "de": "Ohr"}


class _Whisper:
    """One chain of ears. No ear hears a word that was in the chain before, so the text drifts and never turns back."""

    def __init__(self, text: str, context: ProcedureContext) -> None:
        self._vocabulary = Vocabulary(context, text)
        self._ear = Ear(self._vocabulary, context)
        self._random = context.random
        self._language = context.language
        self._said: set[str] = set()
        self._known: dict[tuple[str, str], list[str]] = {}

    def _mishearings(self, word: str, before: str) -> list[str]:
        key = (word, before)
        if key not in self._known:
            self._known[key] = self._new(self._ear.neighbours(word, before)) or self._new(self._slips(word, before))
        return self._known[key]

    def _new(self, candidates: Iterable[str]) -> list[str]:
        return [word for word in candidates if word.casefold() not in self._said]

    def _slips(self, word: str, before: str) -> list[str]:
        """Return nouns that stand near ``word`` in the dictionary, else the word as an ear would spell it."""
        if found := self._vocabulary.noun(word, before):
            steps = (by for by in range(-_SLIP, _SLIP + 1) if by)
            return [self._vocabulary.counted_on(found[0], by).form(found[1]) for by in steps]
        return [respelled(word, self._language)] if self._vocabulary.is_content(word) else []

    def passed_on(self, text: str) -> str:
        """Return what the next ear understands."""
        parts = split(text)
        own = parts[1::2]
        self._said.update(word.casefold() for word in own)
        self._known.clear()
        open_places = [n for n, word in enumerate(own) if self._mishearings(word, own[n - 1] if n else "")]
        if not open_places:
            return self._swapped_neighbours(parts)
        count = max(1, round(len(open_places) * _MISHEARD))
        chosen = set(self._random.sample(open_places, count))
        places = iter(range(len(own)))

        def swap(word: str, before: str) -> str | None:
            return self._random.choice(self._mishearings(word, before)) if next(places) in chosen else None

        return swap_words(text, swap, self._language)

    def _swapped_neighbours(self, parts: list[str]) -> str:
        """Nothing sounds like anything: two words that stand together change places."""
        if len(parts) >= 5:
            place = self._random.randrange(1, len(parts) - 3, 2)
            parts[place], parts[place + 2] = parts[place + 2], parts[place]
        return "".join(parts)


def _apply(text: str, context: ProcedureContext) -> ProcedureResult:
    whisper = _Whisper(text, context)
    steps: list[ProcedureStep] = []
    for number in range(1, PROCEDURE.number(context, "rounds") + 1):
        text = whisper.passed_on(text)
        steps.append(ProcedureStep(f"{_ROUND.get(context.language, _ROUND['en'])} {number}", text))
    return ProcedureResult(text, tuple(steps))


PROCEDURE = Procedure(
    id="telephone",
    languages=("de", "en"),
    source="Stille Post (Telephone), parlour game of whispers, 19th century",
    apply=_apply,
    word_lists=("homophones", "nouns", "plurals", "small_words"),
    options={"rounds": (4, 1, 12)},
)
