"""The websocket to ComfyUI: one client id per line, read in a task of its own, opened again as long as jobs listen.

An idle line stays open for a while: the next job need not wait for a new one, nor this one's result for its end.

A socket that nobody reads blocks every client of the server, so the reader only sorts frames into feeds. A dropped line
comes back under its own id, because the running jobs' frames go there; new jobs get a new line, because the server
silently drops an id that was on two sockets when the older one closes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from ai4artsed_desktop.adapters.backends.comfyui_feed import Feed
from ai4artsed_desktop.adapters.backends.comfyui_frames import Frame, ImageFrame, NoteFrame, parse_message
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.errors import LocalOnlyError
from ai4artsed_desktop.engine.tasks import TaskScope

_log = logging.getLogger(__name__)

#: Results of SaveImageWebsocket come as one frame; the default of 1 MiB is too small.
_MAX_FRAME_BYTES = 256 * 1024 * 1024
_OPEN_LIMIT_S = 5.0
_CLOSE_LIMIT_S = 1.0
_LONGEST_PAUSE_S = 2.0
#: Must be the first message; then previews name their node and job.
_FEATURES = json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}})


class Line:
    """One client id and its socket.

    Attributes:
        client_id: What jobs are posted with so that their frames come here.
        is_fit: New jobs may use it: it was never lost.
    """

    def __init__(self, address: str, headers: Mapping[str, str], guard: NetworkGuard) -> None:
        self.client_id = str(uuid.uuid4())
        self._headers = headers
        self._guard = guard
        self.is_fit = True
        self._url = f"ws{address.removeprefix('http')}/ws?{urlencode({'clientId': self.client_id})}"
        self._feeds: dict[str, Feed] = {}
        self._scope = TaskScope("comfyui-socket")
        self._tried = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._opened = 0
        self._last_prompt_id: str | None = None
        self._renewed_at = 0.0

    @property
    def is_used(self) -> bool:
        """True while a job listens."""
        return bool(self._feeds)

    @property
    def was_reopened(self) -> bool:
        """True if this is not the first socket with this id; only such a one can be dead and look open."""
        return self._opened > 1

    def start(self) -> None:
        """Begin to connect and read."""
        self._scope.spawn(self._run(), name=self.client_id)

    async def ready(self) -> None:
        """Wait until the first try to connect has succeeded or failed; asking carries a job without a socket too."""
        try:
            async with asyncio.timeout(_OPEN_LIMIT_S):
                await self._tried.wait()
        except TimeoutError:
            _log.info("the websocket is slow to open")

    def add(self, feed: Feed) -> None:
        """Let a feed have its job's frames."""
        self._feeds[feed.prompt_id] = feed
        feed.connected(self._socket is not None)

    def remove(self, feed: Feed) -> None:
        """Forget a feed."""
        self._feeds.pop(feed.prompt_id, None)

    def rename(self, feed: Feed, prompt_id: str) -> None:
        """Follow a job whose id the server chose itself (before Jul 2025)."""
        self.remove(feed)
        feed.prompt_id = prompt_id
        self._feeds[prompt_id] = feed

    async def renew(self) -> None:
        """Close the socket, so that it is opened again; at most every ten seconds."""
        now = time.monotonic()
        if self._socket is not None and now - self._renewed_at > 10.0:
            self._renewed_at = now
            await self._socket.close()

    async def aclose(self) -> None:
        """Close the socket."""
        self.is_fit = False
        await self._scope.aclose()

    async def _run(self) -> None:
        pause_s = 0.1
        while True:
            opened_before = self._opened
            try:
                await self._read()
            except (OSError, WebSocketException, TimeoutError, LocalOnlyError) as exc:
                _log.info("websocket lost: %s: %s", type(exc).__name__, exc)
            self._lose()
            if not self.is_used:
                return
            pause_s = 0.1 if self._opened > opened_before else min(2 * pause_s, _LONGEST_PAUSE_S)
            await asyncio.sleep(pause_s)

    async def _read(self) -> None:
        self._guard.check_address(self._url)
        async with connect(
            self._url,
            additional_headers=self._headers,
            proxy=None,
            compression=None,
            max_size=_MAX_FRAME_BYTES,
            open_timeout=_OPEN_LIMIT_S,
            close_timeout=_CLOSE_LIMIT_S,
        ) as socket:
            await socket.send(_FEATURES)
            self._socket = socket
            self._opened += 1
            self._tried.set()
            self._tell_connected(True)
            async for message in socket:
                self._sort(message)

    def _lose(self) -> None:
        self._socket, self.is_fit = None, False
        self._tried.set()
        self._tell_connected(False)

    def _tell_connected(self, is_connected: bool) -> None:
        for feed in self._feeds.values():
            feed.connected(is_connected)

    def _sort(self, message: str | bytes) -> None:
        frame = parse_message(message)
        if isinstance(frame, Frame):
            self._sort_text(frame)
        elif isinstance(frame, ImageFrame):
            # Event 1 names no job: it belongs to the last one that reported, which may be another program's.
            if (feed := self._feeds.get(frame.prompt_id or self._last_prompt_id or "")) is not None:
                feed.see_image(frame)
        elif isinstance(frame, NoteFrame) and (feed := self._feeds.get(self._last_prompt_id or "")) is not None:
            feed.see_note(frame.text)

    def _sort_text(self, frame: Frame) -> None:
        if frame.type == "status":
            for feed in self._feeds.values():
                feed.see_queue()
            return
        prompt_id = frame.prompt_id
        if prompt_id is None:
            # After a reconnect the server names the node that works, but not the job.
            running = [feed for feed in self._feeds.values() if feed.is_running and not feed.is_over]
            if frame.type == "executing" and len(running) == 1:
                running[0].see(frame)
            return
        self._last_prompt_id = prompt_id
        if (feed := self._feeds.get(prompt_id)) is not None:
            feed.see(frame)


class Lines:
    """Gives jobs a line: a shared one while it is fit, a new one after a loss.

    Args:
        idle_s: How long a line that no job uses stays open.
    """

    def __init__(self, address: str, headers: Mapping[str, str], guard: NetworkGuard, idle_s: float) -> None:
        self._address = address
        self._headers = headers
        self._guard = guard
        self._idle_s = idle_s
        self._current: Line | None = None
        self._scope = TaskScope("comfyui-lines")
        self._closing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def listening(self, feed: Feed) -> AsyncGenerator[Line]:
        """Give a line that brings the job's frames; it is left open for the next job while it is fit."""
        line = self._taken()
        line.add(feed)
        try:
            await line.ready()
            yield line
        finally:
            line.remove(feed)
            if not line.is_used:
                await self._leave(line)

    async def aclose(self) -> None:
        """Close the line that is idle; those in use are closed by their jobs."""
        await self._scope.aclose()
        if self._current is not None and not self._current.is_used:
            await self._current.aclose()

    def _taken(self) -> Line:
        if self._current is not None and self._current.is_fit:
            if self._closing is not None:
                self._closing.cancel()
            return self._current
        self._current = Line(self._address, self._headers, self._guard)
        self._current.start()
        return self._current

    async def _leave(self, line: Line) -> None:
        if line is self._current and line.is_fit and not self._scope.is_closed:
            self._closing = self._scope.spawn(self._close_idle(line), name=line.client_id)
        else:
            await line.aclose()

    async def _close_idle(self, line: Line) -> None:
        await asyncio.sleep(self._idle_s)
        self._closing = None  # whoever comes now takes a new line, and must not break this one's farewell off
        if self._current is line:
            self._current = None
        await line.aclose()
