"""Sharing a card's memory: needs, plans, leases and answers as plain data, and the one rule of who makes room.

Sizes are bytes; None = unknown. Nothing here frees anything: see engine/vram.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.domain.gpu import ProcessKind
from ai4artsed_desktop.domain.reasons import Reason

LeaseKind = Literal["llm", "generation", "training"]
NeedBasis = Literal["measured", "documented", "unknown"]
VramAnswer = Literal["free", "start_anyway", "cancel"]


class VramError(AppError):
    """Graphics memory could not be had. Params of all kinds: ``name`` (what was to start), ``needed_gb``."""

    code = "error.vram.failed"


class VramNotEnoughError(VramError):
    """Even with everything freed that may be freed it does not fit. Params: also ``possible_gb``, ``kept``."""

    code = "error.vram.not_enough"


class VramNotFreedError(VramError):
    """What was asked to go is gone, says its program, but the card's memory is not free. Params: also ``free_gb``."""

    code = "error.vram.not_freed"


class VramRefusedError(VramError):
    """The person did not want to make room."""

    code = "error.vram.refused"


@dataclass(frozen=True, slots=True)
class VramNeed:
    """What something that is about to start needs.

    Attributes:
        key: Under which its peak is remembered, such as ``chunk:output_image_sdxl`` or ``model:qwen3:14b``.
        name: What to call it.
        process: In which program it will run; what that program holds already, it manages itself.
        needed_bytes: None = unknown: then nothing is freed and nothing is claimed. 0 = it is loaded already.
        must_fit: It cannot work with less (training); a generator swaps with the machine's memory instead.
    """

    kind: LeaseKind
    key: str
    name: str
    process: ProcessKind
    needed_bytes: int | None = None
    basis: NeedBasis = "unknown"
    must_fit: bool = False


@dataclass(frozen=True, slots=True)
class VramHolding:
    """Something that holds memory of a card and could give it back.

    Attributes:
        id: Stable; what is pinned is remembered by it.
        name: A proper name, such as ``qwen3:14b`` or ``ComfyUI``.
        used_bytes: None = unknown.
        is_busy: It works now: never freed.
        is_pinned: The person wants to keep it: never freed.
    """

    id: str
    name: str
    process: ProcessKind
    used_bytes: int | None
    is_busy: bool = False
    is_pinned: bool = False

    @property
    def may_go(self) -> bool:
        """Whether it may be freed."""
        return not self.is_busy and not self.is_pinned


@dataclass(frozen=True, slots=True)
class VramPlan:
    """What will happen before something starts.

    Attributes:
        card: The card's id, ``""`` if there is none.
        available_bytes: Free now, with what its own program holds, without what others were promised.
        own_bytes: What its own program holds already.
        unload: What goes, in this order; empty = nothing has to.
        kept: What holds memory and stays, because it works or is pinned.
        possible_bytes: Available once ``unload`` is gone.
        reason: Why nothing can be planned (no figures, need unknown); None if it can.
    """

    need: VramNeed
    card: str = ""
    total_bytes: int | None = None
    free_bytes: int | None = None
    available_bytes: int | None = None
    own_bytes: int = 0
    unload: tuple[VramHolding, ...] = ()
    kept: tuple[VramHolding, ...] = ()
    possible_bytes: int | None = None
    reason: Reason | None = None

    @property
    def fits_now(self) -> bool | None:
        """Whether it can start as it is; None = unknown."""
        return _at_least(self.available_bytes, self.need.needed_bytes)

    @property
    def will_fit(self) -> bool | None:
        """Whether it can start once ``unload`` is gone; None = unknown."""
        return _at_least(self.possible_bytes, self.need.needed_bytes)


@dataclass(frozen=True, slots=True)
class VramPlanned(Event):
    """Room has to be made before something starts. With a ``question`` somebody must answer it; else it is done now."""

    plan: VramPlan
    run_id: str = ""
    question: str = ""


@dataclass(frozen=True, slots=True)
class VramQuestionClosed(Event):
    """A question was answered, or nobody waits for the answer any more."""

    question: str


@dataclass(frozen=True, slots=True)
class VramFreed(Event):
    """Something was unloaded; the figures are measured, None = unknown."""

    names: tuple[str, ...]
    before_bytes: int | None
    after_bytes: int | None


@dataclass(frozen=True, slots=True)
class VramClearing:
    """What "Clear VRAM" did. ``before_bytes`` and ``after_bytes``: used on all cards together, measured.

    Attributes:
        failed: (name, what its program said) of what could not be freed.
        is_settled: Memory no longer fell when the second figure was taken.
    """

    before_bytes: int | None
    after_bytes: int | None
    freed: tuple[VramHolding, ...] = ()
    kept: tuple[VramHolding, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    is_settled: bool = True
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class VramPeak:
    """The most memory something was seen to hold, and when (UTC, ISO 8601)."""

    peak_bytes: Annotated[int, Field(gt=0)]
    seen: str = ""


@dataclass(frozen=True, slots=True)
class EnergyDay:
    """Energy measured on one day, for as long as the program looked."""

    watt_hours: Annotated[float, Field(ge=0)] = 0.0
    measured_s: Annotated[float, Field(ge=0)] = 0.0


@dataclass(frozen=True, slots=True)
class GpuRecords:
    """What is remembered of the cards: peaks by need key, energy by local date (``2026-11-20``)."""

    peaks: dict[str, VramPeak] = field(default_factory=dict[str, VramPeak])
    days: dict[str, EnergyDay] = field(default_factory=dict[str, EnergyDay])


def choose_to_unload(holdings: Sequence[VramHolding], missing_bytes: int) -> tuple[VramHolding, ...]:
    """Return what has to go so that ``missing_bytes`` become free: as few as possible, and of one the smallest.

    Returns everything that may go if even that is too little; nothing if nothing is missing.
    """
    if missing_bytes <= 0:
        return ()
    sized = sorted((h for h in holdings if h.may_go and h.used_bytes), key=lambda h: h.used_bytes or 0)
    alone = next((h for h in sized if (h.used_bytes or 0) >= missing_bytes), None)
    if alone is not None:
        return (alone,)
    chosen: list[VramHolding] = []
    for holding in reversed(sized):
        if missing_bytes <= 0:
            break
        chosen.append(holding)
        missing_bytes -= holding.used_bytes or 0
    return tuple(chosen)


def _at_least(have: int | None, needed: int | None) -> bool | None:
    return None if have is None or needed is None else have >= needed
