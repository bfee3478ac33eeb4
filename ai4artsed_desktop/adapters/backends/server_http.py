"""What clients of media servers share: connections, patience, downloads. Foreign exceptions end here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from ai4artsed_desktop.adapters.http import open_client, streamed_body
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.backend_errors import BackendStoppedError, MediumGoneError, MediumTooLargeError
from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError
from ai4artsed_desktop.engine.service_ports import AwakeTimer, RealClock

T = TypeVar("T")

_HTTP_OK, _HTTP_BAD_REQUEST, _HTTP_NOT_FOUND, _HTTP_FAULT = 200, 400, 404, 500
#: Between the tries of what may be done again.
_PAUSES_S = (0.1, 0.2, 0.4)
_JSON_HEADERS = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds, and how much to take.

    Attributes:
        connect_s: Until a connection stands.
        answer_s: Until a server that works answers; a busy one was seen to take 0.5 s.
        silence_s: Without a frame, the job's place is asked for.
        keep_alive_s: The same for SwarmUI, which sends something every 30 s.
        idle_s: A websocket that no job uses stays open for so long.
        poll_s: Between two questions while no socket is open.
        refused_s: A server that refuses connections for so long has ended.
        mute_s: A server that accepts connections but gives no good answer for so long is given up.
        arrival_s: A job that was posted without an answer may take so long to reach the queue.
        stuck_s: A running job that has not moved for so long is given up.
        waiting_s: The same for a waiting job, whose predecessors may take long.
        cancel_wait_s: How long leaving a job waits for its cancel to hold; after that it goes on in the background.
        cancel_close_s: How long closing the client waits for cancels that do not hold yet.
        cancel_limit_s: Then cancelling is given up. A node without progress was seen to ignore it for 20 s.
        preview_gap_s: Between two reports of progress.
        max_medium_bytes: Larger files are not fetched.
    """

    connect_s: float = 3.0
    answer_s: float = 15.0
    silence_s: float = 5.0
    keep_alive_s: float = 75.0
    idle_s: float = 30.0
    poll_s: float = 1.0
    refused_s: float = 3.0
    mute_s: float = 45.0
    arrival_s: float = 1.0
    stuck_s: float = 1800.0
    waiting_s: float = 4 * 3600.0
    cancel_wait_s: float = 1.0
    cancel_close_s: float = 3.0
    cancel_limit_s: float = 180.0
    preview_gap_s: float = 1 / 30
    max_medium_bytes: int = 1 << 30


class UnansweredError(Exception):
    """No usable answer this time; asking again may help. ``is_refused``: nothing listens at the address."""

    def __init__(self, reason: str, *, is_refused: bool = False) -> None:
        super().__init__(reason)
        self.is_refused = is_refused


