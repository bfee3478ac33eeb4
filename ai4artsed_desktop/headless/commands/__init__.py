"""The commands, one file each, found by discovery; only the one that is asked for is imported."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from ai4artsed_desktop.headless.context import Command


def find_commands(arguments: Sequence[str] = ()) -> tuple[Command, ...]:
    """Return the command that the arguments begin with; every command if they begin with none (for help and mistakes).

    A file is called like its command, with ``_`` for ``-``.
    """
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    wanted = arguments[0].replace("-", "_") if arguments else ""
    return tuple(
        importlib.import_module(f"{__name__}.{name}").COMMAND for name in ([wanted] if wanted in names else names)
    )
