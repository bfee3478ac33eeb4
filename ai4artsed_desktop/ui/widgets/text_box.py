"""A titled box for people's words."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Label, column, row
from ai4artsed_desktop.ui.widgets.prose import ProseEdit

#: From this length on, the number of characters is worth knowing.
COUNT_FROM_CHARS = 1_000


class TextBox(QFrame):
    """Title, field and, for long texts, a counter. A dropped text file asks the page to read it.

    Args:
        kit: Look, icons and words.
        title_key: Key of the title, such as "1 Idea (what)".
        placeholder_key: Key of what stands in the empty field.
        limit_chars: Longest text that can be used; beyond it the counter warns. Nothing typed is ever cut.
        min_lines: The field is at least so many lines high.
    """

    #: The text changed, by typing, pasting or undo. Ask ``text`` for it.
    changed = Signal()
    #: Paths of files dropped here.
    files_dropped = Signal(list)

    def __init__(self, kit: Kit, title_key: str, placeholder_key: str, *, limit_chars: int, min_lines: int = 3) -> None:
        super().__init__()
        self.kit = kit
        self._placeholder_key = placeholder_key
        self._limit_chars = limit_chars
        self.title = Label(kit, title_key, "overline")
        self.title.setWordWrap(False)
        self.field = ProseEdit(kit, min_lines=min_lines)
        self.field.setAcceptDrops(False)
        self.field.textChanged.connect(self._on_field_text_changed)
        self.counter = Label(kit, look="small")
        self.counter.hide()
        self.title.setBuddy(self.field)
        self.setAcceptDrops(True)
        set_look(self, "card")
        #: Room between title and field, for a picker or buttons.
        self.extra: QVBoxLayout = column(space=r.SPACE_2)
        #: Room below the field.
        self.foot: QVBoxLayout = column(space=r.SPACE_1)
        #: Room behind the title.
        self.head: QHBoxLayout = row(self.title, space=r.SPACE_2)
        layout = column(self.head, self.extra, self.field, self.counter, self.foot, space=6, margin=r.SPACE_3)
        layout.setStretch(2, 1)
        self.setLayout(layout)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    @property
    def text(self) -> str:
        """The text as it can be used: without characters that no model, file or renderer can take."""
        return clean_text(self.field.toPlainText())

    def set_text(self, text: str) -> None:
        """Put ``text`` into the field; undo brings the old one back."""
        self.field.replace_text(text)

    @property
    def is_too_long(self) -> bool:
        """Whether the text is beyond the limit."""
        return self._length() > self._limit_chars

    def retranslate(self) -> None:
        """Set the words anew."""
        self.field.setPlaceholderText(self.kit.text(self._placeholder_key))
        self.field.setAccessibleName(self.title.text())
        self._show_count()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files and text, and show it."""
        self._accept_or_not(event)
        if event.isAccepted():
            set_look(self, "target-card")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Be no target any more."""
        set_look(self, "card")
        super().dragLeaveEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Take files and text."""
        self._accept_or_not(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Hand files to the page, insert text."""
        set_look(self, "card")
        mime = event.mimeData()
        paths = [url.toLocalFile() for url in mime.urls() if url.isLocalFile()]
        if paths:
            self.files_dropped.emit(paths)
        else:
            self.field.insertFromMimeData(mime)
        event.acceptProposedAction()

    def _accept_or_not(self, event: QDragMoveEvent) -> None:
        mime = event.mimeData()
        if mime.hasText() or any(url.isLocalFile() for url in mime.urls()):
            event.acceptProposedAction()

    def _length(self) -> int:
        # One less: the document counts the end of its last line.
        return self.field.document().characterCount() - 1

    def _on_field_text_changed(self) -> None:
        self._show_count()
        self.changed.emit()

    def _show_count(self) -> None:
        count = self._length()
        self.counter.setVisible(count >= COUNT_FROM_CHARS)
        if self.is_too_long:
            set_look(self.counter, "small-warn")
            self.counter.set_key("textbox.too_long", count=count, limit=self._limit_chars)
        else:
            set_look(self.counter, "small")
            self.counter.set_key("textbox.count", count=count)
