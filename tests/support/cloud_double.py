"""A cloud service on 127.0.0.1: it answers what it is told to, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHAPES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "cloud_shapes.json").read_text(encoding="utf-8"))[
    "answers"
]
#: One red pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(16)


@dataclass(frozen=True)
class Told:
    """One answer. ``cut_after`` closes the connection after so many bytes; ``piece`` bytes come at a time."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut_after: int | None = None
    hold: asyncio.Event | None = None
    wait_s: float = 0.0
    piece: int = 1_000_000


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class CloudDouble:
    """Answers in order by path prefix; the last answer of a path is repeated."""

    told: dict[str, list[Told]] = field(default_factory=dict[str, list[Told]])
    asked: list[Asked] = field(default_factory=list[Asked])
    port: int = 0
    open: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def tell(self, path: str, *answers: Told) -> None:
        """Say how to answer below ``path``."""
        self.told[path] = list(answers)

    def count(self, path: str) -> int:
        return sum(asked.path.startswith(path) for asked in self.asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
            method, path, _ = lines[0].split(" ")
            body = await _body(reader, headers)
            self.asked.append(Asked(method, path, headers, body))
            await self._answer(path, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left: what a cancelled request looks like from here
        finally:
            self.open.discard(writer)
            writer.close()

    async def _answer(self, path: str, writer: asyncio.StreamWriter) -> None:
        key = max((known for known in self.told if path.startswith(known)), key=len, default="")
        answers = self.told.get(key) or [Told(404, b'{"error": {"message": "nothing here"}}')]
        told = answers.pop(0) if len(answers) > 1 else answers[0]
        await asyncio.sleep(told.wait_s)
        head = {"Content-Type": told.content_type, "Content-Length": str(len(told.body)), "Connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**head, **told.headers}.items())
        writer.write(f"HTTP/1.1 {told.status} X\r\n{lines}\r\n".encode("latin-1"))
        await writer.drain()
        if told.hold is not None:
            await told.hold.wait()
        body = told.body if told.cut_after is None else told.body[: told.cut_after]
        for start in range(0, len(body), told.piece):
            writer.write(body[start : start + told.piece])
            await writer.drain()
            await asyncio.sleep(0)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if "content-length" in headers:
        return await reader.readexactly(int(headers["content-length"]))
    parts = bytearray()
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            parts += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    return bytes(parts)


@asynccontextmanager
async def cloud_double() -> AsyncGenerator[CloudDouble, None]:
    """Run the service on a free port."""
    double = CloudDouble()
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0)
    double.port = server.sockets[0].getsockname()[1]
    try:
        yield double
    finally:
        for writer in tuple(double.open):
            writer.close()
        server.close()
        await server.wait_closed()


def shape(name: str) -> Told:
    """Return a documented answer by its name, with a whole picture in it."""
    found = next(entry for entry in SHAPES if entry["name"] == name)
    text = "\n".join(found["lines"]) + "\n" if "lines" in found else json.dumps(found.get("body"))
    picture = base64.b64encode(PNG).decode()
    for short in ("iVBORw0KGgo...", "iVBORw0..."):
        text = text.replace(short, picture)
    kind = found.get("content_type", "application/json")
    return Told(found["status"], text.encode(), kind, dict(found.get("headers", {})))


def json_told(body: object, status: int = 200, **headers: str) -> Told:
    """Return an answer of JSON."""
    return Told(status, json.dumps(body).encode(), headers={k.replace("_", "-"): v for k, v in headers.items()})


def names(*, status: Sequence[int]) -> list[str]:
    """Return the names of the documented answers with these statuses."""
    return [entry["name"] for entry in SHAPES if entry["status"] in status]
