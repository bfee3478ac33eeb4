"""Everything a person can do with a key or from the palette, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.ui.kit import Kit


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class WindowAction:
    """One thing to do.

    Attributes:
        id: Stable name, such as ``make``.
        key: Key of its words.
        do: Does it.
        icon: An icon's name; empty = none.
        shortcut: As Qt writes it, such as ``Ctrl+Return``; empty = none.
        is_possible: Whether it makes sense now; what is not possible is not offered.
    """

    id: str
    key: str
    do: Callable[[], object]
    icon: str = ""
    shortcut: str = ""
    is_possible: Callable[[], bool] = _always


class Actions(QObject):
    """The window's actions, in the order they were added; each with its shortcut, which works on every page.

    Args:
        window: The shortcuts work while this window has the focus.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._actions: dict[str, WindowAction] = {}

    def add(self, *actions: WindowAction) -> None:
        """Add actions; one of the same id is replaced, its shortcut stays."""
        for action in actions:
            if action.id not in self._actions and action.shortcut:
                shortcut = QShortcut(QKeySequence(action.shortcut), self._window)
                shortcut.activated.connect(lambda action_id=action.id: self.do(action_id))
            self._actions[action.id] = action

    def all(self) -> tuple[WindowAction, ...]:
        """Return what is possible now."""
        return tuple(action for action in self._actions.values() if action.is_possible())

    def everything(self) -> tuple[WindowAction, ...]:
        """Return all actions, also those that make no sense now."""
        return tuple(self._actions.values())

    def get(self, action_id: str) -> WindowAction:
        """Return an action. Raises KeyError."""
        return self._actions[action_id]

    def do(self, action_id: str) -> None:
        """Do it, if it is possible now."""
        action = self._actions[action_id]
        if action.is_possible():
            action.do()


def shortcut_text(kit: Kit, shortcut: str) -> str:
    """Return a shortcut as the system and the language write it, such as ``Ctrl+Enter`` or ``Strg+Enter``."""
    text = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    # Qt says "Return"; the key is called Enter by most people, and both keys work.
    return text.replace("Return", "Enter").replace("Ctrl", kit.text("key.ctrl"))
