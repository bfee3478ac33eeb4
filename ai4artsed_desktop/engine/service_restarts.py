"""How often a service that dies is started again."""

from __future__ import annotations

from collections import deque

from ai4artsed_desktop.engine.service_ports import Clock

#: Waits before the first, second and third restart. A fourth within ``RESTART_WINDOW_S``, or a fourth start in a row
#: that never became ready, is not tried.
BACKOFF_S = (1.0, 2.0, 4.0)
RESTART_WINDOW_S = 60.0


class RestartBudget:
    """Counts the restarts of the last minute, and starts that failed in a row however long each took."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._restarts: deque[float] = deque()
        self._failed_starts = 0

    def became_ready(self) -> None:
        """Note that the last start was a good one."""
        self._failed_starts = 0

    def pause_s(self, *, was_ready: bool) -> float | None:
        """Return how long to wait before the next start, None if there is to be none.

        Args:
            was_ready: It died after it had become ready; else its start failed.
        """
        self._failed_starts += not was_ready
        now_s = self._clock.monotonic()
        while self._restarts and now_s - self._restarts[0] > RESTART_WINDOW_S:
            self._restarts.popleft()
        if len(self._restarts) == len(BACKOFF_S) or self._failed_starts > len(BACKOFF_S):
            return None
        return BACKOFF_S[len(self._restarts)]

    def restarted(self) -> None:
        """Note a restart."""
        self._restarts.append(self._clock.monotonic())
