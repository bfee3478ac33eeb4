"""How one word can be read: look-alikes, leetspeak, combining marks and invisible characters are undone.

A word has several readings, because a digit or a foreign letter can stand for more than one. Readings have no
diacritics ("ü" is "u", "ß" is "ss"), are casefolded, and hold letters and digits only. Term lists go the same way.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: No word of a list is longer, and no word of a language that the lists cover.
MAX_WORD_CHARS = 64


def _pairs(left: str, right: str) -> dict[int, str]:
    return {ord(a): b for a, b in zip(left, right, strict=True)}


#: Letters of other scripts that look like Latin ones. Compiled by eye from Unicode's code charts (Cyrillic, Greek,
#: Armenian, Cherokee, phonetic extensions).
_TO_LATIN = {
    **_pairs("абвгдезіјкмнорстухцѕёєԁԛԝһҽӏыьэ", "abbrdesijkmhopctyxuseedqwhelbbe"),
    **_pairs("αβγδεζηικμνορτυχωκϲϳʋ", "abydezhikuvoptuxwkcju"),
    **_pairs("աոսօցզհյքե", "wnuogqhjpt"),
    **_pairs("ꭰꭱꭲꭺꮎꮃꮋꮤꮪꮮ", "detaowhwsl"),
    **_pairs("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz"),
    **_pairs("ɑɐəɛɜɡɩıłøđħŧʃƒɔʌʍɥɯɹʇʞ", "aaeeegiilodhtsfovwhmrtk"),
}
#: The way back, for words in Cyrillic that hold Latin letters ("ceкc").
_TO_CYRILLIC = _pairs("abcehikmnoprtxyu", "авсенікмпорртхуи")
#: Digits and signs that stand for letters in leetspeak (``str.translate``); "1" and "!" are read as "i" and as "l".
LEET = _pairs("013456789@$€!|+¡£^", "oieasbtbgaseiitila")
_LEET_L = {**LEET, ord("1"): "l", ord("!"): "l", ord("|"): "l"}
#: How German writes umlauts without them; keeps "töten" (to kill) apart from "toten" (dead).
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
#: Letters turned upside down, as Unicode has them; words of them are read from the right.
_TURNED = _pairs("ɐqɔpǝɟƃɥᴉɾʞlɯuodbɹsʇnʌʍxʎz", "abcdefghijklmnopqrstuvwxyz")
_TURNED_ONLY = frozenset("ɐɔǝɟƃɥᴉɾʞɯɹʇʌʍʎ")
#: A word of fewer letters is not looked for between digits ("SS26" is a season of fashion).
_MIN_LETTERS = 4
_THRICE = re.compile(r"(.)\1\1", re.DOTALL)
#: Invisible characters that count as letters for Unicode (Hangul fillers, Braille blank).
_INVISIBLE = dict.fromkeys((0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800), None)
#: Letters that NFKD leaves alone although they are variants: squared and flag letters, letters with a stroke, and the
#: Arabic letters that are written one for another.
_VARIANTS: dict[int, str | None] = {
    **_INVISIBLE,
    0x0640: None,
    ord("ى"): "ي",
    ord("ة"): "ه",
    ord("ٱ"): "ا",
    ord("ґ"): "г",
    ord("ı"): "i",
    ord("ł"): "l",
    ord("ø"): "o",
    ord("đ"): "d",
    ord("æ"): "ae",
    ord("œ"): "oe",
    **{0x1F130 + n: chr(97 + n) for n in range(26)},
    **{0x1F150 + n: chr(97 + n) for n in range(26)},
    **{0x1F170 + n: chr(97 + n) for n in range(26)},
    **{0x1F1E6 + n: chr(97 + n) for n in range(26)},
}


@lru_cache(maxsize=16_384)
def readings(word: str) -> tuple[str, ...]:
    """Return the ways to read ``word``, the plain one first; at least one, which may be empty."""
    word = word[: MAX_WORD_CHARS * 4]
    if word.isascii() and word.isalpha():
        plain = word.lower()
        # By far the most words end here.
        stretched = _unstretched(plain)
        return _distinct((plain, *stretched)) if stretched else (plain[:MAX_WORD_CHARS],)
    folded = fold(word)
    found = [_letters(folded), *_between_digits(folded), *_turned(folded)]
    composed = unicodedata.normalize("NFC", word.casefold())
    if (spelled := composed.translate(UMLAUTS)) != composed:
        found.append(_letters(fold(spelled)))
    if not folded.isascii():
        latin = _letters(folded.translate(_TO_LATIN))
        if latin.isascii():
            found.append(latin)
        if any("a" <= char <= "z" for char in folded):
            found.append(_letters(folded.translate(_TO_CYRILLIC)))
    latin_signs = folded.translate(_TO_LATIN)
    if any(char.isalpha() for char in latin_signs) and not latin_signs.isalpha():
        for whole in (latin_signs, latin_signs.rstrip("!|+¡")):
            found += [_letters(whole.translate(LEET)), _letters(whole.translate(_LEET_L))]
    for reading in tuple(found):
        found += _unstretched(reading)
    return _distinct(found)


@lru_cache(maxsize=16_384)
def fold(text: str) -> str:
    """Return ``text`` in compatibility form, casefolded, without combining marks and format characters."""
    text = unicodedata.normalize("NFKD", text.casefold().translate(_VARIANTS)).casefold()
    if text.isascii():
        return text
    kept = (char for char in text if unicodedata.category(char) not in {"Mn", "Me", "Cf"})
    return "".join(kept).translate(_VARIANTS)


def _between_digits(word: str) -> tuple[str, ...]:
    """Return "rape1" and "p0o1r2n3o4" without their digits; nothing where too little is left, or nothing to leave."""
    letters = "".join(filter(str.isalpha, word))
    return (letters,) if len(letters) >= _MIN_LETTERS and letters != word else ()


def _turned(word: str) -> tuple[str, ...]:
    """Return what stands in a word of letters upside down."""
    return (word[::-1].translate(_TURNED),) if not _TURNED_ONLY.isdisjoint(word) else ()


def _letters(text: str) -> str:
    return text if text.isalnum() else "".join(filter(str.isalnum, text))


def _unstretched(word: str) -> tuple[str, ...]:
    """Return "seeex" as "sex" and as "seex", "sseexx" as "sex", "sssseeeexxxx" as both; nothing if not stretched."""
    if len(word) >= _MIN_LETTERS and word[0] == word[1] and word[::2] == word[1::2]:
        return (word[::2], *_unstretched(word[::2]))
    if _THRICE.search(word) is None:
        return ()
    kept: list[str] = []
    for char in word:
        if kept[-2:] != [char, char]:
            kept.append(char)
    twice = "".join(kept)
    once = "".join(char for n, char in enumerate(twice) if n == 0 or char != twice[n - 1])
    return once, twice


def _distinct(found: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reading[:MAX_WORD_CHARS] for reading in found))
