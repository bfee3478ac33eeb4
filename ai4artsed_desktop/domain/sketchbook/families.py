"""The contracts of drawing families and musical forms, how one is chosen, and how the code is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from ai4artsed_desktop.domain.sketchbook import drawings, music
from ai4artsed_desktop.domain.sketchbook.discovery import modules
from ai4artsed_desktop.domain.sketchbook.javascript import Constant
from ai4artsed_desktop.domain.sketchbook.palettes import Palette
from ai4artsed_desktop.domain.sketchbook.reading import Reading
from ai4artsed_desktop.domain.sketchbook.stage import Stage


@dataclass(frozen=True, slots=True)
class DrawingPlan:
    """What a drawing family may use."""

    reading: Reading
    palette: Palette
    stage: Stage


@dataclass(frozen=True, slots=True)
class Composed:
    """What a family or form gives: its own constants for the top, and the code below, which is always the same.

    All that depends on the text is in the constants: so no text can ever become code. ``stage`` replaces the plan's
    stage where a family moves the things.
    """

    constants: tuple[Constant, ...]
    body: str
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class DrawingFamily:
    """One way to draw; each file in ``drawings`` has exactly one, named ``FAMILY``.

    Attributes:
        id: File name without ``.py``.
        name: ``{language: name}``.
        lineage: Where the way to draw comes from, one line.
        affinity: How well it suits a reading, 0 … 1.
        compose: Makes the drawing.
        shows_things: Whether ``THINGS`` and their functions are needed.
        hides_things: Whether they are drawn once, out of sight, as a source of colours (``hiddenColour``).
        moves: Whether it animates.
    """

    id: str
    name: Mapping[str, str]
    lineage: str
    affinity: Callable[[Reading], float]
    compose: Callable[[DrawingPlan], Composed]
    shows_things: bool = False
    hides_things: bool = False
    moves: bool = False


@dataclass(frozen=True, slots=True)
class MusicalForm:
    """One way to compose; each file in ``music`` has exactly one, named ``FORM``. See DrawingFamily."""

    id: str
    name: Mapping[str, str]
    lineage: str
    affinity: Callable[[Reading], float]
    compose: Callable[[Reading, float], Composed]


_Kind = TypeVar("_Kind")

#: How far chance may lift a family over one that suits the text better.
_CHANCE_SPAN = 1.4


def choose(kinds: Iterable[_Kind], reading: Reading, purpose: str, suits: Callable[[_Kind, Reading], float]) -> _Kind:
    """Return the kind that suits the reading best, with a seeded share of chance."""
    random = reading.chance(purpose)
    return max(kinds, key=lambda kind: suits(kind, reading) + random.uniform(0, _CHANCE_SPAN))


@cache
def all_drawing_families() -> dict[str, DrawingFamily]:
    """Return ``{id: family}``, one per file in ``drawings``."""
    listed: list[DrawingFamily] = [module.FAMILY for module in modules(drawings)]
    return {family.id: family for family in listed}


@cache
def all_musical_forms() -> dict[str, MusicalForm]:
    """Return ``{id: form}``, one per file in ``music``."""
    listed: list[MusicalForm] = [module.FORM for module in modules(music)]
    return {form.id: form for form in listed}
