"""A training at work: what it does, how far it is, its curve, its samples and its log; and how to end it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QProgressBar, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.training.events import (
    LossMeasured,
    SampleMade,
    TrainingEvent,
    TrainingLogGrown,
)
from ai4artsed_desktop.domain.training.progress import TrainingProgress
from ai4artsed_desktop.domain.training.records import QueueEntry, Verdict
from ai4artsed_desktop.engine.training import TrainingSnapshot
from ai4artsed_desktop.engine.training_log import MAX_LINES
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.train.confirm import Confirm
from ai4artsed_desktop.ui.train.link import TrainLink
from ai4artsed_desktop.ui.train.picture_grid import PictureGrid
from ai4artsed_desktop.ui.train.picture_sheet import PictureSheet
from ai4artsed_desktop.ui.train.project_list import STATE_FACES
from ai4artsed_desktop.ui.train.thumbnails import PictureItem, PictureModel
from ai4artsed_desktop.ui.units import duration_text, size_text, vram_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.log_view import LogView

if TYPE_CHECKING:
    from ai4artsed_desktop.ui.train.loss_plot import LossPlot

#: Figures change at most so often, the curve less: drawing it costs.
_FIGURES_MS, _CURVE_MS = 100, 1_000
#: How often card and disk are looked at while a trainer works.
_MACHINE_MS = 5_000


class RunTab(QWidget):
    """Shows the newest training of the project in sight.

    Args:
        context: What every page is given.
        link: The project in sight.
    """

    #: The person wants to see the plan.
    plan_wanted = Signal()

    def __init__(self, context: PageContext, link: TrainLink) -> None:
        super().__init__()
        self._context = context
        self._kit = kit = context.kit
        self._link = link
        self._is_loading = False
        self.plot: LossPlot | None = None
        self.icon = IconLabel(kit, "circle", "muted")
        self.state = Label(kit, look="section")
        self.figures = Label(kit)
        self.machine = Label(kit, look="small")
        self.warning = Label(kit, look="warn")
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(r.SPACE_2)
        self.stop_button = Button(kit, "train.stop", "stop")
        self.stop_later_button = Button(kit, "train.stop_after_save", "save")
        self.resume_button = Button(kit, "train.resume", "play", "primary")
        self.unqueue_button = Button(kit, "train.unqueue", "close")
        self.plan_button = Button(kit, "train.tab.plan", "list")
        for button in (self.stop_button, self.stop_later_button, self.resume_button, self.unqueue_button):
            button.hide()  # a page that is not yet seen must not be as wide as all of them
        self.confirm = Confirm(kit, "train.stop", "stop")
        self.error_card = ErrorCard(kit)
        self.samples = PictureModel(context.desk.read_bytes, self)
        self.sample_grid = PictureGrid(kit, self.samples, "train.samples")
        self.samples_none = Label(kit, "train.samples.none", "muted")
        self.curve_note = Label(kit, "train.curve.none", "small")
        self.log = LogView(kit, MAX_LINES, has_levels=True)
        self.sample_sheet: PictureSheet | None = None
        self._figures_timer = QTimer(self, interval=_FIGURES_MS, singleShot=True)
        self._figures_timer.timeout.connect(self._show_figures)
        self._curve_timer = QTimer(self, interval=_CURVE_MS, singleShot=True)
        self._curve_timer.timeout.connect(self._draw_curve)
        self._free_bytes: int | None = None
        self._machine_timer = QTimer(self, interval=_MACHINE_MS)
        self._machine_timer.timeout.connect(self._look_at_machine)
        self._lay_out()
        self._connect()
        self.retranslate()

    def resume(self) -> None:
        """Go on from the last complete state."""
        self.error_card.hide()
        self.resume_button.setEnabled(False)
        self._link.ask(self._link.service.resume(self._link.name), lambda _: self._link.refresh(), self._on_failed)

    def ask_to_stop(self) -> None:
        """Say what would be lost, then stop if that is wanted."""
        progress = self._progress
        steps = progress.unsaved_steps if progress is not None else 0
        lost_s = progress.unsaved_s if progress is not None else None
        if steps == 1:
            self.confirm.ask("train.stop.lost_one", self._stop_now)
        elif steps and lost_s is not None:
            time_text = duration_text(lost_s * 1000, self._kit.translator.language)
            self.confirm.ask("train.stop.lost", self._stop_now, steps=steps, time=time_text)
        elif steps:
            self.confirm.ask("train.stop.lost_steps", self._stop_now, steps=steps)
        else:
            self.confirm.ask("train.stop.nothing_lost", self._stop_now)

    def stop_after_save(self) -> None:
        """Stop once the next state is complete: nothing is lost, and this is how it pauses."""
        self.stop_later_button.setEnabled(False)
        self._link.ask(
            self._link.service.stop(self._link.name, after_save=True), lambda _: self._link.refresh(), self._on_failed
        )

    def retranslate(self) -> None:
        """Set the words anew."""
        self.bar.setAccessibleName(self._kit.text("train.progress"))
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Bring the plot when it is first seen, after the figures are painted."""
        super().showEvent(event)
        if self.plot is None and not self._is_loading:
            self._is_loading = True
            QTimer.singleShot(0, self, self._bring_plot)
        self._show()

    @property
    def _progress(self) -> TrainingProgress | None:
        return self._link.snapshot.progress if self._link.snapshot is not None else None

    def _lay_out(self) -> None:
        kit = self._kit
        head = QFrame()
        set_look(head, "card")
        line = row(self.icon, self.state, self.resume_button, self.stop_later_button, self.stop_button,
                   self.unqueue_button, self.plan_button, space=r.SPACE_2)  # fmt: skip
        line.setStretch(1, 1)
        head.setLayout(
            column(
                line,
                self.bar,
                self.figures,
                self.machine,
                self.warning,
                self.confirm,
                space=r.SPACE_1,
                margin=r.SPACE_3,
            )
        )
        self._curve_card = QFrame()
        set_look(self._curve_card, "card")
        self._curve_column = column(Label(kit, "train.curve", "overline"), self.curve_note, margin=r.SPACE_2)
        self._curve_column.setStretch(1, 0)
        self._curve_column.addStretch(1)
        self._curve_card.setLayout(self._curve_column)
        samples = QFrame()
        set_look(samples, "card")
        sample_column = column(
            Label(kit, "train.samples", "overline"), self.samples_none, self.sample_grid, margin=r.SPACE_2
        )
        self.samples_none.setAlignment(Qt.AlignmentFlag.AlignTop)
        sample_column.setStretch(1, 1)
        sample_column.setStretch(2, 1)
        samples.setLayout(sample_column)
        seen = row(self._curve_card, samples, space=r.SPACE_2)
        seen.setStretch(0, 1)
        seen.setStretch(1, 1)
        layout = column(self.error_card, head, seen, self.log, space=r.SPACE_2)
        layout.setStretch(2, 3)
        layout.setStretch(3, 2)
        self.setLayout(layout)

    def _connect(self) -> None:
        self.stop_button.clicked.connect(self.ask_to_stop)
        self.stop_later_button.clicked.connect(self.stop_after_save)
        self.resume_button.clicked.connect(self.resume)
        self.unqueue_button.clicked.connect(self._unqueue)
        self.plan_button.clicked.connect(self.plan_wanted)
        self.sample_grid.activated.connect(self._on_sample_grid_activated)
        self._link.opened.connect(self._on_link_opened)
        self._link.changed.connect(self._on_link_changed)
        self._link.happened.connect(self._on_link_happened)
        self._kit.translator.language_changed.connect(self.retranslate)

    def _bring_plot(self) -> None:
        from ai4artsed_desktop.ui.train.loss_plot import LossPlot

        self.plot = LossPlot(self._kit.theme)
        self._curve_column.insertWidget(1, self.plot, 10)
        self._draw_curve()

    def _show(self) -> None:
        """Show state, buttons and what went wrong."""
        snapshot = self._link.snapshot
        if snapshot is None:
            return
        icon, role = STATE_FACES[snapshot.state]
        self.icon.set_face(icon, role)
        is_running = snapshot.state == "running"
        self.stop_button.setVisible(is_running)
        self.stop_later_button.setVisible(is_running)
        if not is_running:
            self._machine_timer.stop()
        elif not self._machine_timer.isActive():
            self._machine_timer.start()
            self._look_at_machine()
        self.resume_button.setVisible(snapshot.resumable_step is not None and snapshot.state != "queued")
        self.resume_button.setEnabled(True)
        if snapshot.resumable_step is not None:
            self.resume_button.set_key("train.resume.from", step=snapshot.resumable_step)
        self.unqueue_button.setVisible(snapshot.state == "queued")
        self.plan_button.setVisible(snapshot.state not in ("running", "stopping", "queued"))
        if not is_running:
            self.confirm.hide()
        self._show_verdict(snapshot)
        self._show_figures()
        self._show_samples()
        if snapshot.state == "queued":
            self._link.ask(self._link.service.queue(), self._on_queue)

    def _show_verdict(self, snapshot: TrainingSnapshot) -> None:
        verdict = snapshot.verdict
        if verdict is None or not verdict.code or snapshot.state == "queued":
            self.error_card.hide()
            return
        self.error_card.show_error(ErrorInfo(verdict.code, dict(verdict.params), verdict.detail))
        self._add_remedies(snapshot, verdict)

    def _add_remedies(self, snapshot: TrainingSnapshot, verdict: Verdict) -> None:
        card = self.error_card
        if verdict.offer_gb is not None:
            gb = verdict.offer_gb
            card.add_action("train.offer.preset", lambda: self._start_smaller(gb), primary=True, gb=gb)
        if snapshot.resumable_step is not None:
            card.add_action("train.resume.from", self.resume, step=snapshot.resumable_step)

    def _start_smaller(self, vram_gb: int) -> None:
        """Take the next smaller preset for this project from now on, and start anew."""
        link = self._link
        project = link.project.model_copy(update={"vram_gb": float(vram_gb)})

        async def change_and_start() -> TrainingSnapshot:
            await link.service.change(project)
            return await link.service.start(project.name)

        link.ask(change_and_start(), lambda _: link.refresh(), self._on_failed)

    def _show_figures(self) -> None:
        snapshot, progress = self._link.snapshot, self._progress
        if snapshot is None:
            return
        text, language = self._kit.text, self._kit.translator.language
        state = text(f"train.state.{snapshot.state}")
        is_queued = snapshot.state == "queued"
        if progress is None or is_queued:
            self.state.setText(state)
            if not is_queued:  # its place stands there, or will when the queue has answered
                self.figures.set_key("train.run.never")
            self.bar.hide()
            self.machine.hide()
            self.warning.hide()
            return
        is_working = snapshot.state in ("running", "stopping")
        self.state.setText(f"{state} · {text(f'train.phase.{progress.phase}')}" if is_working else state)
        self.figures.setText(" · ".join(_figures(self._kit, progress, is_working=is_working)))
        total = progress.total_steps
        self.bar.setVisible(bool(total))
        self.bar.setValue(round(1000 * min(1.0, progress.step / total)) if total else 0)
        self.machine.setVisible(is_working)
        self.machine.setText(self._machine_words(language))
        self.warning.setVisible(bool(progress.warnings))
        self.warning.setText("\n".join(text(key) for key in progress.warnings))

    def _look_at_machine(self) -> None:
        if self._link.is_running and self.isVisible():
            self._link.ask(self._link.studio.free_bytes(self._link.name), self._on_free_bytes)

    def _on_free_bytes(self, free_bytes: int) -> None:
        self._free_bytes = free_bytes
        self._show_figures()

    def _machine_words(self, language: str) -> str:
        """Say how full card and disk are, as far as they tell."""
        card, text = self._context.facts.engine.gpu.latest.main, self._kit.text
        if card is None or card.used_bytes is None or card.total_bytes is None:
            words = text("train.machine.unknown")
        else:
            used, total = vram_text(card.used_bytes, language), vram_text(card.total_bytes, language)
            words = text("train.machine", used=used, total=total)
        if self._free_bytes is None:
            return words
        return f"{words} · {text('train.machine.disk', free=size_text(self._free_bytes, language))}"

    def _show_samples(self) -> None:
        progress = self._progress
        samples = [] if progress is None else sorted(progress.samples, key=lambda s: (s.number, s.prompt, s.path))
        self.samples.set_items(
            PictureItem(
                sample.path,
                self._kit.text(
                    "train.sample.epoch" if sample.is_epoch else "train.sample",
                    number=sample.number,
                    prompt=sample.prompt + 1,
                ),
                Path(sample.path),
            )
            for sample in samples
        )
        self.samples_none.setVisible(not samples)
        self.sample_grid.setVisible(bool(samples))

    def _draw_curve(self) -> None:
        progress = self._progress
        curve = progress.curve if progress is not None else []
        self.curve_note.set_key("train.curve.legend" if curve else "train.curve.none")
        if self.plot is not None:
            total = progress.total_steps if progress is not None else 0
            self.plot.setVisible(bool(curve))
            self.plot.show_curve(curve, total, self._kit.text("train.loss"), self._kit.text("train.step"))

    def _stop_now(self) -> None:
        self.stop_button.setEnabled(False)
        self._link.ask(self._link.service.stop(self._link.name), lambda _: self._link.refresh(), self._on_failed)

    def _unqueue(self) -> None:
        self._link.ask(self._link.service.unqueue(self._link.name), lambda _: self._after_unqueue())

    def _after_unqueue(self) -> None:
        self._link.refresh()
        self._link.list_projects()

    def _on_queue(self, entries: Sequence[QueueEntry]) -> None:
        place = next((n for n, entry in enumerate(entries, 1) if entry.project == self._link.name), None)
        if place is None:
            return
        at_s = entries[place - 1].not_before_s
        if at_s is None:
            self.figures.set_key("train.queue.place", place=place, count=len(entries))
        else:
            clock = f"{datetime.fromtimestamp(at_s).astimezone():%H:%M}"
            self.figures.set_key("train.queue.at", time=clock, place=place)

    def _on_sample_grid_activated(self, index: QModelIndex) -> None:
        """Show a sample large."""
        if self.sample_sheet is None:
            self.sample_sheet = PictureSheet(self._kit, self, self._context.desk.read_bytes)
        item = self.samples.items[index.row()]
        self.sample_sheet.open_for(Path(item.id), item.caption)

    def _on_failed(self, error: ErrorInfo) -> None:
        for button in (self.stop_button, self.stop_later_button, self.resume_button):
            button.setEnabled(True)
        self.error_card.show_error(error)

    def _on_link_opened(self) -> None:
        self.confirm.hide()
        self.error_card.hide()
        self.figures.set_key("")

    def _on_link_changed(self) -> None:
        snapshot = self._link.snapshot
        assert snapshot is not None, "changed is told of a project"
        for button in (self.stop_button, self.stop_later_button):
            button.setEnabled(snapshot.state == "running")
        # A log that ended while it was watched stays: it has what its file has.
        self.log.follow(snapshot.project.name, snapshot.log)
        self._show()
        self._draw_curve()

    def _on_link_happened(self, event: TrainingEvent) -> None:
        if isinstance(event, TrainingLogGrown):
            self.log.look()
            return
        if isinstance(event, SampleMade):
            self._show_samples()
        elif isinstance(event, LossMeasured) and not self._curve_timer.isActive() and self.isVisible():
            self._curve_timer.start()
        if not self._figures_timer.isActive():
            self._figures_timer.start()


