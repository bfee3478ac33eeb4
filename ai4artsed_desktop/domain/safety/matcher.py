"""Finds listed terms in a text: whole words and their forms, phrases, words near each other.

Linear in the length of the text; every look-up is one in a dictionary, no pattern of a list is ever a regular
expression (hence no input can make it slow).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.safety.coverage import SMALL_WORDS
from ai4artsed_desktop.domain.safety.folding import UMLAUTS, fold
from ai4artsed_desktop.domain.safety.form_table import FormTable, enter
from ai4artsed_desktop.domain.safety.lists import Combination, TermGroup, TermList
from ai4artsed_desktop.domain.safety.tokens import Token, coded_text, hidden_text, joined, tokenize
from ai4artsed_desktop.domain.safety.verdicts import Finding

#: The words of a term, with the signs that say how they are matched.
_WORDS = re.compile(r"[=*]?[^\W_]+\*?")
#: Shorter words are not looked for behind asterisks ("s**").
_MIN_MASKED, _MAX_MASKED, _MAX_HIDDEN = 3, 16, 3


@dataclass(frozen=True, slots=True)
class Hit:
    """A term in a text before the level and the context have their say. ``number`` stands for the group."""

    term: str
    number: int
    group: TermGroup = field(compare=False)
    language: str
    start: int
    end: int

    def finding(self, text: str, level: SafetyLevel) -> Finding:
        """Return the hit as what a person is told."""
        shown = text[self.start : self.end]
        is_note = level not in self.group.levels
        return Finding(self.term, self.group.category, self.start, self.end, shown, self.group.may_be_cleared, is_note)


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found: the hits, and the names of the contexts ("history") that the text speaks of."""

    hits: tuple[Hit, ...]
    contexts: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """One term of a list: a phrase (``words``, lemma ids in order) or a combination (``slots`` words, ``within`` so
    many of each other). Without a ``group`` it is a word of a ``context``, or an allowed phrase.
    """

    term: str
    language: str = ""
    number: int = -1
    group: TermGroup | None = None
    context: str = ""
    words: tuple[int, ...] = ()
    slots: int = 0
    within: int = 0

    def hit(self, start: int, end: int) -> Hit:
        assert self.group is not None
        return Hit(self.term, self.number, self.group, self.language, start, end)


