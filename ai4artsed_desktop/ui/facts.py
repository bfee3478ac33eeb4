"""What is here now: the catalogue, the text models, and what cannot run for which reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from PySide6.QtCore import QObject, Signal

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.events import (
    CatalogReloaded,
    Event,
    ModelsChanged,
    RunEvent,
    RunFailed,
    SettingsChanged,
)
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.domain.procedures.base import Procedure
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.services import USABLE, ServiceStateChanged
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo
from ai4artsed_desktop.engine.engine import Engine
from ai4artsed_desktop.ui.bridge import EngineBridge

#: Beginnings of errors that say that something is not here, or no longer.
_ABOUT_WHAT_IS_HERE = ("error.backend.", "error.service.", "error.catalog.", "error.model.missing")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One look at the engine.

    Attributes:
        models: Every text model, best first.
        interception_model: The model that would transform a text now, or None.
        interception_problems: Why an interception cannot run, by id.
        output_problems: Why an output cannot run, by id.
    """

    models: tuple[TextModelInfo, ...] = ()
    interception_model: TextModelInfo | None = None
    interception_problems: Mapping[str, Reason] = field(default_factory=lambda: MappingProxyType({}))
    output_problems: Mapping[str, Reason] = field(default_factory=lambda: MappingProxyType({}))


class EngineFacts(QObject):
    """Keeps a snapshot fresh: it is taken anew when catalogue, models or settings change, when a service can be used or
    no longer, and when a run failed because something is not there."""

    #: A newer snapshot is there.
    changed = Signal()

    def __init__(self, bridge: EngineBridge, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = bridge
        self._is_asking = False
        self._is_stale = False
        self._procedures: Mapping[str, Procedure] | None = None
        self.snapshot = Snapshot()
        #: Whether a snapshot was taken: before, nothing is known and nothing may be suggested.
        self.is_known = False
        self._usable: dict[str, bool] = {}
        bridge.engine_event.connect(self._on_bridge_engine_event)
        bridge.run_event.connect(self._on_bridge_run_event)

    @property
    def engine(self) -> Engine:
        """The engine."""
        return self._bridge.engine

    @property
    def has_good_model(self) -> bool:
        """Whether interceptions are done by a model that follows instructions."""
        model = self.snapshot.interception_model
        return model is not None and model.grade is ModelGrade.INSTRUCT

    def model(self, model_id: str) -> TextModelInfo | None:
        """Return a text model by id."""
        return next((model for model in self.snapshot.models if model.id == model_id), None)

    def procedure_source(self, procedure_id: str) -> str:
        """Return where a text procedure comes from (author, work, year), "" for an unknown one."""
        if self._procedures is None:
            self._procedures = discover_procedures()
        procedure = self._procedures.get(procedure_id)
        return procedure.source if procedure is not None else ""

    def refresh(self) -> None:
        """Look again; while one look is under way, the next one waits for it."""
        if self._is_asking:
            self._is_stale = True
            return
        self._is_asking, self._is_stale = True, False
        self._bridge.ask(take_snapshot(self.engine), self._on_taken, lambda _: self._on_taken(self.snapshot))

    def _on_taken(self, snapshot: Snapshot) -> None:
        self._is_asking = False
        self.snapshot = snapshot
        self.is_known = True
        self.changed.emit()
        if self._is_stale:
            self.refresh()

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, ServiceStateChanged):
            name, is_usable = event.service.name, event.service.state in USABLE
            if self._usable.get(name, False) is not is_usable:
                self._usable[name] = is_usable
                self.refresh()
        elif isinstance(event, CatalogReloaded | ModelsChanged | SettingsChanged):
            self.refresh()

    def _on_bridge_run_event(self, event: RunEvent) -> None:
        if isinstance(event, RunFailed) and event.error.code.startswith(_ABOUT_WHAT_IS_HERE):
            self.refresh()


async def take_snapshot(engine: Engine) -> Snapshot:
    """Ask the engine for everything the pickers show."""
    models = await engine.models.list_models()
    catalog = engine.catalog
    interceptions = {
        config.id: reason
        for config in catalog.sorted_interceptions()
        if (reason := await engine.interception_problem(config, models)) is not None
    }
    outputs = {
        config.id: reason
        for config in catalog.sorted_outputs()
        if (reason := await engine.output_problem(config, models)) is not None
    }
    try:
        chosen = engine.models.pick(models, "interception")
    except AppError:
        chosen = None  # the interceptions' own problems say why
    return Snapshot(tuple(models), chosen, MappingProxyType(interceptions), MappingProxyType(outputs))
