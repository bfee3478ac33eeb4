"""From bytes to lines, and from a reader thread to the event loop."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import deque
from collections.abc import Iterable

#: A line longer than this is handed on in parts, so that a child cannot fill our memory with one line.
MAX_LINE_BYTES = 8 * 1024 * 1024

#: What one stream may hold before the oldest lines are dropped: nobody may be reading.
MAX_BACKLOG_LINES = 10_000
MAX_BACKLOG_CHARS = 16 * 1024 * 1024

_LINE_END = re.compile(rb"\r\n|\n|\r")


class LineSplitter:
    """Cuts a byte stream into lines at ``\\n``, ``\\r\\n`` and ``\\r`` (progress bars end in it).

    Lines may be of any length; invalid UTF-8 becomes the replacement character. An empty piece before a ``\\r`` is no
    line: a progress bar begins with one.

    Args:
        limit_bytes: A longer line is handed on in parts.
    """

    def __init__(self, limit_bytes: int = MAX_LINE_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._rest = bytearray()
        #: What the final ``\r`` of the last chunk ended (its ``\n`` may follow); None = the chunk ended otherwise.
        self._returned: bytes | None = None

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that ``data`` completes."""
        if not data:
            return []
        lines: list[str] = []
        start = 0
        if self._returned is not None and data.startswith(b"\n"):
            lines += [] if self._returned else [""]
            start = 1
        self._returned = None
        for end in _LINE_END.finditer(data, start):
            line = bytes(self._rest) + data[start : end.start()]
            self._rest.clear()
            if line or end.group() != b"\r":
                lines.append(_decode(line))
            start = end.end()
            if end.group() == b"\r" and start == len(data):
                self._returned = line
        self._rest += data[start:]
        if len(self._rest) > self._limit_bytes:
            lines += self.finish()
        return lines

    def finish(self) -> list[str]:
        """Return the unfinished last line, if there is one."""
        rest = [_decode(bytes(self._rest))] if self._rest else []
        self._rest.clear()
        return rest


def _decode(line: bytes) -> str:
    return line.decode("utf-8", errors="replace")


class LineBacklog:
    """Lines on their way from one reader thread to one consumer on the event loop.

    Bounded: when nobody reads, the oldest lines go and ``dropped`` counts them. The child never waits for us.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.dropped = 0
        self._loop = loop
        self._lock = threading.Lock()
        self._lines: deque[str] = deque()
        self._chars = 0
        self._is_closed = False
        self._news = asyncio.Event()

    def put(self, lines: Iterable[str]) -> None:
        """Add lines; called by the reader thread."""
        with self._lock:
            for line in lines:
                self._lines.append(line)
                self._chars += len(line)
            while len(self._lines) > MAX_BACKLOG_LINES or (self._chars > MAX_BACKLOG_CHARS and len(self._lines) > 1):
                self._chars -= len(self._lines.popleft())
                self.dropped += 1
        self._wake()

    def close(self) -> None:
        """Say that no line will follow; called by the reader thread."""
        with self._lock:
            self._is_closed = True
        self._wake()

    async def next(self) -> str | None:
        """Return the oldest line, waiting for one; None when the stream has ended and all are handed out."""
        while True:
            self._news.clear()
            with self._lock:
                if self._lines:
                    line = self._lines.popleft()
                    self._chars -= len(line)
                    return line
                if self._is_closed:
                    return None
            await self._news.wait()

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._news.set)
        except RuntimeError:
            # The loop is closed: nobody can be waiting any more.
            pass
