"""The status bar: which services run, how full the graphics memory is, what waits, and whether all stays here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import vram_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, row
from ai4artsed_desktop.ui.widgets.vram_bar import VramBar

_BAR_WIDTH_PX, _BAR_HEIGHT_PX = 64, 8


class ServiceState(StrEnum):
    """How a service is; each has its own sign, colour and word (``status.service.<value>``).

    A text model is STARTING while it is loaded; a server is BOOTING until it answers.
    """

    READY = "ready"
    IDLE = "idle"
    STARTING = "starting"
    BOOTING = "booting"
    OFF = "off"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service as the bar shows it: its name is a proper name, or already in the person's language."""

    id: str
    name: str
    state: ServiceState


_FACES = {
    ServiceState.READY: ("disc", "good"),
    ServiceState.IDLE: ("circle", "good"),
    ServiceState.STARTING: ("hourglass", "warn"),
    ServiceState.BOOTING: ("hourglass", "warn"),
    ServiceState.OFF: ("circle", "muted"),
    ServiceState.MISSING: ("circle", "muted"),
    ServiceState.FAILED: ("error", "bad"),
}


class StatusBar(QFrame):
    """What is unknown is not shown."""

    #: "Local only" shall be switched on or off.
    local_only_asked = Signal(bool)
    #: The graphics card shall be shown.
    vram_asked = Signal()

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self._kit = kit
        self._services: tuple[ServiceStatus, ...] = ()
        self._vram: tuple[int, int] | None = None
        set_look(self, "bar")
        self._service_row: QHBoxLayout = row(space=r.SPACE_4)
        self.vram_bar = VramBar(kit, _BAR_HEIGHT_PX, _BAR_WIDTH_PX)
        self.vram_words = Button(kit, "status.vram", "", "status", used="–", total="–")
        self.vram_words.clicked.connect(self.vram_asked)
        self.queue = Label(kit, look="small")
        self.local_only = Button(kit, "status.local_only", "home", "status")
        self.local_only.setCheckable(True)
        self.local_only.clicked.connect(self.local_only_asked)
        self.queue.setWordWrap(False)
        vram = row(self.vram_words, self.vram_bar)
        layout = row(self._service_row, None, vram, self.queue, self.local_only, space=r.SPACE_5)
        layout.setContentsMargins(r.SPACE_4, 2, r.SPACE_2, 2)
        self.setLayout(layout)
        self.setMinimumHeight(r.HIT_PX)
        kit.translator.language_changed.connect(self.retranslate)
        self.set_vram(None, None)
        self.set_queue(0)
        self.set_local_only(False)

    def set_services(self, services: Sequence[ServiceStatus]) -> None:
        """Show these services, in this order."""
        if tuple(services) == self._services:
            return
        self._services = tuple(services)
        while (item := self._service_row.takeAt(0)) is not None:
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for service in self._services:
            self._service_row.addWidget(self._service_widget(service))

    def set_vram(self, used_bytes: int | None, total_bytes: int | None, details: str = "") -> None:
        """Show how full the graphics memory is; None = unknown, then nothing is shown. ``details``: the tool tip."""
        for widget in (self.vram_words, self.vram_bar):
            widget.setToolTip(details)
        self._vram = None if used_bytes is None or not total_bytes else (used_bytes, total_bytes)
        self.retranslate()

    def set_queue(self, waiting: int) -> None:
        """Show how many runs wait; nothing for none."""
        self.queue.set_key("status.queue", count=waiting)
        self.queue.setVisible(waiting > 0)

    def set_local_only(self, is_on: bool) -> None:
        """Show whether nothing may leave the machine."""
        self.local_only.setChecked(is_on)
        self.local_only.set_key("status.local_only" if is_on else "status.local_only.off")

    def retranslate(self) -> None:
        """Set the words anew."""
        self.vram_words.setVisible(self._vram is not None)
        self.vram_bar.setVisible(self._vram is not None)
        if self._vram is not None:
            used, total = self._vram
            language = self._kit.translator.language
            values = {"used": vram_text(used, language), "total": vram_text(total, language)}
            self.vram_words.set_key("status.vram", **values)
            self.vram_bar.set_share(used / total)

    def _service_widget(self, service: ServiceStatus) -> QWidget:
        holder = QWidget()
        words = Label(self._kit, f"status.service.{service.state}", "small", name=service.name)
        words.setWordWrap(False)
        holder.setLayout(row(IconLabel(self._kit, *_FACES[service.state], 16), words, space=r.SPACE_1))
        return holder
