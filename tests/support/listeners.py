"""Listeners on 127.0.0.1 that count everything that reaches them: the proof that nothing leaves a sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Listeners:
    """One TCP listener (speaks enough HTTP to answer) and one UDP listener.

    Attributes:
        tcp_port, udp_port: Where they listen.
        hits: First bytes of each connection and datagram that came.
    """

    tcp_port: int
    udp_port: int
    hits: list[bytes] = field(default_factory=list[bytes])


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, hits: list[bytes]) -> None:
        self._hits = hits

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._hits.append(b"udp " + data[:100])


@asynccontextmanager
async def listening() -> AsyncGenerator[Listeners, None]:
    """Listen while the context is open."""
    hits: list[bytes] = []

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # The connection itself is the hit, even if nothing is ever said on it.
        hits.append(b"tcp")
        hits[-1] += b" " + await reader.read(100)
        writer.write(
            b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Datagrams(hits), local_addr=("127.0.0.1", 0)
    )
    try:
        tcp_port: int = server.sockets[0].getsockname()[1]
        udp_port: int = transport.get_extra_info("sockname")[1]
        yield Listeners(tcp_port, udp_port, hits)
    finally:
        transport.close()
        server.close()
        await server.wait_closed()
