"""What the plot draws: a figure of one card over time, and when runs began and ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ai4artsed_desktop.domain.gpu import VRAM_GB
from ai4artsed_desktop.engine.gpu_history import GpuPast

#: Figure → its name in the history and how much of it is one of what is shown: GB, %, W, °C.
FIGURES: Mapping[str, tuple[str, float]] = {
    "memory": ("used_bytes", VRAM_GB),
    "utilisation": ("utilisation_percent", 1.0),
    "power": ("power_w", 1.0),
    "temperature": ("temperature_c", 1.0),
}


@dataclass(frozen=True, slots=True)
class Series:
    """One card's curve.

    Attributes:
        taken_s: When, never falling.
        values: What it was then; NaN = a gap.
        now_s: Where the plot ends, on the same clock.
        divisor: How much of ``values`` is one of what is shown.
    """

    taken_s: Sequence[float]
    values: Sequence[float]
    now_s: float = 0.0
    divisor: float = 1.0


@dataclass(frozen=True, slots=True)
class Mark:
    """A run's beginning or end, minutes from now."""

    minutes: float
    is_start: bool
    has_failed: bool = False


def series_of(past: GpuPast, figure: str, now_s: float) -> Series:
    """Return a figure of FIGURES of one card."""
    name, divisor = FIGURES[figure]
    return Series(past.taken_s, past.figures[name], now_s, divisor)
