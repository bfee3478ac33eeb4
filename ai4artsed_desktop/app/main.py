"""Starts the window, or says why there can be none."""

from __future__ import annotations

import os
import sys

from ai4artsed_desktop.adapters.language_files import load_messages
from ai4artsed_desktop.adapters.logs import start_logging, stop_logging
from ai4artsed_desktop.adapters.paths import AppPaths, find_paths
from ai4artsed_desktop.domain.errors import AppError


def run_window() -> int:
    """Open the window and return the exit code when it was closed. A second start shows the first window."""
    paths = find_paths()
    if not has_display():
        sys.stderr.write(load_messages(paths.resources, "system").text("app.no_display") + "\n")
        return 1
    start_logging(paths.log_file)
    try:
        return _run_qt(paths)
    finally:
        stop_logging()


def has_display() -> bool:
    """Tell whether Qt can open a window: without a display it would abort the process."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _run_qt(paths: AppPaths) -> int:
    # Qt is imported here and not above, so that a machine without a display or without Qt is told so in words.
    from ai4artsed_desktop.app.feature_scan import stop_feature_scan

    stop_feature_scan()  # before the many modules of the window
    from ai4artsed_desktop.app.window import run

    try:
        return run(paths)
    except AppError as exc:
        sys.stderr.write(f"{load_messages(paths.resources, 'system').error(exc.info())}\n")
        return 1
