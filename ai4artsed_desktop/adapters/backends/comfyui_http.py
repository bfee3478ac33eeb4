"""ComfyUI's HTTP routes, one method each. Foreign exceptions become AppErrors or ``UnansweredError`` here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_number, as_object, as_text
from ai4artsed_desktop.adapters.backends.comfyui_outputs import OutputFile
from ai4artsed_desktop.adapters.backends.server_http import ServerHttp, json_of
from ai4artsed_desktop.domain.backend_errors import MediumTooLargeError
from ai4artsed_desktop.domain.errors import BackendError

_HTTP_OK, _HTTP_BAD_REQUEST, _HTTP_TOO_LARGE = 200, 400, 413
#: At once: the server takes one graph at a time. A hundred more would open connections for nothing, and what waits for
#: one in the pool is given up after ``answer_s``.
_MOST_POSTS = 4


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


class ComfyUiHttp(ServerHttp):
    """One ComfyUI's routes."""

    @cached_property
    def posting(self) -> asyncio.Semaphore:
        """Whoever submits takes a turn here first."""
        return asyncio.Semaphore(_MOST_POSTS)

    async def submit(self, body: Mapping[str, object]) -> tuple[int, JsonObject]:
        """Post a prompt; return status (200 or 400) and answer. Raises UnansweredError, BackendError."""
        response = await self.post_json("/prompt", body)
        status = response.status_code
        if status not in (_HTTP_OK, _HTTP_BAD_REQUEST):
            raise BackendError(f"POST /prompt: HTTP {status}", backend=self.backend)
        self.check_there(response)
        return status, as_object(json_of(response))

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
        """Return a file's bytes and MIME type. Raises what ``download`` raises."""
        # Without the subfolder parameter the server looks elsewhere; an empty one is right. SwarmUI asks all its
        # servers only if the name comes first.
        params = {"filename": file.filename, "subfolder": file.subfolder, "type": file.type}
        return await self.download("/view", file.filename, params)

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
        answer = as_object(json_of(response) if response.status_code == _HTTP_OK else None)
        name = as_text(answer.get("name"))
        if not name:
            raise BackendError(f"POST {route}: HTTP {response.status_code}", backend=self.backend)
        return OutputFile("", name, as_text(answer.get("subfolder")), as_text(answer.get("type")) or "input")


def _items(value: object) -> list[QueueItem]:
    items = (as_list(item) for item in as_list(value))
    return [QueueItem(as_number(item[0]) or 0.0, as_text(item[1])) for item in items if len(item) >= 2]
