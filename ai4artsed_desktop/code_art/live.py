"""The same locked-down page in a visible view: a person watches the sketch and listens to the piece while it runs.

The Chromium flags are process-wide: a program that shows this view shows no other web content.
"""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ai4artsed_desktop.code_art.bundle import PageSettings, build_files
from ai4artsed_desktop.code_art.capture import SAMPLE_RATE_HZ
from ai4artsed_desktop.code_art.diagnose import Diagnosis, explain_attempt, explain_end, explain_error
from ai4artsed_desktop.code_art.environment import prepare_environment
from ai4artsed_desktop.code_art.notes import Notebook
from ai4artsed_desktop.code_art.page import SketchPage, register_scheme
from ai4artsed_desktop.code_art.watch import Watch
from ai4artsed_desktop.domain.code_art import Framework, RenderFailure, RenderJob

#: What a piece that asks for its duration is told; it plays on until it is stopped.
_LIVE_DURATION_S = 60.0


def create_live_view(
    parent: QWidget | None, framework: Framework, code: str, seed: int, libraries_dir: Path
) -> LiveView:
    """Return a view of one sketch, stopped. Call ``play()`` to start it.

    The first call in a process sets QtWebEngine's flags; nothing else in the process may have started it before.

    Raises:
        OSError: A bundled library cannot be read.
    """
    prepare_environment(os.environ, is_root=hasattr(os, "geteuid") and os.geteuid() == 0, is_offscreen=False)
    register_scheme()
    return LiveView(parent, framework, code, seed, libraries_dir)


class LiveView(QWidget):
    """Plays one sketch on the real clock; made by ``create_live_view``.

    Every ``play()`` has a page and a process of its own. A sketch that fails, hangs, eats memory or tries to leave is
    stopped. Hiding the view pauses the drawing.
    """

    #: The sketch was stopped; the argument is a ``Diagnosis``.
    failed = Signal(object)

    def __init__(self, parent: QWidget | None, framework: Framework, code: str, seed: int, libraries_dir: Path) -> None:
        super().__init__(parent)
        self._framework: Framework = framework
        self._code = code
        settings = PageSettings(seed, 0, 0, _LIVE_DURATION_S, SAMPLE_RATE_HZ)
        self._files = build_files(framework, code, settings, libraries_dir, is_live=True)
        self._is_muted = False
        self._page: SketchPage | None = None
        self._watch: Watch | None = None
        self._notes = Notebook(framework, code)
        self._view = QWebEngineView(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)

    @property
    def is_playing(self) -> bool:
        """Whether a page runs the sketch."""
        return self._page is not None

    def play(self) -> None:
        """Start the sketch from its beginning."""
        self.stop()
        limits = RenderJob.model_fields
        self._notes = Notebook(self._framework, self._code)
        page = SketchPage(self._files)
        self._watch = Watch(
            page,
            self._notes,
            limits["hang_limit_s"].default,
            limits["memory_limit_bytes"].default,
            self._on_watch_ended,
            is_only_work=False,
        )
        page.setAudioMuted(self._is_muted)
        page.printed.connect(self._on_page_printed)
        page.reported.connect(self._on_page_reported)
        page.refused.connect(self._on_page_refused)
        page.sketch_started.connect(self._watch.start)
        self._page = page
        self._view.setPage(page)
        page.open()

    def stop(self) -> None:
        """End the sketch and its process."""
        if self._watch is not None:
            self._watch.stop()
        if self._page is not None:
            self._page.discard()
        self._page = self._watch = None

    def set_muted(self, is_muted: bool) -> None:
        """Switch the sound off or on, now and for what is played later."""
        self._is_muted = is_muted
        if self._page is not None:
            self._page.setAudioMuted(is_muted)

    def _on_page_printed(self, level: str, text: str, line: int, source: str) -> None:
        self._notes.add_line(level, text, line, source)
        self._check()

    def _on_page_reported(self, kind: str, detail: object) -> None:
        self._notes.add_report(kind, detail)
        self._check()

    def _on_page_refused(self, kind: str, address: str) -> None:
        self._notes.add_refusal(kind, address)
        self._check()

    def _on_watch_ended(self, failure: RenderFailure, message: str) -> None:
        self._fail(explain_end(failure, message, self._code))

    def _check(self) -> None:
        attempt, error = self._notes.leaving_attempt(), self._notes.first_error
        if attempt is not None:
            self._fail(explain_attempt(attempt))
        elif error is not None:
            self._fail(explain_error(error, self._framework, self._code))

    def _fail(self, diagnosis: Diagnosis) -> None:
        if self._page is not None:
            self.stop()
            self.failed.emit(diagnosis)
