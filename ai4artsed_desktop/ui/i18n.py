"""The language of the window, and its change while the program runs."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.messages import ErrorText, Messages


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

    def set_language(self, language: str) -> None:
        """Change the language; every widget retranslates itself."""
        if language != self._messages.language:
            self._messages = self._messages.in_language(language)
            self.language_changed.emit()

    def text(self, key: str, /, **params: object) -> str:
        """Return the text for ``key`` with its placeholders filled."""
        return self._messages.text(key, **params)

    def has(self, key: str) -> bool:
        """Tell whether there is a text for ``key``."""
        return self._messages.has(key)

    def error(self, error: ErrorInfo) -> ErrorText:
        """Return what did not happen, why, and what can be done now."""
        return self._messages.error(error)
