"""A curve with more points than there are pixels, drawn with as many as can be seen. Needs numpy, as the plot does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]


def thinned(times: Floats, values: Floats, column: float) -> tuple[Floats, Floats]:
    """Return the lowest and the highest value of every pixel column, so that no peak is lost, and every gap.

    Args:
        times: Never falling.
        values: NaN = a gap.
        column: How wide a column is, in the unit of ``times``.
    """
    if len(times) < 2 or column <= 0 or (times[-1] - times[0]) / column * 2 >= len(times):
        return times, values
    starts = np.flatnonzero(np.diff(np.floor(times / column), prepend=-np.inf))
    lowest, highest = np.fmin.reduceat(values, starts), np.fmax.reduceat(values, starts)
    x, y = np.repeat(times[starts], 2), np.column_stack((lowest, highest)).ravel()
    # A gap shorter than a pixel still breaks the line, behind the column that it falls into.
    gaps = np.flatnonzero(np.logical_or.reduceat(np.isnan(values), starts))
    return np.insert(x, gaps * 2 + 2, times[starts[gaps]]), np.insert(y, gaps * 2 + 2, np.nan)


def highest_of(curves: Sequence[Floats]) -> float | None:
    """Return the highest value of all, None where nothing is known."""
    highest = [float(np.fmax.reduce(values)) for values in curves if len(values)]
    return max((value for value in highest if not math.isnan(value)), default=None)
