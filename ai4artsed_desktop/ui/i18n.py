"""The language of the window, and its change while the program runs."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import QObject, Signal

from ai4artsed_desktop.domain.errors import ErrorInfo


class Messages(Protocol):
    """The texts of one language."""

    @property
    def language(self) -> str:
        """Language code, such as ``de``."""
        ...

    def text(self, key: str, **params: object) -> str:
        """Return the text for ``key`` with its placeholders filled."""
        ...


class Translator(QObject):
    """Looks texts up and says when the language changed.

    Every widget with words has a ``retranslate()`` that sets all of them anew; it is connected to
    ``language_changed`` and called once at the end of the constructor.
    """

    #: Emitted after the language changed.
    language_changed = Signal()

    def __init__(self, messages: Messages, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._messages = messages

    @property
    def language(self) -> str:
        """Code of the language shown now."""
        return self._messages.language

    def set_messages(self, messages: Messages) -> None:
        """Change the language; every widget retranslates itself."""
        self._messages = messages
        self.language_changed.emit()

    def text(self, key: str, **params: object) -> str:
        """Return the text for ``key`` with its placeholders filled."""
        return self._messages.text(key, **params)

    def error_texts(self, error: ErrorInfo) -> tuple[str, str, str]:
        """Return what did not happen, why, and what can be done now."""
        params: dict[str, object] = dict(error.params)
        what, why, then = (self.text(f"{error.code}.{part}", **params) for part in ("what", "why", "next"))
        return what, why, then
