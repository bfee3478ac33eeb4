"""Nouns, adjectives and little words of one language, with as much grammar as the procedures need."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property

from ai4artsed_desktop.domain.procedures.base import ProcedureContext
from ai4artsed_desktop.domain.procedures.wordlists import columns

_ADJECTIVE_ENDINGS = ("", "e", "er", "es", "en", "em")
_UNCHANGING = {"rosa", "lila", "orange", "oliv"}
# The German n-declension: masculine nouns that end in -n or -en in every case but the nominative. Most tell it by
# their ending and plural; these do not, or only seem to.
_WEAK_ENDINGS = ("e", "ist", "ent", "ant", "at", "et")
_WEAK = {"Bär", "Held", "Mensch", "Prinz", "Fürst", "Graf", "Leopard", "Nachbar", "Bauer", "Spatz"}
_NOT_WEAK = {"See", "Staat"}
_SUBJECTS = {"i", "you", "he", "she", "it", "we", "they", "who", "to", "not", "can", "will", "would", "must"}


class NounForm(Enum):
    """The forms in which a noun is recognised and set again."""

    SINGULAR = auto()
    PLURAL = auto()
    GENITIVE = auto()
    DATIVE_PLURAL = auto()


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun; ``gender`` is m, f, n (German) or empty (English); ``plural`` may be empty: none in use."""

    word: str
    gender: str = ""
    plural: str = ""

    @property
    def is_weak(self) -> bool:
        """Tell whether the noun follows the German n-declension (der Hase, den Hasen)."""
        if self.gender != "m" or self.word in _NOT_WEAK:
            return False
        weak = self.word + ("n" if self.word.endswith(("e", "r")) and self.word != "Bär" else "en")
        return self.plural == weak and (self.word in _WEAK or self.word.endswith(_WEAK_ENDINGS))

    def form(self, form: NounForm) -> str:
        """Return the noun in ``form``; the singular if it has no plural."""
        match form:
            case NounForm.PLURAL:
                return self.plural or self.word
            case NounForm.DATIVE_PLURAL:
                plural = self.plural or self.word
                return plural if plural.endswith(("n", "s")) or not self.plural else plural + "n"
            case NounForm.GENITIVE:
                return genitive(self)
            case NounForm.SINGULAR:
                return self.word


def genitive(noun: Noun) -> str:
    """Return the genitive: English 's, German -s or -es for masculine and neuter, unchanged for feminine."""
    if not noun.gender:
        return noun.word + "'s"
    if noun.gender == "f":
        return noun.word
    if noun.is_weak:
        return noun.plural
    return noun.word + ("es" if noun.word.endswith(("s", "ß", "z", "x", "sch")) else "s")


def sort_key(word: str) -> str:
    """Return the place of ``word`` in a dictionary: marks do not count, ß is ss (DIN 5007-1)."""
    return "".join(c for c in unicodedata.normalize("NFD", word.casefold()) if not unicodedata.combining(c))


def english_plural(word: str) -> str:
    """Return the regular English plural."""
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2:-1] not in set("aeiou"):
        return word[:-1] + "ies"
    if word.endswith("o") and word[-2:-1] not in set("aeiou"):
        return word + "es"
    return word + "s"


def inflected(base: str, ending: str) -> str:
    """Return a German adjective with an ending: dunkel + er = dunkler, müde + er = müder, hoch + er = hoher."""
    if not ending or base in _UNCHANGING:
        return base
    if base == "hoch":
        return "hoh" + ending
    if base.endswith("e"):
        return base[:-1] + ending
    if base.endswith("el") or re.search(r"[ae]uer$", base):
        return base[:-2] + base[-1] + ending
    return base + ending


def _compound(prefix: str, last: Noun) -> Noun:
    """Return the noun for a German compound: Haus after Baum gives Baumhaus, Baumhäuser."""
    plural = prefix + last.plural.casefold() if last.plural else ""
    return Noun(prefix + last.word.casefold(), last.gender, plural)


