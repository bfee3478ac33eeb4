"""An event loop whose clock jumps over waits: ninety seconds of a server's silence pass in no time.

Sockets stay real. A wait is skipped only when nothing arrives for a moment of real time, so client and server must live
in the same loop, and nothing that runs in a thread may matter to a time limit.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: Real time in which what was sent over the loopback has surely arrived.
_MOMENT_S = 0.05


class _JumpingSelector(selectors.DefaultSelector):
    """Waits a moment at most, and tells how much of a wait it skipped."""

    skipped_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= _MOMENT_S:
            return super().select(timeout)
        if events := super().select(_MOMENT_S):
            return events
        self.skipped_s += timeout - _MOMENT_S
        return []


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _JumpingSelector) -> None:
        self._skipping = selector
        super().__init__(selector)

    def time(self) -> float:
        return super().time() + self._skipping.skipped_s


def run_in_virtual_time(body: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, float]:
    """Run a coroutine function and return its result and the virtual seconds that it took."""
    loop = _JumpingLoop(_JumpingSelector())

    async def timed() -> tuple[T, float]:
        start_s = loop.time()
        return await body(), loop.time() - start_s

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(timed())
