"""Reading a text for drawing and playing: which things, colours, feelings, numbers and rhythms it names.

German and English are read by word lists; in any other language, letters, lengths and punctuation still give rhythm,
density and a fingerprint. The same text and seed always give the same reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from ai4artsed_desktop.domain.language import guess_language
from ai4artsed_desktop.domain.sketchbook import chance, lexicon
from ai4artsed_desktop.domain.sketchbook.colours import COLOUR_WORDS
from ai4artsed_desktop.domain.sketchbook.motifs.base import all_motifs

#: What a picture or piece can take in; the fingerprint still covers the whole text.
MAX_WORDS = 400
MAX_WORD_CHARS = 28
MAX_MENTIONS = 7
MAX_COUNT = 12

#: ISO 639-2 code for "undetermined".
UNKNOWN_LANGUAGE = "und"

_SENTENCE_END = re.compile(r"[.!?…。！？\n]+")
_BREAKS = re.compile(r"[\s,;:.!?…()\[\]{}<>\"“”„«»‹›|/\\=+*_#~`^—–。、！？]+")
#: Pictographs (clocks, star, blocks U+2600 … 27BF and U+1F300 … 1FAFF), without skin tones and flags' letters.
_EMOJI = re.compile("[\u231a-\u23ff\u2b50\u2600-\u27bf\U0001f300-\U0001f3fa\U0001f400-\U0001faff]")
_VOWELS = re.compile(r"[aeiouyäöüáàâéèêëíìîóòôúùûøåæœаеёиоуыэюяαεηιουω]+", re.IGNORECASE)


_WITHOUT_UMLAUT = str.maketrans("äöü", "aou")
_IRREGULAR_PLURALS = frozenset(("children", "people", "men", "women", "leute", "leaves", "wolves", "knives"))


@dataclass(frozen=True, slots=True)
class Mood:
    """How a text feels: valence -1 (sad) … 1 (glad), energy -1 (still) … 1 (wild), tension and darkness 0 … 1."""

    valence: float
    energy: float
    tension: float
    darkness: float


@dataclass(frozen=True, slots=True)
class Mention:
    """One thing the text names: motif id, how many (1 … 12), colour name or None, index of its word."""

    motif: str
    count: int
    colour: str | None
    word_index: int


@dataclass(frozen=True, slots=True)
class Relation:
    """``subject`` is ``place`` (on, under, in, over, between, beside, behind) ``object``; indices of mentions."""

    subject: int
    place: str
    object: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What the Sketchbook knows about a text.

    Attributes:
        words: At most MAX_WORDS words, as written.
        keywords: The words that carry meaning, each once, at most 24; never empty.
        sentence_words: Number of words of each sentence.
        syllables: Syllables of each word, 1 or more (vowel groups: an estimate).
        tempo: -1 (slow) … 1 (fast), from tempo words, energy and word length.
        unrest: 0 … 1, how much word lengths vary.
        density: 0 … 1, how much text there is.
        root: Number all chance is derived from.
    """

    words: tuple[str, ...]
    keywords: tuple[str, ...]
    language: str
    sentence_words: tuple[int, ...]
    syllables: tuple[int, ...]
    mentions: tuple[Mention, ...]
    relations: tuple[Relation, ...]
    colours: tuple[str, ...]
    mood: Mood
    tempo: float
    unrest: float
    density: float
    seed: int
    root: int

    def chance(self, purpose: str) -> Random:
        """Return the seeded source of chance for one purpose."""
        return chance.stream(self.root, purpose)

    def has(self, *motif_ids: str) -> bool:
        """Return whether the text names one of these motifs."""
        return any(mention.motif in motif_ids for mention in self.mentions)

    def summary(self) -> dict[str, object]:
        """Return the reading as JSON values, for the run record."""
        mood = self.mood
        return {
            "language": self.language,
            "motifs": [{"motif": m.motif, "count": m.count, "colour": m.colour} for m in self.mentions],
            "relations": [[r.subject, r.place, r.object] for r in self.relations],
            "colours": list(self.colours),
            "mood": {
                "valence": round(mood.valence, 3),
                "energy": round(mood.energy, 3),
                "tension": round(mood.tension, 3),
                "darkness": round(mood.darkness, 3),
            },
            "tempo": round(self.tempo, 3),
            "words": len(self.words),
        }


