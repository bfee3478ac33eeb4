"""What every test of the window needs: real icons, real words, and a walk over everything that can have focus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QScrollBar, QWidget

from ai4artsed_desktop.engine.messages import Messages
from ai4artsed_desktop.ui.i18n import Translator
from ai4artsed_desktop.ui.icons import Icons
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import Theme, ThemeChoice

RESOURCES = Path(__file__).parents[2] / "resources"


class StrictMessages(Messages):
    """The shipped texts; an unknown key or a forgotten parameter raises instead of being shown."""

    def text(self, key: str, /, **params: object) -> str:
        if not self.has(key):
            raise KeyError(key)
        text = super().text(key, **params)
        assert "{" not in text, f"{key} lacks a parameter: {text}"
        return text

    def in_language(self, language: str) -> StrictMessages:
        return StrictMessages(shipped_tables(), language)


def shipped_tables() -> dict[str, dict[str, str]]:
    """Return the language files, and words for the titles that pages give to widgets."""
    tables: dict[str, dict[str, str]] = {}
    for path in sorted((RESOURCES / "languages").glob("*.json")):
        texts: dict[str, str] = json.loads(path.read_text("utf-8"))
        tables[path.stem] = texts | {"test.title": f"Title {path.stem}", "test.words": f"Words {path.stem}"}
    return tables


def icon_bytes(name: str) -> bytes | None:
    path = RESOURCES / "icons" / f"{name}.svg"
    return path.read_bytes() if path.is_file() else None


def make_kit(app: QApplication, choice: ThemeChoice = ThemeChoice.LIGHT, language: str = "en") -> Kit:
    theme = Theme(app, choice, reduced_motion=True)
    return Kit(theme, Icons(icon_bytes, theme), Translator(StrictMessages(shipped_tables(), language), theme))


def focusable(root: QWidget) -> Iterator[QWidget]:
    """Yield every widget under ``root`` that the Tab key can reach once it is visible."""
    for widget in [root, *root.findChildren(QWidget)]:
        takes_tab = widget.focusPolicy() & Qt.FocusPolicy.TabFocus == Qt.FocusPolicy.TabFocus
        # A viewport with a proxy hands its focus to the view around it.
        has_proxy = widget.focusProxy() is not None
        is_internal = has_proxy or widget.objectName().startswith("qt_") or isinstance(widget, QScrollBar)
        if takes_tab and not is_internal:
            yield widget


def nameless(root: QWidget) -> list[str]:
    """Return what the Tab key can reach and assistive technology cannot name."""
    return [repr(widget) for widget in focusable(root) if not widget.accessibleName()]
