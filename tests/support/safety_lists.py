"""The shipped safety lists, read once for all tests, and small ones made for a test."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.adapters.safety_list_files import SafetyListFiles
from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.safety.check import check_lists, decide
from ai4artsed_desktop.domain.safety.lists import TermList
from ai4artsed_desktop.domain.safety.matcher import Matcher
from ai4artsed_desktop.domain.safety.verdicts import Verdict
from ai4artsed_desktop.engine.safety_lists import SafetyLists, parse_lists


@cache
def shipped_lists() -> SafetyLists:
    """Return the lists that ship."""
    return parse_lists(shipped_files())


def shipped_files() -> Mapping[str, bytes]:
    """Return their files by name."""
    return SafetyListFiles(find_paths({}).resources / "safety").read()


def judged(text: str, level: SafetyLevel = "kids", matcher: Matcher | None = None) -> Verdict:
    """Return the verdict of the lists alone."""
    return decide(check_lists(text, level, matcher or shipped_lists().matcher))


def made(language: str = "en", **parts: Any) -> Matcher:
    """Return a matcher over one list; ``parts`` as in ``TermList``, a group's category and levels may be left out."""
    for group in parts["groups"]:
        group.setdefault("category", "violence")
        group.setdefault("levels", ("kids",))
    return Matcher([TermList.model_validate({"language": language, "sources": ["a test"], **parts})])