def read(text: str, seed: int) -> Reading:
    """Read ``text``. Raises ValueError if nothing in it is visible."""
    words = _split_words(text)
    if not words:
        raise ValueError("a text without visible characters cannot be read")
    root = chance.fingerprint(text, seed)
    folded = tuple(word.casefold() for word in words)
    language = guess_language(text) or UNKNOWN_LANGUAGE
    mentions = _mentions(folded, language, chance.stream(root, "counts"))
    colours = _distinct(COLOUR_WORDS[word] for i, word in enumerate(folded) if _is_colour(folded, i))
    syllables = tuple(_syllables(word) for word in words)
    mood = _mood(folded, text, syllables, mentions, chance.stream(root, "mood"))
    return Reading(
        words=words,
        keywords=_keywords(words, folded),
        language=language,
        sentence_words=_sentence_words(text),
        syllables=syllables,
        mentions=mentions,
        relations=_relations(folded, mentions),
        colours=colours,
        mood=mood,
        tempo=_tempo(folded, mood, syllables),
        unrest=_unrest([len(word) for word in words]),
        density=min(1.0, len(words) / 60),
        seed=seed,
        root=root,
    )


def _split_words(text: str) -> tuple[str, ...]:
    """Return the words; an emoji is a word of its own. Only signs: each visible character counts as a word."""
    words: list[str] = []
    for part in _BREAKS.split(_EMOJI.sub(r" \g<0> ", text)):
        word = part.strip("'’‘-·•&%$§@°´\ufe0f\u200d")
        if any(unicodedata.category(char)[0] in "LN" or _EMOJI.match(char) for char in word):
            words.append(word[:MAX_WORD_CHARS])
        if len(words) == MAX_WORDS:
            break
    return tuple(words) or tuple(c for c in text if unicodedata.category(c)[0] in "SPNLM")[:MAX_WORDS]


@cache
def _motif_forms() -> dict[str, str]:
    return {word.casefold(): motif.id for motif in all_motifs().values() for word in motif.words}


