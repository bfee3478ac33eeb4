"""A text field for prose: plain text only, in the line height of the type scale, cleaned of what nothing can take."""

from __future__ import annotations

import math
from typing import cast

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QTextBlockFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QSizePolicy, QTextEdit

from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look


class ProseEdit(QTextEdit):
    """Multi-line text; pasting keeps the words and drops their formatting, and one undo takes a whole paste back.

    Args:
        kit: Look, icons and words.
        look: ``words`` (a field), or ``bare`` (text on its ground until it has the focus).
        min_lines: It is at least so many lines high.
        max_lines: It grows with its text up to so many lines, then scrolls; 0 = it takes the room it is given.
    """

    def __init__(self, kit: Kit, look: str = "words", *, min_lines: int = 3, max_lines: int = 0) -> None:
        super().__init__()
        self._min_lines, self._max_lines = min_lines, max_lines
        self._line_px = r.TYPE_FIELD * r.LINE_HEIGHT
        self.setAcceptRichText(False)
        # Tab leaves the field: the keyboard must get out of every box.
        self.setTabChangesFocus(True)
        self.document().setDefaultFont(kit.theme.font(r.TYPE_FIELD))
        set_look(self, look)
        self._space_lines()
        if max_lines:
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.document().documentLayout().documentSizeChanged.connect(self.updateGeometry)

    def set_text(self, text: str) -> None:
        """Replace everything; this cannot be undone."""
        self.setPlainText(text)
        self._space_lines()

    def replace_text(self, text: str) -> None:
        """Replace everything so that one undo brings the old text back."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(clean_text(text))
        # Reading begins at the beginning.
        cursor.movePosition(QTextCursor.MoveOperation.Start)
        self.setTextCursor(cursor)

    def append_text(self, text: str) -> None:
        """Add to the end (streaming); the view follows unless the person scrolled up."""
        bar = self.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - self._line_px
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        cursor.insertText(text)
        if follows:
            bar.setValue(bar.maximum())

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Insert what was pasted or dropped as plain, clean text."""
        if source.hasText():
            self.textCursor().insertText(clean_text(source.text()))
            self.ensureCursorVisible()

    def event(self, e: QEvent) -> bool:
        """Leave the window's own keys to the window."""
        return leaves_to_window(e) or super().event(e)

    def sizeHint(self) -> QSize:
        """As high as the text, within the limits."""
        lines = self._min_lines
        if self._max_lines:
            # Before the first show the document has no width, and its height says nothing.
            text_px = self.document().size().height() if self.isVisible() else 0.0
            # A tenth of a line is rounding, not text.
            needed = math.ceil((text_px - 2 * self.document().documentMargin()) / self._line_px - 0.1)
            lines = min(max(lines, needed), self._max_lines)
        return QSize(super().sizeHint().width(), self._height_px(lines))

    def minimumSizeHint(self) -> QSize:
        """Never lower than the fewest lines; growing text asks for its height."""
        height = self.sizeHint().height() if self._max_lines else self._height_px(self._min_lines)
        return QSize(super().minimumSizeHint().width(), height)

    def _height_px(self, lines: int) -> int:
        return math.ceil(lines * self._line_px) + 2 * int(self.document().documentMargin()) + 4 * r.FOCUS_PX

    def _space_lines(self) -> None:
        # Formatting counts as an edit; it must not be what the first undo takes back.
        self.setUndoRedoEnabled(False)
        space_lines(self.document())
        self.setUndoRedoEnabled(True)


def leaves_to_window(event: QEvent) -> bool:
    """Tell whether a field must not take a key for itself: on X11, Ctrl+K would delete the rest of the line."""
    if event.type() != QEvent.Type.ShortcutOverride:
        return False
    pressed = cast("QKeyEvent", event)
    if (pressed.modifiers(), pressed.key()) != (Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_K):
        return False
    event.ignore()
    return True


def space_lines(document: QTextDocument) -> None:
    """Give every line of ``document`` the line height of running text."""
    font = document.defaultFont()
    percent = 100 * r.LINE_HEIGHT * font.pixelSize() / QFontMetricsF(font).height()
    spacing = QTextBlockFormat()
    spacing.setLineHeight(percent, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
    cursor = QTextCursor(document)
    cursor.select(QTextCursor.SelectionType.Document)
    cursor.mergeBlockFormat(spacing)
