"""Text results."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication

from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.previews.base import MediumView, PreviewSpec, PreviewWidget
from ai4artsed_desktop.ui.widgets.prose import ProseEdit


class TextPreview(PreviewWidget):
    """Shows a text to read and copy."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self.view = ProseEdit(kit)
        self.view.setReadOnly(True)
        self.stage.addWidget(self.view)
        self.copy_button.clicked.connect(self._on_copy_button_clicked)
        self._loading = Background[str](self, self.view.set_text, self.show_error)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_medium(self, medium: MediumView) -> None:
        """Load and show ``medium``."""
        super().show_medium(medium)
        self.view.set_text("")
        self._loading.start(lambda: decode_text(medium.load()))

    def retranslate(self) -> None:
        """Set the words anew."""
        self.view.setAccessibleName(self.kit.text("preview.text"))

    def _on_copy_button_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.view.toPlainText())


def decode_text(data: bytes) -> str:
    """Return ``data`` as clean text; what is not UTF-8 becomes a visible mark instead of an error."""
    return clean_text(data.decode("utf-8-sig", errors="replace"))


PREVIEW = PreviewSpec(("text/",), TextPreview)
