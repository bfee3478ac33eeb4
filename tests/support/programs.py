"""The program as a person starts it: a process of its own, with a data folder of its own and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from ai4artsed_desktop.adapters.paths import HOME_VARIABLE

COMMAND = (sys.executable, "-m", "ai4artsed_desktop")


@asynccontextmanager
async def program(
    home: Path, *arguments: str, stdin: int | None = asyncio.subprocess.DEVNULL, **environment: str
) -> AsyncGenerator[asyncio.subprocess.Process, None]:
    """Run ``ai4artsed ARGUMENTS`` on a data folder while the context is open."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LANG": "en_US.UTF-8", **environment, HOME_VARIABLE: str(home)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def ask(home: Path, *arguments: str, limit_s: float = 90.0, **environment: str) -> tuple[int, str, str]:
    """Run a command to its end and return exit code, stdout and stderr."""
    nothing = asyncio.subprocess.DEVNULL
    async with program(home, *arguments, stdin=nothing, **environment) as process, asyncio.timeout(limit_s):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def processes_of(home: Path) -> list[psutil.Process]:
    """Return every living process whose environment or command line names the data folder; ours excepted."""
    mark = str(home)
    return [p for p in psutil.process_iter() if p.pid != os.getpid() and _names(p, mark)]


async def left_after(home: Path, limit_s: float = 3.0) -> list[str]:
    """Return the processes of a data folder that are still there after ``limit_s``; at once when there is none."""
    left = await asyncio.to_thread(_wait_for_end, home, limit_s)
    return [f"{process.pid} {_command_line(process)}" for process in left]


def _wait_for_end(home: Path, limit_s: float) -> list[psutil.Process]:
    give_up_s = time.monotonic() + limit_s
    while (left := processes_of(home)) and time.monotonic() < give_up_s:
        time.sleep(0.05)
    return left


def _names(process: psutil.Process, mark: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return process.environ().get(HOME_VARIABLE) == mark or any(mark in part for part in process.cmdline())
    except (psutil.Error, OSError):
        return False


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())[:200]
    except psutil.Error:
        return "ended"
