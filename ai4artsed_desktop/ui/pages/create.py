"""The Create page: an idea, rules and a medium become texts and media, every step in sight."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QApplication, QScrollArea, QWidget

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo, UnknownEntryError
from ai4artsed_desktop.domain.parameters import SEED_LIMIT
from ai4artsed_desktop.domain.runs import MAX_TEXT_CHARS, MediumRecord, RunRequest, StageName
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.actions import WindowAction
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.cards import worker_name
from ai4artsed_desktop.ui.create import run_again
from ai4artsed_desktop.ui.create.box_row import BoxRow
from ai4artsed_desktop.ui.create.choices import Choices
from ai4artsed_desktop.ui.create.draft import Draft, next_seed
from ai4artsed_desktop.ui.create.image_lora_row import ImageLoraRow, with_words
from ai4artsed_desktop.ui.create.result_view import ResultView
from ai4artsed_desktop.ui.create.run_tools import RunTools
from ai4artsed_desktop.ui.create.second_text import SecondText
from ai4artsed_desktop.ui.create.session_view import SessionView
from ai4artsed_desktop.ui.create.stage_column import StageColumn
from ai4artsed_desktop.ui.create.strip_feed import StripFeed
from ai4artsed_desktop.ui.create.ways_on import WaysOn
from ai4artsed_desktop.ui.create.welcome import Welcome
from ai4artsed_desktop.ui.create.work_area import WorkArea
from ai4artsed_desktop.ui.drops import read_words
from ai4artsed_desktop.ui.models.cards import CardItem
from ai4artsed_desktop.ui.paging import Page, PageContext, PageSpec
from ai4artsed_desktop.ui.session_runs import RunFacts
from ai4artsed_desktop.ui.widgets.basics import column
from ai4artsed_desktop.ui.widgets.notice import Notice
from ai4artsed_desktop.ui.widgets.palette import PaletteEntry
from ai4artsed_desktop.ui.widgets.text_box import TextBox


class CreatePage(Page):
    """Wires boxes, stages and result to the engine."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._kit = context.kit
        self._runs = context.runs
        self._shown = ""
        self._last: RunRequest | None = None
        self.welcome: Welcome | None = None
        kit = context.kit
        self.idea = TextBox(kit, "create.idea", "create.idea.placeholder", limit_chars=MAX_TEXT_CHARS)
        self.idea.set_text(context.memory.get("idea", ""))
        self.second_text = SecondText(kit, context.memory.get("second_text", ""))
        self.idea.foot.addWidget(self.second_text)
        self.choices = Choices(context, self)
        self.stages = StageColumn(kit, lambda worker: worker_name(kit, context.facts, worker))
        self.result = ResultView(kit, context.desk.read_bytes, self.choices.output_name)
        self.feed = StripFeed(kit, context.runs, context.desk.read_bytes, self)
        self.session = SessionView(kit, self.result, self.feed)
        self.inputs = ImageLoraRow(context, self, self.feed.model, self._show_error)
        self._reading = Background[str](self, self.idea.set_text, context.show_error)
        self._reading_rules = Background[str](self, self.choices.rules_box.set_text, context.show_error)
        self.ways_on = WaysOn(
            context,
            self.result,
            self.choices,
            self.inputs.picks,
            shown=lambda: self.shown_run,
            make=self.make,
            submit=self._submit,
        )
        self.tools = RunTools(
            context,
            self,
            self.result,
            shown=lambda: self.shown_run,
            submit=self._submit,
            take_over=self.take_request,
            throw_seed=self.choices.medium_box.seed.throw,
            removed=self._on_removed,
            show_error=self._show_error,
        )
        self._lay_out()
        self._connect()
        self._restore_seed()
        self.choices.refresh()
        self._show(None)

    @property
    def rules_box(self) -> QWidget:
        """The second box."""
        return self.choices.rules_box

    @property
    def shown_run(self) -> RunFacts | None:
        """The run in sight."""
        return self._runs.get(self._shown)

    def make(self) -> None:
        """Submit what stands in the boxes; while another run works, it waits its turn."""
        draft = self._draft()
        box = self.choices.medium_box.seed
        seed = next_seed(draft, self._last, box.value, box.is_pinned, lambda: secrets.randbelow(SEED_LIMIT))
        engine = self._context.facts.engine
        if self._submit(draft.request(engine.settings, self._kit.translator.language, seed)):
            box.set_value(seed)

    def cancel(self) -> None:
        """End the run in sight, or else the one that works."""
        live = self._runs.live()
        shown = self.shown_run
        if live:
            target = shown if shown is not None and shown.is_live else live[0]
            self._context.facts.engine.runs.cancel(target.run_id)

    def show_run(self, run_id: str) -> None:
        """Show a run's texts and media."""
        self._shown = run_id
        self.session.strip.show_run(run_id)
        self._show(self.shown_run)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the idea."""
        super().showEvent(event)
        focus = QApplication.focusWidget()
        if focus is None or not self.isAncestorOf(focus):
            self.idea.field.setFocus()

    def go_to(self, place: str) -> None:
        """Show a place of the page."""
        if place == "idea":
            self.idea.field.setFocus()

    def take_text(self, text: str) -> bool:
        """Put text into the idea; one undo brings the old one back."""
        self.idea.set_text(text)
        return True

    def picks(self) -> list[PaletteEntry]:
        """Return every interception and output that can be picked."""
        kit, choices = self._kit, self.choices
        interceptions, outputs = choices.cards()
        groups = (
            (interceptions, kit.text("palette.interceptions"), choices.pick_interception),
            (outputs, kit.text("palette.outputs"), choices.pick_output),
        )

        def entry(card: CardItem, group: str, pick: Callable[[str], None]) -> PaletteEntry:
            def do() -> None:
                self._context.show_page(PAGE.id, "")
                pick(card.id)

            return PaletteEntry(card.name, group, card.icon, do)

        return [entry(card, group, pick) for cards, group, pick in groups for card in cards if card.runnable]

    def take_interception(self, path: Path) -> bool:
        """Take in a shared interception; any other JSON is text like any other."""
        self.choices.library.take_dropped(path, self.take_text_file)
        return True

    def take_text_file(self, path: Path) -> bool:
        """Put a text file's words into the idea."""
        self._reading.start(lambda: read_words(path, self._context.desk.read_bytes))
        return True

    def take_request(self, request: RunRequest) -> bool:
        """Put a run's texts and choices into the boxes; its seed gives the same text again."""
        self.idea.set_text(request.text)
        self.second_text.field.replace_text(request.secondary_text)
        self.choices.take_over(request)
        self.inputs.take_over(request)
        if request.seed is not None:
            self.choices.medium_box.seed.set_value(request.seed)
        return True

    def take_picture(self, path: Path) -> bool:
        """Put a picture into a free place of the outputs picked."""
        return self.inputs.slots.take(path)

    def take_output(self, output_id: str) -> bool:
        """Pick an output; its card comes with the next look at the catalogue."""
        self.choices.pick_output(output_id)
        return True

    def take_run(self, run_id: str) -> bool:
        """Open a run of the run folders."""
        self._runs.open([run_id], self._context.show_error)
        return True

    def escape(self) -> bool:
        """Cancel the run that works."""
        has_live = bool(self._runs.live())
        self.cancel()
        return has_live

    def release(self) -> None:
        """Stop what moves and sounds."""
        self.result.release()

    def _lay_out(self) -> None:
        self.boxes = BoxRow(self.idea, self.choices.rules_box, self.choices.medium_box)
        self.work = WorkArea(self.stages, self.session, self._context.memory)
        content = QWidget()
        self.empty = Notice(self._kit, "picture", "create.result.empty", "create.result.empty.text")
        layout = column(self.boxes, self.inputs, self.work, self.empty, space=r.SPACE_3, margin=r.SPACE_4)
        for place in (2, 3):
            layout.setStretch(place, 1)
        self._below = layout
        content.setLayout(layout)
        self.area = QScrollArea()
        self.area.setWidget(content)
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setLayout(column(self.area, space=0))
        self.session.set_tools(self.tools.tools(), in_bar=4)

    def _connect(self) -> None:
        context, memory = self._context, self._context.memory
        box, rules = self.choices.medium_box, self.choices.rules_box
        self.idea.changed.connect(lambda: memory.put("idea", self.idea.field.toPlainText()))
        self.idea.files_dropped.connect(context.take_files)
        self.second_text.changed.connect(lambda: memory.put("second_text", self.second_text.field.toPlainText()))
        self.choices.outputs_shown.connect(self.second_text.show_outputs)
        self.choices.outputs_shown.connect(self.inputs.show_outputs)
        self.idea.field.installEventFilter(self.inputs.slots)
        self.inputs.words_wanted.connect(self._on_inputs_words_wanted)
        self.inputs.strip_wanted.connect(self._compare)
        self.inputs.run_chosen.connect(self.show_run)
        rules.files_dropped.connect(self._on_rules_files_dropped)
        rules.pause.setChecked(context.facts.engine.settings.pause_after_interception)
        box.make_requested.connect(self.make)
        box.cancel_requested.connect(self.cancel)
        box.seed.changed.connect(self._on_seed_changed)
        self.stages.edited.connect(self._on_stages_edited)
        self.stages.proposal_taken.connect(self._on_stages_edited)
        self.stages.again_requested.connect(self._on_stages_again_requested)
        self.stages.went_on.connect(self._on_stages_went_on)
        self.result.cancel_requested.connect(self.cancel)
        self.result.save_requested.connect(self.tools.save_as)
        self.result.code_requested.connect(self._on_result_code_requested)
        self.session.strip.run_chosen.connect(self._on_strip_run_chosen)
        self.session.strip.removal_requested.connect(self.tools.remove)
        self._runs.added.connect(self.show_run)
        self._runs.changed.connect(self._on_runs_changed)
        self._runs.streamed.connect(self._on_runs_streamed)
        self._runs.progressed.connect(self._on_runs_progressed)
        self._runs.ended.connect(self._on_runs_ended)
        context.facts.changed.connect(lambda: self._show(self.shown_run))
        context.actions.add(*self._actions())

    def _actions(self) -> tuple[WindowAction, ...]:
        choices = self.choices
        return (
            WindowAction("make", "create.make", self.make, "play", "Ctrl+Return"),
            WindowAction("make_enter", "create.make", self.make, "play", "Ctrl+Enter", lambda: True),
            WindowAction("cancel", "action.cancel", self.cancel, "cancel", "", lambda: bool(self._runs.live())),
            WindowAction("idea", "action.idea", lambda: self._focus(self.idea.field), "pen"),
            WindowAction("rules", "action.rules", lambda: self._focus(choices.rules_box.field), "book"),
            WindowAction("pick_interception", "create.rules.pick", choices.open_interceptions, "shapes"),
            WindowAction("pick_output", "create.medium.pick", choices.open_outputs, "picture"),
            WindowAction("parameters", "parameters.title", choices.open_parameters, "more"),
            WindowAction("details", "create.rules.details", choices.open_details, "info"),
            run_again.send_names_action(lambda: self.shown_run, self._submit),
            *self.tools.actions(),
        )

    def _focus(self, field: QWidget) -> None:
        self._context.show_page(PAGE.id, "")
        field.setFocus()

    def _draft(self) -> Draft:
        rules = self.choices.rules_box
        return Draft(
            self.idea.text,
            self.choices.interception_id,
            rules.rules,
            self.choices.requests(),
            rules.pause.isChecked(),
            self.second_text.text,
            self.inputs.loras,
            self.inputs.images,
        )

    def _compare(self, name: str) -> None:
        """Make the strength strip of one LoRA, on the seed in the box."""
        seed = self.choices.medium_box.seed
        number = seed.value if seed.value is not None else seed.throw()
        settings = self._context.facts.engine.settings
        request = self._draft().request(settings, self._kit.translator.language, number)
        self.inputs.compare(name, request, self._submit)

    def _submit(self, request: RunRequest) -> RunFacts | None:
        try:
            facts = self._runs.submit(request)
        except AppError as exc:
            self._show_error(exc.info())
            return None
        if self.boxes.is_stacked:
            # The page is laid out with its result first.
            QTimer.singleShot(0, self, self._scroll_to_work)
        self._last = request
        return facts

    def _scroll_to_work(self) -> None:
        self.area.verticalScrollBar().setValue(self.work.y() - r.SPACE_4)

    def _show(self, facts: RunFacts | None) -> None:
        self.ways_on.show_run(facts)
        self._show_beginning(facts)
        self.stages.show_run(facts)
        self.result.show_run(facts)
        self.work.follow_texts()
        live = self._runs.live()
        self.choices.medium_box.show_working(live[0].started_s if live else None)

    def _show_beginning(self, facts: RunFacts | None) -> None:
        """Before the first run, the room is for what works here (once), or for one sentence."""
        memory = self._context.memory
        is_new = not memory.get("welcome_seen", False) and not self._context.facts.has_good_model
        if facts is not None:
            memory.put("welcome_seen", True)
        wants_welcome = facts is None and is_new and self._context.facts.is_known
        if wants_welcome and self.welcome is None:
            self.welcome = Welcome(self._context)
            self.welcome.closed.connect(self._on_welcome_closed)
            self._below.addWidget(self.welcome, 1)
        if self.welcome is not None:
            self.welcome.setVisible(wants_welcome)
        has_error = not self.result.error_card.isHidden()
        self.work.setVisible(facts is not None or has_error)
        self.empty.setVisible(facts is None and not wants_welcome and not has_error)

    def _on_welcome_closed(self) -> None:
        self._context.memory.put("welcome_seen", True)
        self._show(self.shown_run)

    def _show_error(self, error: ErrorInfo) -> None:
        self.ways_on.show(error)
        self._show_beginning(self.shown_run)

    def _on_removed(self, run_id: str) -> None:
        self.feed.remove(run_id)
        if self._shown == run_id:
            self.show_run("")

    def _restore_seed(self) -> None:
        pinned = self._context.memory.get("pinned_seed", -1)
        if pinned >= 0:
            self.choices.medium_box.seed.set_value(pinned, is_pinned=True)

    def _seed_for_again(self, *, is_edited: bool) -> int:
        """An edit alone shall make the difference; the same text once more shall not give the same result."""
        box, facts = self.choices.medium_box.seed, self.shown_run
        if box.is_pinned and box.value is not None:
            return box.value
        old = facts.request.seed if facts is not None else None
        return old if is_edited and old is not None else box.throw()

    def _on_inputs_words_wanted(self, words: list[str]) -> None:
        self.idea.set_text(with_words(self.idea.text, words))

    def _on_rules_files_dropped(self, paths: list[str]) -> None:
        self._reading_rules.start(lambda: read_words(Path(paths[0]), self._context.desk.read_bytes))

    def _on_seed_changed(self) -> None:
        box = self.choices.medium_box.seed
        self._context.memory.put("pinned_seed", box.value if box.is_pinned and box.value is not None else -1)

    def _on_strip_run_chosen(self, run_id: str) -> None:
        if run_id != self._shown:
            self.show_run(run_id)

    def _on_stages_edited(self, stage: StageName, text: str) -> None:
        if (facts := self.shown_run) is not None:
            self._submit(run_again.from_stage(facts, stage, text, self._seed_for_again(is_edited=True)))

    def _on_stages_again_requested(self, stage: StageName) -> None:
        if (facts := self.shown_run) is not None:
            text = self.stages.views[stage].text
            self._submit(run_again.from_stage(facts, stage, text, self._seed_for_again(is_edited=False)))

    def _on_stages_went_on(self, text: str) -> None:
        try:
            self._context.facts.engine.runs.resume(self._shown, text)
        except AppError as exc:
            self._show_error(exc.info())
        else:
            self.ways_on.take_away()

    def _on_result_code_requested(self, medium: MediumRecord, code: str) -> None:
        facts = self.shown_run
        if facts is None:
            return
        if run_again.CODE_OUTPUTS.get(medium.type) not in self._context.facts.engine.catalog.outputs:
            self._show_error(UnknownEntryError(kind="output", id=medium.type).info())
            return
        self._submit(run_again.with_code(facts, medium.type, code, run_again.code_parameters(facts, medium)))

    def _on_runs_changed(self, run_id: str) -> None:
        if run_id == self._shown:
            self._show(self.shown_run)
        else:
            live = self._runs.live()
            self.choices.medium_box.show_working(live[0].started_s if live else None)

    def _on_runs_streamed(self, run_id: str, stage: StageName, text: str, _candidate: int) -> None:
        if run_id == self._shown:
            self.stages.append(stage, text)
            self.work.follow_texts()

    def _on_runs_progressed(self, run_id: str) -> None:
        if run_id == self._shown:
            self.result.show_progress()

    def _on_runs_ended(self, run_id: str) -> None:
        facts = self._runs.get(run_id)
        if facts is None or facts.state != "finished":
            return
        for stage, config_id in ((StageName.INTERCEPTION, facts.request.interception_id), *self._single_output(facts)):
            found = facts.stages.get(stage)
            if found is not None and found.ms is not None:
                self.choices.remember_time(config_id, found.ms)

    def _single_output(self, facts: RunFacts) -> tuple[tuple[StageName, str], ...]:
        """The output whose time was measured on its own."""
        outputs = facts.request.outputs
        return ((StageName.OUTPUT, outputs[0].output_id),) if len(outputs) == 1 else ()


PAGE = PageSpec("create", "create", "page.create", 10, CreatePage)
