"""A file on 127.0.0.1, served well or badly."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class FileServer:
    """Serves ``data`` under every path, and redirects ``/hub/…`` to it as a model hub does.

    Attributes:
        etag: None = none is sent.
        linked_etag: Sent with the redirect.
        cut_after: The first answers are cut after so many bytes of the body, one per item.
        statuses: The first answers have these statuses instead.
        hold: When set, the body stops after 64 KiB until the event is set.
        requests: (path, headers in lower case) of each request that came.
    """

    data: bytes
    etag: str | None = '"v1"'
    linked_etag: str | None = None
    supports_ranges: bool = True
    cut_after: list[int] = field(default_factory=list[int])
    statuses: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    hold: asyncio.Event | None = None
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list[tuple[str, dict[str, str]]])
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/model.gguf"

    @property
    def hub_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hub/model.gguf"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def ranges(self) -> list[str | None]:
        return [headers.get("range") for _, headers in self.requests]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            path = head[0].split(" ")[1]
            self.requests.append((path, headers))
            await self._answer(path, headers, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client left: what a cancelled download looks like from here
        finally:
            writer.close()

    async def _answer(self, path: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        if path.startswith("/hub/"):
            linked = [f"X-Linked-Etag: {self.linked_etag}"] if self.linked_etag else []
            writer.write(_head(302, [f"Location: {self.url}", "Content-Length: 0", *linked]))
            await writer.drain()
            return
        if self.statuses:
            status, extra = self.statuses.pop(0)
            writer.write(_head(status, ["Content-Length: 0", *([extra] if extra else [])]))
            await writer.drain()
            return
        start = self._start(headers)
        if start > len(self.data):
            writer.write(_head(416, ["Content-Length: 0"]))
            return
        extra_headers = [f"ETag: {self.etag}"] if self.etag else []
        if start:
            extra_headers.append(f"Content-Range: bytes {start}-{len(self.data) - 1}/{len(self.data)}")
        body = self.data[start:]
        writer.write(_head(206 if start else 200, [f"Content-Length: {len(body)}", *extra_headers]))
        if self.hold is not None:
            writer.write(body[:65536])
            await writer.drain()
            await self.hold.wait()
            body = body[65536:]
        writer.write(body[: self.cut_after.pop(0)] if self.cut_after else body)
        await writer.drain()

    def _start(self, headers: dict[str, str]) -> int:
        if not self.supports_ranges or "range" not in headers or headers.get("if-range") != self.etag:
            return 0
        return int(headers["range"].removeprefix("bytes=").removesuffix("-"))


def _head(status: int, headers: list[str]) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} x", "Connection: close", *headers, "", ""]).encode("latin-1")


@asynccontextmanager
async def serving(server: FileServer) -> AsyncGenerator[FileServer, None]:
    """Serve while the context is open."""
    listener = await asyncio.start_server(server._serve, "127.0.0.1", 0)  # pyright: ignore[reportPrivateUsage]
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server
        if server.hold is not None:
            server.hold.set()
