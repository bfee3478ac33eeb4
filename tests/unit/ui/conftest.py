"""Every test of the window gets real icons, words and colours, and fails on a stray message of Qt."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QThreadPool
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.ui.kit import Kit
from tests.support.ui_kit import make_kit


@pytest.fixture
def kit(qapp: QApplication, qtbot: QtBot) -> Iterator[Kit]:
    """Return a kit in English and light colours; motion is reduced."""
    made = make_kit(qapp)
    yield made
    QThreadPool.globalInstance().waitForDone()
    made.theme.deleteLater()
