"""Two texts in one: what went is struck out, what came is underlined, each in its colour."""

from __future__ import annotations

from PySide6.QtGui import QFont, QTextCharFormat, QTextCursor

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.prose import ProseEdit
from ai4artsed_desktop.ui.word_diff import Change, word_diff


class DiffView(ProseEdit):
    """Shows the difference of two texts; it can be read and copied, not edited."""

    def __init__(self, kit: Kit, *, max_lines: int = 8) -> None:
        super().__init__(kit, "bare", min_lines=2, max_lines=max_lines)
        self._kit = kit
        self._texts = ("", "")
        self.setReadOnly(True)
        kit.theme.changed.connect(self._show)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_difference(self, before: str, after: str) -> None:
        """Show what turned ``before`` into ``after``."""
        self._texts = (before, after)
        self._show()

    def retranslate(self) -> None:
        """Set the words anew."""
        self.setAccessibleName(self._kit.text("diff.name"))
        self.setAccessibleDescription(self._kit.text("diff.legend"))

    def _show(self) -> None:
        self.set_text("")
        cursor = QTextCursor(self.document())
        formats = {change: self._format(change) for change in Change}
        before = Change.KEPT
        for piece in word_diff(*self._texts):
            if (before, piece.change) == (Change.REMOVED, Change.ADDED):
                cursor.insertText(" ", formats[Change.KEPT])
            before = piece.change
            cursor.insertText(piece.text, formats[piece.change])

    def _format(self, change: Change) -> QTextCharFormat:
        made = QTextCharFormat()
        made.setFont(self._kit.theme.font(r.TYPE_FIELD))
        if change is Change.REMOVED:
            made.setForeground(self._kit.theme.color("bad"))
            made.setFontStrikeOut(True)
        elif change is Change.ADDED:
            made.setForeground(self._kit.theme.color("good"))
            made.setFontUnderline(True)
            made.setFontWeight(QFont.Weight.DemiBold)
        return made
