"""ComfyUI's HTTP routes, one method each. Foreign exceptions become AppErrors or ``UnansweredError`` here."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_number, as_object, as_text
from ai4artsed_desktop.adapters.backends.comfyui_outputs import OutputFile
from ai4artsed_desktop.adapters.http import streamed_body
from ai4artsed_desktop.domain.backend_errors import BackendStoppedError, MediumGoneError, MediumTooLargeError
from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError

T = TypeVar("T")

_HTTP_OK, _HTTP_BAD_REQUEST, _HTTP_NOT_FOUND, _HTTP_TOO_LARGE, _HTTP_FAULT = 200, 400, 404, 413, 500


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, in seconds, and how much to take.

    Attributes:
        connect_s: Until a connection stands.
        answer_s: Until a server that works answers; a busy one was seen to take 0.5 s.
        silence_s: Without a frame, the job's place is asked for.
        poll_s: Between two questions while no socket is open.
        refused_s: A server that refuses connections for so long has ended.
        mute_s: A server that accepts connections but gives no good answer for so long is given up.
        arrival_s: A job that was posted without an answer may take so long to reach the queue.
        stuck_s: A running job that has not moved for so long is given up.
        waiting_s: The same for a waiting job, whose predecessors may take long.
        cancel_wait_s: How long closing waits for a cancel to hold; after that it goes on in the background.
        cancel_limit_s: Then cancelling is given up. A node without progress was seen to ignore it for 20 s.
        preview_gap_s: Between two reports of progress.
        max_medium_bytes: Larger files are not fetched.
    """

    connect_s: float = 3.0
    answer_s: float = 15.0
    silence_s: float = 5.0
    poll_s: float = 1.0
    refused_s: float = 3.0
    mute_s: float = 45.0
    arrival_s: float = 1.0
    stuck_s: float = 1800.0
    waiting_s: float = 4 * 3600.0
    cancel_wait_s: float = 4.0
    cancel_limit_s: float = 180.0
    preview_gap_s: float = 1 / 30
    max_medium_bytes: int = 1 << 30


class UnansweredError(Exception):
    """No usable answer this time; asking again may help. ``is_refused``: nothing listens at the address."""

    def __init__(self, reason: str, *, is_refused: bool = False) -> None:
        super().__init__(reason)
        self.is_refused = is_refused


@dataclass(frozen=True, slots=True)
class QueueItem:
    """One job in the queue of the server."""

    number: float
    prompt_id: str


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """Who runs and who waits, in the order they will run."""

    running: tuple[QueueItem, ...]
    pending: tuple[QueueItem, ...]

    def position(self, prompt_id: str) -> int | None:
        """Return how many jobs come before a waiting one; None if it does not wait."""
        waiting = [item.prompt_id for item in self.pending]
        return len(self.running) + waiting.index(prompt_id) if prompt_id in waiting else None

    def is_running(self, prompt_id: str) -> bool:
        """Tell whether a job runs now."""
        return any(item.prompt_id == prompt_id for item in self.running)


