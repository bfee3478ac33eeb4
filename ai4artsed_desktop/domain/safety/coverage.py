"""Which language a text is in, and whether our term lists can answer for it.

Offline and by rules: scripts, letters that only one language has, and the small words that every sentence needs. A text
too short to tell counts as covered, because every list is applied to every text anyway; a longer one in which no word
of a covered language stands does not.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from ai4artsed_desktop.domain.safety.folding import fold
from ai4artsed_desktop.domain.safety.tokens import script_of

_WORD = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"[^.!?;\n؟؛…]+")
#: From so many words on, a Latin text without one small word of a covered language is in another one.
_ENOUGH_WORDS = 8
#: Foreign small words in one sentence that make it a foreign one, if covered languages have fewer there.
_ENOUGH_FOREIGN = 2


def _words(text: str) -> frozenset[str]:
    return frozenset(_key(word) for word in text.split())


def _key(word: str) -> str:
    """Return a word as it is compared: with its marks, which tell Turkish "şu" from Spanish "su"."""
    return word.lower() if word.isascii() else unicodedata.normalize("NFC", word.lower())


#: Small words; those that a covered language has too are left out of the others further down.
_COVERED = {
    "de": _words(
        """der die das den dem des ein eine einen einem einer eines und oder aber auf mit ist sind nicht von zu zum zur
        im in am an bei nach für über unter wie ich du er sie es wir ihr auch noch schon nur wenn weil dass sehr mein
        meine dein sein kein keine wird werden war hat hatte haben durch gegen ohne zwischen vor aus als um man kann
        soll beim
        ins vom alle viele zwei drei"""
    ),
    "en": _words(
        """the a an and or but on with is are not of to at in by after for over under how i you he she it we they also
        still only if because that very my your his her our their its no will would can had have has through against
        without between before from as was were be this these there where what which who two three all into like"""
    ),
    "fr": _words(
        """le la les un une des du de et ou mais sur avec est sont pas dans par pour sous je tu il elle nous vous
        ils elles aussi si parce que qui mon ma mes ton ta son sa ses leur au aux ce cet cette ces très plus sans entre
        avant après comme était être avoir fait deux trois tout tous dont où qu"""
    ),
    "tr": _words(
        """bir ve veya ama ile için değil bu şu o ben sen biz siz onlar çok daha en gibi kadar sonra önce üzerinde
        altında içinde var yok ne nasıl her bütün mi mı mu mü da de ki olan oldu olur iki üç eski yeni büyük küçük"""
    ),
}
#: Small words of languages that our lists do not cover, enough to notice a sentence.
_FOREIGN = {
    "es": _words(
        """el la los las lo un una unos y o pero con es está son no en de del por para muy más sin sobre que como su
        sus yo se al mi tu porque cuando donde bajo"""
    ),
    "it": _words(
        """il lo la gli le i un uno una e o ma con è sono non in per del della di che molto più senza sopra come suo
        nel mio tuo si perché quando dove sotto"""
    ),
    "pt": _words(
        """o a os as um uma e ou mas com é está são não em de por para do da no na muito mais sem sobre que como seu
        se meu porque quando onde"""
    ),
    "nl": _words(
        """de het een en of maar op met is zijn niet van naar voor onder hoe ik jij hij zij wij ook nog dat zeer in
        die was mijn omdat"""
    ),
    "pl": _words(
        """i lub ale na z jest są nie do w po dla pod jak ja ty on ona my też tylko że bardzo mój się przez bez bo
        gdy"""
    ),
    "sv": _words(
        """och eller men på med är inte av till i för under hur jag du han hon vi också bara att mycket min en ett"""
    ),
    "da": _words(
        """og eller men på med er ikke af til i for under hvordan jeg du han hun vi også kun at meget min en et"""
    ),
    "ro": _words("și sau dar pe cu este sunt nu de la în după pentru sub cum eu tu el ea noi foarte un o care din"),
    "cs": _words("a nebo ale na s je jsou není z do v po pro pod jak já ty on ona my také jen že velmi můj se bez"),
    "hu": _words(
        """a az és vagy de van nem egy ez hogy mint csak nagyon én te ő mi is meg alatt után nélkül között mert"""
    ),
    "sq": _words("dhe ose por me është janë nuk nga për një në unë ti ai ajo ne shumë si të"),
    "hr": _words("i ili ali na s je su nije od do u za pod kako ja ti on ona mi također samo da vrlo moj se bez"),
    "sk": _words(
        "a alebo ale na s je sú nie z do v po pre pod ako ja ty on ona my tiež len že veľmi môj sa lebo si aj"
    ),
    "fi": _words("ja tai mutta on ei se että koska hyvin hän minä sinä kun niin kuin ovat oli myös joka"),
    "et": _words("ja või aga on ei see ta et sest väga ma sa kui nii ka oli kes peal all"),
    "lt": _words("ir arba bet yra ne su iš ant po kad nes labai aš tu jis ji taip kaip buvo"),
    "lv": _words("un vai bet ir nav ar no uz zem ka jo ļoti es tu viņš viņa kā bija"),
    "id": _words("yang di dan itu ini dengan untuk tidak dia karena sangat dari ke saya kamu adalah pada akan"),
    "vi": _words("và hoặc nhưng là không của trên dưới rất vì nó tôi bạn một những với có cho"),
    "ku": _words("û an lê li bi ye ne ji bo di ez tu ew em pir wek yek"),
}
#: Endings that are common in a covered language and hardly anywhere in the others: they show that a text without small
#: words ("Everything far too big") is no foreign one.
_ENDINGS = (
    *("ing", "ght", "ness", "tion", "sion", "ful", "ted", "red", "led", "ked", "ck", "sh", "oo", "ee", "ery", "ough"),
    *("den", "nce", "ain", "out", "rry", "ild", "and", "ove", "ird", "oof", "ook", "ood", "ar", "le", "ow", "ay", "ty"),
    *(
        "ung",
        "keit",
        "heit",
        "chen",
        "lich",
        "isch",
        "ein",
        "tz",
        "pf",
        "sch",
        "cht",
        "eln",
        "nen",
        "tte",
        "ssen",
        "ier",
    ),
    *("eau", "eux", "euse", "ique", "ment", "ette", "oir", "lar", "ler", "yor", "mak", "mek"),
)
#: Letters that of all languages here only these have.
_LETTERS = {
    "de": "ß", "tr": "ğı", "fr": "œ", "es": "ñ¿¡", "pt": "ãõ", "pl": "ąęłżźśń", "sv": "å", "da": "ø", "ro": "țșă",
    "cs": "řěů", "hu": "őű", "hr": "đ",
}  # fmt: skip
_LETTER_LANGUAGE = {letter: language for language, letters in _LETTERS.items() for letter in letters}
#: Letters that Ukrainian, or Arabic, has not: the text is in a neighbour's language.
#: Small words of Russian that Ukrainian spells otherwise.
_RUSSIAN_ONLY = frozenset(
    ["и", "что", "как", "это", "она", "они", "его", "её", "есть", "только", "или", "очень", "мне"]
)
_NOT_UKRAINIAN = frozenset("ыэъёўђјљњћџ")
_NOT_ARABIC = frozenset("پچژگکیڤٹڈڑےۀۆێڵ")
#: What a sentence may be in without being a foreign one.
_ANSWERED = frozenset((*_COVERED, "uk", "ar", ""))
_SHARED = frozenset(word for words in _COVERED.values() for word in words)
#: The small words of all covered languages, folded as the lists are.
SMALL_WORDS = frozenset(fold(word) for word in _SHARED)
_FOREIGN_ONLY = {language: words - _SHARED for language, words in _FOREIGN.items()}
#: Small word → the covered languages that have it, or the other ones.
_LANGUAGES_OF = {
    word: tuple(language for language, words in (*_COVERED.items(), *_FOREIGN_ONLY.items()) if word in words)
    for word in {word for words in (*_COVERED.values(), *_FOREIGN_ONLY.values()) for word in words}
}


@dataclass(frozen=True, slots=True)
class Coverage:
    """The main language of a text (None = too little to tell), and the first passage that no list answers for."""

    language: str | None
    uncovered: str = ""


def cover(text: str) -> Coverage:
    """Return the language of ``text`` and whether the lists cover all of it. Linear in its length."""
    votes: Counter[str] = Counter()
    uncovered, latin = "", 0
    for sentence in _SENTENCE.findall(text):
        words = _WORD.findall(sentence)
        if not words:
            continue
        latin += len(words) if sentence.isascii() else sum(word[0] < "\u0250" for word in words)
        if not (given := _votes(words)):
            continue
        found = {language: given.count(language) for language in dict.fromkeys(given)}
        uncovered = uncovered or _foreign(words, found)
        for language, count in found.items():
            if count > 1 or language in _COVERED:
                votes[language] += count
    language = votes.most_common(1)[0][0] if votes else None
    is_silent = latin >= _ENOUGH_WORDS and not any(votes[name] for name in _COVERED)
    if not uncovered and is_silent and not any(fold(word).endswith(_ENDINGS) for word in _WORD.findall(text)):
        uncovered = " ".join(text.split())
    return Coverage(language, uncovered[:80])


def _votes(words: list[str]) -> list[str]:
    found: list[str] = []
    for word in words:
        lower = word.lower()
        if lower.isascii():
            if lower in _LANGUAGES_OF:
                found += _LANGUAGES_OF[lower]
            continue
        if lower[0] >= "\u0370":
            found.append(_by_script(lower))
            continue
        found += _LANGUAGES_OF.get(_key(lower), ())
        found += (_LETTER_LANGUAGE[char] for char in lower if char in _LETTER_LANGUAGE)
        if any(char in "äöü" for char in lower):
            found += ("de", "tr") if "ä" not in lower else ("de",)
    return found


def _by_script(word: str) -> str:
    script = script_of(word[0])
    if script == "CYRILLIC":
        is_other = any(char in _NOT_UKRAINIAN for char in word) or word in _RUSSIAN_ONLY
        return "ru" if is_other else "uk"
    if script == "ARABIC":
        return "fa" if any(char in _NOT_ARABIC for char in word) else "ar"
    # Fullwidth and mathematical letters are Latin ones in disguise; what lies beneath is looked at by the lists.
    return "" if script in {"FULLWIDTH", "MATHEMATICAL", "SQUARED", "NEGATIVE", "CIRCLED", "REGIONAL"} else script


def _foreign(words: list[str], found: dict[str, int]) -> str:
    """Return the sentence if it is in a language that no list covers, else ``""``.

    Of a Latin language two words of its own must be there, and more of all its small words than of a covered one's.
    """
    if found.keys() <= _ANSWERED:
        return ""
    known = max(found.get(name, 0) for name in (*_COVERED, "uk", "ar"))
    for language, count in found.items():
        if language in _ANSWERED:
            continue
        is_script = language.isupper() or language in {"ru", "fa"}
        if is_script and any(
            (len(word) > 1 or language == "ru") and _by_script(word.lower()) == language for word in words
        ):
            return " ".join(words)
        if not is_script and count >= _ENOUGH_FOREIGN:
            small = _FOREIGN[language]
            if sum(_key(word) in small for word in words) > known:
                return " ".join(words)
    return ""
