"""The event bus: everything that happens later than the call that asked for it is an immutable event here."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ai4artsed_desktop.domain.events import Event

logger = logging.getLogger(__name__)

Subscriber = Callable[[Event], None]


class EventBus:
    """Delivers each event to every subscriber, in order, synchronously, on the loop's thread.

    A subscriber must return at once. One that raises is logged and does not keep the others from hearing.
    """

    def __init__(self) -> None:
        self._subscribers: list[Subscriber] = []

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Call ``subscriber`` with every event from now on; the returned function ends that (twice is harmless)."""
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def publish(self, event: Event) -> None:
        """Deliver ``event``."""
        for subscriber in tuple(self._subscribers):
            try:
                subscriber(event)
            except Exception:
                logger.exception("a subscriber failed on %s", type(event).__name__)
