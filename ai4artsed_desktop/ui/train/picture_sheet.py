"""One picture of a grid, as large as there is room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.pictures import read_upright
from ai4artsed_desktop.ui.widgets.basics import Label
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.sheet import Sheet

_LONGEST_PX = 2_048


class _Picture(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.image = QImage()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        """As large as the sheet lets it be."""
        return QSize(_LONGEST_PX, _LONGEST_PX)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the picture whole."""
        if self.image.isNull():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRectF(0, 0, size.width(), size.height())
        place.moveCenter(QRectF(self.rect()).center())
        painter.drawImage(place, self.image)
        painter.end()


class PictureSheet(Sheet):
    """Shows one picture and its words.

    Args:
        kit: Look, icons and words.
        page: The widget it covers.
        read: Reads a file; called in a worker. Raises AppError.
    """

    def __init__(self, kit: Kit, page: QWidget, read: Callable[[Path], bytes]) -> None:
        super().__init__(kit, page, "train.picture", max_width_px=1_040, max_height_px=900)
        self._read = read
        self.words = Label(kit, look="muted")
        self.picture = _Picture()
        self.error_card = ErrorCard(kit)
        self.body.addWidget(self.words)
        self.body.addWidget(self.error_card)
        self.body.addWidget(self.picture, 1)
        self._reading = Background[QImage](self, self._on_image, self._on_failed)

    def open_for(self, path: Path, words: str) -> None:
        """Show a picture; it appears when it is decoded."""
        self.words.setText(words)
        self.picture.setAccessibleName(words)
        self.error_card.hide()
        self._on_image(QImage())
        self.open_sheet()
        read = self._read
        self._reading.start(lambda: read_upright(read(path), _LONGEST_PX))

    def _on_image(self, image: QImage) -> None:
        self.picture.image = image
        self.picture.update()

    def _on_failed(self, error: ErrorInfo) -> None:
        self.error_card.show_error(error)
