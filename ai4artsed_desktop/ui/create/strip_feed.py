"""Keeps the strip of results up to date: titles, states, small pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.strip import StripItem, StripModel, title_of
from ai4artsed_desktop.ui.session_runs import RunFacts, SessionRuns
from ai4artsed_desktop.ui.widgets.session_strip import THUMB_PX

_STATE_ICONS = {
    "queued": "more",
    "running": "hourglass",
    "paused": "edit",
    "failed": "error",
    "cancelled": "cancel",
    "interrupted": "warning",
}


class StripFeed(QObject):
    """Turns runs into rows of the strip's model."""

    def __init__(self, kit: Kit, runs: SessionRuns, read_bytes: Callable[[Path], bytes], parent: QObject) -> None:
        super().__init__(parent)
        self._kit = kit
        self._runs = runs
        self._read_bytes = read_bytes
        self._pictures: dict[str, QImage] = {}
        self._loading: dict[str, Background[QImage]] = {}
        self.model = StripModel(self)
        runs.added.connect(self.show_run)
        runs.changed.connect(self.show_run)
        kit.translator.language_changed.connect(self._on_language_changed)

    def show_run(self, run_id: str) -> None:
        """Show a run's state of the moment."""
        facts = self._runs.get(run_id)
        if facts is None:
            return
        self.model.upsert(self._item(facts))
        self._load_picture(facts)

    def remove(self, run_id: str) -> None:
        """Take a run out of the strip."""
        self.model.remove(run_id)

    def _item(self, facts: RunFacts) -> StripItem:
        medium = next((m for m in facts.media if m.type in ("image", "audio", "video")), None)
        path = str(facts.folder / medium.filename) if medium is not None and facts.folder is not None else ""
        kind_icon = "waveform" if medium is not None and medium.type == "audio" else "picture" if medium else "text"
        return StripItem(
            run_id=facts.run_id,
            title=title_of(facts.request.text),
            state_word=self._kit.text(f"run.state.{facts.state}"),
            icon=kind_icon if facts.state == "finished" else _STATE_ICONS.get(facts.state, "text"),
            picture=self._pictures.get(facts.run_id),
            path=path,
        )

    def _load_picture(self, facts: RunFacts) -> None:
        image = next((m for m in facts.media if m.type == "image"), None)
        if image is None or facts.folder is None or facts.run_id in self._loading:
            return
        loading = Background[QImage](self, partial(self._on_picture, facts.run_id), self._on_picture_failed)
        self._loading[facts.run_id] = loading
        path = facts.folder / image.filename
        loading.start(lambda: small_picture(self._read_bytes(path)))

    def _on_picture(self, run_id: str, picture: QImage) -> None:
        self._pictures[run_id] = picture
        self.show_run(run_id)

    def _on_picture_failed(self, error: ErrorInfo) -> None:
        """The strip keeps the icon; the preview says what is wrong with the file."""

    def _on_language_changed(self) -> None:
        for row in reversed(range(self.model.rowCount())):
            self.show_run(self.model.item(row).run_id)


def small_picture(data: bytes) -> QImage:
    """Return a picture small enough for the strip, on a screen of twice the usual density; runs in a worker."""
    image = QImage.fromData(data)
    if image.isNull():
        return image
    expanding = Qt.AspectRatioMode.KeepAspectRatioByExpanding
    return image.scaled(2 * THUMB_PX, 2 * THUMB_PX, expanding, Qt.TransformationMode.SmoothTransformation)
