"""Words of a text with their places. Linear in the length of the text, whatever stands in it."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Set
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import unquote

from ai4artsed_desktop.domain.safety.folding import LEET, readings

#: Marks and format characters that may stand inside a word, seen or unseen.
_INSIDE = (
    "\u00ad\u034f\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u061c\u064b-\u065f\u0670\u06d6-\u06dc\u180b-\u180e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u2800\ufe00-\ufe0f\ufe20-\ufe2f\ufeff"
    "\U000e0001-\U000e007f"
)
#: Letters in circles and squares, and those of flags.
_SIGN_LETTERS = "\u24b6-\u24e9\U0001f130-\U0001f1ff"
#: In runs of plain letters and runs of the others: quicker than one by one.
_WORD = re.compile(rf"(?:[^\W_]+|[{_INSIDE}@$€{_SIGN_LETTERS}])(?:[^\W_]+|[{_INSIDE}@$€!|+*¡^{_SIGN_LETTERS}]+)*")
_SENTENCE_END = re.compile(r"[.!?;\n؟؛…]")
#: Tags, and escapes of single characters in HTML, addresses and JSON.
_TAG = re.compile(r"</?[a-zA-Z!][^<>]{0,60}>")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_CODED = re.compile(rf"{_TAG.pattern}|&#?\w{{1,8}};|%[0-9a-fA-F]{{2}}|\\u[0-9a-fA-F]{{4}}|\\x[0-9a-fA-F]{{2}}")
#: What may stand between the parts of a word that was cut to hide it ("por-no"); a space may not: "the pen is red".
_JOINT = re.compile(r"[-_.,·•:/\\|~=*'’ʼ‐-―]{1,3}")
#: What may stand between the parts of a word that was cut by a space or at the end of a line.
_GAP = re.compile(r"[^\S\n]|-?[^\S\n]?\n[^\S\n]?")
#: Shorter words are not looked for in two such parts, or in other pieces.
_MIN_CUT, _MIN_PIECED = 4, 3
#: Words that ask to read something from the right, in the languages of the lists.
_BACKWARDS = (
    *("rückwärts", "rueckwaerts", "umgedreht", "umgekehrt", "backward", "reverse"),
    *("à l'envers", "à l’envers", "tersten", "навпаки", "задом", "بالعكس", "معكوس"),
)
#: What may stand between single letters ("s e x").
_SPREAD_CHARS = 4
#: Pieces of one word, at most.
_MAX_JOINED = 8
_MAX_SPREAD = 16


class Token(NamedTuple):
    """One word: its readings (see ``folding.readings``), its place, and the number of its sentence."""

    readings: tuple[str, ...]
    start: int
    end: int
    sentence: int = 0
    has_mask: bool = False


def tokenize(text: str) -> list[Token]:
    """Return the words of ``text`` in order."""
    found: list[Token] = []
    sentence = at = 0
    lower = text.lower()
    is_reversed = "\u202e" in text or any(word in lower for word in _BACKWARDS)
    for match in _WORD.finditer(text):
        start, end = match.span()
        # Most words have one space between them.
        if found and not (start - at == 1 and text[at] == " ") and _SENTENCE_END.search(text, at, start):
            sentence += 1
        at = end
        word = match.group()
        read = readings(word)
        if is_reversed:
            read = (*read, *(reading[::-1] for reading in read))
        if read[0] or any(read):
            found.append(Token(read, start, end, sentence, "*" in word))
        if not word.islower() and not word[1:].islower() and not word.isupper():
            found += _humps(word, start, sentence)
    return found


def joined(tokens: list[Token], text: str, is_known: Callable[[str], bool], small: Set[str]) -> list[Token]:
    """Return known words that were cut: joined by signs ("por-no"), spread out ("s e x"), or in parts ("por no").

    Args:
        is_known: Tells whether a word is listed as such (pieces that happen to begin like a listed word do not
            count); asked very often.
        small: Words, folded, that sentences need ("is"): they are no parts of others.
    """
    return [
        *_by_signs(tokens, text, is_known),
        *_by_letters(tokens, is_known),
        *_by_spaces(tokens, text, is_known, small),
    ]


def coded_text(text: str) -> tuple[str, int, int]:
    """Return a text without tags and with its escapes undone (``&#112;``, ``%70``, ``\\u0070``), and where they stand.

    The place is from the first to the end of the last; ``("", 0, 0)`` for a text that has none.
    """
    if "<" not in text and "&" not in text and "%" not in text and "\\" not in text:
        return "", 0, 0
    places = [match.span() for match in _CODED.finditer(text)]
    if not places:
        return "", 0, 0
    plain = _ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), html.unescape(_TAG.sub("", text)))
    return unquote(plain), places[0][0], places[-1][1]


def hidden_text(text: str) -> str:
    """Return what is written in Unicode's invisible tag characters (U+E0020 … U+E007E), ``""`` if nothing is."""
    if not text or max(text) < "\U000e0020":
        return ""
    return "".join(chr(ord(char) - 0xE0000) for char in text if 0xE0020 <= ord(char) <= 0xE007E)


def _humps(word: str, start: int, sentence: int) -> list[Token]:
    """Return the parts of "NackteFrau", nothing for a word of one part."""
    cuts = [n for n in range(1, len(word)) if word[n].isupper() and word[n - 1].islower()]
    if not cuts:
        return []
    edges = [0, *cuts, len(word)]
    return [Token(readings(word[a:b]), start + a, start + b, sentence) for a, b in pairwise(edges)]


def _by_signs(tokens: list[Token], text: str, is_known: Callable[[str], bool]) -> Iterator[Token]:
    run: list[Token] = []
    end = 0
    for token in tokens:
        if token.start < end:
            continue  # a part of the word before it
        at, end = end, token.end
        if not run or text[at] == " " or not _JOINT.fullmatch(text, at, token.start):
            run = [token]
            continue
        run = [*run[1 - _MAX_JOINED :], token]
        yield from _known(run, len(run) - 1, is_known)


def _by_spaces(tokens: list[Token], text: str, is_known: Callable[[str], bool], small: Set[str]) -> Iterator[Token]:
    """Yield known words in two or three parts. Called for every word, hence no list is made."""
    before: Token | None = None
    last: Token | None = None
    end = 0
    for token in tokens:
        if token.start < end:
            continue  # a part of the word before it
        word = token.readings[0]
        if word in small or not word.isalpha():
            before, last, end = None, None, token.end
            continue
        is_near = (token.start - end == 1 and text[end] == " ") or _GAP.fullmatch(text, end, token.start) is not None
        before, last = (before, last) if is_near else (None, None)
        if last is not None:
            whole = last.readings[0] + word
            if len(whole) >= _MIN_CUT and is_known(whole):
                yield Token((whole,), last.start, token.end, last.sentence)
            if before is not None and is_known(longer := before.readings[0] + whole):
                yield Token((longer,), before.start, token.end, before.sentence)
        before, last, end = last, token, token.end


def _by_letters(tokens: list[Token], is_known: Callable[[str], bool]) -> Iterator[Token]:
    run: list[Token] = []
    for token in tokens:
        if len(token.readings[0]) != 1:
            if run:
                run = []
            continue
        if run and token.start - run[-1].end > _SPREAD_CHARS:
            run = []
        run = [*run[1 - _MAX_SPREAD :], token]
        if len(run) > 2:
            yield from _known(run, len(run) - 2, is_known)


def _known(run: list[Token], beginnings: int, is_known: Callable[[str], bool]) -> Iterator[Token]:
    """Yield the known words that end where ``run`` ends and begin at one of its first tokens."""
    word = "".join(token.readings[0] for token in run)
    leet = word.translate(LEET)
    at = 0
    for first in run[:beginnings]:
        for reading in (word[at:], leet[at:]) if leet != word else (word[at:],):
            if len(reading) >= _MIN_PIECED and is_known(reading):
                yield Token((reading,), first.start, run[-1].end, first.sentence)
        at += len(first.readings[0])


def script_of(char: str) -> str:
    """Return the first word of a character's Unicode name, which is its script for letters; ``""`` if it has none."""
    return unicodedata.name(char, "").partition(" ")[0]
