"""What PySide6 does at every import, and that the window's start goes without it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROBE = """
import linecache, sys
{first}
import PySide6.QtCore
import ai4artsed_desktop.ui.theme
from PySide6.QtCore import QObject
thing = QObject()
thing.setObjectName("x")
assert thing.objectName() == "x" and not hasattr(thing, "object_name")
print(sum("ai4artsed_desktop" in name for name in linecache.cache))
"""
STOP = "from ai4artsed_desktop.app.feature_scan import stop_feature_scan; stop_feature_scan()"


def sources_kept(first: str) -> int:
    """Return how many of our modules' sources a fresh interpreter keeps after it imported a part of the window."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(first=first)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_no_source_is_kept_and_qt_s_names_stay_what_they_are() -> None:
    # When the first assertion fails, PySide6 has changed, and the workaround may go.
    assert sources_kept("import PySide6.QtCore") > 0
    assert sources_kept(STOP) == 0
