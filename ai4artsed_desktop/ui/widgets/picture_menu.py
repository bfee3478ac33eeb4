"""A menu of pictures, large enough to tell them apart."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QMenu, QProxyStyle, QStyle, QStyleOption, QWidget

from ai4artsed_desktop.ui.kit import Kit

_PICTURE_PX = 40


class PictureMenu(QMenu):
    """A submenu that offers pictures; it cannot be opened while it has none.

    Args:
        kit: Look, icons and words.
        key: Key of its words.
        parent: The menu that it hangs in.
    """

    def __init__(self, kit: Kit, key: str, parent: QMenu) -> None:
        super().__init__(kit.text(key), parent)
        self.setIcon(kit.icons.icon("gallery"))
        self.setEnabled(False)
        # The only way to icons of another size in a menu.
        style = _LargeIcons()
        style.setParent(self)
        self.setStyle(style)
        parent.addMenu(self)

    def offer(self, title: str, picture: QImage | None, do: Callable[[], object]) -> None:
        """Add a picture."""
        entry = self.addAction(title.replace("&", "&&"))
        if picture is not None:
            entry.setIcon(QIcon(QPixmap.fromImage(picture)))
        entry.triggered.connect(lambda: do())
        self.setEnabled(True)


class _LargeIcons(QProxyStyle):
    def __init__(self) -> None:
        super().__init__("Fusion")

    def pixelMetric(
        self, metric: QStyle.PixelMetric, option: QStyleOption | None = None, widget: QWidget | None = None
    ) -> int:
        if metric == QStyle.PixelMetric.PM_SmallIconSize:
            return _PICTURE_PX
        return super().pixelMetric(metric, option, widget)
