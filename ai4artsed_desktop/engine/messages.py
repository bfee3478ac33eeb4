"""Words for keys: the language files as a lookup. Window and command line share it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.text import FALLBACK_LANGUAGE


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error in the person's words: what did not happen, why, and what can be done now."""

    what: str
    why: str
    next: str

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.next) if part)


class Messages:
    """Texts of one language, falling back to English, and to the key itself so that a gap is seen and not fatal.

    Args:
        tables: ``{language: {key: text}}``; texts hold ``{name}`` placeholders.
        language: Such as ``de``; an unknown one means English.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, str]], language: str) -> None:
        self._tables = tables
        self.language = language if language in tables else FALLBACK_LANGUAGE

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages there are files for."""
        return tuple(sorted(self._tables))

    def has(self, key: str) -> bool:
        """Tell whether there is a text for ``key`` in any of the two languages asked."""
        return self._find(key) is not None

    def text(self, key: str, /, **params: object) -> str:
        """Return the text for ``key`` with its placeholders filled; one without a value stays visible as ``{name}``."""
        template = self._find(key)
        if template is None:
            return key
        return Formatter().vformat(template, (), _Visible(params)) if params or "{" in template else template

    def error(self, error: ErrorInfo) -> ErrorText:
        """Return the three lines of an error; a parameter that is itself a key is translated, with the others in it.

        One called ``why`` takes the place of the second line: it knows more than can be said in every case.
        """
        given = error.params
        params = {name: self.text(value, **given) if self.has(value) else value for name, value in given.items()}
        code = error.code if self.has(f"{error.code}.what") else "error.unexpected"
        what, why, then = (self.text(f"{code}.{part}", **params).strip() for part in ("what", "why", "next"))
        return ErrorText(what, params["why"] if self.has(given.get("why", "")) else why, then)

    def in_language(self, language: str) -> Messages:
        """Return the same tables seen in another language."""
        return Messages(self._tables, language)

    def _find(self, key: str) -> str | None:
        for language in (self.language, FALLBACK_LANGUAGE):
            if (found := self._tables.get(language, {}).get(key)) is not None:
                return found
        return None


class _Visible(dict[str, object]):
    """Leaves placeholders without a value as they are."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"
