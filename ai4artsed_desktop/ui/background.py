"""Work off the window's thread: reading and decoding a medium."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, QThreadPool, Signal

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class _Courier(QObject):
    """Carries a result from the worker's thread to the window's."""

    arrived = Signal(object)


class Background(QObject, Generic[_T]):
    """Runs one piece of work at a time for its owner; a newer one makes the answer of an older one worthless.

    Args:
        owner: The widget that waits; when it goes, no answer comes.
        on_done: Called in the window's thread with what the work returned.
        on_failed: Called in the window's thread with the error the work raised.
    """

    def __init__(self, owner: QObject, on_done: Callable[[_T], None], on_failed: Callable[[ErrorInfo], None]) -> None:
        super().__init__(owner)
        self._on_done = on_done
        self._on_failed = on_failed
        self._newest = 0
        # Not a child: a worker may still hold it after the owner went.
        self._courier = _Courier()
        self._courier.arrived.connect(self._on_courier_arrived)

    def start(self, work: Callable[[], _T]) -> None:
        """Run ``work`` in a worker thread. It must touch no widget and no pixmap."""
        self._newest += 1
        number = self._newest
        courier = self._courier

        def run() -> None:
            courier.arrived.emit((number, _outcome(work)))

        QThreadPool.globalInstance().start(run)

    def forget(self) -> None:
        """Take no answer any more for what was started."""
        self._newest += 1

    def _on_courier_arrived(self, answer: tuple[int, _T | _Failure]) -> None:
        number, outcome = answer
        if number != self._newest:
            return
        if isinstance(outcome, _Failure):
            self._on_failed(outcome.error)
        else:
            self._on_done(outcome)


class _Failure:
    def __init__(self, error: ErrorInfo) -> None:
        self.error = error


def _outcome(work: Callable[[], _T]) -> _T | _Failure:
    try:
        return work()
    except AppError as exc:
        return _Failure(exc.info())
    except Exception as exc:  # noqa: BLE001 - outermost frame of the worker
        _log.exception("work in the background failed")
        return _Failure(ErrorInfo(AppError.code, detail=f"{type(exc).__name__}: {exc}"))
