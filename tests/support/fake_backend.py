"""A media backend that keeps what it is asked for and answers with one small picture per request."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

#: One white pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4////fwAJ+wP9KobjigAAAABJRU5ErkJggg=="
)


@dataclass
class FakeBackend:
    """Serves ComfyUI chunks; ``read`` holds the bytes of each request's files, read while it ran."""

    id: str = "comfyui"
    is_local: bool = True
    reason: Reason | None = None
    requests: list[MediaRequest] = field(default_factory=list[MediaRequest])
    read: list[dict[str, bytes]] = field(default_factory=list[dict[str, bytes]])

    async def problem(self, chunk: Chunk) -> Reason | None:
        """Return what the test set."""
        del chunk
        return self.reason

    async def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium]:
        """Keep the request and its files; yield one picture."""
        self.requests.append(request)
        self.read.append({file.name: await asyncio.to_thread(file.path.read_bytes) for file in request.files})
        yield MediaProgress(0.5)
        yield ProducedMedium("image", "image/png", "png", data=PIXEL)

    async def aclose(self) -> None:
        """Nothing to close."""
