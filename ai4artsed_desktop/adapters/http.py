"""What every adapter that speaks HTTP shares."""

from __future__ import annotations

import contextlib
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
