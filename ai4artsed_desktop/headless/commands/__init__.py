"""The commands, one file each, found by discovery."""

from __future__ import annotations

import importlib
import pkgutil

from ai4artsed_desktop.headless.context import Command

COMMANDS: tuple[Command, ...] = tuple(
    importlib.import_module(f"{__name__}.{info.name}").COMMAND for info in pkgutil.iter_modules(__path__)
)
