"""Notices what looks like a person's name, before anything leaves the machine. A notice, never a verdict.

A first name from the list followed by a capitalised word, a title before a capitalised word, or a phrase such as
"my name is": enough to ask the person. A first name alone counts only after such a phrase: "Rose" is a flower too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from ai4artsed_desktop.domain.safety.folding import fold
from ai4artsed_desktop.domain.safety.verdicts import NamedPerson

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
#: Scripts without capital letters: there a listed first name beside any other word is enough.
_NO_CASE = re.compile(r"[\u0590-\u08ff]")


class NameLists(BaseModel):
    """``resources/safety/names.json``: what is known of names, per language; all are applied to every text.

    ``not_names`` are capitalised words that follow first names without being surnames ("Rose Garden", "Anna und").
    ``known`` are persons of history and art, whose names are nobody's private matter.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[str, ...] = Field(min_length=1)
    first_names: dict[str, tuple[str, ...]]
    titles: tuple[str, ...]
    introductions: tuple[str, ...]
    not_names: tuple[str, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    folded: str
    start: int
    end: int

    @property
    def is_capital(self) -> bool:
        return self.text[0].isupper() or _NO_CASE.match(self.text) is not None


class NameFinder:
    """The lists, ready to be looked up."""

    def __init__(self, lists: NameLists) -> None:
        self._first = frozenset(fold(name) for names in lists.first_names.values() for name in names)
        self._titles = frozenset(fold(title) for title in lists.titles)
        self._not_names = frozenset(fold(word) for word in lists.not_names)
        self._known = frozenset(fold(name) for name in lists.known)
        self._introductions = tuple(tuple(fold(word) for word in phrase.split()) for phrase in lists.introductions)

    def find(self, text: str) -> tuple[NamedPerson, ...]:
        """Return the passages that look like names, in order."""
        words = [_Word(m.group(), fold(m.group()), *m.span()) for m in _WORD.finditer(text)]
        return tuple(dict.fromkeys(self._find(words, text)))

    def _find(self, words: list[_Word], text: str) -> Iterator[NamedPerson]:
        at = 0
        while at < len(words):
            last = self._end_of_name(words, at, text)
            if last is None:
                at += 1
                continue
            start = words[at].start
            name = text[start : words[last].end]
            if fold(name) not in self._known:
                yield NamedPerson(name, start, words[last].end)
            at = last + 1

    def _end_of_name(self, words: list[_Word], at: int, text: str) -> int | None:
        word = words[at]
        if not word.is_capital:
            return None
        is_first = word.folded in self._first
        if is_first or (at > 0 and words[at - 1].folded in self._titles and word.folded not in self._not_names):
            last = self._surname(words, at, text)
            if last is not None:
                return last
            return None if is_first and not self._is_introduced(words, at) else at
        return at if self._is_introduced(words, at) and word.folded not in self._not_names else None

    def _surname(self, words: list[_Word], at: int, text: str) -> int | None:
        """Return the index of the last of one or two capitalised words behind ``at``, a space between."""
        last = None
        for nxt in range(at + 1, min(at + 3, len(words))):
            gap = text[words[nxt - 1].end : words[nxt].start]
            if gap.strip() or "\n" in gap or not words[nxt].is_capital or words[nxt].folded in self._not_names:
                break
            last = nxt
        return last

    def _is_introduced(self, words: list[_Word], at: int) -> bool:
        return any(
            tuple(w.folded for w in words[max(0, at - len(phrase)) : at]) == phrase for phrase in self._introductions
        )
