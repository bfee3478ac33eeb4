"""Garbage collection on the GUI thread only.

Python collects cycles on whichever thread happens to allocate. If that is a worker of ours and the cycle holds a Qt
object with a running timer, Qt cannot stop the timer from there, and the next time it fires the process dies (seen as a
segmentation fault in ``QTimerInfoList::activateTimers``, PySide6 6.11). So the automatic collection is off, and a timer
of the GUI thread does its work by the same thresholds.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

#: How often the counts are looked at; looking costs a microsecond.
INTERVAL_MS = 1000


class Collector(QObject):
    """Collects on the thread it lives in, from its making until ``stop``."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(INTERVAL_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._timer.start()

    def stop(self) -> None:
        """Leave it to Python again."""
        self._timer.stop()
        if self._was_enabled:  # whoever had switched it off before keeps it so
            gc.enable()

    def _on_timer_timeout(self) -> None:
        due = [count > limit for count, limit in zip(gc.get_count(), gc.get_threshold(), strict=True)]
        if any(due):
            gc.collect(max(generation for generation, is_due in enumerate(due) if is_due))
