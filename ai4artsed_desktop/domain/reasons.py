"""Why something cannot run here, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Reason:
    """A language-file key and its parameters."""

    key: str
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
