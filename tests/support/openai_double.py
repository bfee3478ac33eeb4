"""A server on 127.0.0.1 that says what it is told to say: the base of the doubles for Ollama and for services."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

_RECORDINGS = Path(__file__).with_name("openai_recordings.json")

#: Words for statuses that tests use; HTTP wants some, nobody reads them.
_REASON = "said"


@dataclass(frozen=True)
class Heard:
    """One request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.body or b"{}"))


@dataclass(frozen=True)
class Reply:
    """What is answered.

    Attributes:
        pieces: The body, written one by one.
        wait_s: Before anything is said.
        pause_s: Between two pieces.
        cut_after: The connection breaks after so many bytes of the body.
        hangs: Nothing follows the pieces, and the connection stays open.
    """

    status: int = 200
    pieces: tuple[bytes, ...] = ()
    headers: dict[str, str] = field(default_factory=dict[str, str])
    wait_s: float = 0.0
    pause_s: float = 0.0
    cut_after: int | None = None
    hangs: bool = False

    def cut(self, after: int) -> Reply:
        return replace(self, cut_after=after)

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)


def json_reply(value: object, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, (json.dumps(value).encode(),), {"content-type": "application/json", **named})


def recording(name: str) -> dict[str, Any]:
    """Return one recorded exchange with llama.cpp's server."""
    return next(entry for entry in json.loads(_RECORDINGS.read_text("utf-8")) if entry["name"] == name)


def recorded_stream(name: str) -> Reply:
    """Return a recorded stream, line by line as it came."""
    lines = [f"{line}\n".encode() for _, line in recording(name)["sse"]]
    return Reply(200, tuple(lines), {"content-type": "text/event-stream"})


def sse(*events: object, done: bool = True) -> Reply:
    """Return a stream of events; a string goes out as it is."""
    lines = [event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n" for event in events]
    if done:
        lines.append("data: [DONE]\n\n")
    return Reply(200, tuple(line.encode() for line in lines), {"content-type": "text/event-stream"})


def said(content: str | None = None, finish: str | None = None, **more: object) -> dict[str, object]:
    """Return one event of a chat stream."""
    return {"choices": [{"index": 0, "delta": {"content": content, **more}, "finish_reason": finish}]}


class HttpDouble:
    """Answers each request with the next scripted reply for its path, else with what ``answer`` says.

    Attributes:
        heard: Every request, in order.
        open_requests: Requests that are being answered now.
        left: How many clients left before their answer was complete.
    """

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.open_requests = 0
        self.left = 0
        self.changed = asyncio.Event()
        self.url = ""
        self._scripts: dict[str, deque[Reply]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def then(self, path: str, *replies: Reply) -> None:
        """Answer the next requests to a path with these."""
        self._scripts.setdefault(path, deque()).extend(replies)

    def answer(self, request: Heard) -> Reply:
        """Return the answer to a request that no script is for."""
        return json_reply({"error": f"nothing at {request.path}"}, 404)

    def of(self, path: str) -> list[Heard]:
        """Return the requests to a path."""
        return [request for request in self.heard if request.path == path]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something is so."""
        async with asyncio.timeout(20):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[str, None]:
        """Serve while the context is open; gives the address."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**26)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self.url
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.open_requests += 1
        is_whole = False
        try:
            request = await _read(reader)
            self.heard.append(request)
            self.changed.set()
            script = self._scripts.get(request.path)
            await self._say(script.popleft() if script else self.answer(request), reader, writer)
            is_whole = True
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left
        finally:
            self.open_requests -= 1
            self.left += not is_whole
            self.changed.set()
            self._tasks.discard(task)
            if is_whole:
                writer.close()
            else:
                writer.transport.abort()

    async def _say(self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = asyncio.ensure_future(reader.read(1))  # noqa: TID251 - ends below
        try:
            await _wait(reply.wait_s, gone)
            # No length: the end of the connection is the end of the body, as after a crash.
            head = {"connection": "close", "transfer-encoding": "chunked", **reply.headers}
            lines = [f"HTTP/1.1 {reply.status} {_REASON}", *(f"{name}: {text}" for name, text in head.items()), "", ""]
            writer.write("\r\n".join(lines).encode("latin-1"))
            left = len(reply.body) if reply.cut_after is None else reply.cut_after
            for piece in reply.pieces:
                sent = piece[:left]
                left -= len(sent)
                if sent:
                    writer.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n")
                    await writer.drain()
                if reply.cut_after is not None and left == 0:
                    writer.transport.abort()
                    return
                await _wait(reply.pause_s, gone)
            if reply.hangs:
                await gone
                raise ConnectionResetError
            writer.write(b"0\r\n\r\n")
            await writer.drain()
        finally:
            gone.cancel()


async def _wait(seconds: float, gone: asyncio.Future[bytes]) -> None:
    """Wait, unless the client leaves meanwhile."""
    if not seconds:
        return
    await asyncio.wait([gone], timeout=seconds)
    if gone.done():
        raise ConnectionResetError


async def _read(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(method, path, headers, body)


class OpenAIDouble(HttpDouble):
    """An OpenAI-compatible service.

    Attributes:
        key: Requests need it, "" = none is needed.
        models: The entries of ``GET /v1/models``.
    """

    def __init__(self, key: str = "", models: tuple[dict[str, Any], ...] = ({"id": "good"},)) -> None:
        super().__init__()
        self.key = key
        self.models = models

    def answer(self, request: Heard) -> Reply:
        if self.key and request.headers.get("authorization") != f"Bearer {self.key}":
            return json_reply(recording("no key")["body"], 401)
        if request.path == "/v1/models":
            return json_reply({"object": "list", "data": list(self.models)})
        if request.path == "/v1/chat/completions":
            return recorded_stream("stream with usage")
        return super().answer(request)
