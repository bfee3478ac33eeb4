"""One model that Ollama can download: size, progress, stop and go on."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QWidget

from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed, Event
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.layers import Layers


class PullRow(QWidget):
    """One model's download.

    Args:
        context: What every page is given.
        model_id: Such as ``ollama/qwen3:8b``.
        size_bytes: What its library says it weighs.
    """

    def __init__(self, context: PageContext, model_id: str, size_bytes: int) -> None:
        super().__init__()
        kit = context.kit
        self.model_id = model_id
        self._context = context
        self._size_bytes = size_bytes
        self._progress: DownloadProgressed | None = None
        self._name = model_id.partition("/")[2]
        self.name = Label(kit)
        self.state = Label(kit, look="small")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(r.SPACE_1)
        self.bar.setAccessibleName(self._name)
        self.button = Button(kit, "offer.download", "download", name=self._name)
        self.button.clicked.connect(self._on_button_clicked)
        self.layers = Layers(kit)
        self.error_card = ErrorCard(kit)
        head = row(column(self.name, self.state, space=2), self.button)
        head.setStretch(0, 1)
        self.setLayout(column(head, self.bar, self.layers, self.error_card, space=r.SPACE_1))
        context.bridge.engine_event.connect(self._on_bridge_engine_event)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    @property
    def is_loading(self) -> bool:
        """Whether the download goes on."""
        served = self._context.bridge.engine.served_models
        return served is not None and self.model_id in served.active()

    def retranslate(self) -> None:
        """Set the words anew."""
        kit = self._context.kit
        language, progress, is_loading = kit.translator.language, self._progress, self.is_loading
        self.name.setText(f"{self._name} · {size_text(self._size_bytes, language)}")
        key = "offer.cancel" if is_loading else "offer.resume" if progress else "offer.download"
        self.button.set_key(key, "cancel" if is_loading else "download", name=self._name)
        self.bar.setVisible(is_loading)
        self.state.setText(self._words(progress, language) if is_loading else "")
        self.state.setVisible(is_loading)
        self.layers.show_parts(progress.parts if progress is not None and is_loading else ())
        if progress is not None:
            self.bar.setValue(round(1000 * progress.done_bytes / max(1, progress.total_bytes or self._size_bytes)))

    def _words(self, progress: DownloadProgressed | None, language: str) -> str:
        kit = self._context.kit
        if progress is None:
            return kit.text("offer.starting")
        if progress.step:
            return kit.text(progress.step)
        # The server tells of one part after the other: until it has named them all, the sum is too small.
        total = max(self._size_bytes, progress.total_bytes or 0)
        done = size_text(progress.done_bytes, language)
        words = kit.text("offer.progress", done=done, total=size_text(total, language))
        speed = f" · {size_text(round(progress.bytes_per_s), language)}/s" if progress.bytes_per_s else ""
        return words + speed

    def _on_button_clicked(self) -> None:
        served = self._context.bridge.engine.served_models
        if served is None:
            return
        self.error_card.hide()
        if self.is_loading:
            served.cancel(self._name)
        else:
            served.start_pull(self._name)
        self.retranslate()

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, DownloadProgressed) and event.name == self.model_id:
            self._progress = event
        elif isinstance(event, DownloadEnded) and event.name == self.model_id:
            if event.error is not None:
                self.error_card.show_error(event.error)
        else:
            return
        self.retranslate()
