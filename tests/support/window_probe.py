"""Starts the real window in a process of its own, says what that cost, and closes it. Run: ``python -m`` this module.

Prints one JSON object: ``painted_s`` and ``usable_s`` (seconds after the process began), ``heavy_at_paint`` and
``heavy_when_usable`` (optional packages imported by then), ``rss_mb`` (memory when idle, in MB).
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

import psutil
import qasync
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from ai4artsed_desktop.adapters.assembly import assemble
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.app.hooks import Hooks
from ai4artsed_desktop.app.session import Session
from tests.support.fake_children import until

HEAVY = ("numpy", "PySide6.QtMultimedia", "PySide6.QtWebEngineCore", "PySide6.QtWebEngineWidgets", "pyqtgraph", "PIL")


def heavy() -> list[str]:
    """Return the optional packages that are imported now."""
    return [name for name in HEAVY if name in sys.modules]


class PaintWatch(QObject):
    """Notes when its widget is first painted."""

    def __init__(self) -> None:
        super().__init__()
        self.painted_at = 0.0
        self.heavy: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and not self.painted_at:
            self.painted_at, self.heavy = time.time(), heavy()
        return False


async def live(app: QApplication) -> dict[str, object]:
    """Open the window, wait until it can be used, and close it."""
    session = Session(app, assemble(find_paths()))
    watch = PaintWatch()
    session.window.installEventFilter(watch)
    session.show()
    await until(lambda: session.window.facts.is_known and watch.painted_at > 0, limit_s=30)
    usable_at = time.time()
    found = heavy()
    await asyncio.sleep(1.0)  # what a start leaves behind is collected
    process = psutil.Process()
    began = process.create_time()
    facts: dict[str, object] = {
        "painted_s": watch.painted_at - began,
        "usable_s": usable_at - began,
        "heavy_at_paint": watch.heavy,
        "heavy_when_usable": found,
        "rss_mb": process.memory_info().rss / 1e6,
    }
    await session.aclose()
    return facts


def main() -> None:
    """Run once and print."""
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    loop: Any = qasync.QEventLoop(app)  # qasync brings no types
    asyncio.set_event_loop(loop)
    hooks = Hooks()
    hooks.install(loop)
    with loop:
        facts: dict[str, object] = loop.run_until_complete(live(app))
    hooks.remove()
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
