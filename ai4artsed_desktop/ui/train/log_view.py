"""The trainer's log: a hundred thousand lines, filtered and searched in slices, so that the window never waits."""

from __future__ import annotations

import time
from typing import cast

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QHeaderView,
    QLineEdit,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from ai4artsed_desktop.engine.training_log import MAX_LINES, NumberedLine, TrainingLog
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Label, column, row
from ai4artsed_desktop.ui.widgets.fields import ChoiceField

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
LINE_ROLE = int(Qt.ItemDataRole.UserRole) + 1
#: One slice of work on the window's thread may take so long; then the window has its turn.
_SLICE_S = 0.003
#: Lines fetched at a time, and the pause between two looks for new ones.
_BATCH, _LOOK_MS = 500, 50
_ROW_PX = r.TYPE_SMALL + 6
_TOO_MANY = MAX_LINES + 20_000
_LEVELS = ("", "WARNING", "ERROR")
_WORSE = {"": frozenset[str](), "WARNING": frozenset({"WARNING", "ERROR", "CRITICAL"})}
_WORSE["ERROR"] = frozenset({"ERROR", "CRITICAL"})


class LogModel(QAbstractListModel):
    """Lines that fit the filter, oldest first. Everything is fetched and searched in slices.

    ``take`` names a log; what is new in it is shown by itself.
    """

    #: Lines came, or another filter has gone through all of them.
    grown = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._log: TrainingLog | None = None
        self._lines: list[NumberedLine] = []
        self._shown: list[NumberedLine] = []
        self._fetched = 0
        self._sought = 0
        self._words: list[str] = []
        self._level = ""
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._work)

    @property
    def total(self) -> int:
        """Lines that were fetched, fitting or not."""
        return len(self._lines)

    @property
    def is_settled(self) -> bool:
        """Whether every line there is was fetched and searched."""
        return self._sought == len(self._lines) and (self._log is None or self._fetched >= self._log.last)

    def take(self, log: TrainingLog | None) -> None:
        """Show another log from its beginning; the same one goes on."""
        if log is self._log:
            self._start(0)
            return
        self._log = log
        self._lines, self._fetched = [], 0
        self._restart()

    def set_filter(self, words: str, level: str) -> None:
        """Show only lines with every word (upper and lower case alike) and of this level or worse."""
        self._words, self._level = words.casefold().split(), level
        self._restart()

    def look(self) -> None:
        """There are new lines."""
        self._start(_LOOK_MS)

    def line(self, row_number: int) -> NumberedLine:
        """Return the line of a row."""
        return self._shown[row_number]

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of lines that fit."""
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the line."""
        if not index.isValid():
            return None
        line = self._shown[index.row()]
        if role == LINE_ROLE:
            return line
        return line.line.text if role == Qt.ItemDataRole.DisplayRole else None

    def _restart(self) -> None:
        self.beginResetModel()
        self._shown, self._sought = [], 0
        self.endResetModel()
        self._start(0)

    def _start(self, pause_ms: int) -> None:
        if not self._timer.isActive() or pause_ms == 0:
            self._timer.start(pause_ms)

    def _work(self) -> None:
        give_way_s = time.perf_counter() + _SLICE_S
        self._fetch(give_way_s)
        self._seek(give_way_s)
        if self.is_settled:
            self.grown.emit()
        else:
            self._timer.start(1)  # not 0: painting and keys come first

    def _fetch(self, give_way_s: float) -> None:
        while self._log is not None and self._fetched < self._log.last and time.perf_counter() < give_way_s:
            batch = self._log.since(self._fetched, _BATCH)
            self._lines += batch
            self._fetched = batch[-1].number if batch else self._log.last
        if len(self._lines) > _TOO_MANY:
            self._forget_oldest(len(self._lines) - MAX_LINES)

    def _forget_oldest(self, count: int) -> None:
        del self._lines[:count]
        self._sought = max(0, self._sought - count)
        first = self._lines[0].number
        gone = next((row_ for row_, line in enumerate(self._shown) if line.number >= first), len(self._shown))
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._shown[:gone]
            self.endRemoveRows()

    def _seek(self, give_way_s: float) -> None:
        found: list[NumberedLine] = []
        while self._sought < len(self._lines):
            piece = self._lines[self._sought : self._sought + _BATCH]
            found += [line for line in piece if self._fits(line)]
            self._sought += len(piece)
            if time.perf_counter() > give_way_s:
                break
        if found:
            row_number = len(self._shown)
            self.beginInsertRows(QModelIndex(), row_number, row_number + len(found) - 1)
            self._shown += found
            self.endInsertRows()

    def _fits(self, line: NumberedLine) -> bool:
        if self._level and line.line.level not in _WORSE[self._level]:
            return False
        if not self._words:
            return True
        text = line.line.text.casefold()
        return all(word in text for word in self._words)


