"""Model files and LoRAs dropped on the window: recognised, offered to be copied to where they belong, followed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QVBoxLayout

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed, Event
from ai4artsed_desktop.engine.inventory import ImportCandidate, NoModelFileError
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.banner import Banner


class ModelDrop(QObject):
    """Asks before it copies; while a file is copied, a banner says how far it is and stops it.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine.
        banners: Where banners go.
        show_error: Shows what cannot be.
        parent: The window.
    """

    def __init__(
        self,
        kit: Kit,
        bridge: EngineBridge,
        banners: QVBoxLayout,
        show_error: Callable[[ErrorInfo], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._kit = kit
        self._bridge = bridge
        self._banners = banners
        self._show_error = show_error
        self._copying: dict[str, Banner] = {}
        bridge.engine_event.connect(self._on_bridge_engine_event)

    def take(self, path: Path) -> None:
        """Look what a file is, and offer to copy it."""

        def offer(found: tuple[ImportCandidate, ...]) -> None:
            if found:
                self._offer(found[0])
            else:
                self._show_error(NoModelFileError(path=path.name).info())

        self._bridge.ask(self._bridge.engine.inventory.candidates(path), offer, self._show_error)

    def _offer(self, candidate: ImportCandidate) -> None:
        size = size_text(candidate.size_bytes, self._kit.translator.language)
        words = {"name": candidate.name, "folder": candidate.folder, "size": size}
        banner = Banner(self._kit, "model", "info", "import.media_question", **words)
        banner.add_action("import.copy", lambda: self._start(candidate), "copy")
        self._banners.addWidget(banner)

    def _start(self, candidate: ImportCandidate) -> None:
        name, inventory = candidate.name, self._bridge.engine.inventory
        if name not in self._copying:
            banner = self._copying[name] = Banner(
                self._kit, "hourglass", "info", "import.copying", name=name, percent=0
            )
            banner.add_action("action.cancel", lambda: inventory.cancel_import(name), "cancel")
            self._banners.addWidget(banner)
        self._bridge.ask(inventory.start_import(candidate), failed=lambda error: self._end(name, error))

    def _end(self, name: str, error: ErrorInfo | None) -> None:
        if (banner := self._copying.pop(name, None)) is not None:
            banner.dismiss()
        if error is not None:
            self._show_error(error)

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, DownloadProgressed) and event.name in self._copying and event.total_bytes:
            percent = 100 * event.done_bytes // event.total_bytes
            self._copying[event.name].words.set_key("import.copying", name=event.name, percent=percent)
        elif isinstance(event, DownloadEnded) and event.name in self._copying:
            self._end(event.name, event.error)
            if event.error is None and not event.is_cancelled:
                self._banners.addWidget(Banner(self._kit, "check", "good", "import.copied", name=event.name))
