"""A log to read along: it follows its end, can be filtered and copied, and never holds up the window."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import (
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QLineEdit, QSizePolicy, QTableView

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.log import ERRORS, LEVELS, LogModel, LogSource
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, Label, column, frame, row
from ai4artsed_desktop.ui.widgets.fields import ChoiceField

_Index = QModelIndex | QPersistentModelIndex

#: The person has stopped typing.
_FILTER_PAUSE_MS = 120
#: Characters before the text of a line: its number, and space.
_NUMBER_CHARS = 8


class LogView(QFrame):
    """A card with a filter, the lines, and where all of them lie.

    Lines are taken in slices while the view can be seen; hidden it costs nothing.

    Args:
        kit: Look, icons and words.
        kept_lines: Older ones go.
        has_levels: Lines have levels, which can be filtered by.
    """

    def __init__(self, kit: Kit, kept_lines: int, *, has_levels: bool = False) -> None:
        super().__init__()
        self._kit = kit
        self._name = ""
        set_look(self, "card")
        self.model = LogModel(kept_lines, self)
        self.title = Label(kit, look="strong")
        self.title.setMinimumWidth(r.SPACE_6 * 2)
        self.filter = QLineEdit()
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(r.SPACE_6 * 3)
        self.level = ChoiceField(kit)
        if not has_levels:  # made visible before it has its place, it would be a window for a moment
            self.level.hide()
        self.end_button = Button(kit, "log.to_end", "arrow-down", "quiet")
        self.copy_button = IconButton(kit, "copy", "log.copy")
        self.state = Label(kit, look="muted")
        self.state.setWordWrap(False)
        self.lines = _Lines(kit, self.model)
        # It takes what is left, and a few lines at least.
        self.lines.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        self.lines.setMinimumHeight(4 * r.SPACE_5)
        self.place = Label(kit, look="small")
        self.place.hide()
        self._pause = QTimer(self, singleShot=True, interval=_FILTER_PAUSE_MS)
        self._lay_out()
        self._connect()
        self.retranslate()

    def follow(self, name: str, log: LogSource | None, place: str = "") -> None:
        """Show another log; the same one goes on.

        Args:
            name: What is said to write it, a proper name.
            log: None = there is none yet.
            place: The file with all of its lines; "" = there is none.
        """
        self._name = name
        self.place.set_key("log.place" if place else "", path=place)
        self.place.setVisible(bool(place))
        self.model.follow(log)
        self.retranslate()

    def look(self) -> None:
        """There are new lines."""
        if self.isVisible():
            self.model.look()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the count of lines at one size: else each new count lays out the whole page, 25 ms (measured)."""
        super().resizeEvent(event)
        width = max(0, self.contentsRect().width() - 2 * r.SPACE_3)
        self.state.setFixedSize(width, self.state.fontMetrics().lineSpacing() + 2)

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what was written meanwhile."""
        super().showEvent(event)
        self.lines.go_to_end()
        self.model.look()

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        name = text("log.name", name=self._name)
        self.title.setText(name)
        self.lines.setAccessibleName(name)
        self.filter.setPlaceholderText(text("log.filter"))
        self.filter.setAccessibleName(text("log.filter"))
        self.level.setAccessibleName(text("log.level"))
        options = [(level, text(f"log.level.{level.lower() or 'all'}")) for level in LEVELS]
        self.level.set_options(options, self.level.value or "")
        self._show_state()

    def _lay_out(self) -> None:
        head = row(self.title, self.filter, self.level, self.end_button, self.copy_button)
        head.setStretch(0, 1)
        head.setStretch(1, 1)
        ground = frame("sunken")
        ground.setLayout(column(self.lines, margin=r.SPACE_1))
        layout = column(head, self.state, ground, self.place, margin=r.SPACE_3)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        self._pause.timeout.connect(self._on_pause_timeout)
        self.filter.textChanged.connect(lambda: self._pause.start())
        self.level.chosen.connect(self._on_level_chosen)
        self.end_button.clicked.connect(self._on_end_button_clicked)
        self.copy_button.clicked.connect(self.lines.copy_lines)
        self.model.grown.connect(self._show_state)
        self.lines.verticalScrollBar().valueChanged.connect(self._show_end_button)
        self._kit.translator.language_changed.connect(self.retranslate)

    def _show_state(self) -> None:
        shown, kept = self.model.rowCount(), self.model.count
        is_filtered = bool(self.filter.text().strip() or self.level.value)
        key = "log.empty" if not kept else "log.no_hit" if not shown else "log.hits" if is_filtered else "log.count"
        self.state.set_key(key, shown=shown, kept=kept)
        self.copy_button.setEnabled(shown > 0)
        self._show_end_button()

    def _show_end_button(self) -> None:
        self.end_button.setEnabled(not self.lines.is_at_end)

    def _on_pause_timeout(self) -> None:
        self.model.set_filter(self.filter.text(), str(self.level.value or ""))

    def _on_level_chosen(self, value: object) -> None:
        del value
        self._on_pause_timeout()

    def _on_end_button_clicked(self) -> None:
        self.lines.go_to_end()
        self.lines.setFocus()


class _Lines(QTableView):
    """A table of one column: with rows of one height it needs no layout, a list goes through all rows each time.

    It paints its lines itself: under a stylesheet the usual way asks ten things of each through Python and took 28 ms
    for one screen, a delegate of our own still 13 ms (measured).
    """

    def __init__(self, kit: Kit, model: LogModel) -> None:
        super().__init__()
        self._kit = kit
        self._log = model
        self._was_at_end = True
        self._value = 0
        self._fitted_chars = -1
        # Before the view's own: that one moves the current line out of what goes, and scrolls to it.
        model.rowsAboutToBeInserted.connect(self._on_model_about_to_change)
        model.rowsAboutToBeRemoved.connect(self._on_model_about_to_change)
        self.setModel(model)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # A bar that appears with the first full screen would lay out the whole page anew, in the middle of a flood.
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.hide()
            header.setMinimumSectionSize(1)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        set_look(self, "log")
        model.rowsInserted.connect(self._on_model_rows_inserted)
        model.rowsRemoved.connect(self._on_model_rows_removed)
        model.modelReset.connect(self._fit_width)
        kit.theme.changed.connect(self._fit)
        self._fit()

    @property
    def is_at_end(self) -> bool:
        """Whether the newest line is in sight."""
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum()

    def go_to_end(self) -> None:
        """Bring the newest line into sight."""
        self.scrollToBottom()

    def copy_lines(self) -> None:
        """Copy the chosen lines, or all that are shown if none is chosen."""
        rows = sorted(index.row() for index in self.selectionModel().selectedRows()) or range(self._log.rowCount())
        QGuiApplication.clipboard().setText("\n".join(self._log.text(number) for number in rows))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Ctrl+C copies every chosen line; the view itself would copy the last one only."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_lines()
            event.accept()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the lines in sight; warnings and errors say so in words, and in colour."""
        first = self.rowAt(0)
        if first < 0:
            return
        painter, theme = QPainter(self.viewport()), self._kit.theme
        painter.setFont(self._font)
        height, left = self.rowHeight(first), self.columnViewportPosition(0) + r.SPACE_1
        baseline = (height + self._metrics.ascent() - self._metrics.descent()) // 2
        indent = left + _NUMBER_CHARS * self._metrics.averageCharWidth()
        chosen, current = self.selectionModel(), self.currentIndex().row() if self.hasFocus() else -1
        has_chosen, width, bottom = chosen.hasSelection(), self.viewport().width(), self.viewport().height()
        colors = {role: theme.color(role) for role in ("muted", "bad", "warn", "ink")}
        start = self.rowViewportPosition(first)
        # Rows are of one height. Per line as few calls as can be: each lends the interpreter to other threads.
        for number, top in zip(range(first, self._log.rowCount()), range(start, bottom + 1, height), strict=False):
            if has_chosen and chosen.isRowSelected(number):
                painter.fillRect(0, top, width, height, theme.color("line"))
            line, words = self._log.line(number), self._log.text(number)
            painter.setPen(colors["muted"])
            painter.drawText(left, top + baseline, str(line.number))
            role = "bad" if line.level in ERRORS else "warn" if line.level == "WARNING" else "ink"
            painter.setPen(colors[role])
            painter.drawText(indent, top + baseline, words if role == "ink" else f"{line.level}  {words}")
            if number == current:
                painter.setPen(theme.color("focus"))
                painter.drawRect(0, top, width - 1, height - 1)
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the width there is; a log that gets lower goes on following its end."""
        was_at_end = self.is_at_end
        super().resizeEvent(event)
        self._fit_width()
        if was_at_end:
            self.go_to_end()

    def _on_model_about_to_change(self) -> None:
        self._was_at_end, self._value = self.is_at_end, self.verticalScrollBar().value()

    def _on_model_rows_inserted(self) -> None:
        if self._log.longest_chars != self._fitted_chars:
            self._fit_width()
        if self._was_at_end:
            self.go_to_end()

    def _on_model_rows_removed(self, parent: _Index, first: int, last: int) -> None:
        """Whoever reads further up keeps the place."""
        del parent
        if self._was_at_end:
            self.go_to_end()
        else:
            self.verticalScrollBar().setValue(max(0, self._value - (last - first + 1)))

    def _fit(self) -> None:
        # The same font as the stylesheet's; that one counts only once the view is shown.
        self._font = self._kit.theme.font(r.TYPE_SMALL, mono=True)
        self._metrics = QFontMetrics(self._font)
        self.verticalHeader().setDefaultSectionSize(self._metrics.height() + 2)
        self._fit_width()

    def _fit_width(self) -> None:
        self._fitted_chars = self._log.longest_chars
        chars = self._fitted_chars + _NUMBER_CHARS
        needed = chars * self._metrics.averageCharWidth() + r.SPACE_4
        self.horizontalHeader().resizeSection(0, max(needed, self.viewport().width()))
