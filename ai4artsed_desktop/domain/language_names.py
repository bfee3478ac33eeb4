"""How languages are called where a model is told to write in one. What people read stands in the language files."""

from __future__ import annotations

from ai4artsed_desktop.domain.text import localized

#: By ISO 639-1 code: as in "translate into German" and "ins Deutsche übersetzen".
_NAMES = {
    "ar": {"en": "Arabic", "de": "Arabische"},
    "de": {"en": "German", "de": "Deutsche"},
    "el": {"en": "Greek", "de": "Griechische"},
    "en": {"en": "English", "de": "Englische"},
    "es": {"en": "Spanish", "de": "Spanische"},
    "fr": {"en": "French", "de": "Französische"},
    "he": {"en": "Hebrew", "de": "Hebräische"},
    "it": {"en": "Italian", "de": "Italienische"},
    "ja": {"en": "Japanese", "de": "Japanische"},
    "ko": {"en": "Korean", "de": "Koreanische"},
    "nl": {"en": "Dutch", "de": "Niederländische"},
    "pl": {"en": "Polish", "de": "Polnische"},
    "pt": {"en": "Portuguese", "de": "Portugiesische"},
    "ru": {"en": "Russian", "de": "Russische"},
    "tr": {"en": "Turkish", "de": "Türkische"},
    "uk": {"en": "Ukrainian", "de": "Ukrainische"},
    "zh": {"en": "Chinese", "de": "Chinesische"},
}


def target_name(code: str, language: str) -> str:
    """Return a language's name as the target of a translation, said in ``language``.

    Raises:
        KeyError: The code is none that ``guess_language`` returns (a bug).
    """
    return localized(_NAMES[code], language)
