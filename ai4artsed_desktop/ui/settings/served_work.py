"""What goes on with Ollama's models: one line with progress and a stop, for downloads and copies alike."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed, Event
from ai4artsed_desktop.engine.served_models import SERVER
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, row


class ServedWork(QWidget):
    """The latest work; hidden while there is none. What went wrong is shown where every error is."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._progress: DownloadProgressed | None = None
        self.words = Label(context.kit, look="small")
        self.stop_button = Button(context.kit, "models.stop", "cancel", "quiet")
        self.stop_button.clicked.connect(self._on_stop_button_clicked)
        line = row(self.words, self.stop_button)
        line.setStretch(0, 1)
        self.setLayout(line)
        context.bridge.engine_event.connect(self._on_bridge_engine_event)
        context.kit.translator.language_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        progress = self._progress
        self.setVisible(progress is not None)
        if progress is None:
            return
        kit, language = self._context.kit, self._context.kit.translator.language
        done, total = size_text(progress.done_bytes, language), size_text(progress.total_bytes or 0, language)
        said = kit.text(progress.step) if progress.step else kit.text("offer.progress", done=done, total=total)
        self.words.setText(f"{progress.name.partition('/')[2]}: {said}")

    def _on_stop_button_clicked(self) -> None:
        served = self._context.bridge.engine.served_models
        if served is not None and self._progress is not None:
            served.cancel(self._progress.name.partition("/")[2])

    def _on_bridge_engine_event(self, event: Event) -> None:
        if not isinstance(event, DownloadProgressed | DownloadEnded) or not event.name.startswith(f"{SERVER}/"):
            return
        if isinstance(event, DownloadProgressed):
            self._progress = event
        elif self._progress is not None and self._progress.name == event.name:
            self._progress = None
        if isinstance(event, DownloadEnded) and event.error is not None:
            self._context.show_error(event.error)
        self._show()
