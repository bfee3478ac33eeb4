"""The term lists and name lists in memory: read once, checked against their digests, and never trusted half."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.safety.lists import COVERED_LANGUAGES, FURTHER_LANGUAGES, TermList, missing_contexts
from ai4artsed_desktop.domain.safety.matcher import Matcher
from ai4artsed_desktop.domain.safety.names import NameFinder, NameLists
from ai4artsed_desktop.domain.safety.verdicts import Category, VerdictWord

logger = logging.getLogger(__name__)

MANIFEST, NAMES, SELF_TEST = "manifest.json", "names.json", "self_test.json"
_TERM_FILES = tuple(f"{language}.json" for language in (*COVERED_LANGUAGES, FURTHER_LANGUAGES))


class SafetyFiles(Protocol):
    """Where the lists lie (``resources/safety``)."""

    def read(self) -> Mapping[str, bytes]:
        """Return every list by file name; none if the folder is not there. Blocks."""
        ...


class Example(BaseModel):
    """One prompt with the verdict that is expected of the lists alone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: str
    level: SafetyLevel
    verdict: VerdictWord
    category: Category | None = None
    language: str = ""
    why: str = ""


class _Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: dict[str, str]


class _SelfTest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class SafetyLists:
    """What the gate looks texts up in. ``digest`` is one SHA-256 over all files."""

    matcher: Matcher
    names: NameFinder
    examples: tuple[Example, ...]
    digest: str
    terms: int


class ListsStore:
    """Loads the lists when they are first needed. What cannot be read whole is not used at all."""

    def __init__(self, files: SafetyFiles | None) -> None:
        self._files = files
        self._lists: SafetyLists | None = None
        self._problem: Reason | None = None
        self._lock = asyncio.Lock()

    async def get(self) -> SafetyLists | Reason:
        """Return the lists, or why there are none: a missing, changed or damaged file."""
        async with self._lock:
            if self._lists is None and self._problem is None:
                loaded = await asyncio.to_thread(self._load)
                if isinstance(loaded, Reason):
                    self._problem = loaded
                else:
                    self._lists = loaded
        return self._lists or self._problem or Reason("safety.reason.no_lists")

    def _load(self) -> SafetyLists | Reason:
        files = self._files.read() if self._files is not None else None
        if not files:
            return Reason("safety.reason.no_lists")
        try:
            return parse_lists(files)
        except (ValidationError, ListsError) as exc:
            logger.error("safety lists: %s", exc)
            return Reason("safety.reason.lists_damaged", {"file": exc.file if isinstance(exc, ListsError) else "–"})


class ListsError(ValueError):
    """A list is missing, changed or damaged."""

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file = file


def parse_lists(files: Mapping[str, bytes]) -> SafetyLists:
    """Return the lists from their files' contents, by name.

    Raises:
        ListsError: One is missing, or is not what the manifest says.
        pydantic.ValidationError: One is malformed.
    """
    return _parse(tuple(sorted(files.items())))


@lru_cache(maxsize=1)
def _parse(contents: tuple[tuple[str, bytes], ...]) -> SafetyLists:
    """Parse once per contents: lists never change, and several engines of one process share them."""
    files = dict(contents)
    wanted = (*_TERM_FILES, NAMES, SELF_TEST)
    if missing := [name for name in (MANIFEST, *wanted) if name not in files]:
        raise ListsError(missing[0], "missing")
    manifest = _Manifest.model_validate_json(files[MANIFEST])
    for name in wanted:
        if digest_of(files[name]) != manifest.sha256.get(name):
            raise ListsError(name, "not the file that the manifest names")
    terms = [TermList.model_validate_json(files[name]) for name in _TERM_FILES]
    if contexts := missing_contexts(terms):
        raise ListsError(_TERM_FILES[0], f"no such context: {', '.join(sorted(contexts))}")
    return SafetyLists(
        Matcher(terms),
        NameFinder(NameLists.model_validate_json(files[NAMES])),
        _SelfTest.model_validate_json(files[SELF_TEST]).examples,
        digest_of(files[MANIFEST]),
        sum(len(group.terms) + len(group.combinations) for entry in terms for group in entry.groups),
    )


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of a list, whatever line ends a version control system gave it."""
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()
