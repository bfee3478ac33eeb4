"""Feeds the status bar from the engine's events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject

from ai4artsed_desktop.domain import services as service
from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.events import Event, ModelStateChanged, SettingsChanged
from ai4artsed_desktop.domain.gpu import GpuSampled, GpuSnapshot
from ai4artsed_desktop.domain.safety.verdicts import CHECKED_LEVELS
from ai4artsed_desktop.engine.safety_self_test import SelfTest, run_self_test
from ai4artsed_desktop.engine.served_models import SERVER
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.facts import EngineFacts
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.session_runs import SessionRuns
from ai4artsed_desktop.ui.units import vram_text
from ai4artsed_desktop.ui.widgets.status_bar import ServiceState, ServiceStatus, StatusBar

_STATES = {
    "loading": ServiceState.STARTING,
    "ready": ServiceState.READY,
    "freed": ServiceState.IDLE,
    "failed": ServiceState.FAILED,
}


_SERVICE_STATES = {
    service.ServiceState.STARTING: ServiceState.BOOTING,
    service.ServiceState.BACKOFF: ServiceState.BOOTING,
    service.ServiceState.READY: ServiceState.READY,
    service.ServiceState.EXTERNAL: ServiceState.READY,
    service.ServiceState.FAILED: ServiceState.FAILED,
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
        self._bar = bar
        self._show_error = show_error
        self._models: dict[str, ServiceState] = {}
        self._safety: SelfTest | None = None
        bridge.engine_event.connect(self._on_bridge_engine_event)
        facts.changed.connect(self._show_models)
        facts.changed.connect(self._test_safety)
        bridge.run_event.connect(self._show_queue)
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
        elif isinstance(event, GpuSampled):
            self._show_vram(event.snapshot)
        elif isinstance(event, service.ServiceStateChanged):
            self._show_models()
        elif isinstance(event, SettingsChanged):
            self._bar.set_local_only(self._bridge.engine.settings.local_only)
            self._show_models()

    def _show_models(self) -> None:
        if not self._facts.is_known:
            return
        models = self._facts.snapshot.models
        states = [ServiceStatus("built_in", self._kit.text("service.built_in"), self._state_of("built_in"))]
        if any(model.provider == SERVER for model in models):
            states.append(ServiceStatus(SERVER, "Ollama", self._state_of(SERVER)))
        if not models:
            states = [replace(states[0], state=ServiceState.MISSING)]
        self._bar.set_services([*states, *self._server_states({state.id for state in states}), *self._safety_state()])

    def _server_states(self, named: set[str]) -> list[ServiceStatus]:
        """Return the servers beside this program that run, start or have failed; ``named`` are said already."""
        return [
            ServiceStatus(view.name, view.title, _SERVICE_STATES[view.state])
            for view in self._bridge.engine.services.snapshot()
            if view.state in _SERVICE_STATES and view.name not in named
        ]

    def _test_safety(self) -> None:
        """Try the safety gate once, when everything else stands; its state follows in the bar."""
        if self._facts.is_known:
            self._facts.changed.disconnect(self._test_safety)
            self._bridge.ask(run_self_test(self._bridge.engine.safety), self._on_safety_tested)

    def _on_safety_tested(self, test: SelfTest) -> None:
        self._safety = test
        self._show_models()

    def _safety_state(self) -> list[ServiceStatus]:
        """Return the gate's state where it counts: at the levels that demand a check, or when it cannot check."""
        is_due = self._bridge.engine.settings.safety_level in CHECKED_LEVELS
        if self._safety is None or (self._safety.is_green and not is_due):
            return []
        state = ServiceState.READY if self._safety.is_green else ServiceState.FAILED
        return [ServiceStatus("safety", self._kit.text("service.safety"), state)]

    def _state_of(self, provider: str) -> ServiceState:
        """Return what a provider's models do; a model that loads is said first, because somebody waits for it."""
        states = {state for model_id, state in self._models.items() if model_id.startswith(f"{provider}/")}
        order = (ServiceState.STARTING, ServiceState.READY, ServiceState.FAILED)
        return next((state for state in order if state in states), ServiceState.IDLE)

    def _show_vram(self, snapshot: GpuSnapshot) -> None:
        """Show the fullest card; all of them stand in the tool tip."""
        language = self._kit.translator.language
        known = [
            (gpu.name, gpu.used_bytes, gpu.total_bytes)
            for gpu in snapshot.gpus
            if gpu.used_bytes is not None and gpu.total_bytes
        ]
        if not known:
            self._bar.set_vram(None, None)
            return
        lines = [
            self._kit.text(
                "status.vram.tip", name=name, used=vram_text(used, language), total=vram_text(total, language)
            )
            for name, used, total in known
        ]
        _, used, total = max(known, key=lambda card: card[1] / card[2])
        self._bar.set_vram(used, total, "\n".join(lines))

    def _show_queue(self) -> None:
        engine = self._bridge.engine
        # Those at work, or just being taken up, wait for nothing.
        self._bar.set_queue(max(0, len(engine.runs.active()) - engine.settings.run_lanes))
