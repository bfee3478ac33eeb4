"""Icons: one stroke set as SVG, tinted by role, crisp at every scale."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.theme import Theme

#: Returns an icon's SVG by name (``play``), or None. The window does not know where resources lie.
IconSource = Callable[[str], bytes | None]

#: Shown for a name nobody drew, such as a typing error in somebody's own config.
FALLBACK_ICON = "shapes"
#: Device pixel ratios rendered ahead; Qt picks the next larger one and scales down.
_RATIOS = (1.0, 2.0, 3.0)


class Icons(QObject):
    """Renders and keeps icons; forgets them when the theme changes."""

    def __init__(self, source: IconSource, theme: Theme) -> None:
        super().__init__(theme)
        self._source = source
        self._theme = theme
        self._svgs: dict[str, bytes | None] = {}
        self._icons: dict[tuple[str, str, int], QIcon] = {}
        self._pixmaps: dict[tuple[str, str, int, float], QPixmap] = {}
        theme.changed.connect(self._on_theme_changed)

    def has(self, name: str) -> bool:
        """Whether there is a drawing of that name."""
        return self._svg(name) is not None

    def icon(self, name: str, role: str = "ink", gap_px: int = 0) -> QIcon:
        """Return an icon for a button, in the colour of ``role``; disabled, it takes the colour ``muted``.

        Args:
            name: The drawing's name.
            role: See Roles.
            gap_px: Empty room behind the drawing: Qt puts a button's words close to its icon.
        """
        key = (name, role, gap_px)
        if key not in self._icons:
            icon = QIcon()
            for ratio in _RATIOS:
                for mode, color in ((QIcon.Mode.Normal, role), (QIcon.Mode.Disabled, "muted")):
                    icon.addPixmap(_with_gap(self.pixmap(name, color, r.ICON_PX, ratio), gap_px), mode)
            self._icons[key] = icon
        return self._icons[key]

    def pixmap(self, name: str, role: str = "ink", size_px: int = r.ICON_PX, ratio: float = 1.0) -> QPixmap:
        """Return an icon for painting; ``ratio`` is the target's device pixel ratio."""
        key = (name, role, size_px, ratio)
        if key not in self._pixmaps:
            self._pixmaps[key] = self._render(name, role, size_px, ratio)
        return self._pixmaps[key]

    def _render(self, name: str, role: str, size_px: int, ratio: float) -> QPixmap:
        pixmap = QPixmap(QSize(size_px, size_px) * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        svg = self._svg(name) or self._svg(FALLBACK_ICON)
        if svg is None:
            return pixmap
        tinted = svg.replace(b"currentColor", self._theme.color(role).name().encode())
        renderer = QSvgRenderer(QByteArray(tinted))
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(0, 0, size_px, size_px))
        painter.end()
        return pixmap

    def _svg(self, name: str) -> bytes | None:
        if name not in self._svgs:
            self._svgs[name] = self._source(name)
        return self._svgs[name]

    def _on_theme_changed(self) -> None:
        self._icons.clear()
        self._pixmaps.clear()


def _with_gap(pixmap: QPixmap, gap_px: int) -> QPixmap:
    if not gap_px:
        return pixmap
    ratio = pixmap.devicePixelRatio()
    wider = QPixmap(pixmap.width() + round(gap_px * ratio), pixmap.height())
    wider.setDevicePixelRatio(ratio)
    wider.fill(Qt.GlobalColor.transparent)
    painter = QPainter(wider)
    painter.drawPixmap(0, 0, pixmap)
    painter.end()
    return wider