class Vocabulary:
    """The word lists of a context, parsed, with lookups that take every form of a word.

    Args:
        context: Its ``word_lists`` may lack any list; then that part is empty.
        text: The text at work; one written without any capitals has its German nouns in lower case.
    """

    def __init__(self, context: ProcedureContext, text: str) -> None:
        self._has_capitals = text != text.lower()
        self._lists = context.word_lists
        self.language = context.language

    @cached_property
    def nouns(self) -> list[Noun]:
        """All nouns in dictionary order."""
        irregular = {row[0]: row[1] for row in columns(self._lists.get("plurals", ()))}
        if self.language == "en":
            rows = (row[0] for row in columns(self._lists.get("nouns", ())))
            return [Noun(word, "", irregular.get(word) or english_plural(word)) for word in rows]
        return [Noun(*row[:3]) for row in columns(self._lists.get("nouns", ()))]

    @cached_property
    def small_words(self) -> frozenset[str]:
        """Articles, pronouns, prepositions and their like, in lower case."""
        return frozenset(word.casefold() for word in self._lists.get("small_words", ()))

    @cached_property
    def adjectives(self) -> Sequence[str]:
        """Adjectives in their base form."""
        return tuple(self._lists.get("adjectives", ()))

    @cached_property
    def verbs(self) -> Sequence[str]:
        """Verbs, third person singular, that take an object."""
        return tuple(self._lists.get("verbs", ()))

    @cached_property
    def nouns_by_gender(self) -> Mapping[str, list[Noun]]:
        """Nouns in dictionary order, apart by gender (English: all under ``""``)."""
        apart: dict[str, list[Noun]] = {}
        for noun in self.nouns:
            apart.setdefault(noun.gender, []).append(noun)
        return apart

    @cached_property
    def _keys_by_gender(self) -> Mapping[str, list[str]]:
        return {gender: [sort_key(noun.word) for noun in nouns] for gender, nouns in self.nouns_by_gender.items()}

    def counted_on(self, noun: Noun, distance: int) -> Noun:
        """Return the ``distance``-th noun after ``noun`` in the dictionary, round its end; of the same gender.

        A noun that is not in the list counts from where it would stand.
        """
        nouns, keys = self.nouns_by_gender[noun.gender], self._keys_by_gender[noun.gender]
        place = bisect_left(keys, sort_key(noun.word))
        is_listed = place < len(nouns) and nouns[place].word == noun.word
        return nouns[(place + distance - (not is_listed and distance > 0)) % len(nouns)]

    @cached_property
    def _noun_forms(self) -> Mapping[str, tuple[Noun, NounForm]]:
        forms: dict[str, tuple[Noun, NounForm]] = {}
        for form in NounForm:
            for noun in self.nouns:
                forms.setdefault(noun.form(form).casefold(), (noun, form))
        return forms

    @cached_property
    def _adjective_forms(self) -> Mapping[str, tuple[str, str]]:
        endings = _ADJECTIVE_ENDINGS if self.language == "de" else ("",)
        forms: dict[str, tuple[str, str]] = {}
        for ending in endings:
            for base in self.adjectives:
                forms.setdefault(inflected(base, ending), (base, ending))
        return forms

    def is_content(self, word: str) -> bool:
        """Tell whether ``word`` carries meaning of its own: not a small word, not a bare number."""
        return word.casefold() not in self.small_words and not word.isnumeric()

    def noun(self, word: str, before: str = "") -> tuple[Noun, NounForm] | None:
        """Return the noun behind ``word`` and its form, or None.

        In German only capitalised words count (unless the text has no capitals at all), and a compound is read by its
        last part. In English a word that follows a subject is taken for a verb ("she dreams", "my grandmother
        watches").
        """
        if self.language == "de" and not word[:1].isupper() and not self._is_uncapitalised_noun(word):
            return None
        found = self._noun_forms.get(word.casefold().replace("’", "'"))
        if found is None:
            return self._compound(word) if self.language == "de" else None
        if self.language == "en" and self._reads_as_verb(before, found[1]):
            return None
        return found

    def _is_uncapitalised_noun(self, word: str) -> bool:
        return not self._has_capitals and self.is_content(word) and self.adjective(word) is None

    def agrees(self, word: str, other: str, before: str) -> bool:
        """Tell whether ``other`` may stand for ``word``: in German, inside a sentence, capitals tell nouns apart."""
        if self.language != "de" or not before or not self._has_capitals:
            return True
        return word[:1].isupper() == other[:1].isupper()

    def _reads_as_verb(self, before: str, form: NounForm) -> bool:
        if before.casefold() in _SUBJECTS:
            return True
        subject = self._noun_forms.get(before.casefold())
        number = {NounForm.SINGULAR, NounForm.PLURAL}  # the child dances, children dance
        return subject is not None and form in number and {form, subject[1]} == number

    def _compound(self, word: str) -> tuple[Noun, NounForm] | None:
        folded = word.casefold()
        for start in range(2, min(len(folded) - 3, 40)):
            if found := self._noun_forms.get(folded[start:]):
                return _compound(word[:start], found[0]), found[1]
        return None

    def adjective(self, word: str) -> tuple[str, str] | None:
        """Return the adjective's base form and its ending (German), or None."""
        return self._adjective_forms.get(word.casefold())

    def swap_table(self, rows: Iterable[tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """Return ``{form in lower case: its group's other words in the same form}`` for lists with a kind column.

        Kinds: ``a`` adjective, ``n`` noun, ``w`` any other word with forms parted by ``/``. In nouns, German lists keep
        to one gender, so articles and adjectives around them still agree.
        """
        table: dict[str, tuple[str, ...]] = {}
        for kind, *group in rows:
            members = [self._forms(kind, member) for member in group]
            for place, member in enumerate(members):
                others = members[:place] + members[place + 1 :]
                for name, form in member.items():
                    found = tuple(other[name] for other in others if name in other)
                    if found:
                        table.setdefault(form.casefold(), found)
        return table

    def _forms(self, kind: str, word: str) -> dict[str, str]:
        if kind == "w":
            return {str(place): form for place, form in enumerate(word.split("/"))}
        if kind == "a" and self.language == "de":
            return {ending or "-": inflected(word, ending) for ending in _ADJECTIVE_ENDINGS}
        forms = {"-": word}
        if kind == "n" and " " not in word:
            known = self._noun_forms.get(word.casefold())
            if known and known[0].plural:
                forms["plural"] = known[0].plural
            elif self.language == "en":
                forms["plural"] = english_plural(word)
        return forms
