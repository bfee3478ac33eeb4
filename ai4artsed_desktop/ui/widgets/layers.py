"""The layers of a download, one line each: which, how far, how large."""

from __future__ import annotations

from collections.abc import Sequence

from ai4artsed_desktop.domain.events import DownloadPart
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Label


class Layers(Label):
    """Hidden while there is nothing to tell apart: a download of one file, or one that has named no layer yet."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit, look="small")
        self.hide()

    def show_parts(self, parts: Sequence[DownloadPart]) -> None:
        """Show how far each layer is, in the order in which the server brings them."""
        language = self._kit.translator.language
        self.setText("\n".join(self._line(part, language) for part in parts))
        self.setVisible(bool(parts))

    def _line(self, part: DownloadPart, language: str) -> str:
        done, total = size_text(part.done_bytes, language), size_text(part.total_bytes, language)
        mark = "✓ " if part.total_bytes and part.done_bytes >= part.total_bytes else ""
        return mark + self._kit.text("pull.layer", name=part.name, done=done, total=total)
