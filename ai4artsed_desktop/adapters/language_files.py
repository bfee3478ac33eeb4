"""Reads the language files: ``resources/languages/<language>.json``, one file per language."""

from __future__ import annotations

import json
import locale
import os
from pathlib import Path

from ai4artsed_desktop.domain.text import FALLBACK_LANGUAGE
from ai4artsed_desktop.engine.messages import Messages


def load_messages(resources: Path, language: str) -> Messages:
    """Return the texts; ``language`` ``system`` means the one the system is set to.

    Raises:
        OSError, ValueError: A shipped language file is missing or broken: the installation is damaged.
    """
    tables: dict[str, dict[str, str]] = {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((resources / "languages").glob("*.json"))
    }
    return Messages(tables, system_language() if language == "system" else language)


def system_language() -> str:
    """Return the two-letter code of the system's language, ``en`` if it does not say."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(variable, "")
        if value:
            return value[:2].lower() if value[:2].isalpha() else FALLBACK_LANGUAGE
    name = locale.getlocale()[0] or ""
    # Windows says "German_Germany", everyone else "de_DE".
    return "de" if name.lower().startswith(("german", "de")) else FALLBACK_LANGUAGE
