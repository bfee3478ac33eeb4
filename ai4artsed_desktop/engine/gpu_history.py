"""The last hour of every card, for plots that open late, and the runs that fell into it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from ai4artsed_desktop.domain.gpu import GpuSnapshot

#: How far back the past reaches, in seconds, and the shortest step in it: looks at 10 Hz are thinned out.
PAST_S = 3600.0
_STEP_S = 0.45


@dataclass(frozen=True, slots=True)
class GpuPoint:
    """One card at one time (monotonic clock); None = unknown then."""

    taken_s: float
    used_bytes: int | None
    utilisation_percent: int | None
    power_w: float | None
    temperature_c: int | None


@dataclass(frozen=True, slots=True)
class RunMark:
    """A run's beginning or end (monotonic clock); ``state``: ``started``, ``finished``, ``failed``, ``cancelled``."""

    taken_s: float
    run_id: str
    state: str


class GpuHistory:
    """Keeps points by card id, and marks, for PAST_S."""

    def __init__(self) -> None:
        self._points: dict[str, deque[GpuPoint]] = {}
        self._marks: deque[RunMark] = deque()

    def add(self, snapshot: GpuSnapshot) -> None:
        """Take one look."""
        for gpu in snapshot.gpus:
            points = self._points.setdefault(gpu.uuid, deque())
            if points and snapshot.taken_s - points[-1].taken_s < _STEP_S:
                continue
            points.append(
                GpuPoint(snapshot.taken_s, gpu.used_bytes, gpu.utilisation_percent, gpu.power_w, gpu.temperature_c)
            )
        for points in self._points.values():
            _forget(points, snapshot.taken_s)

    def mark(self, taken_s: float, run_id: str, state: str) -> None:
        """Note that a run began or ended."""
        self._marks.append(RunMark(taken_s, run_id, state))
        _forget(self._marks, taken_s)

    def points(self, uuid: str) -> tuple[GpuPoint, ...]:
        """Return a card's points, oldest first."""
        return tuple(self._points.get(uuid, ()))

    def marks(self) -> tuple[RunMark, ...]:
        """Return the runs' beginnings and ends, oldest first."""
        return tuple(self._marks)


def _forget(items: deque[GpuPoint] | deque[RunMark], now_s: float) -> None:
    while items and now_s - items[0].taken_s > PAST_S:
        items.popleft()
