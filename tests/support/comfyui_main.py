"""The ComfyUI double as a program of its own: what a made-up installation's ``main.py`` runs.

Writes its pid into ``job.txt`` beside ``main.py`` while it has a job to do.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tests.support.comfyui_double import ComfyUiDouble


async def serve(port: int, mark: Path) -> None:
    """Serve on ``port`` until the process is ended."""
    double = ComfyUiDouble("new")
    double.port = port
    double.worker.step_s = 0.15
    await double.start()
    has_job = False
    while True:
        await asyncio.sleep(0.02)
        if (double.worker.remaining > 0) is not has_job:
            has_job = not has_job
            await asyncio.to_thread(mark.write_text, str(os.getpid()) if has_job else "")


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[sys.argv.index("--port") + 1]), Path(sys.argv[0]).with_name("job.txt")))
