"""What every adapter that speaks HTTP shares."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import httpx


@asynccontextmanager
async def streamed_body(response: httpx.Response) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """Give a streamed response's bytes; leaving the context early closes the connection.

    WORKAROUND httpx 0.28: its bodies are five generators deep, and when the outermost is left early, the garbage
    collector ends the others in tasks that nobody owns. Reading on after the connection is closed ends them all at
    once, by an error. Remove when httpx closes its inner generators itself.
    """
    chunks = response.aiter_bytes()
    try:
        yield chunks
    finally:
        await response.aclose()
        with contextlib.suppress(httpx.TransportError, httpx.StreamError):
            async for _ in chunks:
                pass


def is_loopback(address: str) -> bool:
    """Tell whether an address is this machine's own: ``localhost`` or a loopback IP, nothing that needs a look-up."""
    host = httpx.URL(address).host
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