class Matcher:
    """The lists, ready to be looked up. It is shared; what it answers never changes."""

    def __init__(self, lists: Sequence[TermList]) -> None:
        self._groups = 0
        self._lemma_ids: dict[tuple[str, str], int] = {}
        self._forms = FormTable()
        self._heads: dict[str, tuple[int, ...]] = {}
        self._tails: dict[str, tuple[int, ...]] = {}
        self._phrases: defaultdict[int, list[_Entry]] = defaultdict(list)
        self._slots: defaultdict[int, list[tuple[_Entry, int]]] = defaultdict(list)
        for terms in lists:
            self._add_list(terms)
        # By the two letters they begin with: most words begin like no head at all.
        self._head_lengths = _lengths((head[:2], head) for head in self._heads if len(head) > 1)
        self._tail_lengths = _lengths((tail[-1:], tail) for tail in self._tails)
        self._maskable: dict[tuple[str, int], list[tuple[str, frozenset[int]]]] | None = None
        # On the instance, so that the cache goes with the lists.
        self._ids_of = lru_cache(maxsize=8192)(self._look_up)

    def match(self, text: str) -> Matches:
        """Return every hit in ``text``, in order, allowed phrases left out."""
        tokens = tokenize(text)
        pieces = joined(tokens, text, self._forms.has, SMALL_WORDS)
        found, contexts = self._in_order(tokens, text)
        for piece in pieces:
            found.extend(self._alone(piece, self._ids_of(piece.readings)))
        if hidden := hidden_text(text):
            at = next(n for n, char in enumerate(text) if ord(char) >= 0xE0020)
            found.extend(replace(hit, start=at, end=at + 1) for hit in self.match(hidden).hits)
        coded, start, end = coded_text(text)
        if coded and coded != text:
            known = {hit.term for hit in found}
            inside = (hit for hit in self.match(coded).hits if hit.term not in known)
            found.extend(replace(hit, start=start, end=end) for hit in inside)
        ordered = sorted(set(found), key=lambda hit: (hit.start, -hit.end, hit.term)) if found else []
        return Matches(tuple(_outermost(ordered)), frozenset(contexts))

    def _in_order(self, tokens: Sequence[Token], text: str) -> tuple[list[Hit], set[str]]:
        ids = [self._ids_of(token.readings) for token in tokens]
        found: list[Hit] = []
        allowed: list[tuple[int, int]] = []
        contexts: set[str] = set()
        for at, (token, here) in enumerate(zip(tokens, ids, strict=True)):
            if not here and not token.has_mask:
                continue
            if token.has_mask:
                here = (*here, *self._behind_asterisks(text[token.start : token.end]))
            for lemma in here:
                for phrase in self._phrases.get(lemma, ()):
                    last = _end_of(phrase.words, ids, tokens, at)
                    if last is None:
                        continue
                    if phrase.group is not None:
                        found.append(phrase.hit(token.start, tokens[last].end))
                    elif phrase.context:
                        contexts.add(phrase.context)
                    else:
                        allowed.append((token.start, tokens[last].end))
        found.extend(self._combined(tokens, ids))
        return [hit for hit in found if not _is_inside(hit, allowed)] if allowed else found, contexts

    def _alone(self, token: Token, ids: Iterable[int]) -> Iterator[Hit]:
        for lemma in ids:
            for phrase in self._phrases.get(lemma, ()):
                if len(phrase.words) == 1 and phrase.group is not None:
                    yield phrase.hit(token.start, token.end)

    def _combined(self, tokens: Sequence[Token], ids: Sequence[tuple[int, ...]]) -> Iterator[Hit]:
        seen: dict[_Entry, dict[int, int]] = {}
        for at, here in enumerate(ids):
            for lemma in here:
                for combination, slot in self._slots.get(lemma, ()):
                    places = seen.setdefault(combination, {})
                    places[slot] = at
                    first = min(places.values())
                    if len(places) == combination.slots and at - first <= combination.within:
                        yield combination.hit(tokens[first].start, tokens[at].end)

    def _look_up(self, readings: tuple[str, ...]) -> tuple[int, ...]:
        found: set[int] = set()
        for reading in readings:
            found.update(self._forms.get(reading), self._heads.get(reading[:1], ()))
            # A slice beyond a short word's end is the word, which may then be looked up twice.
            for length in self._head_lengths.get(reading[:2], ()):
                found.update(self._heads.get(reading[:length], ()))
            for length in self._tail_lengths.get(reading[-1:], ()):
                found.update(self._tails.get(reading[-length:], ()))
        return tuple(sorted(found)) if found else ()

    def _behind_asterisks(self, word: str) -> tuple[int, ...]:
        """Return the lemmas that "f***" or "p*rn*" can stand for."""
        masked = fold(word)
        seen = [(at, char) for at, char in enumerate(masked) if char != "*"]
        hidden = len(masked) - len(seen)
        # At least half of the letters are seen, or one gap of up to three letters is not.
        is_told = hidden <= len(seen) or (hidden <= _MAX_HIDDEN and "*" * hidden in masked)
        if not _MIN_MASKED <= len(masked) <= _MAX_MASKED or masked[0] == "*" or not is_told:
            return ()
        if self._maskable is None:
            self._maskable = self._make_maskable()
        forms = self._maskable.get((masked[0], len(masked)), ())
        return tuple(sorted({i for form, ids in forms if all(form[at] == char for at, char in seen) for i in ids}))

    def _make_maskable(self) -> dict[tuple[str, int], list[tuple[str, frozenset[int]]]]:
        """Return the forms of listed single words by their first letter and their length."""
        found: defaultdict[tuple[str, int], list[tuple[str, frozenset[int]]]] = defaultdict(list)
        for form, ids in self._forms.all().items():
            listed = frozenset(i for i in ids if self._stands_alone(i))
            if listed and _MIN_MASKED <= len(form) <= _MAX_MASKED:
                found[form[0], len(form)].append((form, listed))
        return dict(found)

    def _stands_alone(self, lemma: int) -> bool:
        return any(p.group is not None and len(p.words) == 1 for p in self._phrases.get(lemma, ()))

    def _add_list(self, terms: TermList) -> None:
        language = terms.language
        for name, words in terms.contexts.items():
            for word in words:
                self._add_phrase(word, language, context=name)
        for phrase in terms.allow:
            self._add_phrase(phrase, language)
        for group in terms.groups:
            self._groups += 1
            for term in group.terms:
                self._add_phrase(term, language, self._groups, group)
            for combination in group.combinations:
                self._add_combination(combination, language, group)

    def _add_phrase(
        self, term: str, language: str, number: int = -1, group: TermGroup | None = None, context: str = ""
    ) -> None:
        shown = term.strip("=*")
        for spelled in _spellings(term, language):
            ids = tuple(self._lemma(word, language) for word in _WORDS.findall(spelled))
            self._phrases[ids[0]].append(_Entry(shown, language, number, group, context, ids))

    def _add_combination(self, combination: Combination, language: str, group: TermGroup) -> None:
        shown = " + ".join(words[0].strip("=*") for words in combination.all_of)
        slots, within = len(combination.all_of), combination.within_words
        entry = _Entry(shown, language, self._groups, group, slots=slots, within=within)
        for slot, words in enumerate(combination.all_of):
            for word in words:
                for spelled in _spellings(word, language):
                    self._slots[self._lemma(spelled, language)].append((entry, slot))

    def _lemma(self, word: str, language: str) -> int:
        """Return the id of a listed word, after entering all its forms."""
        key = (word.casefold(), language)
        if (known := self._lemma_ids.get(key)) is not None:
            return known
        number = self._lemma_ids[key] = len(self._lemma_ids)
        alone = (number,)  # shared by its forms: there are some 80,000
        plain = fold(word.strip("=*"))
        is_as_it_is = word[0] in "=*" or word[-1] == "*"
        if is_as_it_is:
            self._forms.add(plain, alone)
        else:
            self._forms.add_word(plain, language, alone)
        if word[-1] == "*":
            enter(self._heads, plain, alone)
        if word[0] == "*":
            enter(self._tails, plain, alone)
        return number


