"""Feeds the status bar from the engine's events."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.events import Event, ModelStateChanged, SettingsChanged
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.facts import EngineFacts
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.session_runs import SessionRuns
from ai4artsed_desktop.ui.widgets.status_bar import ServiceState, ServiceStatus, StatusBar

_STATES = {
    "loading": ServiceState.STARTING,
    "ready": ServiceState.READY,
    "freed": ServiceState.IDLE,
    "failed": ServiceState.FAILED,
}


class StatusFeed(QObject):
    """Shows the built-in text model, the queue, and whether all stays here. Nothing is shown that is not known."""

    def __init__(
        self,
        kit: Kit,
        bridge: EngineBridge,
        facts: EngineFacts,
        runs: SessionRuns,
        bar: StatusBar,
        show_error: Callable[[ErrorInfo], None],
    ) -> None:
        super().__init__(bar)
        self._kit = kit
        self._bridge = bridge
        self._facts = facts
        self._runs = runs
        self._bar = bar
        self._show_error = show_error
        self._models: dict[str, ServiceState] = {}
        bridge.engine_event.connect(self._on_bridge_engine_event)
        facts.changed.connect(self._show_models)
        runs.changed.connect(self._show_queue)
        runs.added.connect(self._show_queue)
        kit.translator.language_changed.connect(self._show_models)
        bar.local_only_asked.connect(self._on_bar_local_only_asked)
        bar.local_only.setEnabled("local_only" not in bridge.engine.settings_from_environment)
        bar.set_local_only(bridge.engine.settings.local_only)

    def _on_bar_local_only_asked(self, is_on: bool) -> None:
        try:
            self._bridge.engine.change_settings(local_only=is_on)
        except AppError as exc:
            self._bar.set_local_only(self._bridge.engine.settings.local_only)
            self._show_error(exc.info())

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, ModelStateChanged):
            self._models[event.model_id] = _STATES[event.state]
            self._show_models()
        elif isinstance(event, SettingsChanged):
            self._bar.set_local_only(self._bridge.engine.settings.local_only)

    def _show_models(self) -> None:
        if not self._facts.is_known:
            return
        states = set(self._models.values())
        order = (ServiceState.STARTING, ServiceState.READY, ServiceState.FAILED)
        state = next((s for s in order if s in states), ServiceState.IDLE)
        if not self._facts.snapshot.models:
            state = ServiceState.MISSING
        name = self._kit.text("service.built_in")
        self._bar.set_services([ServiceStatus("built_in", name, state)])

    def _show_queue(self) -> None:
        waiting = sum(run.state == "queued" for run in self._runs.live())
        is_working = any(run.state == "running" for run in self._runs.live())
        # The one that is just being taken up waits for nothing.
        self._bar.set_queue(waiting if is_working else max(0, waiting - 1))
