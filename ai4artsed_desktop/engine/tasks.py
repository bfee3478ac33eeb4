"""TaskScope: the only place that creates tasks, so that every task has an owner that ends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

logger = logging.getLogger(__name__)

OnDone = Callable[["asyncio.Task[Any]"], None]


class TaskScope:
    """Owns tasks: each is ended by ``aclose()`` at the latest, and none fails unseen.

    Final states belong into ``on_done``: a task that is cancelled before its first step runs neither ``except`` nor
    ``finally`` of its coroutine, but its done-callback always runs.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be started here any more."""
        return self._is_closed

    def spawn(self, coro: Coroutine[Any, Any, Any], *, name: str, on_done: OnDone | None = None) -> asyncio.Task[Any]:
        """Start ``coro`` as a task of this scope.

        Raises:
            RuntimeError: If the scope is closed; the coroutine is closed too.
        """
        if self._is_closed:
            coro.close()
            raise RuntimeError(f"task scope {self._name} is closed")
        task = asyncio.get_running_loop().create_task(coro, name=f"{self._name}:{name}")
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finish(done, on_done))
        return task

    def _finish(self, task: asyncio.Task[Any], on_done: OnDone | None) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and on_done is None:
            logger.error("task %s failed", task.get_name(), exc_info=error)
        if on_done is not None:
            on_done(task)

    async def aclose(self, grace_s: float = 0.0) -> None:
        """Cancel every task and wait until all have ended. Later calls of ``spawn`` are refused.

        Args:
            grace_s: So long the tasks may end by themselves first.
        """
        self._is_closed = True
        if grace_s and self._tasks:
            await asyncio.wait(self._tasks, timeout=grace_s)
        while self._tasks:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def beside(coro: Coroutine[Any, Any, None], *, name: str) -> AsyncGenerator[None]:
    """Run something short beside the body; it has ended when the context is left, and is cancelled if the body fails.

    Raises:
        What the body raises, else what ``coro`` does; never a group of both.
    """
    task = asyncio.get_running_loop().create_task(coro, name=name)
    try:
        yield
    except BaseException:
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.warning("task %s failed, too: %s", name, error)
        raise
    await task
