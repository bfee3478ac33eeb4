"""What changed between two texts, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum

#: Above this many words and marks, lines are compared instead: the matching takes quadratic time.
MAX_TOKENS = 4_000

_TOKEN = re.compile(r"\w+(?:['’-]\w+)*|\s+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class Change(Enum):
    """What happened to a piece of text."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class DiffPiece:
    """A run of text with one fate."""

    change: Change
    text: str


def word_diff(before: str, after: str) -> list[DiffPiece]:
    """Return the pieces that turn ``before`` into ``after``.

    The kept and removed pieces joined give ``before``; the kept and added ones give ``after``.
    """
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if max(len(old), len(new)) > MAX_TOKENS:
        old, new = _LINE.findall(before), _LINE.findall(after)
    return list(_pieces(old, new))


def _pieces(old: list[str], new: list[str]) -> Iterator[DiffPiece]:
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) > MAX_TOKENS)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        removed, added = "".join(old[old_start:old_end]), "".join(new[new_start:new_end])
        if tag == "equal":
            yield DiffPiece(Change.KEPT, removed)
            continue
        if removed:
            yield DiffPiece(Change.REMOVED, removed)
        if added:
            yield DiffPiece(Change.ADDED, added)
