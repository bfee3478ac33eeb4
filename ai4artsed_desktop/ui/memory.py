"""How the window was left: remembered a moment after each change, so that a crash costs a second of typing at most."""

from __future__ import annotations

from typing import Any, TypeVar

from PySide6.QtCore import QObject, QTimer

from ai4artsed_desktop.ui.desk import Desk

#: A change is on disk after this long.
SAVE_AFTER_MS = 800
T = TypeVar("T")


class WindowMemory(QObject):
    """JSON values by name. What is damaged or of another kind counts as never remembered."""

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._state: dict[str, Any] = dict(desk.state)
        self._timer = QTimer(self, interval=SAVE_AFTER_MS, singleShot=True)
        self._timer.timeout.connect(self.flush)

    def get(self, name: str, default: T) -> T:
        """Return what was remembered under ``name``, if it is of the kind of ``default``."""
        value = self._state.get(name, default)
        return value if type(value) is type(default) else default

    def put(self, name: str, value: object) -> None:
        """Remember a JSON value."""
        if self._state.get(name) != value:
            self._state[name] = value
            # Not restarted by each key: someone who types without pause is remembered too.
            if not self._timer.isActive():
                self._timer.start()

    def flush(self) -> None:
        """Write what is not yet written."""
        self._timer.stop()
        self._desk.save_state(self._state)
