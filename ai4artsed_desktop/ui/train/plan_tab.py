"""What a training would do, decided and explained before it starts; and the buttons that start it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QScrollArea, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.training.options import OptionValue
from ai4artsed_desktop.domain.training.plan import TrainingPlan
from ai4artsed_desktop.engine.training import TrainingSnapshot
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.train.expert_form import ExpertForm
from ai4artsed_desktop.ui.train.link import TrainLink
from ai4artsed_desktop.ui.units import duration_text, size_text, vram_text
from ai4artsed_desktop.ui.widgets.basics import Button, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.fields import ChoiceField, WholeField

_FORM_PX = 232
_EXPERT_PX = 320
#: Typing pauses this long before the plan is made anew.
_PAUSE_MS = 400
#: When a training that shall run at night may begin.
_NIGHT_HOUR, _MORNING_HOUR = 22, 5
_MAX_STEPS = 1_000_000


class PlanTab(QWidget):
    """Choices at the left, the plan in the middle, every option at the right.

    Args:
        context: What every page is given.
        link: The project in sight.
    """

    #: A training was started or waits for its turn.
    started = Signal()

    def __init__(self, context: PageContext, link: TrainLink) -> None:
        super().__init__()
        self._context = context
        self._kit = kit = context.kit
        self._link = link
        self._free_bytes: int | None = None
        self._is_planning = False
        self._is_stale = False
        self.plan: TrainingPlan | None = None
        self.memory = ChoiceField(kit)
        self.steps, self.seed = WholeField(kit), WholeField(kit)
        self.precision = ChoiceField(kit)
        self.prompts = QPlainTextEdit()
        self.expert = ExpertForm(kit)
        self.head = Label(kit, look="strong")
        self.figures = column(space=r.SPACE_1)
        self.notes = column(space=r.SPACE_1)
        self.error_card = ErrorCard(kit)
        self.start_button = Button(kit, "train.start", "play", "primary")
        self.queue_button = Button(kit, "train.queue", "list")
        self.night_button = Button(kit, "train.night", "hourglass")
        self._pause = QTimer(self, interval=_PAUSE_MS, singleShot=True)
        self._pause.timeout.connect(self._save)
        self._lay_out()
        self._connect()
        self.retranslate()

    @property
    def can_start(self) -> bool:
        """Whether the button would start a training."""
        return self.isVisible() and self.start_button.isEnabled()

    def start(self) -> None:
        """Start as planned; nothing is started where it could not end well."""
        self.error_card.hide()
        self.start_button.setEnabled(False)
        self._link.ask(self._link.service.start(self._link.name), self._on_started, self._on_start_failed)

    def refresh(self) -> None:
        """Plan again; while one plan is being made, the next one waits for it."""
        if self._link.snapshot is None or not self.isVisible():
            return
        if self._is_planning:
            self._is_stale = True
            return
        self._is_planning, self._is_stale = True, False
        link = self._link
        link.ask(link.service.plan_project(link.name, dataset=link.report), self._on_plan, self._on_plan_failed)
        link.ask(link.studio.free_bytes(link.name), self._on_free_bytes)

    def showEvent(self, event: QShowEvent) -> None:
        """Plan when it is looked at."""
        super().showEvent(event)
        self.refresh()

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._kit.text
        named = (
            (self.memory, "train.plan.memory"),
            (self.steps, "train.plan.steps"),
            (self.seed, "train.plan.seed"),
            (self.precision, "train.plan.precision"),
            (self.prompts, "train.plan.prompts"),
        )
        for field, key in named:
            field.setAccessibleName(text(key))
        self.steps.setSpecialValueText(text("train.plan.steps.auto"))
        self.prompts.setPlaceholderText(text("train.plan.prompts.auto"))
        self._fill_form()
        self._show_plan()

    def _lay_out(self) -> None:
        kit = self._kit
        self.steps.setRange(0, _MAX_STEPS)
        self.seed.setRange(0, 2**31 - 1)
        self.prompts.setTabChangesFocus(True)
        self.prompts.setFixedHeight(80)
        form = QWidget()
        form.setFixedWidth(_FORM_PX)
        form.setLayout(
            column(
                *self._field("train.plan.memory", self.memory),
                *self._field("train.plan.steps", self.steps),
                *self._field("train.plan.precision", self.precision),
                *self._field("train.plan.seed", self.seed),
                *self._field("train.plan.prompts", self.prompts),
                None,
                space=r.SPACE_1,
            )
        )
        card = QFrame()
        set_look(card, "card")
        notes = Label(kit, "train.plan.notes", "overline")
        card.setLayout(column(self.head, self.figures, notes, self.notes, None, space=r.SPACE_2, margin=r.SPACE_3))
        area = QScrollArea()
        area.setWidget(card)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        buttons = row(None, self.night_button, self.queue_button, self.start_button, space=r.SPACE_2)
        seen = row(form, area, space=r.SPACE_3)
        seen.setStretch(1, 1)
        left = column(self.error_card, seen, buttons, space=r.SPACE_2)
        left.setStretch(1, 1)
        self.expert.setFixedWidth(_EXPERT_PX)
        layout = row(left, self.expert, space=r.SPACE_3)
        layout.setStretch(0, 1)
        self.setLayout(layout)

    def _field(self, key: str, field: QWidget) -> tuple[QWidget, QWidget]:
        return Label(self._kit, key, "overline"), field

    def _connect(self) -> None:
        for field in (self.memory, self.precision):
            field.chosen.connect(self._save)
        for number in (self.steps, self.seed):
            number.valueChanged.connect(self._pause.start)
        self.prompts.textChanged.connect(self._pause.start)
        self.expert.changed.connect(self._on_expert_changed)
        self.start_button.clicked.connect(self.start)
        self.queue_button.clicked.connect(lambda: self._enqueue(None))
        self.night_button.clicked.connect(lambda: self._enqueue(next_night(datetime.now().astimezone())))
        self._link.opened.connect(self._on_link_opened)
        self._link.changed.connect(self._on_link_changed)
        self._link.pictures_changed.connect(self.refresh)
        self._kit.translator.language_changed.connect(self.retranslate)

    def _fill_form(self) -> None:
        """Show what the project says; nothing is announced by that."""
        if self._link.snapshot is None:
            return
        project, family, text = self._link.project, self._link.family, self._kit.text
        auto = self._card_words()
        sizes = [(float(p.vram_gb), text("train.plan.memory.gb", gb=p.vram_gb)) for p in family.presets]
        chosen = project.vram_gb
        if chosen is not None and all(size != chosen for size, _ in sizes):
            sizes.append((chosen, text("train.plan.memory.gb", gb=f"{chosen:g}")))
        self.memory.set_options([(None, auto), *sizes], chosen)
        kinds = [(kind, text(f"train.plan.precision.{kind}")) for kind in ("bf16", "fp16", "no")]
        self.precision.set_options(kinds, project.precision)
        prompts = "\n".join(project.sample_prompts)
        for number, value in ((self.steps, project.steps or 0), (self.seed, project.seed)):
            if not number.hasFocus():
                number.blockSignals(True)
                number.setValue(value)
                number.blockSignals(False)
        if not self.prompts.hasFocus() and self.prompts.toPlainText() != prompts:
            self.prompts.blockSignals(True)
            self.prompts.setPlainText(prompts)
            self.prompts.blockSignals(False)

    def _card_words(self) -> str:
        card, language = self._context.facts.engine.gpu.latest.main, self._kit.translator.language
        if card is None or card.total_bytes is None:
            return self._kit.text("train.plan.memory.unknown")
        total = vram_text(card.total_bytes, language)
        if card.free_bytes is None:
            return self._kit.text("train.plan.memory.card", gb=total)
        return self._kit.text("train.plan.memory.card_free", gb=total, free=vram_text(card.free_bytes, language))

    def _save(self) -> None:
        if self._link.snapshot is None:
            return
        lines = tuple(line for line in map(str.strip, self.prompts.toPlainText().splitlines()) if line)
        values: dict[str, object] = {
            "vram_gb": self.memory.value,
            "steps": self.steps.value() or None,
            "seed": self.seed.value(),
            "precision": self.precision.value,
            "sample_prompts": lines,
        }
        project = self._link.project
        if any(getattr(project, name) != value for name, value in values.items()):
            self._link.change(**values)

    def _on_expert_changed(self, changes: Mapping[str, OptionValue]) -> None:
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in changes.items()}
        self._link.change(changes=plain)

    def _show_plan(self) -> None:
        for holder in (self.figures, self.notes):
            while (item := holder.takeAt(0)) is not None:
                if widget := item.widget():
                    widget.hide()
                    widget.deleteLater()
        plan = self.plan
        is_free = not self._link.is_running
        for button in (self.start_button, self.queue_button, self.night_button):
            button.setEnabled(plan is not None and is_free)
        if plan is None:
            self.head.set_key("train.plan.none" if not self._is_planning else "train.plan.working")
            return
        self.head.set_key("train.plan.head", family=plan.family.name, gb=plan.preset.vram_gb)
        language = self._kit.translator.language
        looks = round(plan.steps * plan.batch / max(1, plan.pictures))
        self._figure("train.plan.figure.steps", steps=plan.steps, batch=plan.batch, looks=looks, epochs=plan.epochs)
        self._figure("train.plan.figure.rank", rank=plan.rank, size=size_text(plan.lora_bytes, language))
        saves = plan.steps // plan.save_every
        self._figure("train.plan.figure.saves", every=plan.save_every, count=saves, name=plan.output_name)
        self._figure("train.plan.figure.vram", gb=plan.preset.vram_gb)
        self._show_disk(plan, language)
        self._show_time(plan, language)
        for key in plan.notes:
            self.notes.addWidget(self._note(key))

    def _show_disk(self, plan: TrainingPlan, language: str) -> None:
        needed = size_text(plan.disk.total, language)
        if self._free_bytes is None:
            self._figure("train.plan.figure.disk", needed=needed)
        else:
            key = "train.plan.figure.disk_free"
            is_short = self._free_bytes < plan.disk.total
            self._figure(
                "train.plan.figure.disk_short" if is_short else key,
                "warn" if is_short else "",
                needed=needed,
                free=size_text(self._free_bytes, language),
            )

    def _show_time(self, plan: TrainingPlan, language: str) -> None:
        """Only what was measured: another card or preset would make any guess wrong."""
        snapshot = self._link.snapshot
        attempt = snapshot.attempt if snapshot is not None else None
        progress = snapshot.progress if snapshot is not None else None
        speed = progress.seconds_per_step if progress is not None else None
        if speed is None or attempt is None or attempt.preset_gb != plan.preset.vram_gb:
            self._figure("train.plan.figure.time_unknown")
        else:
            self._figure("train.plan.figure.time", time=duration_text(speed * plan.steps * 1000, language))

    def _figure(self, key: str, look: str = "", **params: object) -> None:
        self.figures.addWidget(Label(self._kit, key, look, **params))

    def _note(self, key: str) -> QWidget:
        icon = IconLabel(self._kit, "info", "info", 16)
        line = row(column(icon, None), Label(self._kit, key, "muted"), space=r.SPACE_2)
        line.setStretch(1, 1)
        holder = QWidget()
        holder.setLayout(line)
        return holder

    def _enqueue(self, not_before_s: float | None) -> None:
        self.error_card.hide()
        link = self._link
        link.ask(link.service.enqueue(link.name, not_before_s), lambda _: self.started.emit(), self._on_start_failed)

    def _on_plan(self, plan: TrainingPlan) -> None:
        self._is_planning = False
        self.plan = plan
        self.error_card.hide()
        self._show_plan()
        schema = self._link.studio.schema(plan.family.script)
        mine = {name: plan.options[name] for name in self._link.project.changes if name in plan.options}
        self.expert.show_options(schema, plan.options, mine)
        self._again_if_stale()

    def _on_plan_failed(self, error: ErrorInfo) -> None:
        self._is_planning = False
        self.plan = None
        self._show_plan()
        self.error_card.show_error(error)
        if self._link.project.changes:
            self.error_card.add_action("train.expert.reset_all", lambda: self._link.change(changes={}))
        self._again_if_stale()

    def _again_if_stale(self) -> None:
        if self._is_stale:
            self.refresh()

    def _on_free_bytes(self, free_bytes: int) -> None:
        self._free_bytes = free_bytes
        self._show_plan()

    def _on_started(self, _snapshot: TrainingSnapshot) -> None:
        self.started.emit()

    def _on_start_failed(self, error: ErrorInfo) -> None:
        self._show_plan()
        self.error_card.show_error(error)
        if error.code == "error.training.busy":
            self.error_card.add_action("train.queue", lambda: self._enqueue(None), primary=True)
        elif error.code == "error.training.package_missing":
            changes = {**self._link.project.changes, "optimizer_type": "AdamW"}
            self.error_card.add_action("train.plan.use_adamw", lambda: self._link.change(changes=changes))

    def _on_link_opened(self) -> None:
        self.plan = None
        self._is_planning = self._is_stale = False
        self.error_card.hide()
        self._pause.stop()

    def _on_link_changed(self) -> None:
        self._fill_form()
        self._show_plan()
        self.refresh()


def next_night(now: datetime) -> float:
    """Return the UNIX time of the next evening at which a long work may begin; now, if it is night already."""
    if now.hour >= _NIGHT_HOUR or now.hour < _MORNING_HOUR:
        return now.timestamp()
    return now.replace(hour=_NIGHT_HOUR, minute=0, second=0, microsecond=0).timestamp()
