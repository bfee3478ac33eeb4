"""The sandboxed renderer as a child process: one job, one verdict, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from pydantic import ValidationError

from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.launch import child_argv, child_cwd
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.process.watchdog import Watchdog
from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.code_art import RenderFailure, RenderJob, RenderVerdict
from ai4artsed_desktop.domain.errors import DiskFullError

#: The child ends a job by its own limit; this is for a child that does not, with time to start and to end.
_MARGIN_S = 45.0
#: With less room than this, a renderer that ended without an answer ended because of that: a sound has about 4 MB.
_LEAST_ROOM_BYTES = 8_000_000


class ChildCodeRenderer:
    """Renders each job in a Qt program of its own (``code_art``), so that a bomb kills only that.

    Args:
        libraries: Folder of the bundled p5.js and Tone.js.
    """

    def __init__(self, libraries: Path, *, watchdog: Watchdog | None = None, ledger: Ledger | None = None) -> None:
        self._libraries = libraries
        self._watchdog = watchdog
        self._ledger = ledger
        self._problem: str | None = None
        self._is_checked = False

    async def render(self, job: RenderJob) -> RenderVerdict:
        """Run one job to its end; cancelling ends the child. A bad sketch is a verdict, not an exception.

        Raises:
            DiskFullError: The renderer ended because there is no room for what it made.
        """
        argv = child_argv("code_art", "--libraries", str(self._libraries))
        child = await ChildProcess.start(
            argv,
            name="code art",
            cwd=child_cwd(),
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            stdin_data=job.model_dump_json().encode() + b"\n",
            keep_stdin_open=True,
            watchdog=self._watchdog,
            ledger=self._ledger,
        )
        async with child:
            try:
                async with asyncio.timeout(job.time_limit_s + _MARGIN_S):
                    verdict = await self._read(child)
            except TimeoutError:
                verdict = RenderVerdict(ok=False, failure=RenderFailure.TIMEOUT, message="the renderer did not answer")
        if verdict.failure is RenderFailure.RENDERER_MISSING:
            self._problem, self._is_checked = verdict.message, True
        if verdict.failure is RenderFailure.CRASH:
            await asyncio.to_thread(_check_room, job.out_dir)
        return verdict

    async def problem(self) -> str | None:
        """Return why nothing can be rendered here (a missing library's name), or None."""
        if not self._is_checked:
            # Looking is cheap and starts nothing: the first real job tells the rest.
            self._problem = await asyncio.to_thread(missing_library)
            self._is_checked = True
        return self._problem

    async def _read(self, child: ChildProcess) -> RenderVerdict:
        async for line in child.lines("stdout"):
            if line.startswith("{"):
                try:
                    return RenderVerdict.model_validate_json(line)
                except ValidationError as exc:
                    return RenderVerdict(ok=False, failure=RenderFailure.CRASH, message=str(exc))
        code = await child.wait()
        tail = "\n".join(child.tail(20))
        return RenderVerdict(ok=False, failure=RenderFailure.CRASH, message=f"the renderer ended with {code}\n{tail}")


def _check_room(folder: Path) -> None:
    with translated_errors(folder):
        if shutil.disk_usage(folder).free < _LEAST_ROOM_BYTES:
            raise DiskFullError(path=str(folder))


def missing_library() -> str | None:
    """Return the name of the Python module that rendering needs and that is not installed, or None."""
    from importlib.util import find_spec

    for module in ("PySide6", "PySide6.QtWebEngineWidgets"):
        if find_spec(module) is None:
            return module
    return None
