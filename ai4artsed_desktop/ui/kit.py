"""What every widget is given: look, icons and words in one hand."""

from __future__ import annotations

from dataclasses import dataclass

from ai4artsed_desktop.ui.i18n import Translator
from ai4artsed_desktop.ui.icons import Icons
from ai4artsed_desktop.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class Kit:
    """Made once at start and passed to every widget."""

    theme: Theme
    icons: Icons
    translator: Translator

    def text(self, key: str, /, **params: object) -> str:
        """Return a text in the person's language."""
        return self.translator.text(key, **params)
