"""Text to words and back, for every script: what lies between the words is never lost."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# What parts words: ASCII, Latin-1, general, CJK, Arabic and Devanagari punctuation. Everything else, emoji and
# combining marks included, belongs to words, so that no script is torn apart.
_PUNCTUATION = r"\s!-/:-@\[-`{-~¡-©«-±´¶-¸»¿×÷\u2010-\u2027\u2030-\u205e\u3001-\u3003\u3008-\u3011،؛؟۔।॥։׃־"
_WORD = re.compile(rf"([^{_PUNCTUATION}]+(?:['’\-][^{_PUNCTUATION}]+|(?<=\d)[.,:](?=\d)\d+)*)")
_SENTENCE_END = re.compile(r"(?<=[.!?…。؟।])\s+|\n+")
_ENDS_SENTENCE = re.compile(r"[.!?…。؟।\n]")
_JOINER = "\u200d"

#: ``(word, word before it or "") -> replacement, or None to keep the word``
Swap = Callable[[str, str], str | None]


def split(text: str) -> list[str]:
    """Return what lies between and the words in turn: even places hold the gaps, odd ones the words."""
    return _WORD.split(text)


def words(text: str) -> list[str]:
    """Return the words in order."""
    return split(text)[1::2]


def sentences(text: str) -> list[str]:
    """Return the sentences; lines count as sentences."""
    return [part for part in _SENTENCE_END.split(text) if part.strip()]


def graphemes(word: str) -> list[str]:
    """Return what a reader sees as single characters: letters with their marks, whole emoji, flags."""
    clusters: list[str] = []
    for char in word:
        if clusters and _extends(clusters[-1], char):
            clusters[-1] += char
        else:
            clusters.append(char)
    return clusters


def _extends(cluster: str, char: str) -> bool:
    if cluster.endswith(_JOINER) or char == _JOINER or unicodedata.category(char) in {"Mn", "Me", "Mc"}:
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff":  # skin tones
        return True
    return len(cluster) == 1 and all("\U0001f1e6" <= c <= "\U0001f1ff" for c in cluster + char)  # flags


def capitalised(text: str) -> str:
    """Return ``text`` with a capital first letter; ß and scripts without capitals stay."""
    first = text[:1].upper()
    return first + text[1:] if len(first) == 1 else text


def ends_sentence(gap: str) -> bool:
    """Tell whether what lies between two words ends a sentence."""
    return bool(_ENDS_SENTENCE.search(gap))


def as_sentence(text: str) -> str:
    """Return ``text`` with a capital at its start and a full stop, unless it ends with a mark of its own."""
    text = capitalised(text.strip())
    return text if text and text[-1] in ".!?…。؟।" else text + "."


def starts_with_vowel_sound(word: str) -> bool:
    """Tell whether English says "an" before ``word`` (by spelling, with the usual exceptions)."""
    word = word.casefold()
    if word.startswith(("hour", "honest", "heir", "honour")):
        return True
    return word[:1] in set("aeiou") and not word.startswith(("uni", "use", "eu", "one", "ukulele"))


def swap_words(text: str, swap: Swap, language: str) -> str:
    """Return ``text`` with words exchanged; gaps and capitals stay, English "a" and "an" follow the new word."""
    parts = split(text)
    before = ""
    for place in range(1, len(parts), 2):
        word = parts[place]
        new = swap(word, before)
        if new is not None and new != word:
            parts[place] = _with_case_of(word, new, language, place == 1 or ends_sentence(parts[place - 1]))
            if language == "en" and place > 1 and parts[place - 1].isspace():
                parts[place - 2] = _article(parts[place - 2], parts[place])
        before = word
    return "".join(parts)


def _with_case_of(model: str, new: str, language: str, at_start: bool) -> str:
    if len(model) > 1 and model.isupper():
        return new.upper()
    if model[:1].isupper() and (at_start or language != "de"):
        return capitalised(new)
    return new


def _article(word: str, following: str) -> str:
    if word.casefold() not in {"a", "an"}:
        return word
    return word[0] + ("n" if starts_with_vowel_sound(following) else "")