def _figures(kit: Kit, progress: TrainingProgress, *, is_working: bool) -> list[str]:
    """Return step, epoch, speed, time left, loss and learning rate, as far as they were measured."""
    text, language = kit.text, kit.translator.language
    locale = QLocale(language)
    parts: list[str] = []
    if progress.phase_total and is_working and progress.phase != "training":
        parts.append(text("train.figure.part", done=progress.phase_done, total=progress.phase_total))
    if progress.total_steps:
        parts.append(text("train.figure.step", step=progress.step, total=progress.total_steps))
    if progress.epochs:
        parts.append(text("train.figure.epoch", epoch=progress.epoch, total=progress.epochs))
    if (speed := progress.seconds_per_step) is not None and speed > 0:
        parts.append(text("train.figure.speed", speed=locale.toString(1 / speed, "f", 2)))
        if is_working and progress.left_s is not None:
            left = duration_text(progress.left_s * 1000, language, is_running=True)
            parts.append(text("train.figure.left", time=left))
    if progress.loss is not None:
        parts.append(text("train.figure.loss", loss=locale.toString(progress.loss, "f", 4)))
    if progress.learning_rate is not None:
        parts.append(text("train.figure.rate", rate=locale.toString(progress.learning_rate, "g", 2)))
    return parts
