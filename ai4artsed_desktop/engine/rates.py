"""Measured speed over the last seconds: what an honest remaining time is made of."""

from __future__ import annotations

from collections import deque

_WINDOW_S = 5.0


class RateMeter:
    """Units per second of a growing count, over a sliding window of five seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, now_s: float, count: int) -> None:
        """Note the count at a monotonic time."""
        self._samples.append((now_s, count))
        while now_s - self._samples[0][0] > _WINDOW_S:
            self._samples.popleft()

    def per_s(self) -> float | None:
        """Return the speed, or None while there is too little to measure."""
        (first_s, first), (last_s, last) = self._samples[0], self._samples[-1]
        return (last - first) / (last_s - first_s) if last_s - first_s >= 1.0 and last > first else None