class LogView(QFrame):
    """Search, level, and the lines; it follows the end until the person scrolls up.

    Args:
        kit: Look, icons and words.
    """

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        set_look(self, "card")
        self.model = LogModel(self)
        self.view = _LineTable(self.model)
        self.view.setItemDelegate(_LineDelegate(kit, self.view))
        self.search = QLineEdit()
        self.level = ChoiceField(kit)
        self.count = Label(kit, look="small")
        self.count.setWordWrap(False)
        self._typing = QTimer(self, interval=150, singleShot=True)
        self._typing.timeout.connect(self._filter)
        head = row(Label(kit, "train.log", "overline"), self.search, self.level, self.count, space=r.SPACE_2)
        head.setStretch(1, 1)
        layout = column(head, self.view, space=r.SPACE_1, margin=r.SPACE_2)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.search.textChanged.connect(self._typing.start)
        self.level.chosen.connect(self._filter)
        self.model.grown.connect(self._on_model_grown)
        self.model.rowsInserted.connect(self._follow)
        self.view.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self._is_following = True
        kit.theme.changed.connect(self.view.viewport().update)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def show_log(self, log: TrainingLog | None) -> None:
        """Show a log."""
        self._is_following = True
        self.model.take(log)

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        self.search.setPlaceholderText(text("train.log.search"))
        self.search.setAccessibleName(text("train.log.search"))
        self.level.setAccessibleName(text("train.log.level"))
        self.view.setAccessibleName(text("train.log"))
        options = [(level, text(f"train.log.level.{level.lower() or 'all'}")) for level in _LEVELS]
        self.level.set_options(options, self.level.value or "")
        self._on_model_grown()

    def _filter(self) -> None:
        self._is_following = True
        self.model.set_filter(self.search.text(), str(self.level.value or ""))

    def _follow(self) -> None:
        if self._is_following:
            self.view.scrollToBottom()

    def _on_scrolled(self, value: int) -> None:
        if self.view.hasFocus() or self.view.underMouse():
            self._is_following = value >= self.view.verticalScrollBar().maximum() - 1

    def _on_model_grown(self) -> None:
        self.count.setText(f"{self.model.rowCount():n}/{self.model.total:n}")


class _LineTable(QTableView):
    """A table of one column: with rows of one height it needs no layout, a list goes through all rows each time."""

    def __init__(self, model: LogModel) -> None:
        super().__init__()
        self._lines = model
        self.setModel(model)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionMode(QTableView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(_ROW_PX)
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+C copies the lines that are chosen."""
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
            QGuiApplication.clipboard().setText("\n".join(self._lines.line(number).line.text for number in rows))
        else:
            super().keyPressEvent(event)


class _LineDelegate(QStyledItemDelegate):
    def __init__(self, kit: Kit, view: QTableView) -> None:
        super().__init__(view)
        self._kit = kit

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """One line."""
        return QSize(120, _ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint number and text; errors and warnings say so in words, and in colour."""
        line = cast("NumberedLine", index.data(LINE_ROLE))
        theme = self._kit.theme
        level = line.line.level
        role = "bad" if level in _WORSE["ERROR"] else "warn" if level == "WARNING" else "ink"
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(option.rect, theme.color("sunken"))
        painter.setFont(theme.font(r.TYPE_SMALL, mono=True))
        painter.setPen(theme.color("muted"))
        flags = int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine)
        place = option.rect.adjusted(4, 0, -4, 0)
        painter.drawText(place, flags, str(line.number))
        painter.setPen(theme.color(role))
        words = f"{level}  {line.line.text}" if role != "ink" else line.line.text
        painter.drawText(place.adjusted(56, 0, 0, 0), flags, words[:1_000])
        painter.restore()
