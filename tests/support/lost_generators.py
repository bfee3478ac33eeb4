"""Finds asynchronous generators that are left to the garbage collector, which ends them in tasks of nobody."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def watching_lost_generators() -> Generator[list[str]]:
    """Collect the asynchronous generators that were started in the context and closed by nobody."""
    hooks = sys.get_asyncgen_hooks()
    lost: list[str] = []

    def note(generator: AsyncGenerator[Any, Any]) -> None:
        lost.append(repr(generator))
        if hooks.finalizer is not None:
            hooks.finalizer(generator)

    sys.set_asyncgen_hooks(firstiter=hooks.firstiter, finalizer=note)
    try:
        yield lost
    finally:
        gc.collect()
        sys.set_asyncgen_hooks(*hooks)