class ServerHttp:
    """One server's HTTP side.

    Args:
        address: Such as ``http://127.0.0.1:8188`` or ``127.0.0.1:8188``; a path is kept (``…/ComfyBackendDirect``).
        backend: What people call the server, for errors.
        headers: Sent with every request.
        guard: Asked before every connection.
    """

    def __init__(
        self,
        address: str,
        limits: Limits,
        backend: str,
        guard: NetworkGuard,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.address = (address if "://" in address else f"http://{address}").rstrip("/")
        self.limits = limits
        self.backend = backend
        self.guard = guard
        self.headers = dict(headers or {})
        self._http = open_client(
            guard,
            httpx.Timeout(limits.answer_s, connect=limits.connect_s),
            base_url=self.address,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
            uses_certificates=self.address.startswith("https:"),
        )
        self._http.headers.update(self.headers)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def ask(self, method: str, path: str, *, timeout_s: float | None = None, **content: Any) -> httpx.Response:
        """Send one request and return the answer, whatever its status below 500.

        Raises:
            UnansweredError: No answer, or a 5xx one.
        """
        timeout = httpx.USE_CLIENT_DEFAULT if timeout_s is None else httpx.Timeout(timeout_s)
        try:
            response = await self._http.request(method, path, timeout=timeout, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            raise UnansweredError(str(exc) or "no connection", is_refused=True) from exc
        except httpx.TransportError as exc:
            raise UnansweredError(f"{type(exc).__name__}: {exc}") from exc
        if response.status_code >= _HTTP_FAULT:
            raise UnansweredError(f"HTTP {response.status_code}: {response.text[:500]}")
        return response

    async def get_json(self, path: str, *, timeout_s: float | None = None, **params: str) -> object:
        """Return what a GET says. Raises UnansweredError, also if it is no JSON; BackendError for 4xx."""
        response = await self.ask("GET", path, timeout_s=timeout_s, params=params)
        self.check_there(response)
        if response.status_code != _HTTP_OK:
            raise BackendError(f"GET {path}: HTTP {response.status_code}", backend=self.backend)
        return json_of(response)

    def check_there(self, response: httpx.Response) -> None:
        """Raise BackendStoppedError for what SwarmUI answers, in HTML, while it has no ComfyUI to hand a request to."""
        if response.status_code == _HTTP_BAD_REQUEST and "html" in response.headers.get("content-type", ""):
            raise BackendStoppedError(response.text[:200], backend=self.backend)

    async def patiently(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask until an answer comes.

        Raises:
            BackendStoppedError: Nothing listens any more.
            BackendUnavailableError: It listens, but gives no good answer.
        """
        # Only time awake counts: after a sleep of the machine the first question may well fail.
        step_s, clock = self.limits.answer_s + self.limits.poll_s, RealClock()
        awake, refused, pause_s = AwakeTimer(clock, step_s), None, 0.05
        while True:
            try:
                return await question()
            except UnansweredError as exc:
                refused = (refused or AwakeTimer(clock, step_s)) if exc.is_refused else None
                if refused is not None and refused.spent_s() >= self.limits.refused_s:
                    raise BackendStoppedError(str(exc), backend=self.backend) from exc
                if awake.spent_s() >= self.limits.mute_s:
                    raise BackendUnavailableError(str(exc), backend=self.backend) from exc
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self.limits.poll_s)

    async def post_json(self, path: str, body: Mapping[str, object], timeout_s: float | None = None) -> httpx.Response:
        """Post an object, with its length told beforehand. Raises UnansweredError."""
        content = json.dumps(body).encode()
        return await self.ask("POST", path, timeout_s=timeout_s, content=content, headers=_JSON_HEADERS)

    async def several_times(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask again, up to a limit, unless nothing listens. Raises UnansweredError."""
        for pause_s in _PAUSES_S:
            try:
                return await question()
            except UnansweredError as exc:
                if exc.is_refused:
                    raise
            await asyncio.sleep(pause_s)
        return await question()

    async def download(self, path: str, name: str, params: Mapping[str, str] | None = None) -> tuple[bytes, str]:
        """Return a file's bytes and MIME type as the server tells it; ``name`` is what errors call it.

        Raises:
            UnansweredError: It broke off in the middle.
            MediumGoneError, MediumTooLargeError, BackendError.
        """
        try:
            async with self._http.stream("GET", path, params=params) as response:
                self._check_download(response, name)
                async with streamed_body(response) as chunks:
                    data = bytearray()
                    async for chunk in chunks:
                        data += chunk
                        self.check_size(len(data), name)
                return bytes(data), response.headers.get("content-type", "").partition(";")[0].strip()
        except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
            raise UnansweredError(str(exc) or "no connection", is_refused=True) from exc
        except httpx.TransportError as exc:
            raise UnansweredError(f"{type(exc).__name__}: {exc}") from exc

    def check_size(self, size_bytes: int, filename: str) -> None:
        """Raise MediumTooLargeError if a file is larger than what is taken."""
        limit = self.limits.max_medium_bytes
        if size_bytes > limit:
            raise MediumTooLargeError(backend=self.backend, file=filename, limit_mb=f"{limit / 1e6:.0f}")

    def _check_download(self, response: httpx.Response, name: str) -> None:
        status, path = response.status_code, response.url.path
        if status == _HTTP_NOT_FOUND:
            raise MediumGoneError(f"GET {path}: HTTP {status}", backend=self.backend, file=name)
        if status >= _HTTP_FAULT:
            raise UnansweredError(f"GET {path}: HTTP {status}")
        if status != _HTTP_OK:
            raise BackendError(f"GET {path} ({name}): HTTP {status}", backend=self.backend)
        length = response.headers.get("content-length", "")
        self.check_size(int(length) if length.isdecimal() else 0, name)


def json_of(response: httpx.Response) -> object:
    """Return what an answer says. Raises UnansweredError if it is no JSON."""
    try:
        return response.json()
    except (ValueError, RecursionError) as exc:
        raise UnansweredError(f"no JSON: {response.text[:200]!r}") from exc
