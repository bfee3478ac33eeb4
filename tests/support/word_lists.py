"""The shipped word lists, read as an adapter reads them, and contexts made of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random

from ai4artsed_desktop.domain.procedures.base import ProcedureContext
from ai4artsed_desktop.domain.procedures.wordlists import entry_lines

WORD_LIST_ROOT = Path(__file__).parents[2] / "resources" / "wordlists"
LANGUAGES = ("de", "en")


@cache
def shipped_word_lists(language: str) -> Mapping[str, tuple[str, ...]]:
    """Return every list of a language by name."""
    files = sorted((WORD_LIST_ROOT / language).glob("*.txt"))
    return {file.stem: entry_lines(file.read_text(encoding="utf-8")) for file in files}


def context_for(language: str, seed: int = 1, **options: int | float | str) -> ProcedureContext:
    """Return a context with all shipped lists of ``language``."""
    return ProcedureContext(language, Random(seed), shipped_word_lists(language), options)
