"""EventProbe: what a test hears from the engine, in order, with a wait that fails clearly."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, TypeVar

import pytest

from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.engine.bus import EventBus

E = TypeVar("E", bound=Event)


class EventProbe:
    """Hears every event of a bus from its making until ``close()``.

    Attributes:
        events: Everything heard so far, in order.
    """

    def __init__(self, bus: EventBus) -> None:
        self.events: list[Event] = []
        self._taken: dict[type[Event], int] = {}
        self._heard = asyncio.Event()
        self._unsubscribe = bus.subscribe(self._on_event)

    async def next(self, event_type: type[E], *, timeout_s: float = 10.0) -> E:
        """Return the next event of a type (subclasses count) that ``next`` has not yet returned for this type.

        One that came before the call counts. Fails the test after ``timeout_s`` seconds with all that was heard.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while (event := self._take(event_type)) is None:
                    self._heard.clear()
                    await self._heard.wait()
        except TimeoutError:
            pytest.fail(f"no {event_type.__name__} within {timeout_s} s; heard:\n{self.report()}", pytrace=False)
        return event

    def of(self, event_type: type[E]) -> list[E]:
        """Return all events of a type heard so far."""
        return [event for event in self.events if isinstance(event, event_type)]

    def report(self) -> str:
        """Return all events, one per line."""
        return "\n".join(f"  {event}" for event in self.events) or "  nothing"

    def close(self) -> None:
        """Stop hearing."""
        self._unsubscribe()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _take(self, event_type: type[E]) -> E | None:
        start = self._taken.get(event_type, 0)
        for index in range(start, len(self.events)):
            event = self.events[index]
            if isinstance(event, event_type):
                self._taken[event_type] = index + 1
                return event
        self._taken[event_type] = len(self.events)
        return None

    def _on_event(self, event: Event) -> None:
        self.events.append(event)
        self._heard.set()
