"""Everything about the graphics card in one widget, for whichever page hosts it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLocale
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ai4artsed_desktop.domain.events import Event, RunCancelled, RunEvent, RunFailed, RunFinished
from ai4artsed_desktop.domain.gpu import GpuSampled, GpuSnapshot
from ai4artsed_desktop.domain.runs import RunRecord
from ai4artsed_desktop.domain.vram import EnergyDay
from ai4artsed_desktop.engine.ports import RunSummary
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.gpu.card import GpuCard
from ai4artsed_desktop.ui.gpu.holdings import HoldingsCard
from ai4artsed_desktop.ui.gpu.plot_card import PlotCard
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Label, column, frame

#: Energy is asked for again after so many looks.
_ENERGY_EVERY = 20


class GpuPanel(QWidget):
    """Cards, plot, loaded models and energy; or why there are no figures.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine.
    """

    def __init__(self, kit: Kit, bridge: EngineBridge) -> None:
        super().__init__()
        self._kit = kit
        self._bridge = bridge
        self._snapshot: GpuSnapshot | None = None
        self._day: EnergyDay | None = None
        self._looks = 0
        self.cards: list[GpuCard] = []
        self._card_column: QVBoxLayout = column(space=r.SPACE_3)
        self.reason = Label(kit)
        self.empty = frame("card")
        self.empty.setLayout(
            column(
                Label(kit, "gpu.empty.title", "section"),
                self.reason,
                Label(kit, "gpu.empty.text", "muted"),
                margin=r.SPACE_4,
            )
        )
        self.notes = Label(kit, look="small")
        self.driver = Label(kit, look="small")
        self.plot = PlotCard(kit, bridge.engine.gpu)
        self.holdings = HoldingsCard(kit, bridge)
        self.energy = Label(kit, look="small")
        self.run_energy = Label(kit, look="small")
        self.run_energy.hide()
        energies = column(self.energy, self.run_energy, space=r.SPACE_1)
        parts = (self.empty, self._card_column, self.notes, self.plot, self.holdings, energies, self.driver)
        self.setLayout(column(*parts, space=r.SPACE_3))
        bridge.engine_event.connect(self._on_bridge_engine_event)
        bridge.run_event.connect(self._on_bridge_run_event)
        kit.translator.language_changed.connect(self.retranslate)
        self.show_snapshot(bridge.engine.gpu.latest)

    def show_snapshot(self, snapshot: GpuSnapshot) -> None:
        """Show one look at the cards."""
        self._snapshot = snapshot
        while len(self.cards) < len(snapshot.gpus):
            self.cards.append(GpuCard(self._kit))
            self._card_column.addWidget(self.cards[-1])
        for place, card in enumerate(self.cards):
            card.setVisible(place < len(snapshot.gpus))
            if place < len(snapshot.gpus):
                card.show_gpu(snapshot.gpus[place])
        self.plot.setVisible(bool(snapshot.gpus))
        self.plot.take(snapshot)
        self.retranslate()

    def retranslate(self) -> None:
        """Set the words anew."""
        snapshot, text = self._snapshot, self._kit.text
        if snapshot is None:
            return
        self.empty.setVisible(snapshot.reason is not None)
        if snapshot.reason is not None:
            self.reason.set_key(snapshot.reason.key, **snapshot.reason.params)
        self.notes.setVisible(bool(snapshot.notes))
        self.notes.setText("\n".join(text(note.key, **note.params) for note in snapshot.notes))
        self.driver.setVisible(bool(snapshot.driver_version))
        self.driver.setText(text("gpu.driver", version=snapshot.driver_version))
        self._show_energy()

    def showEvent(self, event: QShowEvent) -> None:
        """Show what is known at once."""
        super().showEvent(event)
        self.show_snapshot(self._bridge.engine.gpu.latest)
        self._ask_energy()
        self._bridge.ask(self._bridge.engine.runs.list_runs(1), self._on_runs)

    def _on_runs(self, newest: Sequence[RunSummary]) -> None:
        if newest:
            self._ask_run(newest[0].run_id)

    def _on_bridge_run_event(self, event: RunEvent) -> None:
        if isinstance(event, RunFinished | RunFailed | RunCancelled) and self.isVisible():
            self._ask_run(event.run_id)

    def _ask_run(self, run_id: str) -> None:
        self._bridge.ask(self._bridge.engine.record(run_id), self._on_run, lambda _: self.run_energy.hide())

    def _on_run(self, record: RunRecord) -> None:
        """Say what the newest run used; nothing where it was not measured all the time."""
        energy_wh = record.gpu_energy_wh
        self.run_energy.setVisible(energy_wh is not None)
        if energy_wh is not None:
            locale = QLocale(self._kit.translator.language)
            self.run_energy.set_key("gpu.energy.run", watt_hours=locale.toString(energy_wh, "f", 2))

    def _on_bridge_engine_event(self, event: Event) -> None:
        if not isinstance(event, GpuSampled) or not self.isVisible():
            return
        self.show_snapshot(event.snapshot)
        self._looks += 1
        if self._looks % _ENERGY_EVERY == 0:
            self._ask_energy()

    def _ask_energy(self) -> None:
        self._bridge.ask(self._bridge.engine.gpu.energy_today(), self._on_energy)

    def _on_energy(self, day: EnergyDay | None) -> None:
        self._day = day
        self._show_energy()

    def _show_energy(self) -> None:
        self.energy.setVisible(self._snapshot is not None and bool(self._snapshot.gpus))
        if self._day is None or self._day.measured_s <= 0:
            self.energy.set_key("gpu.energy.none")
            return
        locale = QLocale(self._kit.translator.language)
        minutes = locale.toString(round(self._day.measured_s / 60))
        self.energy.set_key(
            "gpu.energy.today", watt_hours=locale.toString(self._day.watt_hours, "f", 1), minutes=minutes
        )
