"""Local only: the one gate in front of every connection that one of our clients opens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from ai4artsed_desktop.domain.errors import LocalOnlyError

#: How long a knock may take; a service on this machine answers within milliseconds, or is not there.
_KNOCK_LIMIT_S = 2.0

_PORTS = {"http": 80, "https": 443}


class NetworkGuard:
    """Lets connections pass, or refuses them while nothing may leave the machine.

    Every HTTP client (``adapters.http.open_client``) and every websocket asks it before each connection and each hop of
    a redirect; nothing else in the program opens connections.

    Args:
        is_local_only: Asked anew each time, so that the switch counts at once.
    """

    def __init__(self, is_local_only: Callable[[], bool]) -> None:
        self._is_local_only = is_local_only

    @property
    def is_on(self) -> bool:
        """Whether nothing may leave the machine now."""
        return self._is_local_only()

    def check(self, host: str) -> None:
        """Let a connection to ``host`` pass.

        Raises:
            LocalOnlyError: It would leave the machine, and nothing may.
        """
        if self.is_on and not is_loopback(host):
            raise LocalOnlyError(host=host or "?")

    def check_address(self, address: str) -> None:
        """Like ``check``, for a whole address such as ``ws://127.0.0.1:8188/ws``. Raises LocalOnlyError."""
        self.check(_host_of(address))


#: For clients that nobody gave a guard: they reach this machine and no other.
HERE_ONLY = NetworkGuard(lambda: True)


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this very machine, without asking anybody: a look-up would leave the machine itself.

    Only literal loopback addresses and ``localhost`` count; short forms of numbers, other names and ``0.0.0.0`` do not.
    """
    name = host.strip("[]").lower().removesuffix(".")
    if name == "localhost":
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def is_on_this_machine(address: str) -> bool:
    """Tell whether an address such as ``http://localhost:11434`` leads to this very machine."""
    return is_loopback(_host_of(address))


def _host_of(address: str) -> str:
    """Return an address's host, "" for what is no address."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def port_of(address: str) -> int | None:
    """Return the port that an ``http(s)://`` address leads to, None if it is no address that can be connected to."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname or any(char.isspace() for char in address):
        return None
    return _PORTS[parts.scheme] if port is None else port


async def answers(address: str, guard: NetworkGuard) -> bool:
    """Tell whether anything listens at ``address``: a knock that costs a millisecond and no HTTP client.

    Raises:
        LocalOnlyError: Knocking would leave the machine, and nothing may.
    """
    guard.check_address(address)
    port = port_of(address)
    if port is None:
        return False
    try:
        async with asyncio.timeout(_KNOCK_LIMIT_S):
            _, writer = await asyncio.open_connection(_host_of(address), port)
    except (OSError, TimeoutError, UnicodeError):  # the last: a name that can be none
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
