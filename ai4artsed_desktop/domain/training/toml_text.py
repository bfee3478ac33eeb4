"""Writes the trainer's file.

Plain values only, because it is read by the ``toml`` package 0.10.2, not by a full TOML reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ai4artsed_desktop.domain.training.options import OptionValue

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f]')


def toml_text(sections: Mapping[str, Mapping[str, OptionValue]]) -> str:
    """Return the file's text, one table per section.

    The trainer flattens the tables, and of a key that stands in two of them the later wins silently: that is a bug of
        ours.
    """
    seen: set[str] = set()
    blocks: list[str] = []
    for name, options in sections.items():
        assert not seen & options.keys(), f"written twice: {seen & options.keys()}"
        seen |= options.keys()
        if options:
            lines = [f"{key} = {_value(value)}" for key, value in options.items()]
            blocks.append("\n".join([f"[{name}]", *lines]))
    return "\n\n".join(blocks) + "\n"


def _value(value: OptionValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + _TO_ESCAPE.sub(lambda match: _escaped(match.group()), value) + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return repr(value)


def _escaped(char: str) -> str:
    return _ESCAPES.get(char, f"\\u{ord(char):04x}")
