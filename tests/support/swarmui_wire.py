"""The server side of SwarmUI's websockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.support.comfyui_wire import DoubleSocket


class SwarmSocket(DoubleSocket):
    """One client's socket; what it says waits in ``heard``."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        super().__init__("", writer, {})
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def _hear(self, data: bytes) -> None:
        self.heard.put_nowait(data)

    def say(self, frame: dict[str, Any]) -> None:
        """Send an object as SwarmUI writes it."""
        self.send(json.dumps(frame, ensure_ascii=False))

    def close(self) -> None:
        """Close normally."""
        self._protocol.send_close(1000)
        self._flush()
