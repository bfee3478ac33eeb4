"""The cards of a picker: grouped, searchable, filtered by age."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage


@dataclass(frozen=True, slots=True)
class CardItem:
    """One card, every text already in the person's language.

    Attributes:
        id: What is handed back when it is picked.
        name: Its name.
        description: One sentence.
        group_id: Cards of one group stand together.
        group_name: The group's heading.
        icon: An icon's name.
        color: The config's own colour, ``#RRGGBB``; painted as an edge, never as text.
        is_ai: A model works (True) or a procedure (False).
        label: Says which of the two in words.
        runnable: Whether it can be picked.
        reason: Why not, in one line.
        min_age: Years.
        facts: Small facts, such as ``local`` and ``2.1 s``.
        picture: A small picture, shown beside the words; None = none.
        fix: What the button that helps says; empty = nothing can be done from here.
    """

    id: str
    name: str
    description: str
    group_id: str
    group_name: str
    icon: str
    color: str
    is_ai: bool
    label: str
    runnable: bool = True
    reason: str = ""
    min_age: int = 0
    facts: tuple[str, ...] = ()
    fix: str = ""
    picture: QImage | None = field(default=None, compare=False)


#: The row's ``CardItem``, or the heading's text as ``str``.
CARD_ROLE = int(Qt.ItemDataRole.UserRole) + 1

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class CardModel(QAbstractListModel):
    """Rows are headings (``str``) and cards, in the order the cards were given, group by group."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: tuple[CardItem, ...] = ()
        self._rows: list[CardItem | str] = []
        self._words: tuple[str, ...] = ()
        self._age: int | None = None

    def set_items(self, items: Iterable[CardItem]) -> None:
        """Replace all cards."""
        self._items = tuple(items)
        self._rebuild()

    def set_filter(self, search: str, age: int | None) -> None:
        """Show the cards that hold every word of ``search`` and are meant for ``age`` years; None = all ages."""
        words = tuple(folded(search).split())
        if (words, age) != (self._words, self._age):
            self._words, self._age = words, age
            self._rebuild()

    def item(self, card_id: str) -> CardItem | None:
        """Return a card by id, whether or not it is shown now."""
        return next((item for item in self._items if item.id == card_id), None)

    def row_of(self, card_id: str) -> int | None:
        """Return the row of a card that is shown now."""
        return next((i for i, row in enumerate(self._rows) if isinstance(row, CardItem) and row.id == card_id), None)

    def card_rows(self) -> list[int]:
        """Return the rows that are cards."""
        return [i for i, row in enumerate(self._rows) if isinstance(row, CardItem)]

    def ages(self) -> list[int]:
        """Return the different minimum ages, ascending, without 0."""
        return sorted({item.min_age for item in self._items} - {0})

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Headings and cards shown now."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the row itself, or what assistive technology reads."""
        if not index.isValid():
            return None
        entry = self._rows[index.row()]
        if role == CARD_ROLE:
            return entry
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return entry if isinstance(entry, str) else entry.name
        if role == Qt.ItemDataRole.AccessibleDescriptionRole and isinstance(entry, CardItem):
            return " · ".join(filter(None, (entry.description, entry.label, *entry.facts, entry.reason)))
        return None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Headings are passed over; a card that cannot run can still be reached and read."""
        if index.isValid() and isinstance(self._rows[index.row()], CardItem):
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        return Qt.ItemFlag.NoItemFlags

    def _rebuild(self) -> None:
        self.beginResetModel()
        groups: dict[str, list[CardItem]] = {}
        for item in self._items:
            if self._is_wanted(item):
                groups.setdefault(item.group_id, []).append(item)
        self._rows = [entry for cards in groups.values() for entry in _with_heading(cards)]
        self.endResetModel()

    def _is_wanted(self, item: CardItem) -> bool:
        if self._age is not None and item.min_age > self._age:
            return False
        text = folded(" ".join((item.name, item.description, item.group_name, item.label)))
        return all(word in text for word in self._words)


def _with_heading(cards: Sequence[CardItem]) -> list[CardItem | str]:
    heading = cards[0].group_name
    return [heading, *cards] if heading else list(cards)


def folded(text: str) -> str:
    """Return ``text`` as it is compared: without case and without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