def _lengths(parts: Iterable[tuple[str, str]]) -> dict[str, tuple[int, ...]]:
    """Return the lengths of words by what they are grouped by."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for key, word in parts:
        found[key].add(len(word))
    return {key: tuple(sorted(lengths)) for key, lengths in found.items()}


def _spellings(term: str, language: str) -> tuple[str, ...]:
    """Return a term as written, and with "ae" for "ä" where that is a way to write German."""
    lower = term.lower()
    return tuple(dict.fromkeys((lower, lower.translate(UMLAUTS)))) if language == "de" else (lower,)


def _is_inside(hit: Hit, spans: Sequence[tuple[int, int]]) -> bool:
    """Tell whether a hit lies in one of ``spans``, which are in order of their beginning."""
    nearest = bisect_right(spans, hit.start, key=lambda span: span[0])
    return any(hit.end <= end for _, end in spans[max(0, nearest - 4) : nearest])


def _end_of(words: tuple[int, ...], ids: Sequence[tuple[int, ...]], tokens: Sequence[Token], at: int) -> int | None:
    """Return the index of the last token of a phrase that begins at ``at``, None if it does not stand there."""
    for word in words[1:]:
        nxt = at + 1
        while nxt < len(tokens) and tokens[nxt].start < tokens[at].end:
            nxt += 1  # a part of the same word
        if nxt == len(tokens) or word not in ids[nxt]:
            return None
        at = nxt
    return at


def _outermost(hits: Sequence[Hit]) -> Iterator[Hit]:
    """Leave out hits that lie inside another one of the same group, and second hits of one term in one place."""
    kept: list[Hit] = []
    for hit in hits:
        inside = any(
            other.group is hit.group and other.start <= hit.start and hit.end <= other.end for other in kept[-6:]
        )
        if not inside:
            kept.append(hit)
            yield hit
