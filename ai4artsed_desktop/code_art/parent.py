"""The renderer never outlives the program that started it. No Qt here."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

import psutil

#: What the process answers when it was told to end before it had a verdict.
EXIT_ABANDONED = 3


def end_now() -> None:
    """End this process and every helper process it started, without waiting for anything."""
    for child in psutil.Process().children(recursive=True):
        try:
            child.kill()
        except psutil.NoSuchProcess:
            pass  # it was faster
    os._exit(EXIT_ABANDONED)


def end_with_parent() -> None:
    """From now on, end when standard input is closed (the parent is gone) and on SIGTERM."""

    descriptor = sys.stdin.fileno()

    def wait_for_end() -> None:
        # The descriptor, not sys.stdin: its lock, held by this thread, would abort the interpreter's own orderly end.
        while os.read(descriptor, 4096):
            pass  # nothing more is expected; only the end matters
        end_now()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        end_now()

    signal.signal(signal.SIGTERM, on_signal)
    threading.Thread(target=wait_for_end, name="parent watch", daemon=True).start()
