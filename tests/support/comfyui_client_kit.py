"""What tests of the ComfyUI client share: short limits, small graphs, one way to run a job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient, JobResult
from ai4artsed_desktop.adapters.backends.comfyui_feed import JobProgress
from ai4artsed_desktop.adapters.backends.server_http import Limits
from tests.support.comfyui_double import ComfyUiDouble

#: As the product's, only shorter; nothing in a test may hang.
SHORT = Limits(
    connect_s=5.0,
    answer_s=3.0,
    silence_s=0.25,
    poll_s=0.05,
    refused_s=0.3,
    mute_s=6.0,
    arrival_s=0.4,
    stuck_s=60.0,
    cancel_wait_s=3.0,
    cancel_close_s=0.5,
    cancel_limit_s=6.0,
    preview_gap_s=0.0,
)
#: Where a server's silence is the point.
IMPATIENT = replace(SHORT, answer_s=0.5, mute_s=1.0)
WHOLE_TEST_S = 40.0


def sampling(seed: int = 1, steps: int = 4) -> dict[str, Any]:
    """Return a small txt2img graph."""
    return {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "tiny-sd15-random.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "an apple", "clip": ["4", 1]}},
        "3": {
            "class_type": "KSampler",
            "inputs": {
                "seed": seed,
                "steps": steps,
                "cfg": 1.0,
                "sampler_name": "euler",
                "scheduler": "normal",
                "denoise": 1.0,
                "model": ["4", 0],
                "positive": ["6", 0],
                "negative": ["6", 0],
                "latent_image": ["5", 0],
            },
            "_meta": {"title": "The sampler"},
        },
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": f"apple{seed}"}},
    }


def saving(colour: int = 7, prefix: str = "plain") -> dict[str, Any]:
    """Return the smallest graph that makes a picture."""
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 32, "height": 32, "batch_size": 1, "color": colour}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": prefix}},
    }


@asynccontextmanager
async def client_of(double: ComfyUiDouble, limits: Limits = SHORT) -> AsyncGenerator[ComfyUiClient]:
    """Give a client of a double; the whole context is limited in time, so that nothing hangs."""
    patient = replace(
        limits,
        answer_s=limits.answer_s * double.slowness,
        mute_s=limits.mute_s * double.slowness,
        stuck_s=limits.stuck_s * double.slowness,
    )
    client = ComfyUiClient(double.url, limits=patient)
    try:
        async with asyncio.timeout(WHOLE_TEST_S * double.slowness):
            yield client
    finally:
        await client.aclose()


async def run(client: ComfyUiClient, graph: dict[str, Any]) -> JobResult:
    """Run a graph to its end and return the result."""
    return (await run_with_progress(client, graph))[1]


async def run_with_progress(client: ComfyUiClient, graph: dict[str, Any]) -> tuple[list[JobProgress], JobResult]:
    """Run a graph to its end and return all that came."""
    progress: list[JobProgress] = []
    result: JobResult | None = None
    async with aclosing(client.run(graph)) as updates:
        async for update in updates:
            if isinstance(update, JobResult):
                result = update
            else:
                progress.append(update)
    assert result is not None
    return progress, result


async def post_foreign(double: ComfyUiDouble, graph: dict[str, Any]) -> str:
    """Post a job as another program does, without a client id; return its id."""
    async with httpx.AsyncClient(trust_env=False, base_url=double.url) as http:
        return (await http.post("/prompt", json={"prompt": graph})).json()["prompt_id"]
