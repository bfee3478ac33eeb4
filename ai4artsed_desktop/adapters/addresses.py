"""Where an address leads, without asking anybody: neither a look-up nor an HTTP library is needed."""

from __future__ import annotations

import asyncio
import ipaddress
from urllib.parse import urlsplit


def is_loopback(address: str) -> bool:
    """Tell whether an address is this machine's own: ``localhost`` or a loopback IP, nothing that needs a look-up."""
    host = urlsplit(address).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def is_listening(address: str, timeout_s: float = 1.0) -> bool:
    """Tell whether anything takes connections at an ``http://host:port`` address; says nothing of what it is."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
