"""The catalogue: every config, pipeline and chunk, read and validated together into one immutable snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.configs import InterceptionConfig, OutputConfig, OutputDefaults, Pipeline
from ai4artsed_desktop.domain.errors import UnknownEntryError

EntryKind = Literal["interception", "output", "pipeline", "chunk", "defaults"]
Origin = Literal["shipped", "user", "foreign"]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class CatalogFile:
    """One file as an adapter found it.

    Attributes:
        kind: From the folder it lies in, or None if the folder does not tell.
        id: File name without its extension.
        path: For messages only.
        text: Content, ``""`` if it could not be read.
        error: Why it could not be read (a technical reason), or None.
        is_python: A python chunk; its ``CHUNK`` dict is read as a literal, the file is never run to be validated.
    """

    kind: EntryKind | None
    id: str
    path: str
    origin: Origin
    text: str = ""
    error: str | None = None
    is_python: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class CatalogProblem:
    """Something wrong with a file: an ``error`` takes the entry out, a ``note`` does not.

    ``code`` is a language-file key.
    """

    path: str
    code: str
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    severity: Literal["error", "note"] = "error"


@dataclass(frozen=True, slots=True)
class CatalogEntry(Generic[T_co]):
    """One usable entry and where it came from. ``digest`` is the SHA-256 of its file."""

    value: T_co
    path: str
    origin: Origin
    digest: str


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Catalog:
    """An immutable snapshot; a reload makes a new one, and a running run keeps the one it started with."""

    interceptions: Mapping[str, CatalogEntry[InterceptionConfig]] = field(default_factory=_empty)
    outputs: Mapping[str, CatalogEntry[OutputConfig]] = field(default_factory=_empty)
    pipelines: Mapping[str, CatalogEntry[Pipeline]] = field(default_factory=_empty)
    chunks: Mapping[str, CatalogEntry[Chunk]] = field(default_factory=_empty)
    defaults: OutputDefaults = field(default_factory=OutputDefaults)
    problems: tuple[CatalogProblem, ...] = ()

    @property
    def errors(self) -> tuple[CatalogProblem, ...]:
        """The problems that take an entry out."""
        return tuple(p for p in self.problems if p.severity == "error")

    def interception(self, config_id: str) -> CatalogEntry[InterceptionConfig]:
        """Return an interception config.

        Raises:
            UnknownEntryError: There is none with this id.
        """
        return _find(self.interceptions, "interception", config_id)

    def output(self, config_id: str) -> CatalogEntry[OutputConfig]:
        """Return an output config.

        Raises:
            UnknownEntryError: There is none with this id.
        """
        return _find(self.outputs, "output", config_id)

    def pipeline(self, pipeline_id: str) -> CatalogEntry[Pipeline]:
        """Return a pipeline.

        Raises:
            UnknownEntryError: There is none with this id.
        """
        return _find(self.pipelines, "pipeline", pipeline_id)

    def chunk(self, name: str) -> CatalogEntry[Chunk]:
        """Return a chunk.

        Raises:
            UnknownEntryError: There is none with this name.
        """
        return _find(self.chunks, "chunk", name)

    def sorted_interceptions(self) -> list[InterceptionConfig]:
        """Return the interceptions a person may pick, in display order."""
        return _in_order(entry.value for entry in self.interceptions.values())

    def sorted_outputs(self) -> list[OutputConfig]:
        """Return the outputs a person may pick, in display order."""
        return _in_order(entry.value for entry in self.outputs.values())


Config = TypeVar("Config", InterceptionConfig, OutputConfig)


def _in_order(configs: Iterable[Config]) -> list[Config]:
    return sorted((c for c in configs if not c.display.hidden), key=lambda c: (c.display.order, c.id))


def _find(entries: Mapping[str, CatalogEntry[T]], kind: str, entry_id: str) -> CatalogEntry[T]:
    try:
        return entries[entry_id]
    except KeyError:
        raise UnknownEntryError(kind=kind, id=entry_id) from None
