"""A way to a real model server that lists its models by their names alone, as many servers do (LM Studio, vLLM).

Everything else is passed on byte by byte to the server behind it. So a tiny real model can stand in for one that
follows instructions: what it answers is of no use, but the whole chain is real.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HEAD_LIMIT_BYTES = 65_536


@dataclass
class ModestServer:
    """Serves ``models`` as they are called; ``paths`` are those that were asked for and passed on."""

    behind: str
    models: tuple[str, ...]
    paths: list[str] = field(default_factory=list[str])

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[str, None]:
        """Give the address below which it serves ``/v1``."""
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0, limit=_HEAD_LIMIT_BYTES)
        async with server:
            port = server.sockets[0].getsockname()[1]
            yield f"http://127.0.0.1:{port}/v1"

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            if path == "/v1/models":
                body = json.dumps({"data": [{"id": name} for name in self.models]}).encode()
                said = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                writer.write(said.encode() + body)
                await writer.drain()
            else:
                self.paths.append(path)
                # One request per connection: the next one may be for the list.
                head = re.sub(rb"\r\nConnection: [^\r]*", b"", head, flags=re.IGNORECASE)
                await self._pass_on(head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), reader, writer)
        writer.close()

    async def _pass_on(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(self.behind)
        there, to = await asyncio.open_connection(address.hostname, address.port)
        try:
            to.write(head)
            async with asyncio.TaskGroup() as both:
                up = both.create_task(_pump(reader, to))
                await _pump(there, writer)
                up.cancel()
        finally:
            to.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
