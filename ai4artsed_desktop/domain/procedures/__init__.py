"""Historical text procedures as pure functions with a seed: ONE FILE PER PROCEDURE, found by discovery.

They are procedures, not AI, and are labelled so wherever they appear.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

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
