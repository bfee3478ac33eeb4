"""Term lists as they lie in ``resources/safety/<language>.json``, and their checks.

How a term is written: a word with its inflected forms ("Folter"), ``=word`` in this form only, ``word*`` with anything
behind it in the same word, ``*word`` with anything before it, ``*word*`` both; several words are a phrase.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.safety.verdicts import Category

#: Languages whose lists are complete enough to answer for a text.
COVERED_LANGUAGES = ("de", "en", "tr", "uk", "fr", "ar")
#: The file with terms of further languages and the signs: they block, but do not make a language covered.
FURTHER_LANGUAGES = "further"

Term = Annotated[str, Field(min_length=1, max_length=80)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Combination(_Strict):
    """Words that are harmless alone: one of each of ``all_of``, in any order, ``within_words`` of each other."""

    all_of: tuple[tuple[Term, ...], ...] = Field(min_length=2)
    within_words: int = Field(default=8, ge=2, le=40)


class TermGroup(_Strict):
    """Terms of one category.

    ``levels`` are those at which they block; ``noted_at`` those at which they pass and are noted. ``cleared_by`` names
    contexts: with a word of one of them in the same text, the terms pass. Words of another meaning elsewhere ("bite",
    "Gift") count in texts in the languages ``only_in`` alone, or in all but those ``not_in``. A group with
    ``is_contextual`` may be cleared by a model that follows instructions; so may one with ``cleared_by``.
    """

    category: Category
    levels: tuple[SafetyLevel, ...] = Field(min_length=1)
    noted_at: tuple[SafetyLevel, ...] = ()
    cleared_by: tuple[str, ...] = ()
    is_contextual: bool = False
    only_in: tuple[str, ...] = ()
    not_in: tuple[str, ...] = ()
    terms: tuple[Term, ...] = ()
    combinations: tuple[Combination, ...] = ()

    def counts_in(self, language: str | None) -> bool:
        """Tell whether the terms mean what they mean here in a text of this language (None = unknown)."""
        return (not self.only_in or language in self.only_in) and language not in self.not_in

    @property
    def may_be_cleared(self) -> bool:
        """Whether context or a model may let a term pass."""
        return self.is_contextual or bool(self.cleared_by)


class TermList(_Strict):
    """One language's file. ``allow`` holds phrases in which a listed word is harmless ("naked mole rat")."""

    language: str
    sources: tuple[str, ...] = Field(min_length=1)
    contexts: Mapping[str, tuple[Term, ...]] = Field(default_factory=dict)
    allow: tuple[Term, ...] = ()
    groups: tuple[TermGroup, ...] = Field(min_length=1)


def missing_contexts(lists: Sequence[TermList]) -> frozenset[str]:
    """Return contexts that a group names and no file has: its terms could never pass."""
    there = {name for terms in lists for name in terms.contexts}
    return frozenset(name for terms in lists for group in terms.groups for name in group.cleared_by) - there
