"""Listed words by their inflected forms, which are made when a text needs them.

The lists have some 80,000 forms; a text has words with a few beginnings. Forms are made for all listed words that can
begin like a word that is looked up, so that the answer is the same as if all were there from the start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from threading import Lock

from ai4artsed_desktop.domain.safety.lemmas import ARABIC_BLOCK, beginning_of, beginnings, forms


class FormTable:
    """Numbers of words by each of their forms. May be asked by several threads."""

    def __init__(self) -> None:
        self._numbers: dict[str, tuple[int, ...]] = {}
        self._waiting: defaultdict[str, list[tuple[str, str, tuple[int]]]] = defaultdict(list)
        self._lock = Lock()

    def add(self, form: str, alone: tuple[int]) -> None:
        """Enter one form of a word; ``alone`` holds the word's number."""
        enter(self._numbers, form, alone)

    def add_word(self, word: str, language: str, alone: tuple[int]) -> None:
        """Enter a folded word with all its forms in ``language``; before anything is looked up."""
        for beginning in beginnings(word, language):
            self._waiting[beginning].append((word, language, alone))

    def get(self, form: str) -> tuple[int, ...]:
        """Return the numbers of the words that have this form."""
        # Asked for every word several times, hence without a call for most of them.
        beginning = form[:2] if form < ARABIC_BLOCK else beginning_of(form)
        if beginning in self._waiting:
            self._make((beginning,))
        return self._numbers.get(form, ())

    def has(self, form: str) -> bool:
        """Tell whether some word has this form."""
        beginning = form[:2] if form < ARABIC_BLOCK else beginning_of(form)
        if beginning in self._waiting:
            self._make((beginning,))
        return form in self._numbers

    def all(self) -> dict[str, tuple[int, ...]]:
        """Return the whole table, every form made."""
        self._make(tuple(self._waiting))
        return self._numbers

    def _make(self, wanted: Iterable[str]) -> None:
        with self._lock:
            for beginning in wanted:
                for word, language, alone in self._waiting.get(beginning, ()):
                    for form in forms(word, language):
                        if (form[:2] if form < ARABIC_BLOCK else beginning_of(form)) == beginning:
                            enter(self._numbers, form, alone)
                # Only now: another thread that finds nothing waiting must find the forms.
                self._waiting.pop(beginning, None)


def enter(table: dict[str, tuple[int, ...]], form: str, alone: tuple[int]) -> None:
    """Add a word's number to those that stand at ``form``."""
    known = table.get(form)
    table[form] = alone if known is None else (*known, *alone)
