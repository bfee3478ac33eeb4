"""The words in JavaScript: what its strings and comments say. Names of variables and functions are nobody's text."""

from __future__ import annotations

_QUOTES = "'\"`"


def words_of_code(code: str) -> str:
    """Return the contents of all strings and comments of ``code``, one per line. Linear; never fails on broken code.

    A quotation mark inside a regular expression makes the scanner read code as a string or the other way round until
    the line ends: more is checked then, or one line is not. What a sketch draws is checked as a picture, too.
    """
    found: list[str] = []
    at, size = 0, len(code)
    while at < size:
        char = code[at]
        if char in _QUOTES:
            end = _string_end(code, at)
            found.append(code[at + 1 : end])
        elif code.startswith("//", at):
            end = code.find("\n", at)
            end = size if end < 0 else end
            found.append(code[at + 2 : end])
        elif code.startswith("/*", at):
            end = code.find("*/", at + 2)
            end = size if end < 0 else end + 1
            found.append(code[at + 2 : end - 1])
        else:
            end = at
        at = end + 1
    return "\n".join(part for part in found if part.strip())


def _string_end(code: str, at: int) -> int:
    """Return the index of the quotation mark that closes the one at ``at``, or of the line's end."""
    quote, size = code[at], len(code)
    end = at + 1
    while end < size and code[end] != quote and (quote == "`" or code[end] != "\n"):
        end += 2 if code[end] == "\\" else 1
    return min(end, size)


def looks_like_code(text: str) -> bool:
    """Tell whether a text is a program rather than a sentence: braces or calls, and many of their signs."""
    signs = sum(text.count(sign) for sign in "{}();=")
    return signs * 20 >= len(text) and "(" in text and any(mark in text for mark in ("{", "()", ");"))


def split_code(text: str) -> tuple[str, str]:
    """Return what a model said around its code, and the code: what stands in fences, or all of it if there are none."""
    parts = text.split("```")
    if len(parts) == 1:
        return "", text
    # The first line of a fence names the language.
    code = (part.partition("\n")[2] for part in parts[1::2])
    return "\n".join(parts[0::2]).strip(), "\n".join(code)
