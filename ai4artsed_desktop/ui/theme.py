"""The theme: which roles hold now, and who hears when they change."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui import stylesheet
from ai4artsed_desktop.ui.roles import Roles


class ThemeChoice(StrEnum):
    """What the person chose; ``SYSTEM`` follows the desktop, live."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"
    HIGH_CONTRAST = "high_contrast"


_FIXED = {ThemeChoice.LIGHT: r.LIGHT, ThemeChoice.DARK: r.DARK, ThemeChoice.HIGH_CONTRAST: r.HIGH_CONTRAST}


class Theme(QObject):
    """Applies roles to the whole application and tells widgets that paint for themselves.

    Args:
        app: The application whose style, palette and stylesheet this theme owns.
        choice: See ThemeChoice.
        workshop_mode: Everything to press is at least 48 px instead of 32.
        reduced_motion: No fades, nothing plays by itself.
    """

    #: Emitted after new roles were applied.
    changed = Signal()

    def __init__(
        self,
        app: QApplication,
        choice: ThemeChoice = ThemeChoice.SYSTEM,
        *,
        workshop_mode: bool = False,
        reduced_motion: bool = False,
    ) -> None:
        super().__init__(app)
        self._app = app
        self._choice = choice
        self._workshop_mode = workshop_mode
        self._reduced_motion = reduced_motion
        self._roles = self._wanted_roles()
        app.styleHints().colorSchemeChanged.connect(self._on_system_color_scheme_changed)
        # Fusion paints every control from the palette alone, on every system alike.
        app.setStyle("Fusion")
        self._apply()

    @property
    def roles(self) -> Roles:
        """The colours that hold now."""
        return self._roles

    @property
    def choice(self) -> ThemeChoice:
        """What the person chose."""
        return self._choice

    @property
    def hit_px(self) -> int:
        """Smallest size of anything to press, in logical pixels."""
        return r.HIT_WORKSHOP_PX if self._workshop_mode else r.HIT_PX

    @property
    def fade_ms(self) -> int:
        """Length of a fade; 0 with reduced motion."""
        return 0 if self._reduced_motion else r.FADE_MS

    @property
    def is_motion_reduced(self) -> bool:
        """Whether nothing may move by itself."""
        return self._reduced_motion

    def configure(
        self,
        *,
        choice: ThemeChoice | None = None,
        workshop_mode: bool | None = None,
        reduced_motion: bool | None = None,
    ) -> None:
        """Change what is given, keep the rest, and apply it at once; what changes nothing costs nothing."""
        before = (self._choice, self._workshop_mode, self._reduced_motion)
        if choice is not None:
            self._choice = choice
        if workshop_mode is not None:
            self._workshop_mode = workshop_mode
        if reduced_motion is not None:
            self._reduced_motion = reduced_motion
        if before != (self._choice, self._workshop_mode, self._reduced_motion):
            self._apply()

    def color(self, role: str) -> QColor:
        """Return the colour of a role, such as ``muted``."""
        return QColor(str(getattr(self._roles, role)))

    def font(self, size_px: int, *, weight: QFont.Weight = QFont.Weight.Normal, mono: bool = False) -> QFont:
        """Return the system's font (or a fixed-width one) in a size of the type scale."""
        font = QFont(self._app.font())
        if mono:
            font.setFamilies(list(stylesheet.MONO_FAMILIES))
            font.setStyleHint(QFont.StyleHint.Monospace)
        font.setPixelSize(size_px)
        font.setWeight(weight)
        return font

    def _wanted_roles(self) -> Roles:
        if fixed := _FIXED.get(self._choice):
            return fixed
        is_dark = self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return r.DARK if is_dark else r.LIGHT

    def _apply(self) -> None:
        self._roles = self._wanted_roles()
        font = QFont(self._app.font())
        font.setPixelSize(r.TYPE_BODY)
        self._app.setFont(font)
        self._app.setPalette(_palette(self._roles))
        self._app.setStyleSheet(stylesheet.build(self._roles, self.hit_px))
        self.changed.emit()

    def _on_system_color_scheme_changed(self) -> None:
        if self._choice is ThemeChoice.SYSTEM and self._wanted_roles() != self._roles:
            self._apply()


def set_look(widget: QWidget, look: str) -> None:
    """Give ``widget`` a look of the stylesheet, also after it was first shown."""
    if widget.property("look") == look:
        return
    widget.setProperty("look", look)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def _palette(roles: Roles) -> QPalette:
    role = QPalette.ColorRole
    colors = {
        role.Window: roles.canvas,
        role.WindowText: roles.ink,
        role.Base: roles.surface,
        role.AlternateBase: roles.sunken,
        role.Text: roles.ink,
        role.PlaceholderText: roles.muted,
        role.Button: roles.surface,
        role.ButtonText: roles.ink,
        role.BrightText: roles.bad,
        role.ToolTipBase: roles.surface,
        role.ToolTipText: roles.ink,
        role.Highlight: roles.focus,
        role.HighlightedText: roles.surface,
        role.Accent: roles.accent,
        role.Link: roles.info,
        role.LinkVisited: roles.info,
    }
    palette = QPalette(QColor(roles.surface), QColor(roles.canvas))
    for name, color in colors.items():
        palette.setColor(name, QColor(color))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(roles.muted))
    return palette
