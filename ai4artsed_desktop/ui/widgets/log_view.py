"""A log to read along: it follows its end, can be filtered and copied, and never holds up the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QLineEdit, QTableView

from ai4artsed_desktop.domain.services import LogLine
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.log import LogModel
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, Label, column, frame, row

#: The person has stopped typing.
_FILTER_PAUSE_MS = 120


class LogView(QFrame):
    """A card with a filter, the lines, and where all of them lie.

    Lines are read when it is first seen, and taken in batches while it can be seen; hidden it costs nothing.

    Args:
        kit: Look, icons and words.
        kept_lines: Older ones go.
    """

    def __init__(self, kit: Kit, kept_lines: int) -> None:
        super().__init__()
        self._kit = kit
        self._read: Callable[[], Sequence[LogLine]] = tuple
        self._name = ""
        set_look(self, "card")
        self.model = LogModel(kept_lines, self)
        self.title = Label(kit, look="strong")
        self.title.setMinimumWidth(r.SPACE_6 * 2)
        self.filter = QLineEdit()
        self.filter.setClearButtonEnabled(True)
        self.filter.setMinimumWidth(r.SPACE_6 * 3)
        self.end_button = Button(kit, "log.to_end", "arrow-down", "quiet")
        self.copy_button = IconButton(kit, "copy", "log.copy")
        self.state = Label(kit, look="muted")
        self.lines = _Lines(kit, self.model)
        self.place = Label(kit, look="small")
        self._pause = QTimer(self, singleShot=True, interval=_FILTER_PAUSE_MS)
        self._lay_out()
        self._pause.timeout.connect(self._on_pause_timeout)
        self.filter.textChanged.connect(lambda: self._pause.start())
        self.end_button.clicked.connect(self._on_end_button_clicked)
        self.copy_button.clicked.connect(self.lines.copy_lines)
        self.lines.verticalScrollBar().valueChanged.connect(self._show_end_button)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    def follow(self, name: str, read: Callable[[], Sequence[LogLine]], place: str = "") -> None:
        """Show another log.

        Args:
            name: What is said to write it, a proper name.
            read: Returns all its lines that are in memory.
            place: The file with all of them; "" = there is none.
        """
        self._name, self._read = name, read
        self.place.set_key("log.place" if place else "", path=place)
        self.place.setVisible(bool(place))
        self.retranslate()
        if self.isVisible():
            self.reload()

    def take(self, lines: Sequence[LogLine]) -> None:
        """Add lines that were just written; those that are here already are passed over."""
        if self.isVisible():
            self.lines.add(lines)
            self._show_state()

    def reload(self) -> None:
        """Read all lines anew and go to the end."""
        self.model.reset(self._read())
        self.lines.go_to_end()
        self._show_state()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what was written meanwhile."""
        super().showEvent(event)
        self.reload()

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        name = text("log.name", name=self._name)
        self.title.setText(name)
        self.lines.setAccessibleName(name)
        self.filter.setPlaceholderText(text("log.filter"))
        self.filter.setAccessibleName(text("log.filter"))
        self._show_state()

    def _lay_out(self) -> None:
        head = row(self.title, self.filter, self.end_button, self.copy_button)
        head.setStretch(0, 1)
        head.setStretch(1, 1)
        ground = frame("sunken")
        body = column(self.lines, margin=r.SPACE_1)
        ground.setLayout(body)
        layout = column(head, self.state, ground, self.place, margin=r.SPACE_3)
        layout.setStretch(2, 1)
        self.setLayout(layout)

    def _show_state(self) -> None:
        shown, kept = self.model.rowCount(), self.model.count
        words = self.filter.text().strip()
        key = "log.empty" if not kept else "log.no_hit" if not shown else "log.hits" if words else ""
        self.state.set_key(key, shown=shown, kept=kept)
        self.state.setVisible(bool(key))
        self.copy_button.setEnabled(shown > 0)
        self._show_end_button()

    def _show_end_button(self) -> None:
        self.end_button.setEnabled(not self.lines.is_at_end)

    def _on_pause_timeout(self) -> None:
        self.model.set_filter(self.filter.text())
        self.lines.go_to_end()
        self._show_state()

    def _on_end_button_clicked(self) -> None:
        self.lines.go_to_end()
        self.lines.setFocus()


class _Lines(QTableView):
    def __init__(self, kit: Kit, model: LogModel) -> None:
        super().__init__()
        self._kit = kit
        self._log = model
        self.setModel(model)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.hide()
            header.setMinimumSectionSize(1)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        set_look(self, "log")
        model.modelReset.connect(self._fit_width)
        kit.theme.changed.connect(self._fit)
        self._fit()

    @property
    def is_at_end(self) -> bool:
        """Whether the newest line is in sight."""
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum()

    def add(self, lines: Sequence[LogLine]) -> None:
        """Add lines: at the end it stays there, elsewhere what is read keeps its place."""
        was_at_end, bar = self.is_at_end, self.verticalScrollBar()
        value = bar.value()
        gone = self._log.append(lines)
        self._fit_width()
        if was_at_end:
            self.go_to_end()
        elif gone:
            bar.setValue(max(0, value - gone))

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

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the width there is."""
        super().resizeEvent(event)
        self._fit_width()

    def _fit(self) -> None:
        # The same font as the stylesheet's; that one counts only once the view is shown.
        self._metrics = QFontMetrics(self._kit.theme.font(r.TYPE_SMALL, mono=True))
        self.verticalHeader().setDefaultSectionSize(self._metrics.height() + 2)
        self._fit_width()

    def _fit_width(self) -> None:
        needed = self._log.longest_chars * self._metrics.averageCharWidth() + r.SPACE_4
        self.horizontalHeader().resizeSection(0, max(needed, self.viewport().width()))
