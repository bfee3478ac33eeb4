"""The trainer's families, one file each with ``FAMILY``, found by discovery."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.domain.training.families.base import TrainerFamily


@cache
def discover_families() -> dict[str, TrainerFamily]:
    """Return the families by id, those that need least first."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if found.name != "base"]
    found: list[TrainerFamily] = [importlib.import_module(f"{__name__}.{name}").FAMILY for name in names]
    return {family.id: family for family in sorted(found, key=lambda family: family.parameters_per_rank)}


def family_of(family_id: str) -> TrainerFamily:
    """Return a family. Raises UnknownEntryError."""
    families = discover_families()
    if family_id not in families:
        raise UnknownEntryError(kind="family", id=family_id)
    return families[family_id]
