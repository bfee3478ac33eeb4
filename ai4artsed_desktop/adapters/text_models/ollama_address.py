"""Where Ollama answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from ai4artsed_desktop.domain.settings import OLLAMA_ADDRESS

_DEFAULT_PORT = 11434
_PORTS = {"http": 80, "https": 443}


def ollama_address(setting: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the address in force: the setting; while that is the default, what ``OLLAMA_HOST`` says, if anything."""
    host = environment.get("OLLAMA_HOST", "").strip().strip("\"'")
    return from_host_variable(host) if host and setting == OLLAMA_ADDRESS else setting.rstrip("/")


def from_host_variable(host: str) -> str:
    """Return ``OLLAMA_HOST`` as an address to talk to.

    It may be a host, ``:port``, ``host:port`` or a whole URL; without a port it is 11434, with ``http`` or ``https``
    that scheme's own. ``0.0.0.0`` (every network) is what a server listens to; this machine is where it answers.
    """
    has_scheme = "://" in host
    parts = urlsplit(host if has_scheme else f"http://{host}")
    name = parts.hostname or "127.0.0.1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(name, name)  # noqa: S104 - recognised, not bound
    try:
        port = parts.port
    except ValueError:
        port = None
    port = port or (_PORTS.get(parts.scheme, _DEFAULT_PORT) if has_scheme else _DEFAULT_PORT)
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}:{port}{parts.path.rstrip('/')}"
