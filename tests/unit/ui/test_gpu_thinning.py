"""A curve drawn with as many points as can be seen: peaks, valleys and gaps stay."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.ui.gpu.thinning import highest_of, thinned

NAN = float("nan")


def test_a_peak_a_valley_and_a_gap_of_one_point_each_stay_where_they_are() -> None:
    times = np.arange(7200) / 120 - 60
    values = np.full(7200, 10.0)
    values[1234], values[3456], values[5678] = 23.5, 1.5, NAN
    column = 60 / 850
    x, y = thinned(times, values, column)
    assert len(x) == len(y) < 2000
    for place, value in ((1234, 23.5), (3456, 1.5)):
        (found,) = np.flatnonzero(y == value)
        assert abs(x[found] - times[place]) <= column
    (gap,) = np.flatnonzero(np.isnan(y))
    assert abs(x[gap] - times[5678]) <= column


def test_points_no_denser_than_the_columns_stay_as_they_are() -> None:
    times, values = np.arange(100) / 2, np.arange(100, dtype=np.float64)
    assert thinned(times, values, 0.5)[1] is values
    empty = np.zeros(0)
    assert len(thinned(empty, empty, 1.0)[0]) == 0


@given(st.lists(st.one_of(st.just(NAN), st.floats(0, 100)), min_size=1, max_size=400), st.integers(1, 40))
def test_nothing_is_lost_nothing_is_invented_and_time_goes_on(figures: list[float], columns: int) -> None:
    values = np.array(figures)
    times = np.arange(-len(values), 0, dtype=np.float64)
    x, y = thinned(times, values, len(values) / columns)
    assert len(x) == len(y) <= max(len(values), 3 * (columns + 1))
    assert bool(np.all(np.diff(x) >= 0)) and set(x) <= set(times)
    known = values[~np.isnan(values)]
    assert set(y[~np.isnan(y)]) <= set(known)
    if len(known):
        assert np.nanmax(y) == known.max() and np.nanmin(y) == known.min()
    assert bool(np.isnan(y).any()) == bool(np.isnan(values).any())


def test_the_highest_of_all() -> None:
    assert highest_of([]) is None and highest_of([np.zeros(0)]) is None and highest_of([np.array([NAN, NAN])]) is None
    assert highest_of([np.array([1.0, NAN, 3.0]), np.array([2.0])]) == 3.0
