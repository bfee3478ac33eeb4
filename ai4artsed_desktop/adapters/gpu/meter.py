"""The thread that looks at the cards, so that neither loop nor window ever waits for a driver."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Protocol

from ai4artsed_desktop.domain.gpu import GpuSnapshot
from ai4artsed_desktop.domain.reasons import Reason

#: A driver that hangs in a call is not waited for longer than this.
ANSWER_LIMIT_S = 5.0
_END_LIMIT_S = 2.0

Deliver = Callable[[GpuSnapshot], None]


class Sampler(Protocol):
    """Looks at the cards, synchronously."""

    def sample(self) -> GpuSnapshot:
        """Return one look."""
        ...

    def close(self) -> None:
        """Let the driver go."""
        ...


class GpuMeterThread:
    """Fits ``engine.ports.GpuMeter``. The thread starts with the first question and ends with ``aclose``.

    Args:
        make_sampler: Makes the sampler, in the thread: importing the binding takes a moment.
        rate_hz: Looks per second after ``start``.
    """

    def __init__(self, make_sampler: Callable[[], Sampler], rate_hz: float = 2.0) -> None:
        self._make_sampler = make_sampler
        self._period_s = 1 / rate_hz
        self._wake = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._deliver: Deliver | None = None
        self._waiting: list[asyncio.Future[GpuSnapshot]] = []
        self._is_ending = False

    def start(self, deliver: Deliver) -> None:
        """Look regularly from now on; ``deliver`` is called on this event loop."""
        self._begin()
        with self._wake:
            self._deliver = deliver
            self._wake.notify()

    def set_rate_hz(self, rate_hz: float) -> None:
        """Look so often per second."""
        with self._wake:
            self._period_s = 1 / rate_hz
            self._wake.notify()

    async def fresh(self) -> GpuSnapshot:
        """Look now. A driver that does not answer in time is a reason, not an error."""
        self._begin()
        assert self._loop is not None
        answer = self._loop.create_future()
        with self._wake:
            self._waiting.append(answer)
            self._wake.notify()
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                return await answer
        except TimeoutError:
            return GpuSnapshot(time.monotonic(), reason=Reason("gpu.reason.silent"))

    async def aclose(self) -> None:
        """End the thread; one that hangs in the driver is left behind (it is a daemon)."""
        with self._wake:
            self._is_ending = True
            self._wake.notify()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, _END_LIMIT_S)

    def _begin(self) -> None:
        if self._thread is None and not self._is_ending:
            self._loop = asyncio.get_running_loop()
            self._thread = threading.Thread(target=self._run, name="gpu", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        sampler = self._make_sampler()
        last_s = float("-inf")
        try:
            while self._wait_for_turn(last_s):
                last_s = time.monotonic()
                snapshot = sampler.sample()
                with self._wake:
                    waiting, self._waiting = self._waiting, []
                assert self._loop is not None
                self._loop.call_soon_threadsafe(self._hand_over, snapshot, waiting)
        except RuntimeError:
            if self._loop is not None and not self._loop.is_closed():
                raise
        finally:
            sampler.close()

    def _wait_for_turn(self, last_s: float) -> bool:
        """Wait until a look is due or asked for; False = it is over."""
        with self._wake:
            while not self._is_ending and not self._waiting:
                left_s = last_s + self._period_s - time.monotonic()
                if self._deliver is not None and left_s <= 0:
                    break
                self._wake.wait(None if self._deliver is None else left_s)
            return not self._is_ending

    def _hand_over(self, snapshot: GpuSnapshot, waiting: list[asyncio.Future[GpuSnapshot]]) -> None:
        for answer in waiting:
            with contextlib.suppress(asyncio.InvalidStateError):
                answer.set_result(snapshot)
        if self._deliver is not None:
            self._deliver(snapshot)
