"""What every adapter that speaks HTTP shares: guarded clients and streamed bodies."""

from __future__ import annotations

import contextlib
import ssl
import sys
import urllib.request
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

import httpx

from ai4artsed_desktop.adapters.local_only import NetworkGuard, is_loopback

# WORKAROUND httpcore 1.0: for each lock of each request it tries to import sniffio, and a missing module is looked for
# on the disk each time (2 ms a request). None says at once that it is not there. Remove when httpcore asks once.
if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # pyright: ignore[reportArgumentType] - documented: the import system reads it so

#: No connection is kept for later: what is kept goes to a server that may have ended meanwhile.
NO_KEPT_CONNECTIONS = httpx.Limits(max_keepalive_connections=0)


def open_client(
    guard: NetworkGuard,
    timeout: httpx.Timeout,
    *,
    base_url: str = "",
    limits: httpx.Limits = NO_KEPT_CONNECTIONS,
    uses_certificates: bool = True,
    uses_system_proxy: bool = False,
) -> httpx.AsyncClient:
    """Return an HTTP client whose every connection passes the guard; the only place in the program that makes one.

    Args:
        uses_certificates: False saves the 30 ms that reading them takes, where only ``http://`` is spoken;
            ``https://`` fails then.
        uses_system_proxy: For the internet. Never for this machine, and never without: what a person set up for the
            internet must not come between us and a server here.
    """
    transport = GuardedTransport(guard, limits, uses_certificates, uses_system_proxy)
    return httpx.AsyncClient(transport=transport, timeout=timeout, base_url=base_url, trust_env=False)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Asks the guard before each request, each hop of a redirect included. Made by ``open_client``."""

    def __init__(
        self, guard: NetworkGuard, limits: httpx.Limits, uses_certificates: bool, uses_system_proxy: bool
    ) -> None:
        self._guard = guard
        # A context that trusts nobody: quick to make, and https fails instead of going unchecked.
        verify = True if uses_certificates else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._direct = httpx.AsyncHTTPTransport(verify=verify, limits=limits, trust_env=False)
        proxies = urllib.request.getproxies() if uses_system_proxy else {}
        self._by_proxy = {
            scheme: httpx.AsyncHTTPTransport(limits=limits, proxy=address, trust_env=False)
            for scheme, address in proxies.items()
            if scheme in {"http", "https"}
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises LocalOnlyError before anything is looked up or opened."""
        self._guard.check(request.url.host)
        return await self._way(request.url).handle_async_request(request)

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in (self._direct, *self._by_proxy.values()):
            await transport.aclose()

    def _way(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        if is_loopback(url.host) or url.scheme not in self._by_proxy or urllib.request.proxy_bypass(url.host):
            return self._direct
        return self._by_proxy[url.scheme]


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
