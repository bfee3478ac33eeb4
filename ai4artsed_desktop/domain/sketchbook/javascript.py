"""Writing JavaScript safely: every word of a text enters the code as a JSON literal that cannot break out."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import cast

#: Code points that end a line in older JavaScript, or change how the code around them is displayed.
_INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}


@dataclass(frozen=True, slots=True)
class Name:
    """A JavaScript identifier of ours (a function of the motif library), written without quotes."""

    text: str


@dataclass(frozen=True, slots=True)
class Constant:
    """One line ``const NAME = value; // comment`` at the top of a sketch, meant to be edited."""

    name: str
    value: object
    comment: str


def literal(value: object) -> str:
    """Return ``value`` (numbers, text, lists, dicts, Name) as JavaScript source.

    Text is a JSON string in which ``<`` before ``/`` or ``!``, line separators, invisible and unassigned characters are
    escaped: it is safe in a script element, in a comment and in every JavaScript version.
    """
    if isinstance(value, Name):
        return value.text
    if isinstance(value, float):
        return f"{round(value, 4):g}"
    if isinstance(value, (list, tuple)):
        return _wrapped([literal(item) for item in cast("list[object]", value)], "[", "]")
    if isinstance(value, dict):
        pairs = [f"{key}: {literal(item)}" for key, item in cast("dict[str, object]", value).items()]
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, str):
        return _text_literal(value)
    return json.dumps(value)


def declare(constant: Constant) -> str:
    """Return the declaration of one constant; a long comment stands on its own line above it."""
    declaration = f"const {constant.name} = {literal(constant.value)};"
    if not constant.comment:
        return declaration
    if "\n" in declaration or len(declaration) + len(constant.comment) > 110:
        return f"// {constant.comment}\n{declaration}"
    return f"{declaration} // {constant.comment}"


def comment_line(text: str) -> str:
    """Return ``text`` as one comment line; nothing in it can end the comment."""
    return "// " + _text_literal(text)[1:-1].replace('\\"', '"')


def _wrapped(items: list[str], opening: str, closing: str) -> str:
    one_line = opening + ", ".join(items) + closing
    if len(one_line) <= 96 and "\n" not in one_line:
        return one_line
    lines: list[str] = []
    for item in items:
        if lines and len(lines[-1]) + len(item) < 96 and not item.startswith("{"):
            lines[-1] += f" {item},"
        else:
            lines.append(f"  {item},")
    return "\n".join([opening, *lines, closing])


def _text_literal(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    quoted = re.sub(r"<(?=[/!sS])", r"\\u003c", quoted)
    return "".join(_escaped(char) if unicodedata.category(char) in _INVISIBLE else char for char in quoted)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
