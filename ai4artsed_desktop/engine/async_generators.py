"""Async generators end on their loop, also on loops that do not see to it themselves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def async_generators_of(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Close async generators that are dropped half-read by a task of ``loop``; use it around the loop's one run.

    WORKAROUND qasync 0.28: its loop does not set the hooks for async generators, as asyncio's own does. httpx drops
    such generators after every stream; without the hooks Python ends them outside of any task, and each says "async
    generator ignored GeneratorExit" and leaves its connection open. Remove when qasync sets the hooks.
    """

    def close(generator: AsyncGenerator[Any, Any]) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(loop.create_task, generator.aclose())

    before = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(finalizer=close)
    try:
        yield
    finally:
        sys.set_asyncgen_hooks(*before)
