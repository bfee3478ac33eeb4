"""The window's process: one event loop for Qt and asyncio, run exactly once."""

from __future__ import annotations

import asyncio
import logging
import sys

import qasync
from PySide6.QtWidgets import QApplication

from ai4artsed_desktop.adapters.assembly import assemble
from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.app.hooks import Hooks
from ai4artsed_desktop.app.session import Session
from ai4artsed_desktop.app.single_instance import SingleInstance
from ai4artsed_desktop.engine.async_generators import async_generators_of

logger = logging.getLogger(__name__)

#: What hangs at the end is left behind after this long; the watchdog ends its processes.
CLOSE_LIMIT_S = 8.0


def run(paths: AppPaths) -> int:
    """Open the window and return the exit code when it was closed; a second start only shows the first window.

    Raises:
        AppError: The program cannot start at all.
    """
    app = QApplication(sys.argv[:1])
    app.setApplicationName("AI4ArtsEd Desktop")
    app.setDesktopFileName("ai4artsed-desktop")
    app.setQuitOnLastWindowClosed(False)
    instance = SingleInstance(paths.data)
    if not instance.claim():
        return 0
    hooks = Hooks()
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    hooks.install(loop)
    try:
        # Exactly one run: a second one (as asyncio.run makes at its end) crashes once web content was shown.
        with loop, async_generators_of(loop):
            loop.run_until_complete(_live(app, paths, instance, hooks))
    finally:
        hooks.remove()
        instance.release()
    return 0


async def _live(app: QApplication, paths: AppPaths, instance: SingleInstance, hooks: Hooks) -> None:
    """The program's life: assemble, show, work until closing is asked for, then close the engine before the window."""
    session = Session(app, assemble(paths))
    instance.shown.connect(session.raise_window)
    hooks.reported.connect(session.report)
    hooks.quit_requested.connect(session.quit_at_once)
    session.show()
    try:
        await session.wait_until_closed()
    finally:
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await session.aclose()
        except TimeoutError:
            logger.error("closing took longer than %s s; what hangs is left to the watchdog", CLOSE_LIMIT_S)
