"""Labels and buttons that keep their words, icons and accessible names right by themselves."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look

_Box = TypeVar("_Box", bound=QBoxLayout)


class Label(QLabel):
    """A label that shows a text of the catalogue in the language of the moment.

    Args:
        kit: Look, icons and words.
        key: The text's key; empty = nothing yet.
        look: A label look of the stylesheet, such as ``muted``.
    """

    def __init__(self, kit: Kit, key: str = "", look: str = "", **params: object) -> None:
        super().__init__()
        self._kit = kit
        self._key = key
        self._params = params
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setWordWrap(True)
        if look:
            set_look(self, look)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def set_key(self, key: str, **params: object) -> None:
        """Show another text of the catalogue."""
        self._key = key
        self._params = params
        self.retranslate()

    def retranslate(self) -> None:
        """Set the words anew."""
        self.setText(self._kit.text(self._key, **self._params) if self._key else "")


class Button(QPushButton):
    """A button with a word, and an icon if it helps.

    Args:
        kit: Look, icons and words.
        key: The text's key.
        icon: An icon's name; empty = none.
        look: ``primary`` (one per view), ``quiet`` or empty.
    """

    def __init__(self, kit: Kit, key: str, icon: str = "", look: str = "", **params: object) -> None:
        super().__init__()
        self._kit = kit
        self._key = key
        self._params = params
        self._icon_name = icon
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        # Enter presses what has the focus, on every system alike.
        self.setAutoDefault(True)
        if look:
            set_look(self, look)
        kit.translator.language_changed.connect(self.retranslate)
        kit.theme.changed.connect(self._on_theme_changed)
        self.retranslate()
        self._on_theme_changed()

    def set_key(self, key: str, icon: str | None = None, **params: object) -> None:
        """Show another text, and another icon if one is given."""
        self._key = key
        self._params = params
        self.retranslate()
        if icon is not None:
            self._icon_name = icon
            self._on_theme_changed()

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text(self._key, **self._params)
        # A lone "&" would become a shortcut mark and vanish.
        self.setText(text.replace("&", "&&"))
        self.setAccessibleName(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ring of the one action inside it: around it, ring and accent could be of one brightness."""
        super().paintEvent(event)
        if self.hasFocus() and self.property("look") == "primary":
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(self._kit.theme.color("on_accent"), r.FOCUS_PX))
            inner = QRectF(self.rect()).adjusted(4, 4, -4, -4)
            painter.drawRoundedRect(inner, r.RADIUS_FIELD - 3, r.RADIUS_FIELD - 3)
            painter.end()

    def _on_theme_changed(self) -> None:
        if self._icon_name:
            role = "on_accent" if self.property("look") == "primary" else "ink"
            self.setIcon(self._kit.icons.icon(self._icon_name, role, r.SPACE_1))
            self.setIconSize(QSize(r.ICON_PX + r.SPACE_1, r.ICON_PX))


class IconButton(QToolButton):
    """A square button whose word is its tool tip and accessible name.

    Args:
        kit: Look, icons and words.
        icon: An icon's name.
        key: The text's key.
        shortcut_hint: Shown in the tool tip behind the word, such as ``+``.
    """

    def __init__(self, kit: Kit, icon: str, key: str, *, checkable: bool = False, shortcut_hint: str = "") -> None:
        super().__init__()
        self._kit = kit
        self._icon_name = icon
        self._key = key
        self._hint = shortcut_hint
        self.setCheckable(checkable)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setIconSize(QSize(r.ICON_PX, r.ICON_PX))
        kit.translator.language_changed.connect(self.retranslate)
        kit.theme.changed.connect(self._on_theme_changed)
        self.retranslate()
        self._on_theme_changed()

    def set_face(self, icon: str, key: str) -> None:
        """Show another icon and word."""
        self._icon_name, self._key = icon, key
        self.retranslate()
        self._on_theme_changed()

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text(self._key)
        self.setAccessibleName(text)
        self.setToolTip(f"{text} ({self._hint})" if self._hint else text)

    def _on_theme_changed(self) -> None:
        self.setIcon(self._kit.icons.icon(self._icon_name))


class IconLabel(QLabel):
    """An icon that is looked at, not pressed; what it says is said by the word beside it."""

    def __init__(self, kit: Kit, icon: str, role: str = "ink", size_px: int = r.ICON_PX) -> None:
        super().__init__()
        self._kit = kit
        self._size_px = size_px
        self._face = (icon, role)
        self.setFixedSize(size_px, size_px)
        kit.theme.changed.connect(self._show)
        self._show()

    def set_face(self, icon: str, role: str = "ink") -> None:
        """Show another icon, or the same one in another role's colour."""
        self._face = (icon, role)
        self._show()

    def _show(self) -> None:
        icon, role = self._face
        self.setPixmap(self._kit.icons.pixmap(icon, role, self._size_px, self.devicePixelRatioF()))


def column(*parts: QWidget | QLayout | int | None, space: int = r.SPACE_2, margin: int = 0) -> QVBoxLayout:
    """Return a column of parts: widgets, boxes, fixed spaces (int) and what takes the rest (None)."""
    return _filled(QVBoxLayout(), parts, space, margin)


def row(*parts: QWidget | QLayout | int | None, space: int = r.SPACE_2, margin: int = 0) -> QHBoxLayout:
    """Return a row of parts, as ``column`` does."""
    return _filled(QHBoxLayout(), parts, space, margin)


def frame(look: str) -> QFrame:
    """Return a frame with a frame look of the stylesheet, such as ``card``."""
    made = QFrame()
    set_look(made, look)
    return made


def _filled(layout: _Box, parts: tuple[QWidget | QLayout | int | None, ...], space: int, margin: int) -> _Box:
    layout.setSpacing(space)
    layout.setContentsMargins(margin, margin, margin, margin)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, int):
            layout.addSpacing(part)
        elif isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)
    return layout
