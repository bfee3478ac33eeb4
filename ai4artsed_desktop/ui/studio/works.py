"""Downloads and copies under way: each with its progress, its speed and a stop; failures stay until they are read."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed, Event
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.units import duration_text, size_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.layers import Layers


class WorkRow(QWidget):
    """One work: name, bar, figures, Stop; after a failure its error.

    Args:
        kit: Look, icons and words.
        name: What the person calls it.
        stop: Ends it; what came is kept.
    """

    def __init__(self, kit: Kit, name: str, stop: Callable[[], None]) -> None:
        super().__init__()
        self._kit = kit
        self._progress: DownloadProgressed | None = None
        self._most = 0.0
        title = Label(kit, look="strong")
        title.setText(name)
        self.figures = Label(kit, "offer.starting", "small")
        self.stop_button = Button(kit, "models.stop", "cancel", "quiet")
        self.stop_button.setAccessibleDescription(name)
        self.stop_button.clicked.connect(stop)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(r.SPACE_1)
        self.bar.setAccessibleName(name)
        self.layers = Layers(kit)
        self.error_card = ErrorCard(kit)
        self._work = QWidget()
        head = row(column(title, self.figures, space=2), self.stop_button)
        head.setStretch(0, 1)
        self._work.setLayout(column(head, self.bar, self.layers, space=r.SPACE_1))
        self.setLayout(column(self._work, self.error_card, space=0))
        kit.translator.language_changed.connect(self.retranslate)

    def show_progress(self, progress: DownloadProgressed) -> None:
        """Show how far it is."""
        self._progress = progress
        self.retranslate()

    def show_failure(self, error: ErrorInfo) -> None:
        """Show what went wrong instead of the progress."""
        self._work.hide()
        self.error_card.show_error(error)

    def retranslate(self) -> None:
        """Set the words anew."""
        progress, text, language = self._progress, self._kit.text, self._kit.translator.language
        if progress is None:
            return
        total = progress.total_bytes or 0
        # A server tells of one part after the other: the sum grows, and the bar waits instead of going back.
        self._most = max(self._most, progress.done_bytes / total if total else 0.0)
        self.bar.setValue(round(1000 * min(self._most, 1.0)))
        self.layers.show_parts(progress.parts)
        if progress.step:
            self.figures.setText(text(progress.step))
            return
        parts = [
            text("offer.progress", done=size_text(progress.done_bytes, language), total=size_text(total, language))
        ]
        if progress.bytes_per_s:
            parts.append(f"{size_text(round(progress.bytes_per_s), language)}/s")
            left_ms = 1000 * max(total - progress.done_bytes, 0) / progress.bytes_per_s
            parts.append(text("offer.left", time=duration_text(left_ms, language, is_running=True)))
        self.figures.setText(" · ".join(parts))


class Works(QWidget):
    """All works of one kind.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine.
        prefix: The works are those whose names in the events begin with it; it is not shown.
        is_active: Tells whether a work of this name goes on.
        stop: Ends one, by the name that is shown.
    """

    #: A work came to its end: its name, without the prefix.
    ended = Signal(str)

    def __init__(
        self,
        kit: Kit,
        bridge: EngineBridge,
        prefix: str,
        is_active: Callable[[str], bool],
        stop: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._kit = kit
        self._prefix = prefix
        self._is_active = is_active
        self._stop = stop
        self.rows: dict[str, WorkRow] = {}
        self._list: QVBoxLayout = column(space=r.SPACE_2)
        self.stopped = Label(kit, look="muted")
        self.stopped.hide()
        self.setLayout(column(self._list, self.stopped))
        bridge.engine_event.connect(self._on_bridge_engine_event)

    def begin(self, name: str) -> None:
        """Show a work that was just begun."""
        self.stopped.hide()
        if name in self.rows:
            self._drop(name)
        made = self.rows[name] = WorkRow(self._kit, name, lambda: self._stop(name))
        made.error_card.closed.connect(lambda: self._drop(name, made))
        self._list.addWidget(made)

    def fail(self, name: str, error: ErrorInfo) -> None:
        """Show that a work could not even begin."""
        if name in self.rows:
            self.rows[name].show_failure(error)

    def _drop(self, name: str, which: WorkRow | None = None) -> None:
        if (old := self.rows.get(name)) is not None and which in (None, old):
            del self.rows[name]
            self._list.removeWidget(old)
            old.hide()
            old.deleteLater()

    def _on_bridge_engine_event(self, event: Event) -> None:
        if not isinstance(event, DownloadProgressed | DownloadEnded) or not event.name.startswith(self._prefix):
            return
        name = event.name.removeprefix(self._prefix)
        if isinstance(event, DownloadEnded):
            if name in self.rows:
                self._end(name, event)
        elif name in self.rows or self._is_active(event.name):
            if name not in self.rows:
                self.begin(name)
            self.rows[name].show_progress(event)

    def _end(self, name: str, event: DownloadEnded) -> None:
        if event.error is not None:
            self.rows[name].show_failure(event.error)
        else:
            self._drop(name)
        if event.is_cancelled:
            self.stopped.set_key("works.stopped", name=name)
            self.stopped.show()
        self.ended.emit(name)
