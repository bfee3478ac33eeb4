"""Code results: read, change, run again."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.javascript import JavaScriptHighlighter
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.previews.base import MediumView, PreviewSpec, PreviewWidget
from ai4artsed_desktop.ui.previews.text import decode_text
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button
from ai4artsed_desktop.ui.widgets.prose import leaves_to_window

_INDENT_COLUMNS = 2


class CodeEdit(QPlainTextEdit):
    """A plain code field with line numbers; Tab leaves it, as everywhere else in the window."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        set_look(self, "code")
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setTabChangesFocus(True)
        self._numbers = _LineNumbers(self)
        self.blockCountChanged.connect(self._fit)
        self.updateRequest.connect(self._on_update_request)
        kit.theme.changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def go_to_line(self, line: int) -> None:
        """Put the cursor into ``line``, counted from 1, such as the line of an error."""
        block = self.document().findBlockByNumber(max(0, line - 1))
        if block.isValid():
            cursor = self.textCursor()
            cursor.setPosition(block.position())
            self.setTextCursor(cursor)
            self.centerCursor()
            self.setFocus()

    def event(self, e: QEvent) -> bool:
        """Leave the window's own keys to the window."""
        return leaves_to_window(e) or super().event(e)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the numbers as high as the code."""
        super().resizeEvent(event)
        self._fit()

    def numbers_width_px(self) -> int:
        """Return the room the largest line number needs."""
        digits = max(2, len(str(self.blockCount())))
        return digits * self.fontMetrics().horizontalAdvance("9") + r.SPACE_4

    def paint_numbers(self, event: QPaintEvent) -> None:
        """Paint the numbers of the lines in sight."""
        painter = QPainter(self._numbers)
        painter.fillRect(event.rect(), self._kit.theme.color("sunken"))
        painter.setPen(self._kit.theme.color("muted"))
        painter.setFont(self.font())
        block = self.firstVisibleBlock()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        while block.isValid() and top <= event.rect().bottom():
            height = self.blockBoundingRect(block).height()
            if block.isVisible():
                box = QRect(0, round(top), self._numbers.width() - r.SPACE_2, round(height))
                painter.drawText(box, int(Qt.AlignmentFlag.AlignRight), str(block.blockNumber() + 1))
            top += height
            block = block.next()
        painter.end()

    def _fit(self) -> None:
        width = self.numbers_width_px()
        self.setViewportMargins(width, 0, 0, 0)
        inner = self.contentsRect()
        self._numbers.setGeometry(inner.left(), inner.top(), width, inner.height())

    def _on_update_request(self, rect: QRect, scrolled_px: int) -> None:
        if scrolled_px:
            self._numbers.scroll(0, scrolled_px)
        else:
            self._numbers.update(0, rect.y(), self._numbers.width(), rect.height())

    def _on_theme_changed(self) -> None:
        self.setFont(self._kit.theme.font(r.TYPE_BODY, mono=True))
        self.setTabStopDistance(_INDENT_COLUMNS * self.fontMetrics().horizontalAdvance(" "))
        self._fit()
        self._numbers.update()


class _LineNumbers(QWidget):
    def __init__(self, editor: CodeEdit) -> None:
        super().__init__(editor)
        self._editor = editor

    def sizeHint(self) -> QSize:
        """As wide as the largest number."""
        return QSize(self._editor.numbers_width_px(), 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Let the editor paint, which knows its lines."""
        self._editor.paint_numbers(event)


class CodePreview(PreviewWidget):
    """Shows code to read, change and run again."""

    def __init__(self, kit: Kit) -> None:
        super().__init__(kit)
        self._loaded = ""
        self._restored: str | None = None
        self._wanted_line = 0
        self.editor = CodeEdit(kit)
        self._highlighter = JavaScriptHighlighter(self.editor.document(), kit.theme)
        self.run_button = Button(kit, "preview.run_again", "play")
        self.revert_button = Button(kit, "preview.revert", "undo", "quiet")
        self.stage.addWidget(self.editor)
        self.tools.addWidget(self.run_button)
        self.tools.addWidget(self.revert_button)
        self.run_button.clicked.connect(self._on_run_button_clicked)
        self.revert_button.clicked.connect(self._on_revert_button_clicked)
        self.copy_button.clicked.connect(self._on_copy_button_clicked)
        self.revert_button.hide()
        self.editor.textChanged.connect(self._on_editor_text_changed)
        self.editor.document().modificationChanged.connect(self.revert_button.setVisible)
        self._loading = Background[str](self, self._on_loaded, self.show_error)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()
        self._on_editor_text_changed()

    def show_medium(self, medium: MediumView) -> None:
        """Load and show ``medium``."""
        super().show_medium(medium)
        self._restored, self._wanted_line = None, 0
        self._on_loaded("")
        self._loading.start(lambda: decode_text(medium.load()))

    @property
    def edited_code(self) -> str | None:
        """The code as the person changed it; None if it is as it was loaded."""
        code = self.editor.toPlainText()
        return code if self.editor.document().isModified() and code != self._loaded else None

    def restore(self, code: str | None) -> None:
        """Show ``code`` as the person's own change of the medium that is being loaded; None = no change."""
        self._restored = code

    def go_to_line(self, line: int) -> None:
        """Put the cursor into ``line``, counted from 1, as soon as the code is there."""
        self._wanted_line = line
        self._go()

    def retranslate(self) -> None:
        """Set the words anew."""
        self.editor.setAccessibleName(self.kit.text("preview.code"))

    def _on_loaded(self, code: str) -> None:
        self._loaded = code
        self.editor.setPlainText(code)
        if code and self._restored is not None:
            self._replace(self._restored)
        self._go()

    def _go(self) -> None:
        if self._wanted_line and self._loaded:
            self.editor.go_to_line(self._wanted_line)
            self._wanted_line = 0

    def _replace(self, code: str) -> None:
        cursor = self.editor.textCursor()
        cursor.select(cursor.SelectionType.Document)
        cursor.insertText(code)

    def _on_editor_text_changed(self) -> None:
        self.run_button.setEnabled(not self.editor.document().isEmpty())

    def _on_run_button_clicked(self) -> None:
        self.run_requested.emit(clean_text(self.editor.toPlainText()))

    def _on_revert_button_clicked(self) -> None:
        # One undo brings the person's own code back.
        self._replace(self._loaded)
        self.editor.document().setModified(False)

    def _on_copy_button_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.editor.toPlainText())


PREVIEW = PreviewSpec(("text/javascript", "application/javascript", "application/json", "text/x-"), CodePreview)
