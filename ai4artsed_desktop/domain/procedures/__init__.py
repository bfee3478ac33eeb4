"""Historical text procedures as pure functions with a seed: ONE FILE PER PROCEDURE, found by discovery.

They are procedures, not AI, and are labelled so wherever they appear.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from ai4artsed_desktop.domain.errors import ParameterError
from ai4artsed_desktop.domain.procedures.base import Procedure


def discover_procedures() -> dict[str, Procedure]:
    """Return every procedure of this package by id, sorted: each module that has a ``PROCEDURE``."""
    found: dict[str, Procedure] = {}
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        procedure = getattr(import_module(f"{__name__}.{name}"), "PROCEDURE", None)
        if isinstance(procedure, Procedure):
            assert procedure.id == name, f"{name}.py holds the procedure {procedure.id}"
            found[name] = procedure
    return found


def resolve_options(procedure: Procedure, values: Mapping[str, object]) -> dict[str, int | float | str]:
    """Return the procedure's options: its defaults, overridden by ``values`` (names in any case).

    Raises:
        ParameterError: If a name is unknown, or a value has a wrong type, is out of range or no choice.
    """
    options = {name: spec[0] for name, spec in procedure.options.items()}
    for key, value in values.items():
        name = key.casefold()
        if name not in options:
            raise ParameterError(name=key, value=str(value), expected=", ".join(options) or "-")
        options[name] = _checked(name, value, procedure.options[name])
    return options


def _checked(name: str, value: object, spec: tuple[int | float | str, ...]) -> int | float | str:
    default, *rest = spec
    if isinstance(default, str):
        if isinstance(value, str) and value in rest:
            return value
        raise ParameterError(name=name, value=str(value), expected=", ".join(str(choice) for choice in rest))
    low, high = (float(bound) for bound in rest)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ParameterError(name=name, value=str(value), expected=f"{rest[0]} … {rest[1]}")
    if isinstance(default, float):
        return float(value)
    if value != int(value):
        raise ParameterError(name=name, value=str(value), expected=f"{rest[0]} … {rest[1]}")
    return int(value)
