"""The last hour of every card, for plots that open late, and the runs that fell into it."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field

from ai4artsed_desktop.domain.gpu import Gpu, GpuSnapshot

#: How far back the past reaches, in seconds, and the shortest step in it: looks at 10 Hz are thinned out.
PAST_S = 3600.0
_STEP_S = 0.45


#: What is kept of a look at a card, by the names that ``Gpu`` has for it.
KEPT = ("used_bytes", "utilisation_percent", "power_w", "temperature_c")
_UNKNOWN = float("nan")


def _column() -> array[float]:
    return array("d")


@dataclass(frozen=True, slots=True)
class GpuPast:
    """One card's past in columns: an hour is 7,200 points, and a plot draws them all every few seconds.

    Attributes:
        taken_s: When, on the monotonic clock, oldest first.
        figures: By KEPT; NaN = unknown then.
    """

    taken_s: array[float] = field(default_factory=_column)
    figures: dict[str, array[float]] = field(default_factory=lambda: {name: _column() for name in KEPT})

    def since(self, oldest_s: float) -> GpuPast:
        """Return a copy of what is not older."""
        first = bisect_left(self.taken_s, oldest_s)
        return GpuPast(self.taken_s[first:], {name: column[first:] for name, column in self.figures.items()})

    def add(self, taken_s: float, gpu: Gpu) -> None:
        """Take one look."""
        self.taken_s.append(taken_s)
        for name, column in self.figures.items():
            value = getattr(gpu, name)
            column.append(_UNKNOWN if value is None else value)

    def forget(self, oldest_s: float) -> None:
        """Drop what is older."""
        if gone := bisect_left(self.taken_s, oldest_s):
            for column in (self.taken_s, *self.figures.values()):
                del column[:gone]


@dataclass(frozen=True, slots=True)
class RunMark:
    """A run's beginning or end (monotonic clock); ``state``: ``started``, ``finished``, ``failed``, ``cancelled``."""

    taken_s: float
    run_id: str
    state: str


class GpuHistory:
    """Keeps looks by card id, and marks, for PAST_S."""

    def __init__(self) -> None:
        self._pasts: dict[str, GpuPast] = {}
        self._marks: deque[RunMark] = deque()

    def add(self, snapshot: GpuSnapshot) -> None:
        """Take one look."""
        for gpu in snapshot.gpus:
            past = self._pasts.setdefault(gpu.uuid, GpuPast())
            if not past.taken_s or snapshot.taken_s - past.taken_s[-1] >= _STEP_S:
                past.add(snapshot.taken_s, gpu)
        for past in self._pasts.values():
            past.forget(snapshot.taken_s - PAST_S)

    def mark(self, taken_s: float, run_id: str, state: str) -> None:
        """Note that a run began or ended."""
        self._marks.append(RunMark(taken_s, run_id, state))
        while taken_s - self._marks[0].taken_s > PAST_S:
            self._marks.popleft()

    def past(self, uuid: str, oldest_s: float = float("-inf")) -> GpuPast:
        """Return a copy of a card's past since then."""
        return self._pasts.get(uuid, GpuPast()).since(oldest_s)

    def marks(self) -> tuple[RunMark, ...]:
        """Return the runs' beginnings and ends, oldest first."""
        return tuple(self._marks)
