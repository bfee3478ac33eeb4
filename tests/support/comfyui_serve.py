"""The ComfyUI double as a program of its own: prints its port, and ends when its input ends.

``python -m tests.support.comfyui_serve [seconds per step]``; with a pace it sends a preview with each step.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.comfyui_double import running
from tests.support.comfyui_worker import recorded_preview


async def serve(step_s: float) -> None:
    """Serve until the input ends."""
    async with running() as double:
        double.worker.step_s = step_s
        double.worker.preview = recorded_preview() if step_s else None
        sys.stdout.write(f"{double.url}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def served(step_s: float = 0.0) -> AsyncGenerator[str]:
    """Give the address of a double in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.comfyui_serve", str(step_s)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            await process.wait()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else 0.0))
