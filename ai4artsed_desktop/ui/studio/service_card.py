"""One service: what state it is in, what it costs, what went wrong, and Start, Stop, Restart."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.services import ServiceNotInstalledError, ServiceState, ServiceView
from ai4artsed_desktop.engine.supervisor import Supervisor
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import duration_text, size_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout

#: State → (icon, role of its colour); the word stands beside it.
FACES = {
    ServiceState.STOPPED: ("circle", "muted"),
    ServiceState.STARTING: ("hourglass", "warn"),
    ServiceState.READY: ("disc", "good"),
    ServiceState.BACKOFF: ("again", "warn"),
    ServiceState.FAILED: ("error", "bad"),
    ServiceState.EXTERNAL: ("disc", "info"),
    ServiceState.STOPPING: ("hourglass", "muted"),
}
_RESTING = frozenset({ServiceState.STOPPED, ServiceState.FAILED})
_WORKING = frozenset({ServiceState.STARTING, ServiceState.BACKOFF, ServiceState.READY})
#: What is not known is not shown.
_FIGURES = ("address", "process", "memory", "uptime")
#: What a server tells of itself and people want to know, in this order.
_FACTS = ("version", "device", "comfyui_port")


class ServiceCard(QFrame):
    """Shows one ``ServiceView`` after the other.

    Args:
        kit: Look, icons and words.
        services: Carries out the commands.
        view: The service as it is now.
    """

    #: Its log shall be shown.
    log_asked = Signal(str)
    #: It shall be found or installed.
    setup_asked = Signal(str)

    def __init__(self, kit: Kit, services: Supervisor, view: ServiceView) -> None:
        super().__init__()
        self._kit = kit
        self._services = services
        self._told: ErrorInfo | None = None
        self._seen_s = 0.0
        self.view = view
        set_look(self, "card")
        self.title = Label(kit, look="section")
        self.icon = IconLabel(kit, "circle", "muted", 16)
        self.state = Label(kit)
        self.note = Label(kit, look="small")
        self._heads = {name: Label(kit, f"service.figure.{name}", "small") for name in _FIGURES}
        self.values = {name: Label(kit) for name in _FIGURES}
        self.start_button = self._button("service.start", "play", services.start)
        self.stop_button = self._button("service.stop", "stop", services.stop)
        self.restart_button = self._button("service.restart", "again", services.restart)
        self.setup_button = Button(kit, "service.setup", "search")
        self.setup_button.clicked.connect(lambda: self.setup_asked.emit(self.view.name))
        self.log_button = Button(kit, "service.log", "list", "quiet")
        self.log_button.setCheckable(True)
        self.log_button.clicked.connect(lambda: self.log_asked.emit(self.view.name))
        self.error_card = ErrorCard(kit)
        self._lay_out()
        self._clock = QTimer(self, interval=1000)
        self._clock.timeout.connect(self._show_uptime)
        kit.translator.language_changed.connect(self.retranslate)
        self.show_view(view)

    def show_view(self, view: ServiceView) -> None:
        """Show the service as it is now."""
        self.view = view
        self._seen_s = time.monotonic()
        self.retranslate()
        if view.last_error != self._told:
            self._told = view.last_error
            if view.last_error is None:
                self.error_card.hide()
            else:
                self._show_error(view.last_error)

    def showEvent(self, event: QShowEvent) -> None:
        """The uptime goes on."""
        super().showEvent(event)
        self._clock.start()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks at the uptime."""
        super().hideEvent(event)
        self._clock.stop()

    def retranslate(self) -> None:
        """Set the words anew."""
        view, language = self.view, self._kit.translator.language
        icon, role = FACES[view.state]
        self.title.setText(view.title)
        self.icon.set_face(icon, role)
        is_absent = view.state is ServiceState.STOPPED and view.install is None
        self.state.set_key("service.no_install" if is_absent else f"service.state.{view.state}")
        set_look(self.state, role)
        self.setAccessibleName(f"{view.title}: {self.state.text()}")
        self.values["address"].setText(view.address)
        self.values["process"].setText("" if view.pid is None else str(view.pid))
        self.values["memory"].setText("" if view.memory_bytes is None else size_text(view.memory_bytes, language))
        self._show_uptime()
        for name, value in self.values.items():
            for widget in (self._heads[name], value):
                widget.setVisible(bool(value.text()))
        self.note.setText(self._notes())
        self.note.setVisible(bool(self.note.text()))
        self._show_buttons(is_absent)

    def _notes(self) -> str:
        view, text = self.view, self._kit.text
        facts = [text(f"service.fact.{key}", value=view.facts[key]) for key in _FACTS if view.facts.get(key)]
        lines = [" · ".join(facts)] if facts else []
        if view.state is ServiceState.EXTERNAL:
            lines.append(text("service.external"))
        if view.note is not None:
            lines.append(text(view.note.key, **view.note.params))
        if view.restarts:
            lines.append(text("service.restarts", count=view.restarts))
        if view.is_detached:
            lines.append(text("service.detached"))
        return "\n".join(lines)

    def _show_buttons(self, is_absent: bool) -> None:
        state = self.view.state
        self.start_button.setVisible(state in _RESTING and not is_absent)
        self.setup_button.setVisible(is_absent)
        self.stop_button.setVisible(state in _WORKING or state is ServiceState.STOPPING)
        self.stop_button.setEnabled(state in _WORKING)
        self.restart_button.setVisible(state is ServiceState.READY)
        for button in (self.start_button, self.stop_button, self.restart_button, self.setup_button, self.log_button):
            button.setAccessibleDescription(self.view.title)

    def _show_uptime(self) -> None:
        uptime_s, words = self.view.uptime_s, ""
        if uptime_s is not None:
            uptime_ms = 1000 * (uptime_s + time.monotonic() - self._seen_s)
            words = duration_text(uptime_ms, self._kit.translator.language, is_running=True)
        self.values["uptime"].setText(words)

    def _show_error(self, error: ErrorInfo) -> None:
        self.error_card.show_error(error)
        name = self.view.name
        if error.code == ServiceNotInstalledError.code:
            self.error_card.add_action("service.setup", lambda: self.setup_asked.emit(name))
        elif self.view.state in _RESTING:
            self.error_card.add_action("service.start_again", lambda: self._do(self._services.start))
        self.error_card.add_action("service.show_log", lambda: self.log_asked.emit(name))

    def _button(self, key: str, icon: str, command: Callable[[str], None]) -> Button:
        button = Button(self._kit, key, icon)
        button.clicked.connect(lambda: self._do(command))
        return button

    def _do(self, command: Callable[[str], None]) -> None:
        self.error_card.hide()
        try:
            command(self.view.name)
        except AppError as exc:
            self._show_error(exc.info())

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(r.SPACE_4)
        grid.setVerticalSpacing(2)
        for place, name in enumerate(_FIGURES):
            self._heads[name].setWordWrap(False)
            grid.addWidget(self._heads[name], place, 0)
            grid.addWidget(self.values[name], place, 1)
        grid.setColumnStretch(1, 1)
        state = row(self.icon, self.state, space=r.SPACE_1)
        state.setStretch(1, 1)
        buttons = FlowLayout(space=r.SPACE_1)
        for button in (self.start_button, self.setup_button, self.stop_button, self.restart_button, self.log_button):
            buttons.addWidget(button)
        holder = QFrame()
        holder.setLayout(buttons)
        self.state.setWordWrap(False)
        head = row(self.title, None, state)
        parts = (head, grid, self.note, self.error_card, holder)
        self.setLayout(column(*parts, margin=r.SPACE_4))
