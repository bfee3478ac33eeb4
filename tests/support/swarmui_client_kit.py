"""What tests of the SwarmUI client share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

from ai4artsed_desktop.adapters.backends.server_http import Limits
from ai4artsed_desktop.adapters.backends.swarmui import SwarmUiBackend
from ai4artsed_desktop.adapters.backends.swarmui_client import SwarmUiClient
from ai4artsed_desktop.adapters.backends.swarmui_job import SwarmPicture, SwarmProgress
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.chunks import OutputChunk
from ai4artsed_desktop.engine.ports import MediaProgress, MediaRequest
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from tests.support.comfyui_client_kit import SHORT, WHOLE_TEST_S, sampling
from tests.support.swarmui_double import SwarmUiDouble

#: As the product's, only shorter; generous enough for a machine that does much else.
LIMITS = replace(SHORT, answer_s=5.0, keep_alive_s=0.4, refused_s=0.3, mute_s=2.0)
CALL: dict[str, Any] = {"prompt": "an apple", "model": "tiny-sd15-random", "seed": 7, "steps": 3, "donotsave": True}


@asynccontextmanager
async def client_of(double: SwarmUiDouble, limits: Limits = LIMITS) -> AsyncGenerator[SwarmUiClient]:
    """Give a client of a double; the whole context is limited in time, so that nothing hangs."""
    client = SwarmUiClient(double.url, limits=limits)
    try:
        async with asyncio.timeout(WHOLE_TEST_S):
            yield client
    finally:
        await client.aclose()


@asynccontextmanager
async def backend_of(double: SwarmUiDouble, *, local_only: bool = False) -> AsyncGenerator[SwarmUiBackend]:
    """Give a backend over a double."""
    client = SwarmUiClient(double.url, limits=LIMITS)
    backend = SwarmUiBackend(double.url, NetworkGuard(lambda: local_only), client)
    try:
        async with asyncio.timeout(WHOLE_TEST_S):
            yield backend
    finally:
        await backend.aclose()


async def call(client: SwarmUiClient, **more: Any) -> tuple[list[SwarmProgress], list[tuple[bytes, str]]]:
    """Make one call; return its progress and its pictures."""
    progress: list[SwarmProgress] = []
    pictures: list[tuple[bytes, str]] = []
    async with aclosing(client.text_to_image({**CALL, **more})) as updates:
        async for update in updates:
            if isinstance(update, SwarmPicture):
                pictures.append(await client.picture(update))
            else:
                progress.append(update)
    return progress, pictures


def chunk_for(graph: dict[str, Any] | None = None, *, is_call: bool = False) -> OutputChunk:
    """Return a chunk; with ``is_call`` its parameters name SwarmUI's own as well as places in the graph."""
    mappings: dict[str, Any] = {
        "prompt": [{"node_id": "6", "field": "inputs.text"}, {"field": "prompt"}],
        "ckpt_name": [{"node_id": "4", "field": "inputs.ckpt_name"}, {"field": "model"}],
        "steps": [{"node_id": "3", "field": "inputs.steps", "type": "int"}, {"field": "steps", "type": "int"}],
        "seed": [{"node_id": "3", "field": "inputs.seed", "type": "seed"}, {"field": "seed", "type": "seed"}],
    }
    return OutputChunk.model_validate(
        {
            "name": "output_test",
            "type": "output_chunk",
            "backend_type": "swarmui",
            "media_type": "image",
            "workflow": sampling() if graph is None else graph,
            "input_mappings": mappings if is_call else {},
        }
    )


def request_for(graph: dict[str, Any] | None = None, *, is_call: bool = False, **more: Any) -> MediaRequest:
    """Return what the engine hands to the backend."""
    values = {"prompt": "an apple", "ckpt_name": "tiny-sd15-random.safetensors", "steps": 0, "seed": 7}
    filled = sampling() if graph is None else graph
    return MediaRequest(chunk_for(graph, is_call=is_call), values if is_call else {}, graph=filled, **more)


async def made_by(backend: SwarmUiBackend, request: MediaRequest) -> tuple[list[MediaProgress], list[ProducedMedium]]:
    """Run a request; return progress and media."""
    progress: list[MediaProgress] = []
    media: list[ProducedMedium] = []
    async with aclosing(backend.generate(request)) as updates:
        async for update in updates:
            if isinstance(update, ProducedMedium):
                media.append(update)
            else:
                progress.append(update)
    return progress, media
