"""Guessing the language of a short text offline: script first, then the small words that every sentence has."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

_WORD = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Function words that carry no topic; words that both languages have ("in", "war", "hat", "die") count for neither.
_SMALL_WORDS = {
    "de": _words(
        """der das den dem des ein eine einen einem einer und oder aber auf mit ist sind nicht von zu zum zur im am bei
        nach für über unter wie ich du er sie es wir ihr auch noch schon nur wenn weil dass sehr mein dein sein kein
        keine wird werden hatte haben durch gegen ohne zwischen vor aus als um"""
    ),
    "en": _words(
        """the a an and or but on with is are not of to at by after for over under how i you he she it we they also
        still only if because that very my your his her their its no will would had have has through against without
        between before from as was were this these there where what which"""
    ),
    # Of these only words that no other language here has: one of them is enough to tell.
    "fr": _words("les une aux est sont dans avec pas nous vous ils elle elles cette ces ses leur où était chez"),
    "tr": _words("bir ve bu için ile çok değil gibi daha yok biz siz bunu şey"),
    "es": _words("los las y muy pero cuando hay más sobre también dónde ella ellos está"),
    "it": _words("il gli di che è sono nel nella sul sulla della dei delle degli anche perché questo quella"),
    "pt": _words("os uma não com em são muito pelo pela ao você isso"),
    "nl": _words("het een niet ik zij wij maar ook naar bij voor"),
    "pl": _words("się jest że jak dla są przez oraz czy"),
}
#: Letters that only one of the languages above has.
_LETTERS = {"tr": "ğşı", "es": "ñ", "pt": "ãõ", "fr": "œêû", "pl": "łżśćńąę"}
#: Unicode's script names as they begin each character's name, with the languages that we name by them.
_SCRIPTS = {
    "CYRILLIC": "uk",
    "ARABIC": "ar",
    "GREEK": "el",
    "HEBREW": "he",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "CJK": "zh",
}


def guess_language(text: str) -> str | None:
    """Return an ISO 639-1 code for the language of ``text``, or None if there is too little to tell.

    Of the Latin-script languages German and English are told best, and seven more by their small words and letters; any
    other gives None. Cyrillic counts as Ukrainian, unless letters show Russian.
    """
    # Not casefold: it turns "ß", a sure sign of German, into "ss".
    words = [word.lower() for word in _WORD.findall(text[:5000])]
    if not words:
        return None
    scripts = Counter(_script(word[0]) for word in words)
    script, count = scripts.most_common(1)[0]
    if script in _SCRIPTS and count * 2 > len(words):
        is_russian = script == "CYRILLIC" and any(c in "ыэъё" for word in words for c in word)
        return "ru" if is_russian else _SCRIPTS[script]
    scores = {language: sum(word in small for word in words) for language, small in _SMALL_WORDS.items()}
    for word in words:
        own = next((language for language, letters in _LETTERS.items() if any(c in letters for c in word)), None)
        if own is not None or any(c in "äöüß" for c in word):
            scores[own or "de"] += 1
    best, other, *_ = sorted(scores, key=lambda language: scores[language], reverse=True)
    return best if scores[best] > scores[other] else None


def _script(char: str) -> str:
    return unicodedata.name(char, "?").split(" ")[0]