def _motif_of(word: str, language: str) -> tuple[str, bool] | None:
    """Return (motif id, is it a plural by ending) for a folded word, or None."""
    forms = _motif_forms()
    if language in {"de", "en"} and lexicon.ONLY_IN.get(word, language) != language:
        return None
    if word in forms:
        return forms[word], _is_plural(word, forms)
    for ending in ("s", "es", "n", "en", "e", "er", "'s", "’s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and (stem := word[: -len(ending)]) in forms:
            return forms[stem], ending in {"s", "es", "n", "en", "er"}
    if language == "en" or len(word) < 7 or word in lexicon.NOT_COMPOUNDS:
        return None
    heads = [form for form in forms if len(form) >= 4 and word.endswith(form)]
    return (forms[max(heads, key=len)], False) if heads else None


def _is_plural(word: str, forms: Mapping[str, str]) -> bool:
    """Return whether ``word`` is the plural of another known word.

    Tisch-e, Lampe-n, Kind-er, Häus-er, apple-s, butterfl-ies; not Lampe, although it is an English lamp with an e.
    """
    if word in _IRREGULAR_PLURALS or (
        word.translate(_WITHOUT_UMLAUT) != word
        and any(
            word.removesuffix(ending).translate(_WITHOUT_UMLAUT) in forms
            for ending in ("ern", "er", "en", "e", "n", "")
        )
    ):
        return True
    if word.endswith(("s", "n", "er")):
        return word[:-1] in forms or word[:-2] in forms or word[:-3] + "y" in forms
    return word.endswith("e") and word[:-1] in forms and word[:-1] + "s" not in forms


def _mentions(folded: Sequence[str], language: str, random: Random) -> tuple[Mention, ...]:
    found: list[Mention] = []
    for index, word in enumerate(folded):
        match = None if _is_colour(folded, index) else _motif_of(word, language)
        if match is None or any(mention.motif == match[0] for mention in found):
            continue
        count = _count_before(folded, index)
        if count is None:
            count = random.choice((2, 3, 3, 4)) if match[1] else 1
        found.append(Mention(match[0], min(count, MAX_COUNT), _colour_near(folded, index), index))
        if len(found) == MAX_MENTIONS:
            break
    return tuple(found)


def _is_colour(folded: Sequence[str], index: int) -> bool:
    """Return whether the word is a colour; "orange" with an article and no noun behind it is the fruit."""
    if folded[index] != "orange":
        return folded[index] in COLOUR_WORDS
    has_article = index > 0 and (folded[index - 1] in lexicon.NUMBERS or folded[index - 1] in {"the", "die", "der"})
    has_noun = index + 1 < len(folded) and folded[index + 1] not in lexicon.FUNCTION_WORDS
    return not has_article or has_noun


def _count_before(folded: Sequence[str], index: int) -> int | None:
    for word in reversed(folded[max(0, index - 3) : index]):
        if word in lexicon.NUMBERS:
            return lexicon.NUMBERS[word]
        if word.isascii() and word.isdigit():
            return max(1, int(word[:4]))
        if word in lexicon.PLACES or _motif_forms().get(word):
            return None
    return None


def _colour_near(folded: Sequence[str], index: int) -> str | None:
    for word in reversed(folded[max(0, index - 3) : index]):
        if word in COLOUR_WORDS:
            return COLOUR_WORDS[word]
        if word in lexicon.FUNCTION_WORDS or word in lexicon.NUMBERS:
            break
    following = folded[index + 1 : index + 4]
    if len(following) >= 2 and following[0] in {"ist", "sind", "is", "are", "was", "war", "waren", "were", "so"}:
        return next((COLOUR_WORDS[word] for word in following if word in COLOUR_WORDS), None)
    return None


def _relations(folded: Sequence[str], mentions: Sequence[Mention]) -> tuple[Relation, ...]:
    relations: list[Relation] = []
    for position in range(1, len(mentions)):
        between = folded[mentions[position - 1].word_index + 1 : mentions[position].word_index]
        places = [lexicon.PLACES[word] for word in between if word in lexicon.PLACES]
        if places:
            relations.append(Relation(position - 1, places[-1], position))
    return tuple(relations)


def _mood(
    folded: Sequence[str], text: str, syllables: Sequence[int], mentions: Sequence[Mention], random: Random
) -> Mood:
    felt: list[tuple[float, float, float]] = []
    for index, word in enumerate(folded):
        feeling = next((f for stem, f in lexicon.FEELINGS if lexicon.begins(word, stem)), None)
        if feeling is None:
            continue
        negated = any(before in lexicon.NEGATIONS for before in folded[max(0, index - 2) : index])
        felt.append((-0.7 * feeling[0], feeling[1] * 0.5, feeling[2]) if negated else feeling)
    exclaimed = min(0.6, 0.2 * (text.count("!") + text.count("?") * 0.5))
    pace = 0.5 * (1.7 - sum(syllables) / len(syllables))
    drift = [random.uniform(-0.35, 0.35) for _ in range(3)]
    weight = 0.25 if felt else 1.0
    valence, energy, tension = (
        (sum(feeling[axis] for feeling in felt) / len(felt) if felt else 0.0) + weight * drift[axis]
        for axis in range(3)
    )
    dark = sum(lexicon.begins(word, stem) for word in folded for stem in lexicon.DARK_WORDS)
    dark += sum(mention.motif in lexicon.DARK_MOTIFS for mention in mentions)
    bright = sum(lexicon.begins(word, stem) for word in folded for stem in lexicon.BRIGHT_WORDS)
    bright += sum(mention.motif in lexicon.BRIGHT_MOTIFS for mention in mentions)
    darkness = 0.5 * (dark - bright) / max(1, min(3, dark + bright)) + 0.25 - 0.25 * valence + 0.15 * tension
    return Mood(
        valence=_clamp(valence, -1, 1),
        energy=_clamp(energy + weight * pace + exclaimed, -1, 1),
        tension=_clamp(tension + 0.4 * exclaimed, 0, 1),
        darkness=_clamp(darkness, 0, 1),
    )


def _tempo(folded: Sequence[str], mood: Mood, syllables: Sequence[int]) -> float:
    named = [tempo for word in folded for stem, tempo in lexicon.TEMPO_WORDS if lexicon.begins(word, stem)]
    pace = _clamp(1.8 - sum(syllables) / len(syllables), -1, 1)
    implied = 0.7 * mood.energy + 0.3 * pace
    return _clamp(0.7 * sum(named) / len(named) + 0.3 * implied if named else implied, -1, 1)


def _syllables(word: str) -> int:
    return max(1, min(8, len(_VOWELS.findall(word))))


def _sentence_words(text: str) -> tuple[int, ...]:
    counts = (len(_split_words(sentence)) for sentence in _SENTENCE_END.split(text[:20_000]) if sentence.strip())
    return tuple(count for count in counts if count)[:40] or (1,)


def _keywords(words: Sequence[str], folded: Sequence[str]) -> tuple[str, ...]:
    strong = [w for w, f in zip(words, folded, strict=True) if f not in lexicon.FUNCTION_WORDS and len(f) > 1]
    strong = strong or [word for word in words if not _EMOJI.match(word)]
    return _distinct(strong or words)[:24]


def _unrest(lengths: Sequence[int]) -> float:
    mean = sum(lengths) / len(lengths)
    spread = (sum((length - mean) ** 2 for length in lengths) / len(lengths)) ** 0.5
    return min(1.0, spread / max(1.0, mean))


def _distinct(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
