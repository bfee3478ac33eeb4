"""What the doubles of media servers share: a port that stays theirs, and an end as by SIGKILL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any


class KillableServer:
    """Listens on 127.0.0.1; whoever inherits from it says what is answered (``talk``)."""

    def __init__(self) -> None:
        self.port = 0
        self._listener: asyncio.Server | None = None
        self._is_down = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so; looked at whenever the server says that it moved."""
        while not is_so():
            self._moved.clear()
            await self._moved.wait()

    async def listen(self) -> None:
        """Take connections; after ``cut_off`` on the same port as before."""
        self._is_down = False
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def cut_off(self, *more: asyncio.Task[Any]) -> None:
        """End at once, with ``more`` of its tasks: connections break."""
        assert self._listener is not None
        self._is_down = True
        self._listener.close()
        for writer in list(self._writers):
            writer.transport.abort()
        tasks = [*more, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the connections' own ends
        self._writers.clear()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        raise NotImplementedError

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_down:  # the connection was taken, but its turn comes only now
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        except asyncio.CancelledError:
            writer.transport.abort()  # killed, or the test is over
        finally:
            self._tasks.discard(task)
            writer.close()  # what it still has to send goes on; ``cut_off`` ends that too
