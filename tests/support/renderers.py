"""Runs the sandboxed renderer as the program does: a child process with one job on its standard input."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from ai4artsed_desktop.domain.code_art import RenderJob, RenderVerdict

ROOT = Path(__file__).parents[2]
LIBRARIES_DIR = ROOT / "resources" / "vendor"
#: A busy two-core machine needs some seconds to start Chromium alone.
LIMIT_S = 60.0


async def start_renderer(
    job: RenderJob, libraries_dir: Path = LIBRARIES_DIR, **environment: str
) -> asyncio.subprocess.Process:
    """Start the renderer and hand it the job; its standard input stays open."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ai4artsed_desktop.code_art",
        "--libraries",
        str(libraries_dir),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | environment,
        limit=16 * 1024 * 1024,
        cwd=ROOT,
    )
    assert process.stdin is not None
    process.stdin.write(job.model_dump_json().encode() + b"\n")
    await process.stdin.drain()
    return process


@dataclass(frozen=True)
class Rendering:
    """What came back: the verdict, the exit status, and which of its processes were left after its end."""

    verdict: RenderVerdict
    exit_status: int
    left_over: list[psutil.Process]


async def run_renderer(
    out_dir: Path, framework: str, code: str, *, libraries_dir: Path = LIBRARIES_DIR, **fields: Any
) -> Rendering:
    """Render ``code`` and wait for the renderer's end."""
    job = RenderJob.model_validate({"framework": framework, "code": code, "out_dir": out_dir, **fields})
    process = await start_renderer(job, libraries_dir)
    assert process.stdout is not None and process.stdin is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            line = await process.stdout.readline()
            helpers = helpers_of(process.pid)
            exit_status = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        process.stdin.close()
    return Rendering(RenderVerdict.model_validate_json(line), exit_status, await survivors(helpers))


async def survivors(processes: list[psutil.Process], within_s: float = 3.0) -> list[psutil.Process]:
    """Return those of the processes that still run after ``within_s``; returns at once when none does."""
    alive = processes
    give_up_s = time.monotonic() + within_s
    while alive and time.monotonic() < give_up_s:
        alive = [process for process in alive if is_alive(process)]
        await asyncio.sleep(0.02)
    return alive


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that only waits to be collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def helpers_of(pid: int) -> list[psutil.Process]:
    """Return the helper processes below a renderer that runs, or nothing if it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
