"""The server side of a websocket, over websockets' sans-I/O protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, cast

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.server import ServerProtocol


class DoubleSocket:
    """One client's socket.

    Attributes:
        sent: Messages sent so far.
        knows_metadata: The client's first message asked for previews with metadata.
    """

    def __init__(self, client_id: str, writer: asyncio.StreamWriter, features: dict[str, Any]) -> None:
        self.client_id = client_id
        self.sent = 0
        self.knows_metadata = False
        self._features = features
        self._has_spoken = False
        self._protocol = ServerProtocol(max_size=None)
        self._writer = writer
        self._onward: Callable[[str], object] | None = None

    def accept(self, raw_request: bytes) -> None:
        self._protocol.receive_data(raw_request)
        request = next(event for event in self._protocol.events_received() if isinstance(event, HandshakeRequest))
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()

    def send(self, message: str | bytes) -> None:
        if isinstance(message, str):
            self._protocol.send_text(message.encode())
        else:
            self._protocol.send_binary(message)
        self.sent += 1
        self._flush()

    def abort(self) -> None:
        """End without a close frame (1006 on the other side)."""
        self._writer.transport.abort()

    def forward_to(self, onward: Callable[[str], object]) -> None:
        """Hand on what the client says; the other server answers it."""
        self._onward = onward

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Take what the client sends until it leaves."""
        while data := await reader.read(65536):
            self._protocol.receive_data(data)
            for event in self._protocol.events_received():
                if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                    self._hear(bytes(event.data))
            self._flush()
            if self._protocol.close_expected():
                return

    def _hear(self, data: bytes) -> None:
        """Only the first message counts, and only if it tells features."""
        if self._onward is not None:
            self._onward(data.decode())
            return
        is_first, self._has_spoken = not self._has_spoken, True
        try:
            message: Any = json.loads(data)
        except ValueError:
            return
        if not is_first or not isinstance(message, dict):
            return
        flags = cast("dict[str, Any]", message)
        if flags.get("type") == "feature_flags":
            self.knows_metadata = bool(flags["data"].get("supports_preview_metadata"))
            self.send(json.dumps({"type": "feature_flags", "data": self._features}))

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data and not self._writer.transport.is_closing():
                self._writer.write(data)
