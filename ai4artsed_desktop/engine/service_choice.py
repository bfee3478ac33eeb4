"""Which settings make the program use a service that was found: pure."""

from __future__ import annotations

from pathlib import Path

from ai4artsed_desktop.domain.services import FoundService
from ai4artsed_desktop.domain.settings import Settings


def settings_for(found: FoundService) -> dict[str, object]:
    """Return the settings that choose what was found: its address, its folder or its program; {} = none do.

    They are called ``<service>_address``, ``<service>_folder`` and ``<service>_program``.
    """
    wanted: dict[str, object] = {}
    if found.install is not None:
        wanted = {
            f"{found.name}_folder": Path(found.install.folder),
            f"{found.name}_program": Path(found.install.program),
        }
    elif found.address:
        wanted = {f"{found.name}_address": found.address}
    return {name: value for name, value in wanted.items() if name in Settings.model_fields}


def place_setting(name: str) -> str:
    """Return the setting that says where a service lies: ``<service>_folder`` or ``_program``, "" if there is none."""
    return next((field for end in ("folder", "program") if (field := f"{name}_{end}") in Settings.model_fields), "")


def is_chosen(found: FoundService, settings: Settings) -> bool:
    """Tell whether the settings name exactly what was found."""
    wanted = settings_for(found)
    return bool(wanted) and all(getattr(settings, name) == value for name, value in wanted.items())
