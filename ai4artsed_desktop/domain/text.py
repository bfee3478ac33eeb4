"""Text in several languages, and what is done to every text that comes from outside."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field

#: The language shown when an entry has none of the person's languages.
FALLBACK_LANGUAGE = "en"


def _as_mapping(value: object) -> object:
    return {FALLBACK_LANGUAGE: value} if isinstance(value, str) else value


#: ``{language: text}``; a plain string in a file counts as English.
LocalizedText = Annotated[dict[str, str], BeforeValidator(_as_mapping), Field(min_length=1)]


def localized(texts: Mapping[str, str], language: str) -> str:
    """Return the text for ``language``, else English, else any; ``""`` if there is none at all."""
    for candidate in (language, FALLBACK_LANGUAGE, *texts):
        if text := texts.get(candidate):
            return text
    return ""


def clean_text(text: str) -> str:
    """Return ``text`` without characters that no model, file or renderer can take.

    Line ends become ``\\n``; NUL and other control characters, lone surrogates and non-characters go; everything a
    person can have meant (emoji, joiners, right-to-left marks, combining marks) stays. Normalised to NFC.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kept = (c for c in text if c in "\n\t" or (unicodedata.category(c) not in {"Cc", "Cs"} and not _is_noncharacter(c)))
    return unicodedata.normalize("NFC", "".join(kept))


def _is_noncharacter(char: str) -> bool:
    point = ord(char)
    return 0xFDD0 <= point <= 0xFDEF or point & 0xFFFE == 0xFFFE


def strings_in(tree: object) -> Iterator[str]:
    """Yield every string of a JSON structure, of any depth; keys are ours and are left out."""
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, Mapping):
            waiting.extend(cast("Mapping[str, Any]", part).values())
        elif isinstance(part, list | tuple):
            waiting.extend(cast("list[Any]", part))
