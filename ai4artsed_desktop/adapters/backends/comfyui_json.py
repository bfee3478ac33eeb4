"""Reads the server's JSON without trusting its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

JsonObject = Mapping[str, object]
_EMPTY: JsonObject = {}


def as_object(value: object) -> JsonObject:
    """Return ``value`` if it is an object, else an empty one."""
    return cast("JsonObject", value) if isinstance(value, Mapping) else _EMPTY


def as_list(value: object) -> list[object]:
    """Return ``value`` if it is a list, else an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """Return ``value`` if it is a text, else ``""``."""
    return value if isinstance(value, str) else ""


def as_number(value: object) -> float | None:
    """Return ``value`` if it is a number, else None."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
