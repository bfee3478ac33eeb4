"""Models that can be downloaded: size, memory, licence, and a download that can be stopped and resumed."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar, QWidget

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed, Event
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.model_files import ModelOffer
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.facts import EngineFacts
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.units import duration_text, gigabytes_text, size_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard


class OfferRow(QWidget):
    """One model to download."""

    def __init__(self, kit: Kit, bridge: EngineBridge, facts: EngineFacts, offer: ModelOffer) -> None:
        super().__init__()
        self._kit = kit
        self._bridge = bridge
        self._facts = facts
        self.offer = offer
        self._progress: DownloadProgressed | None = None
        self.name = Label(kit, look="strong")
        self.name.setText(offer.name)
        self.words = Label(kit)
        self.small = Label(kit, look="small")
        self.state = Label(kit, look="small")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(r.SPACE_1)
        self.button = Button(kit, "offer.download", "download", name=offer.name)
        self.button.clicked.connect(self._on_button_clicked)
        self.error_card = ErrorCard(kit)
        head = row(
            column(self.name, self.words, self.small, space=2), column(self.button, None, space=0), space=r.SPACE_4
        )
        head.setStretch(0, 1)
        self.setLayout(column(head, self.bar, self.state, self.error_card, space=r.SPACE_1))
        bridge.engine_event.connect(self._on_bridge_engine_event)
        facts.changed.connect(self.retranslate)
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()

    @property
    def is_loading(self) -> bool:
        """Whether the download goes on."""
        return self.offer.id in self._bridge.engine.model_files.active_downloads()

    @property
    def is_here(self) -> bool:
        """Whether a model of exactly this size is here: the download is checked against the size as well."""
        return any(model.size_bytes == self.offer.size_bytes for model in self._facts.snapshot.models)

    def retranslate(self) -> None:
        """Set the words anew."""
        offer, language = self.offer, self._kit.translator.language
        self.words.setText(localized(offer.description, language))
        self.small.setText(
            self._kit.text(
                "offer.facts",
                size=size_text(offer.size_bytes, language),
                memory=gigabytes_text(round(offer.memory_gb * 1e9), language),
                licence=offer.licence,
                languages=", ".join(offer.languages),
            )
        )
        is_loading = self.is_loading
        has_part = self._progress is not None and not is_loading
        key = "offer.cancel" if is_loading else "offer.resume" if has_part else "offer.download"
        self.button.set_key(key, "cancel" if is_loading else "download", name=offer.name)
        self.button.setVisible(not self.is_here)
        self.bar.setVisible(is_loading)
        self._show_state(is_loading)

    def _show_state(self, is_loading: bool) -> None:
        progress, language = self._progress, self._kit.translator.language
        if self.is_here:
            self.state.set_key("offer.here")
        elif progress is None:
            self.state.set_key("offer.starting" if is_loading else "")
        elif not is_loading:
            self.state.set_key("offer.kept", done=size_text(progress.done_bytes, language))
        else:
            self._say_progress(progress)
        self.state.setVisible(bool(self.state.text()))

    def _say_progress(self, progress: DownloadProgressed) -> None:
        language = self._kit.translator.language
        total = progress.total_bytes or self.offer.size_bytes
        self.bar.setValue(round(1000 * progress.done_bytes / max(1, total)))
        self.bar.setAccessibleName(self.offer.name)
        done = self._kit.text(
            "offer.progress", done=size_text(progress.done_bytes, language), total=size_text(total, language)
        )
        parts = [done]
        if progress.bytes_per_s:
            parts.append(f"{size_text(round(progress.bytes_per_s), language)}/s")
            left_ms = 1000 * (total - progress.done_bytes) / progress.bytes_per_s
            parts.append(self._kit.text("offer.left", time=duration_text(left_ms, language, is_running=True)))
        self.state.setText(" · ".join(parts))

    def _on_button_clicked(self) -> None:
        service = self._bridge.engine.model_files
        self.error_card.hide()
        if self.is_loading:
            service.cancel_download(self.offer.id)
            return
        try:
            service.start_download(self.offer.id)
        except AppError as exc:
            self.error_card.show_error(exc.info())
        self.retranslate()

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, DownloadProgressed) and event.name == self.offer.id:
            self._progress = event
            self.retranslate()
        elif isinstance(event, DownloadEnded) and event.name == self.offer.id:
            if event.error is not None:
                self.error_card.show_error(event.error)
            elif not event.is_cancelled:
                self._progress = None
            self.retranslate()


class Offers(QWidget):
    """All models on offer, smallest first."""

    def __init__(self, kit: Kit, bridge: EngineBridge, facts: EngineFacts) -> None:
        super().__init__()
        offers = bridge.engine.model_files.offers()
        self.rows = [OfferRow(kit, bridge, facts, offer) for offer in offers]
        self.setLayout(column(*self.rows, space=r.SPACE_3))
