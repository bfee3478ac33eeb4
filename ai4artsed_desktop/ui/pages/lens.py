"""The lens lab: one idea through up to six interceptions, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QWidget

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.runs import MAX_TEXT_CHARS, RunRequest, StageName
from ai4artsed_desktop.engine.lens import MAX_LENSES, lens_requests
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.actions import WindowAction
from ai4artsed_desktop.ui.cards import interception_cards
from ai4artsed_desktop.ui.lens.column import LensColumn
from ai4artsed_desktop.ui.models.cards import CardItem
from ai4artsed_desktop.ui.paging import Page, PageContext, PageSpec
from ai4artsed_desktop.ui.session_runs import SessionRuns
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.notice import Notice
from ai4artsed_desktop.ui.widgets.picker import PickerSheet
from ai4artsed_desktop.ui.widgets.text_box import TextBox

_FIRST_LENSES = 3
#: As many stand side by side as have this width; never more than three, so that six fill two rows.
_LENS_PX = 300
_PER_ROW = 3
_LOWEST_LENS_PX = 220


class LensPage(Page):
    """Submits one text run per lens and shows them as they stream.

    The runs are the page's own: they are recorded like any other, but the Create page only gets those that are carried
    over.
    """

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._kit = context.kit
        self._runs = SessionRuns(context.bridge, self)
        self._cards: dict[str, CardItem] = {}
        self._picker: PickerSheet | None = None
        self._picking: LensColumn | None = None
        self._per_row = _PER_ROW
        self._replaced: list[WindowAction] = []
        self.columns: list[LensColumn] = []
        kit, memory = context.kit, context.memory
        self.idea = TextBox(kit, "lens.idea", "create.idea.placeholder", limit_chars=MAX_TEXT_CHARS, min_lines=2)
        self.idea.set_text(memory.get("lens_idea", "") or memory.get("idea", ""))
        self.look_button = Button(kit, "lens.look", "play", "primary")
        self.cancel_button = Button(kit, "lens.cancel", "cancel")
        self.add_button = Button(kit, "lens.add", "plus")
        self.error_card = ErrorCard(kit)
        self.empty = Notice(kit, "eye", "lens.empty", "lens.empty.text")
        self.empty.add_action("lens.add", self._add, "plus")
        self._lay_out()
        self._connect()
        self._refresh()

    @property
    def lenses(self) -> list[str]:
        """The interceptions that stand here, in order."""
        return [lens.config_id for lens in self.columns]

    def look(self) -> None:
        """Send the idea through every lens."""
        engine = self._context.facts.engine
        settings = engine.settings
        idea = RunRequest(
            self.idea.text,
            "",
            language=self._kit.translator.language,
            safety_level=settings.safety_level,
            participant=settings.participant,
        )
        self.cancel()
        self.error_card.hide()
        try:
            for lens, request in zip(self.columns, lens_requests(idea, self.lenses, engine.catalog), strict=True):
                lens.show_run(self._runs.submit(request))
        except AppError as exc:
            self.error_card.show_error(exc.info())
        self._show_work()

    def cancel(self) -> None:
        """End every run of this page that has not ended."""
        for run in self._runs.live():
            self._context.facts.engine.runs.cancel(run.run_id)

    def set_lenses(self, config_ids: Sequence[str]) -> None:
        """Put these interceptions side by side; a text that stands below one that stays is kept."""
        for number, name in enumerate(config_ids[:MAX_LENSES]):
            if number == len(self.columns):
                self._append_column()
            if self.columns[number].config_id != name:
                self.columns[number].show_run(None)
                self.columns[number].set_card(name, self._cards.get(name))
        while len(self.columns) > len(config_ids):
            self._drop(self.columns[-1])
        self._after_change()

    def take_text(self, text: str) -> bool:
        """Put text into the idea; one undo brings the old one back."""
        self.idea.set_text(text)
        return True

    def escape(self) -> bool:
        """Cancel what works."""
        is_working = bool(self._runs.live())
        self.cancel()
        return is_working

    def showEvent(self, event: QShowEvent) -> None:
        """Here Ctrl+Enter looks, and Cancel ends this page's work."""
        super().showEvent(event)
        actions = self._context.actions
        mine = (
            WindowAction("make", "lens.look", self.look, "play", "Ctrl+Return", self._can_look),
            WindowAction("make_enter", "lens.look", self.look, "play", "Ctrl+Enter", self._can_look),
            WindowAction("cancel", "lens.cancel", self.cancel, "cancel", "", lambda: bool(self._runs.live())),
        )
        known = {action.id for action in mine}
        self._replaced = [action for action in actions.everything() if action.id in known]
        actions.add(*mine)
        self.idea.field.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Use the width there is."""
        super().resizeEvent(event)
        if self._fitting() != self._per_row:
            self._place()

    def hideEvent(self, event: QHideEvent) -> None:
        """Give the keys back."""
        super().hideEvent(event)
        self._context.actions.add(*self._replaced)

    def _lay_out(self) -> None:
        kit = self._kit
        self.same_seed = Label(kit, "lens.same_seed", "small")
        buttons = column(self.look_button, self.cancel_button, self.add_button, None, space=r.SPACE_2)
        side = QWidget()
        side.setLayout(buttons)
        head = row(self.idea, side, space=r.SPACE_4)
        head.setStretch(0, 1)
        top = QWidget()
        top.setLayout(head)
        top.setMaximumHeight(176)
        self.grid = QGridLayout()
        self.grid.setSpacing(r.SPACE_3)
        self.grid.setContentsMargins(0, 0, 0, 0)
        holder = QWidget()
        holder.setLayout(self.grid)
        self.area = QScrollArea()
        self.area.setWidget(holder)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = column(top, self.error_card, self.same_seed, self.area, self.empty, space=r.SPACE_3, margin=r.SPACE_4)
        for place in (3, 4):
            layout.setStretch(place, 1)
        self.setLayout(layout)

    def _connect(self) -> None:
        memory = self._context.memory
        self.look_button.clicked.connect(self.look)
        self.cancel_button.clicked.connect(self.cancel)
        self.add_button.clicked.connect(self._add)
        self.idea.changed.connect(lambda: memory.put("lens_idea", self.idea.field.toPlainText()))
        self.idea.files_dropped.connect(self._context.take_files)
        self._runs.changed.connect(self._on_runs_changed)
        self._runs.progressed.connect(self._on_runs_changed)
        self._runs.streamed.connect(self._on_runs_streamed)
        self._context.facts.changed.connect(self._refresh)
        self._kit.translator.language_changed.connect(self._refresh)

    def _refresh(self) -> None:
        """Make the cards anew: catalogue, models or language changed."""
        measured: dict[str, float] = self._context.memory.get("measured", {})
        self._cards = {card.id: card for card in interception_cards(self._kit, self._context.facts, measured)}
        if not self.columns and self._context.facts.is_known:
            remembered = [str(name) for name in self._context.memory.get("lenses", [])]
            chosen = [name for name in remembered if name in self._cards] or self._first_lenses()
            self.set_lenses(chosen)
        for lens in self.columns:
            lens.set_card(lens.config_id, self._cards.get(lens.config_id))
        if self._picker is not None:
            self._picker.set_items(self._cards.values())
        self._show_work()

    def _first_lenses(self) -> list[str]:
        runnable = [card for card in self._cards.values() if card.runnable and card.group_id != "free"]
        groups: dict[str, str] = {}
        for card in runnable:
            groups.setdefault(card.group_id, card.id)
        # One of each group is more to compare than three neighbours.
        return [*groups.values(), *(card.id for card in runnable if card.id not in groups.values())][:_FIRST_LENSES]

    def _add(self) -> None:
        self._pick_for(None)

    def _pick_for(self, lens: LensColumn | None) -> None:
        if self._picker is None:
            self._picker = PickerSheet(self._kit, self, "create.rules.pick")
            self._picker.picked.connect(self._on_picker_picked)
            self._picker.fix_requested.connect(self._on_picker_fix_requested)
            self._picker.set_items(self._cards.values())
        self._picking = lens
        self._picker.open_for(lens.config_id if lens is not None else "")

    def _on_picker_picked(self, config_id: str) -> None:
        names = self.lenses
        if self._picking is None:
            names.append(config_id)
        else:
            names[self.columns.index(self._picking)] = config_id
        self.set_lenses(names)

    def _on_picker_fix_requested(self, _config_id: str) -> None:
        if self._picker is not None:
            self._picker.close_sheet()
        self._context.show_page("settings", "models")

    def _append_column(self) -> None:
        lens = LensColumn(self._kit)
        lens.pick_requested.connect(partial(self._pick_for, lens))
        lens.remove_requested.connect(partial(self._remove, lens))
        lens.carry_requested.connect(partial(self._carry, lens))
        self.columns.append(lens)

    def _remove(self, lens: LensColumn) -> None:
        self._drop(lens)
        self._after_change()
        self.idea.field.setFocus()

    def _drop(self, lens: LensColumn) -> None:
        if lens.facts is not None and lens.facts.is_live:
            self._context.facts.engine.runs.cancel(lens.run_id)
        self.columns.remove(lens)
        self.grid.removeWidget(lens)
        lens.hide()
        lens.deleteLater()

    def _after_change(self) -> None:
        self._context.memory.put("lenses", self.lenses)
        self._place()
        self._show_work()

    def _fitting(self) -> int:
        return max(1, min(_PER_ROW, self.width() // _LENS_PX))

    def _place(self) -> None:
        """Put the lenses side by side, as many as have room."""
        self._per_row = self._fitting()
        for number, lens in enumerate(self.columns):
            self.grid.addWidget(lens, number // self._per_row, number % self._per_row)
        for place in range(MAX_LENSES):
            self.grid.setColumnStretch(place, 1 if place < min(len(self.columns), self._per_row) else 0)
            is_used = place * self._per_row < len(self.columns)
            self.grid.setRowStretch(place, 1 if is_used else 0)
            self.grid.setRowMinimumHeight(place, _LOWEST_LENS_PX if is_used else 0)

    def _carry(self, lens: LensColumn) -> None:
        if lens.facts is not None:
            self._context.carry_over(lens.facts.request, lens.run_id)

    def _can_look(self) -> bool:
        return bool(self.columns)

    def _show_work(self) -> None:
        is_working = bool(self._runs.live())
        self.look_button.setEnabled(self._can_look())
        self.cancel_button.setVisible(is_working)
        self.add_button.setEnabled(len(self.columns) < MAX_LENSES)
        self.area.setVisible(bool(self.columns))
        self.same_seed.setVisible(bool(self.columns))
        self.empty.setVisible(not self.columns)

    def _column_of(self, run_id: str) -> LensColumn | None:
        return next((lens for lens in self.columns if lens.run_id == run_id), None)

    def _on_runs_changed(self, run_id: str) -> None:
        if (lens := self._column_of(run_id)) is not None:
            lens.show_run(self._runs.get(run_id))
        self._show_work()

    def _on_runs_streamed(self, run_id: str, stage: StageName, text: str, _candidate: int) -> None:
        if stage is StageName.INTERCEPTION and (lens := self._column_of(run_id)) is not None:
            lens.append(text)


PAGE = PageSpec("lens", "eye", "page.lens", 15, LensPage)
