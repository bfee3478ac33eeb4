"""What the person reads when the safety gate said no: calm, without blame, and with something to do instead."""

from __future__ import annotations

from ai4artsed_desktop.domain.errors import (
    ErrorInfo,
    PersonNamedError,
    SafetyBlockedError,
    SafetyUnavailableError,
)
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Label
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard

_TITLES = {SafetyBlockedError.code: "refusal.title", SafetyUnavailableError.code: "refusal.title.unavailable"}


class RefusalCard(ErrorCard):
    """An error card that speaks of a refusal as what it is: no fault of the program, and none of the person.

    Args:
        kit: Look, icons and words.
    """

    def __init__(self, kit: Kit) -> None:
        self.found: Label | None = None
        super().__init__(kit)
        self.found = Label(kit)
        self.level = Label(kit, look="small")
        self._words.insertWidget(2, self.found)
        self._words.insertWidget(4, self.level)
        self.retranslate()

    def show_error(self, error: ErrorInfo) -> None:
        """Show ``error``; a refusal in quiet colours, any other as ever."""
        is_refusal = error.code in _TITLES or error.code == PersonNamedError.code
        set_look(self, "card" if is_refusal else "bad-card")
        self._icon.set_face("hand" if is_refusal else "error", "info" if is_refusal else "bad")
        super().show_error(error)

    def retranslate(self) -> None:
        """Set the words anew."""
        super().retranslate()
        if self.found is None:
            return
        error = self._error
        is_refusal = error is not None and error.code in _TITLES
        found = error.params.get("found", "") if error is not None and is_refusal else ""
        self.found.setVisible(bool(found))
        self.level.setVisible(is_refusal)
        if error is None or not is_refusal:
            return
        params = {name: self._word(value, error) for name, value in error.params.items()}
        self._what.setText(self._kit.text(_TITLES[error.code]))
        self._why.setText(params.get("reason", ""))
        self.found.set_key("refusal.found", found=found)
        self.level.set_key("refusal.level", level=params["level"])
        if suggestion := params.get("suggestion"):
            self._next.setText(suggestion)
        elif error.params.get("reason") == "safety.reason.language":
            self._next.setText(self._kit.text("safety.suggestion.language"))
        self.setAccessibleName(self._what.text())
        self.setAccessibleDescription(" ".join((self._why.text(), self.found.text(), self._next.text())))

    def _word(self, value: str, error: ErrorInfo) -> str:
        return self._kit.text(value, **error.params) if value.startswith("safety.") else value
