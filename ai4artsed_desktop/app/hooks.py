"""Nothing fails unseen: exception hooks, Qt's messages, and the signals that ask the program to end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import threading
import traceback
from types import FrameType, TracebackType
from typing import Any

from PySide6.QtCore import QMessageLogContext, QObject, QSocketNotifier, QtMsgType, Signal, qInstallMessageHandler

logger = logging.getLogger("ai4artsed_desktop.app")
_qt_logger = logging.getLogger("ai4artsed_desktop.qt")
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class Hooks(QObject):
    """Catches what nobody caught, logs it with its traceback, and asks the window to show a report."""

    #: The traceback of an exception that nobody expected.
    reported = Signal(str)
    #: The system asks the program to end (SIGINT, SIGTERM).
    quit_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wakeup: tuple[socket.socket, socket.socket] | None = None
        self._notifier: QSocketNotifier | None = None

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take over the hooks of this process and of ``loop``."""
        self._loop = loop
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception
        sys.unraisablehook = self._on_unraisable
        loop.set_exception_handler(self._on_loop_exception)
        qInstallMessageHandler(_log_qt_message)
        self._listen_for_signals()

    def remove(self) -> None:
        """Give the hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        sys.unraisablehook = sys.__unraisablehook__
        qInstallMessageHandler(None)
        if self._wakeup is not None:
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            if self._notifier is not None:
                self._notifier.setEnabled(False)
            for end in self._wakeup:
                end.close()
            self._wakeup = None

    def _listen_for_signals(self) -> None:
        """Wake Qt's loop when a signal comes: Python runs handlers only between its own instructions."""
        read_end, write_end = socket.socketpair()
        for end in (read_end, write_end):
            end.setblocking(False)
        self._wakeup = (read_end, write_end)
        signal.set_wakeup_fd(write_end.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, _do_nothing)  # the byte on the wakeup socket is what counts
        self._notifier = QSocketNotifier(read_end.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_notifier_activated)

    def _on_notifier_activated(self) -> None:
        assert self._wakeup is not None
        numbers = self._wakeup[0].recv(64)
        if signal.SIGINT in numbers or signal.SIGTERM in numbers:
            self.quit_requested.emit()

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self.quit_requested.emit()
            return
        self._report("".join(traceback.format_exception(kind, error, trace)))

    def _on_thread_exception(self, facts: threading.ExceptHookArgs) -> None:
        error = facts.exc_value
        if error is not None:
            self._report("".join(traceback.format_exception(facts.exc_type, error, facts.exc_traceback)))

    def _on_unraisable(self, facts: Any) -> None:
        # In a destructor nobody waits for anything: the log is enough.
        logger.error("unraisable: %s", facts.err_msg, exc_info=facts.exc_value)

    def _on_loop_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        error = context.get("exception")
        text = "".join(traceback.format_exception(error)) if error is not None else str(context.get("message"))
        self._report(text)

    def _report(self, text: str) -> None:
        logger.error("unexpected: %s", text)
        self.reported.emit(text)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    del number, frame


def _log_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str | None) -> None:
    _qt_logger.log(_QT_LEVELS.get(kind, logging.WARNING), "%s (%s)", message, context.category)
