"""Words of many captions at once: add, remove, replace; the tags with their counts; captions by a model that sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtWidgets import QFrame, QLineEdit, QListView

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.training.captions import add_tag, count_tags, remove_tag, replace_text
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.train.captions import CaptionBook
from ai4artsed_desktop.ui.train.link import TrainLink
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.working import WorkingCard

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class TagModel(QAbstractListModel):
    """Tags and in how many captions each stands, most frequent first."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._tags: list[tuple[str, int]] = []

    def set_tags(self, tags: Sequence[tuple[str, int]]) -> None:
        """Show these tags."""
        self.beginResetModel()
        self._tags = list(tags)
        self.endResetModel()

    def tag(self, row_number: int) -> str:
        """Return the tag of a row."""
        return self._tags[row_number][0]

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of tags."""
        return 0 if parent.isValid() else len(self._tags)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return tag and count."""
        if not index.isValid() or role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return None
        tag, count = self._tags[index.row()]
        return f"{count} × {tag}"


class CaptionTools(QFrame):
    """Acts on the pictures that are chosen, or on all of them.

    Args:
        kit: Look, icons and words.
        link: The project in sight.
        book: Its captions.
        targets: Returns the pictures that a change is for.
    """

    #: Only pictures with this tag shall be seen; ``""`` = all.
    tag_chosen = Signal(str)

    def __init__(self, kit: Kit, link: TrainLink, book: CaptionBook, targets: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._kit = kit
        self._link = link
        self._book = book
        self._targets = targets
        self._queue: list[str] = []
        set_look(self, "card")
        self.scope = Label(kit, look="small")
        self.words = QLineEdit()
        self.replacement = QLineEdit()
        self.add_button = Button(kit, "train.tags.add")
        self.remove_button = Button(kit, "train.tags.remove")
        self.replace_button = Button(kit, "train.tags.replace")
        self.model_button = Button(kit, "train.auto_caption", "eye")
        self.said = Label(kit, look="small")
        self.working = WorkingCard(kit)
        self.error_card = ErrorCard(kit)
        self.tags = TagModel(self)
        self.tag_view = QListView()
        self.tag_view.setModel(self.tags)
        self.tag_view.setUniformItemSizes(True)
        self.all_button = Button(kit, "train.tags.all", "close", "quiet")
        self.all_button.hide()
        self._counting = Background[list[tuple[str, int]]](self, self.tags.set_tags, self.error_card.show_error)
        self._lay_out()
        self._connect()
        self.retranslate()

    def show_scope(self) -> None:
        """Say which pictures a change is for."""
        self.scope.set_key("train.tags.scope", count=len(self._targets()))

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        for field, key in ((self.words, "train.tags.words"), (self.replacement, "train.tags.by")):
            field.setPlaceholderText(text(key))
            field.setAccessibleName(text(key))
        self.tag_view.setAccessibleName(text("train.tags"))

    def stop(self) -> None:
        """Ask the model for no further caption."""
        self._queue = []
        self.working.finish()

    def describe(self) -> None:
        """Let a model on this machine describe the pictures, one after the other."""
        self.error_card.hide()
        self._link.ask(self._link.studio.vision_model(), lambda info: self._begin(info.name), self._on_failed)

    def _lay_out(self) -> None:
        kit = self._kit
        changes = row(self.add_button, self.remove_button, None, space=r.SPACE_1)
        exchange = row(self.replacement, self.replace_button, space=r.SPACE_1)
        exchange.setStretch(0, 1)
        layout = column(
            row(Label(kit, "train.captions", "overline"), None, self.model_button),
            self.working,
            self.error_card,
            self.scope,
            self.words,
            changes,
            exchange,
            self.said,
            row(Label(kit, "train.tags", "overline"), None, self.all_button),
            self.tag_view,
            space=r.SPACE_1,
            margin=r.SPACE_3,
        )
        layout.setStretch(9, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        self.add_button.clicked.connect(lambda: self._change(lambda text, words: add_tag(text, words)))
        self.remove_button.clicked.connect(lambda: self._change(remove_tag))
        self.replace_button.clicked.connect(
            lambda: self._change(lambda text, words: replace_text(text, words, self.replacement.text()))
        )
        self.words.returnPressed.connect(self.add_button.click)
        self.replacement.returnPressed.connect(self.replace_button.click)
        self.model_button.clicked.connect(self.describe)
        self.working.cancel_requested.connect(self.stop)
        self.tag_view.clicked.connect(self._on_tag_view_chosen)
        self.tag_view.activated.connect(self._on_tag_view_chosen)
        self.all_button.clicked.connect(self._on_all_button_clicked)
        self._book.changed.connect(self._count)
        self._link.opened.connect(self._on_link_opened)
        self._kit.translator.language_changed.connect(self.retranslate)

    def _change(self, change: Callable[[str, str], str]) -> None:
        words, captions = self.words.text(), self._book.captions
        new: Mapping[str, str] = {name: change(captions[name], words) for name in self._targets() if name in captions}
        self.said.set_key("train.tags.changed", count=self._book.change(new) if words.strip() else 0)

    def _count(self) -> None:
        captions = list(self._book.captions.values())
        self._counting.start(lambda: count_tags(captions))

    def _begin(self, model: str) -> None:
        self._queue = list(self._targets())
        if self._queue:
            self.working.start("train.auto_caption.working", model=model, number=1, count=len(self._queue))
            self._link.ask(self._describe_all(model), None, self._on_failed)

    async def _describe_all(self, model: str) -> None:
        """One after the other, until the queue is empty or was emptied."""
        queue, total, project = self._queue, len(self._queue), self._link.project
        while queue and self._queue is queue:
            number = total - len(queue) + 1
            self.working.say("train.auto_caption.working", model=model, number=number, count=total)
            self.working.set_progress((number - 1) / total)
            text = await self._link.studio.write_caption(project.name, queue[0])
            if self._queue is not queue:
                return  # stopped meanwhile
            name = queue.pop(0)
            if text:
                self._book.change({name: add_tag(text, project.trigger, at_start=True)})
        if self._queue is queue:
            self.working.finish()

    def _on_failed(self, error: ErrorInfo) -> None:
        self.stop()
        self.error_card.show_error(error)

    def _on_tag_view_chosen(self, index: QModelIndex) -> None:
        tag = self.tags.tag(index.row())
        self.all_button.show()
        self.words.setText(tag)
        self.tag_chosen.emit(tag)

    def _on_all_button_clicked(self) -> None:
        self.all_button.hide()
        self.tag_view.clearSelection()
        self.tag_chosen.emit("")

    def _on_link_opened(self) -> None:
        self.stop()
        self.error_card.hide()
        self.said.set_key("")
        self.all_button.hide()
