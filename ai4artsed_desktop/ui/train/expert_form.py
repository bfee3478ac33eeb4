"""The expert form: every option of the trainer, searched, explained, changed and given back to the preset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QFrame, QLineEdit, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.training.options import OptionSchema, OptionSpec, OptionValue
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.fields import CheckField, ChoiceField

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
ENTRY_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_ROW_PX = 42


@dataclass(frozen=True, slots=True)
class OptionEntry:
    """One option as it stands: ``value`` None = the trainer's own default."""

    spec: OptionSpec
    help: str
    value: OptionValue | None = None
    is_changed: bool = False

    @property
    def words(self) -> str:
        """The value as it would be typed, or what the trainer takes by itself."""
        if self.value is not None:
            return value_text(self.value)
        return "–" if self.spec.default is None else str(self.spec.default)


def value_text(value: OptionValue) -> str:
    """Return a value as a person types it; lists with ``;`` between."""
    if isinstance(value, tuple):
        return "; ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def option_help(kit: Kit, name: str) -> str:
    """Return what an option does, in plain words."""
    key = f"training.option.{name}"
    return kit.text(key if kit.translator.has(key) else "training.option.other")


class OptionModel(QAbstractListModel):
    """Rows of ``OptionEntry``."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._entries: list[OptionEntry] = []

    def set_entries(self, entries: Sequence[OptionEntry]) -> None:
        """Show these options."""
        if [e.spec.name for e in entries] == [e.spec.name for e in self._entries]:
            self._entries = list(entries)
            if entries:
                self.dataChanged.emit(self.index(0), self.index(len(entries) - 1))
            return
        self.beginResetModel()
        self._entries = list(entries)
        self.endResetModel()

    def entry(self, row_number: int) -> OptionEntry:
        """Return the option of a row."""
        return self._entries[row_number]

    def row_of(self, name: str) -> int | None:
        """Return the row of an option, None if it is not shown."""
        return next((row for row, entry in enumerate(self._entries) if entry.spec.name == name), None)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of options."""
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the option, or what is read out."""
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == ENTRY_ROLE:
            return entry
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return f"{entry.spec.name} = {entry.words} · {entry.help}"
        return None


class ExpertForm(QFrame):
    """Search, list, and the editor of the option that is chosen.

    Args:
        kit: Look, icons and words.
    """

    #: Other changes over the preset are wanted: name → value.
    changed = Signal(dict)

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._schema = OptionSchema(())
        self._options: Mapping[str, OptionValue] = {}
        self._changes: dict[str, OptionValue] = {}
        set_look(self, "card")
        self.search = QLineEdit()
        self.only_set = CheckField(kit, "train.expert.only_set")
        self.only_set.setChecked(True)
        self.model = OptionModel(self)
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(_OptionDelegate(kit, self.view))
        self.view.setUniformItemSizes(True)
        self.name = Label(kit, look="strong")
        self.about = Label(kit, look="small")
        self.choice = ChoiceField(kit)
        self.text = QLineEdit()
        self.set_button = Button(kit, "train.expert.set", "check")
        self.reset_button = Button(kit, "train.expert.reset", "undo", "quiet")
        self.error_card = ErrorCard(kit)
        self._lay_out()
        self._connect()
        self.retranslate()

    def show_options(
        self, schema: OptionSchema, options: Mapping[str, OptionValue], changes: Mapping[str, OptionValue]
    ) -> None:
        """Show a plan's options; ``changes`` are those a person made."""
        self._schema, self._options, self._changes = schema, options, dict(changes)
        self._fill()
        self._show_chosen()

    def choose(self, name: str) -> None:
        """Put an option into the editor."""
        row_number = self.model.row_of(name)
        if row_number is not None:
            self.view.setCurrentIndex(self.model.index(row_number))

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        self.search.setPlaceholderText(text("train.expert.search"))
        self.search.setAccessibleName(text("train.expert.search"))
        self.view.setAccessibleName(text("train.expert"))
        self.text.setAccessibleName(text("train.expert.value"))
        self.choice.setAccessibleName(text("train.expert.value"))
        self._fill()

    def _lay_out(self) -> None:
        kit = self._kit
        head = row(Label(kit, "train.expert", "overline"), None, self.only_set)
        line = row(self.text, self.choice, self.set_button, self.reset_button, space=r.SPACE_1)
        line.setStretch(0, 1)
        line.setStretch(1, 1)
        parts = (head, self.search, self.view, self.name, self.about, line, self.error_card)
        layout = column(*parts, space=r.SPACE_1, margin=r.SPACE_3)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        self.search.textChanged.connect(self._fill)
        self.only_set.toggled.connect(self._fill)
        self.view.selectionModel().currentChanged.connect(self._show_chosen)
        self.model.modelReset.connect(self._show_chosen)
        self.set_button.clicked.connect(self._set)
        self.text.returnPressed.connect(self._set)
        self.reset_button.clicked.connect(self._reset)
        self._kit.translator.language_changed.connect(self.retranslate)

    def _fill(self) -> None:
        wanted = self.search.text().casefold().split()
        entries: list[OptionEntry] = []
        for spec in self._schema.values():
            value = self._options.get(spec.name)
            # What is searched for is searched for among all of them.
            if value is None and self.only_set.isChecked() and not wanted:
                continue
            entry = OptionEntry(spec, option_help(self._kit, spec.name), value, spec.name in self._changes)
            if all(word in f"{spec.name} {entry.help}".casefold() for word in wanted):
                entries.append(entry)
        self.model.set_entries(entries)

    def _chosen(self) -> OptionEntry | None:
        index = self.view.currentIndex()
        return self.model.entry(index.row()) if index.isValid() else None

    def _show_chosen(self) -> None:
        entry = self._chosen()
        for widget in (self.name, self.about, self.set_button):
            widget.setVisible(entry is not None)
        choices = _choices(entry.spec) if entry is not None else ()
        self.choice.setVisible(bool(choices))
        self.text.setVisible(entry is not None and not choices)
        self.reset_button.setVisible(entry is not None and entry.is_changed)
        self.error_card.hide()
        if entry is None:
            return
        spec = entry.spec
        self.name.setText(spec.name)
        default = "–" if spec.default is None else str(spec.default)
        kind = self._kit.text("train.expert.kind", kind=spec.expected, default=default)
        self.about.setText(f"{entry.help} {kind}")
        typed = value_text(entry.value) if entry.value is not None else ""
        if choices:
            self.choice.set_options([(text, text) for text in choices], typed or str(spec.default).lower())
        else:
            self.text.setText(typed)

    def _set(self) -> None:
        entry = self._chosen()
        if entry is None:
            return
        typed = str(self.choice.value) if _choices(entry.spec) else self.text.text()
        try:
            value = self._schema.parse(entry.spec.name, typed)
        except AppError as exc:
            self.error_card.show_error(exc.info())
            return
        self.error_card.hide()
        self.changed.emit({**self._changes, entry.spec.name: value})

    def _reset(self) -> None:
        entry = self._chosen()
        if entry is not None:
            self.changed.emit({name: value for name, value in self._changes.items() if name != entry.spec.name})


