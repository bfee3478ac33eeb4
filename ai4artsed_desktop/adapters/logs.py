"""Rotating logs: five files of one megabyte, UTF-8, beside nothing that a person typed."""

from __future__ import annotations

import contextlib
import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_BYTES_PER_FILE = 1_000_000
_FILES = 5


class _LogFile(RotatingFileHandler):
    """A log that cannot be written any more (a full disk) is said once, and costs nothing else."""

    _is_said = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        if not self._is_said:
            self._is_said = True
            print(f"No log is written any more: {sys.exc_info()[1]}", file=sys.stderr)  # noqa: T201

    def close(self) -> None:
        with contextlib.suppress(OSError):  # what was not written yet goes the same way
            super().close()


def start_logging(path: Path, *, to_stderr: bool = False, level: int = logging.INFO) -> logging.Handler | None:
    """Send the program's log to ``path``; a folder that cannot be written to is said on stderr and costs only the log.

    Returns:
        The file's handler, for ``stop_logging``; None if there is none.
    """
    root = logging.getLogger("ai4artsed_desktop")
    root.setLevel(level)
    if to_stderr:
        console = logging.StreamHandler(sys.stderr)
        console.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(console)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, maxBytes=_BYTES_PER_FILE, backupCount=_FILES - 1, encoding="utf-8")
    except OSError as exc:
        print(f"No log is written: {exc}", file=sys.stderr)  # noqa: T201 - there is no log to say it in
        root.addHandler(logging.NullHandler())  # or Python prints every warning among the answers
        return None
    handler.setFormatter(logging.Formatter(_FORMAT))
    root.addHandler(handler)
    return handler


def stop_logging() -> None:
    """Close every handler that ``start_logging`` added."""
    root = logging.getLogger("ai4artsed_desktop")
    for handler in tuple(root.handlers):
        root.removeHandler(handler)
        handler.close()