class ComfyUiHttp:
    """One server's HTTP side.

    Args:
        address: Such as ``http://127.0.0.1:8188`` or ``127.0.0.1:8188``; a path is kept (``…/ComfyBackendDirect``).
        backend: What people call the server, for errors.
    """

    def __init__(self, address: str, limits: Limits, backend: str) -> None:
        self.address = (address if "://" in address else f"http://{address}").rstrip("/")
        self.limits = limits
        self.backend = backend
        # No proxy and no .netrc: what a person set up for the internet must not come between us and this machine.
        self._http = httpx.AsyncClient(
            base_url=self.address,
            trust_env=False,
            timeout=httpx.Timeout(limits.answer_s, connect=limits.connect_s),
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=8),
        )

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
        """Return what a GET says. Raises UnansweredError, also for an answer that is no JSON; BackendError for 4xx."""
        response = await self.ask("GET", path, timeout_s=timeout_s, params=params)
        if response.status_code != _HTTP_OK:
            raise BackendError(f"GET {path}: HTTP {response.status_code}", backend=self.backend)
        return _json(response)

    async def patiently(self, question: Callable[[], Awaitable[T]]) -> T:
        """Ask until an answer comes.

        Raises:
            BackendStoppedError: Nothing listens any more.
            BackendUnavailableError: It listens, but gives no good answer.
        """
        started, refused_since, pause_s = time.monotonic(), None, 0.05
        while True:
            try:
                return await question()
            except UnansweredError as exc:
                now = time.monotonic()
                refused_since = (refused_since or now) if exc.is_refused else None
                if refused_since is not None and now - refused_since >= self.limits.refused_s:
                    raise BackendStoppedError(str(exc), backend=self.backend) from exc
                if now - started >= self.limits.mute_s:
                    raise BackendUnavailableError(str(exc), backend=self.backend) from exc
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, self.limits.poll_s)

    async def submit(self, body: Mapping[str, object]) -> tuple[int, JsonObject]:
        """Post a prompt; return status (200 or 400) and answer. Raises UnansweredError."""
        response = await self.ask("POST", "/prompt", content=json.dumps(body).encode(), headers=_JSON_HEADERS)
        if response.status_code not in (_HTTP_OK, _HTTP_BAD_REQUEST):
            raise BackendError(f"POST /prompt: HTTP {response.status_code}", backend=self.backend)
        return response.status_code, as_object(_json(response))

    async def queue(self) -> QueueSnapshot:
        """Return the queue, waiting jobs in the order they will run (the server lists them in its heap's order)."""
        answer = as_object(await self.get_json("/queue"))
        pending = sorted(_items(answer.get("queue_pending")), key=lambda item: item.number)
        return QueueSnapshot(tuple(_items(answer.get("queue_running"))), tuple(pending))

    async def history(self, prompt_id: str) -> JsonObject | None:
        """Return a finished job's entry, None for any other job."""
        answer = as_object(await self.get_json(f"/history/{quote(prompt_id, safe='')}"))
        entry = answer.get(prompt_id)
        return as_object(entry) or None

    async def delete_pending(self, prompt_id: str) -> None:
        """Take a waiting job out of the queue; nothing happens to a running one."""
        await self.ask("POST", "/queue", json={"delete": [prompt_id]})

    async def interrupt(self, prompt_id: str) -> None:
        """Interrupt a job if it runs now. Servers before Sep 2025 interrupt whatever runs: look first."""
        await self.ask("POST", "/interrupt", json={"prompt_id": prompt_id})

    async def free(self) -> None:
        """Ask the server to unload its models; it does so between jobs. Raises UnansweredError."""
        await self.ask("POST", "/free", json={"unload_models": True, "free_memory": True})

    async def view(self, file: OutputFile) -> tuple[bytes, str]:
        """Return a file's bytes and MIME type as the server tells it.

        Raises:
            UnansweredError: It broke off in the middle.
            MediumGoneError, MediumTooLargeError, BackendError.
        """
        # Without the subfolder parameter the server looks elsewhere; an empty one is right.
        params = {"filename": file.filename, "subfolder": file.subfolder, "type": file.type}
        try:
            async with self._http.stream("GET", "/view", params=params) as response:
                self._check_view(response, file)
                async with streamed_body(response) as chunks:
                    data = bytearray()
                    async for chunk in chunks:
                        data += chunk
                        self.check_size(len(data), file.filename)
                return bytes(data), response.headers.get("content-type", "").partition(";")[0].strip()
        except httpx.TransportError as exc:
            raise UnansweredError(f"{type(exc).__name__}: {exc}") from exc

    def check_size(self, size_bytes: int, filename: str) -> None:
        """Raise MediumTooLargeError if a file is larger than what is taken."""
        limit = self.limits.max_medium_bytes
        if size_bytes > limit:
            raise MediumTooLargeError(backend=self.backend, file=filename, limit_mb=f"{limit / 1e6:.0f}")

    def _check_view(self, response: httpx.Response, file: OutputFile) -> None:
        status = response.status_code
        if status == _HTTP_NOT_FOUND:
            raise MediumGoneError(f"GET /view: HTTP {status}", backend=self.backend, file=file.filename)
        if status >= _HTTP_FAULT:
            raise UnansweredError(f"GET /view: HTTP {status}")
        if status != _HTTP_OK:
            raise BackendError(f"GET /view {file.filename}: HTTP {status}", backend=self.backend)
        length = response.headers.get("content-length", "")
        self.check_size(int(length) if length.isdecimal() else 0, file.filename)

    async def upload(self, route: str, filename: str, data: bytes, fields: Mapping[str, str]) -> OutputFile:
        """Upload a file as multipart and return the name the server gave it.

        Raises:
            UnansweredError, MediumTooLargeError, BackendError.
        """
        part = (filename, data, "application/octet-stream")
        response = await self.ask("POST", route, timeout_s=120.0, files={"image": part}, data=dict(fields))
        if response.status_code == _HTTP_TOO_LARGE:
            numbers = "".join(char for char in response.text if char.isdecimal())
            limit_mb = f"{int(numbers) / 1e6:.0f}" if numbers else "100"
            raise MediumTooLargeError(response.text[:200], backend=self.backend, file=filename, limit_mb=limit_mb)
        answer = as_object(_json(response) if response.status_code == _HTTP_OK else None)
        name = as_text(answer.get("name"))
        if not name:
            raise BackendError(f"POST {route}: HTTP {response.status_code}", backend=self.backend)
        return OutputFile("", name, as_text(answer.get("subfolder")), as_text(answer.get("type")) or "input")


_JSON_HEADERS = {"Content-Type": "application/json"}


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except (ValueError, RecursionError) as exc:
        raise UnansweredError(f"no JSON: {response.text[:200]!r}") from exc


def _items(value: object) -> list[QueueItem]:
    items = (as_list(item) for item in as_list(value))
    return [QueueItem(as_number(item[0]) or 0.0, as_text(item[1])) for item in items if len(item) >= 2]
