"""Looks after a running sketch: does it still answer, how much memory does it hold, how much does it print."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineScript

from ai4artsed_desktop.code_art.notes import Notebook
from ai4artsed_desktop.domain.code_art import RenderFailure

#: A bomb was measured to take about 1 GB per second: look often.
CHECK_INTERVAL_MS = 100
#: A page that holds more than this (a large drawing holds some 200 MB) and crashes or falls silent is a memory bomb: V8
#: ends a renderer whose JavaScript heap is full by itself, and spends its last seconds looking for garbage.
_BOMB_BYTES = 300_000_000
#: An endless loop takes all the processor it gets; less than this share of the time means that it got too little.
_BUSY_SHARE = 0.75
#: So many times the limit is the end all the same; with the default limit a sketch is ended within 5 s.
_PATIENCE = 1.75

OnEnd = Callable[[RenderFailure, str], None]


class Watch(QObject):
    """Calls ``on_end`` once when a limit is passed or the page's process is gone.

    Args:
        page: The page to look after.
        notes: Knows whether the sketch floods.
        hang_limit_s: Longest time without an answer from the page, in seconds. It counts when the page used the
            processor for most of it; on a machine that is busy with other things, up to twice the time passes.
        memory_limit_bytes: Of the page's process, and of what this process grew by if it serves the page alone:
            pictures and GPU buffers lie here.
        on_end: Gets the failure and a technical message.
        is_only_work: Whether this process does nothing but serve the page.
    """

    def __init__(
        self,
        page: QWebEnginePage,
        notes: Notebook,
        hang_limit_s: float,
        memory_limit_bytes: int,
        on_end: OnEnd,
        *,
        is_only_work: bool = True,
    ) -> None:
        super().__init__(page)
        self._page = page
        self._notes = notes
        self._hang_limit_s = hang_limit_s
        self._memory_limit_bytes = memory_limit_bytes
        self._on_end = on_end
        self._is_only_work = is_only_work
        self._has_ended = False
        self._is_beat_pending = False
        self._last_beat_s = 0.0
        self._processor_s_at_beat = 0.0
        self._peak_bytes = 0
        self._own = psutil.Process()
        self._own_bytes_at_start = 0
        self._timer = QTimer(self)
        self._timer.setInterval(CHECK_INTERVAL_MS)
        self._timer.timeout.connect(self.check)
        page.renderProcessTerminated.connect(self._on_page_process_terminated)

    def start(self) -> None:
        """Begin to look; to be called when the sketch's own code begins."""
        if self._timer.isActive():
            return
        self._last_beat_s = time.monotonic()
        self._processor_s_at_beat = self._page_processor_s()
        self._own_bytes_at_start = self._own.memory_info().rss
        self._timer.start()

    def stop(self) -> None:
        """Look no more."""
        self._has_ended = True
        self._timer.stop()

    def check(self) -> None:
        """Compare everything with its limit, once."""
        held_bytes = self._held_bytes()
        self._peak_bytes = max(self._peak_bytes, held_bytes)
        silent_s = time.monotonic() - self._last_beat_s
        if self._notes.is_flooded:
            self._end(RenderFailure.FLOOD, "the sketch prints too many lines")
        elif held_bytes > self._memory_limit_bytes:
            self._end(RenderFailure.MEMORY, f"the sketch held {held_bytes // 1_000_000} MB of memory")
        elif self._is_hanging(silent_s):
            self._end(*self._describe_silence(silent_s, held_bytes))
        elif not self._is_beat_pending:
            self._is_beat_pending = True
            self._page.runJavaScript("1", QWebEngineScript.ScriptWorldId.ApplicationWorld.value, self._on_page_answered)

    def _is_hanging(self, silent_s: float) -> bool:
        if silent_s <= self._hang_limit_s:
            return False
        worked_s = self._page_processor_s() - self._processor_s_at_beat
        return worked_s > _BUSY_SHARE * self._hang_limit_s or silent_s > _PATIENCE * self._hang_limit_s

    def _on_page_answered(self, _answer: object) -> None:
        self._is_beat_pending = False
        self._last_beat_s = time.monotonic()
        self._processor_s_at_beat = self._page_processor_s()

    def _page_processor_s(self) -> float:
        try:
            times = psutil.Process(self._page.renderProcessPid()).cpu_times()
        except (psutil.Error, ValueError):
            return 0.0  # the page's process is not there yet, or already gone
        return times.user + times.system

    def _held_bytes(self) -> int:
        own_bytes = self._own.memory_info().rss if self._is_only_work else 0
        grown_bytes = max(0, own_bytes - self._own_bytes_at_start)
        try:
            return grown_bytes + psutil.Process(self._page.renderProcessPid()).memory_info().rss
        except (psutil.Error, ValueError):
            return grown_bytes  # the page's process is not there yet, or already gone

    def _on_page_process_terminated(self, _status: QWebEnginePage.RenderProcessTerminationStatus, code: int) -> None:
        if self._peak_bytes > _BOMB_BYTES:
            self._end(RenderFailure.MEMORY, f"the sketch's memory was full at {self._peak_bytes // 1_000_000} MB")
        else:
            self._end(RenderFailure.CRASH, f"the page's process ended with code {code}")

    def _describe_silence(self, silent_s: float, held_bytes: int) -> tuple[RenderFailure, str]:
        if held_bytes > _BOMB_BYTES:
            held = f"the sketch held {held_bytes // 1_000_000} MB of memory"
            return RenderFailure.MEMORY, f"{held} and did not answer for {silent_s:.1f} s"
        return RenderFailure.HANG, f"the sketch did not answer for {silent_s:.1f} s"

    def _end(self, failure: RenderFailure, message: str) -> None:
        if self._has_ended:
            return
        self.stop()
        self._on_end(failure, message)