def _choices(spec: OptionSpec) -> tuple[str, ...]:
    if spec.is_list:
        return ()
    return ("true", "false") if spec.type == "bool" else tuple(map(str, spec.choices))


class _OptionDelegate(QStyledItemDelegate):
    def __init__(self, kit: Kit, view: QListView) -> None:
        super().__init__(view)
        self._kit = kit

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Two lines."""
        return QSize(120, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint name and value, below them what the option does."""
        entry = cast("OptionEntry", index.data(ENTRY_ROLE))
        theme, place = self._kit.theme, option.rect.adjusted(r.SPACE_2, 2, -r.SPACE_2, -2)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, theme.color("sunken"))
            painter.fillRect(
                QRect(option.rect.left(), option.rect.top(), 3, option.rect.height()), theme.color("focus")
            )
        mark = "● " if entry.is_changed else ""
        lines = (
            (f"{mark}{entry.spec.name} = {entry.words}", "ink" if entry.value is not None else "muted", 0),
            (entry.help, "muted", _ROW_PX // 2 - 2),
        )
        for text, role, top in lines:
            painter.setPen(theme.color(role))
            painter.setFont(theme.font(r.TYPE_SMALL))
            line = QRect(place.left(), place.top() + top, place.width(), _ROW_PX // 2 - 2)
            cut = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, line.width())
            painter.drawText(line, int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter), cut)
        painter.restore()
