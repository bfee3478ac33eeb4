"""The loopback interface: the program's language model and its tests talk over 127.0.0.1, also without any network.

In a fresh Linux network namespace (some containers, ``unshare --net``) the interface exists, but is down.
"""

from __future__ import annotations

import socket
import struct
import sys

from setup_steps.messages import say

# linux/sockios.h and linux/if.h
_SET_INTERFACE_FLAGS = 0x8914
_UP = 0x1


def ensure_loopback() -> bool:
    """Check that 127.0.0.1 answers; switch the interface on where we may, else say how.

    Returns:
        True if 127.0.0.1 answers.
    """
    if loopback_answers() or (sys.platform == "linux" and _switch_on() and loopback_answers()):
        return True
    say("loopback_down")
    return False


def loopback_answers() -> bool:
    """Say whether a connection over 127.0.0.1 comes about."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 2):
            return True
    except OSError:
        return False


def _switch_on() -> bool:
    """Return False if we may not."""
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            fcntl.ioctl(handle, _SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", _UP))
        except PermissionError:
            return False
    return True
