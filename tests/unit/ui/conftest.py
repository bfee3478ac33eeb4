"""Every test of the window gets real icons, words and colours, and fails on a stray message of Qt."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QThreadPool
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui.kit import Kit
from tests.support.ui_kit import make_kit


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pass over one message that comes from showing a window without a display, not from us."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints"))


@pytest.fixture
def kit(qapp: QApplication, qtbot: QtBot) -> Iterator[Kit]:
    """Return a kit in English and light colours; motion is reduced."""
    made = make_kit(qapp)
    yield made
    QThreadPool.globalInstance().waitForDone()
    # WORKAROUND PySide6 6.11, platform "offscreen": what Python put on the clipboard is destroyed too late and crashes
    # the process at its very end; remove when a process that ends with such a clipboard returns 0.
    QGuiApplication.clipboard().clear()
    made.theme.deleteLater()
