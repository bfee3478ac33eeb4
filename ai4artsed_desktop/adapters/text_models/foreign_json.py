"""Values out of JSON that others wrote: what has not the agreed shape counts as not there."""

from __future__ import annotations

from typing import Any, cast

#: Beyond this a figure is nonsense; whole numbers in JSON may have thousands of digits, and others be infinite.
_LARGEST = 1e30


def table(value: object) -> dict[str, Any]:
    """Return an object as it is, anything else as an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """Return a list as it is, anything else as an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def number(value: object) -> float | None:
    """Return a number that can be reckoned with, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -_LARGEST < value < _LARGEST else None


def whole(value: object) -> int | None:
    """Return a number above 0 without its fraction, None for anything else."""
    found = number(value)
    return int(found) if found is not None and found > 0 else None


def words(value: object) -> str:
    """Return a text as it is, anything else as an empty one."""
    return value if isinstance(value, str) else ""
