"""What sounds alike: a rough key of consonants, and the neighbours of a word by ear."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from ai4artsed_desktop.domain.procedures.base import ProcedureContext
from ai4artsed_desktop.domain.procedures.tokens import capitalised
from ai4artsed_desktop.domain.procedures.vocabulary import Vocabulary, sort_key
from ai4artsed_desktop.domain.procedures.wordlists import columns

# Letter groups that share one sound, longest first. Voiced and unvoiced consonants fall together, as they do in a
# whisper; vowels count only at the start. The idea of such keys: Robert C. Russell's Soundex, US patent 1261167, 1918.
_SOUNDS = (
    ("tsch", "x"), ("sch", "x"), ("tch", "x"), ("ch", "x"), ("sh", "x"), ("ph", "f"), ("pf", "f"), ("ck", "k"),
    ("qu", "kf"), ("ng", "n"), ("kn", "n"), ("wr", "r"), ("gh", "k"), ("th", "t"), ("tz", "s"),
    ("b", "p"), ("d", "t"), ("g", "k"), ("c", "k"), ("q", "k"), ("v", "f"), ("w", "f"), ("z", "s"), ("x", "ks"),
    ("m", "n"), ("ß", "s"),
)  # fmt: skip
# The same sounds, spelt another way, for words that no list knows.
_RESPELLINGS = {
    "en": (("ph", "f"), ("ee", "ea"), ("oo", "ou"), ("ck", "k"), ("ks", "x"), ("f", "ph"), ("c", "k"), ("k", "ck"),
           ("ay", "ei"), ("s", "ss"), ("t", "tt"), ("l", "ll"), ("i", "y"), ("o", "oh")),
    "de": (("ei", "ai"), ("ie", "ih"), ("äu", "eu"), ("eu", "oi"), ("chs", "x"), ("ck", "gg"), ("f", "v"), ("v", "f"),
           ("ä", "e"), ("k", "ck"), ("z", "tz"), ("s", "ss"), ("t", "d"), ("i", "y"), ("o", "oh")),
}  # fmt: skip
_GROUPS = re.compile("|".join(letters for letters, _ in _SOUNDS))
_SOUND_OF = dict(_SOUNDS)
_DOUBLED = re.compile(r"(.)\1+")


def sound_key(word: str) -> str:
    """Return a key that words of similar sound share, such as ``aptl``; empty for scripts other than Latin."""
    plain = sort_key(word)
    if not plain.isascii() or not plain.isalpha():
        return ""
    heard = _GROUPS.sub(lambda match: _SOUND_OF[match[0]], plain)
    start = "a" if heard[0] in "aeiouy" else ""
    return start + _DOUBLED.sub(r"\1", re.sub("[aeiouyhj]", "", heard))


def respelled(word: str, language: str) -> str:
    """Return ``word`` written another way by ear (freedom, freadom); unchanged if no rule fits."""
    folded = word.casefold()
    for letters, other in _RESPELLINGS.get(language, ()):
        if other not in folded and (place := folded.find(letters, len(letters) == 1)) >= 0:
            heard = folded[:place] + other + folded[place + len(letters) :]
            return capitalised(heard) if word[:1].isupper() else heard
    return word


class Ear:
    """Finds words that could be misheard for a word: from the list ``homophones``, then by sound among the nouns."""

    def __init__(self, vocabulary: Vocabulary, context: ProcedureContext) -> None:
        self._vocabulary = vocabulary
        self._rows = columns(context.word_lists.get("homophones", ()))

    @cached_property
    def _listed(self) -> Mapping[str, tuple[str, ...]]:
        table: dict[str, tuple[str, ...]] = {}
        for group in self._rows:
            for word in group:
                others = tuple(other for other in group if other != word)
                table[word.casefold()] = table.get(word.casefold(), ()) + others
        return table

    @cached_property
    def _by_key(self) -> Mapping[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        for place, noun in enumerate(self._vocabulary.nouns):
            found.setdefault((noun.gender, sound_key(noun.word)), []).append(place)
        return found

    def neighbours(self, word: str, before: str = "") -> list[str]:
        """Return words that sound like ``word`` in the same form; empty if none is known."""
        listed = self._listed.get(word.casefold(), ())
        if listed:
            return list(listed)
        found = self._vocabulary.noun(word, before)
        if found is None:
            return []
        noun, form = found
        places = self._by_key.get((noun.gender, sound_key(noun.word)), [])
        return [other.form(form) for place in places if (other := self._vocabulary.nouns[place]) != noun]
