"""How our own helper programs are started: one place that knows whether we are frozen into a bundle."""

from __future__ import annotations

import sys
from pathlib import Path

import ai4artsed_desktop

#: Our helper programs by name. A frozen bundle's executable runs them with ``--child NAME``.
CHILD_MODULES = {
    "code_art": "ai4artsed_desktop.code_art",
    "llm": "ai4artsed_desktop.adapters.llm_child",
    "lasting": "ai4artsed_desktop.adapters.process.lasting_child",
    "watchdog": "ai4artsed_desktop.adapters.process.watchdog_child",
}


def child_argv(name: str, *arguments: str) -> list[str]:
    """Return the command line of one of our helper programs; run it with ``cwd=child_cwd()``."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--child", name, *arguments]
    return [sys.executable, "-m", CHILD_MODULES[name], *arguments]


def child_cwd() -> Path:
    """Return the folder our helper programs start in.

    ``python -m`` looks for modules in the current folder first: it must be the one the package lies in, never a
    person's folder, where a file named ``json.py`` would be imported.
    """
    return Path(ai4artsed_desktop.__file__).resolve().parents[1]
