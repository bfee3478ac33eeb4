"""The only subscriber of the engine's bus in the window: events become signals, and commands become calls.

Widgets are synchronous. What takes time is asked for with ``ask``; the answer comes back on the GUI thread.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.events import Event, RunEvent, RunProgressed, StageTextStreamed
from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.engine.engine import Engine
from ai4artsed_desktop.engine.tasks import TaskScope

logger = logging.getLogger(__name__)

#: Streamed text and progress reach the window at most this often (UI rule: 30 per second).
FLUSH_INTERVAL_MS = 33
T = TypeVar("T")


class EngineBridge(QObject):
    """Carries events to the window, in order; streams and progress are gathered in between."""

    #: Any event of a run except streamed text and progress, in order: a ``RunEvent``.
    run_event = Signal(object)
    #: run id, StageName, new text, candidate number.
    text_streamed = Signal(str, object, str, int)
    #: The latest ``RunProgressed`` of a run, with the latest preview.
    run_progressed = Signal(object)
    #: Any event that belongs to no run: CatalogReloaded, SettingsChanged, ModelStateChanged, DownloadProgressed …
    engine_event = Signal(object)

    def __init__(self, engine: Engine, scope: TaskScope, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.engine = engine
        self._scope = scope
        self._texts: dict[tuple[str, StageName, int], list[str]] = {}
        self._progress: dict[str, RunProgressed] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(FLUSH_INTERVAL_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._unsubscribe = engine.bus.subscribe(self._on_event)

    def ask(
        self,
        coroutine: Coroutine[Any, Any, T],
        then: Callable[[T], object] | None = None,
        failed: Callable[[ErrorInfo], None] | None = None,
    ) -> None:
        """Carry out an engine call; ``then`` gets its result, ``failed`` its error.

        Cancelled ones tell nobody, and once the window closes nothing is begun.
        """

        def on_done(task: asyncio.Task[T]) -> None:
            if task.cancelled():
                return
            error = task.exception()
            if error is None:
                if then is not None:
                    then(task.result())
            elif isinstance(error, AppError) and failed is not None:
                failed(error.info())
            else:
                logger.error("a call of the window failed", exc_info=error)
                if failed is not None:
                    failed(ErrorInfo(AppError.code, {}, f"{type(error).__name__}: {error}"))

        if self._scope.is_closed:
            coroutine.close()  # the window closes: an event that still comes asks for nothing any more
            return
        self._scope.spawn(coroutine, name="ask", on_done=on_done)

    def close(self) -> None:
        """Hear nothing any more."""
        self._unsubscribe()
        self._timer.stop()

    def _on_event(self, event: Event) -> None:
        match event:
            case StageTextStreamed():
                self._texts.setdefault((event.run_id, event.stage, event.candidate), []).append(event.delta)
                self._start_timer()
            case RunProgressed():
                before = self._progress.get(event.run_id)  # the latest wins, and the latest picture
                if event.preview is None and before is not None and before.preview is not None:
                    event = replace(event, preview=before.preview, preview_mime=before.preview_mime)
                self._progress[event.run_id] = event
                self._start_timer()
            case RunEvent():
                self._on_timer_timeout()  # what was streamed before it is shown before it
                self.run_event.emit(event)
            case _:
                self.engine_event.emit(event)

    def _start_timer(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_timer_timeout(self) -> None:
        texts, self._texts = self._texts, {}
        progress, self._progress = self._progress, {}
        for (run_id, stage, candidate), pieces in texts.items():
            self.text_streamed.emit(run_id, stage, "".join(pieces), candidate)
        for event in progress.values():
            self.run_progressed.emit(event)
