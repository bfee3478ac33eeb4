"""The page: projects at the left, the one in sight at the right, in four steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QScrollArea, QStackedWidget, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.training_ports import TrainerInfo
from ai4artsed_desktop.engine.training_studio import ProjectOverview
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.actions import WindowAction
from ai4artsed_desktop.ui.paging import Page, PageContext
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.train.delete_sheet import DeleteSheet
from ai4artsed_desktop.ui.train.link import TrainLink
from ai4artsed_desktop.ui.train.new_project import NewProjectSheet
from ai4artsed_desktop.ui.train.notices import PROJECT_PLACE
from ai4artsed_desktop.ui.train.pictures_tab import PicturesTab
from ai4artsed_desktop.ui.train.places_sheet import PlacesSheet
from ai4artsed_desktop.ui.train.plan_tab import PlanTab
from ai4artsed_desktop.ui.train.project_list import ProjectList
from ai4artsed_desktop.ui.train.result_tab import ResultTab
from ai4artsed_desktop.ui.train.run_tab import RunTab
from ai4artsed_desktop.ui.widgets.basics import Button, IconButton, IconLabel, Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.notice import Notice

_LIST_PX = 200
_TABS = ("pictures", "plan", "run", "result")
#: Where a project begins when it is opened, by its state; others begin with their pictures.
_FIRST_TAB = {
    "queued": "run",
    "running": "run",
    "stopping": "run",
    "failed": "run",
    "stopped": "run",
    "interrupted": "run",
    "finished": "result",
}


class TrainPage(Page):
    """Wires projects, pictures, plan, run and result to the engine."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._kit = kit = context.kit
        self._replaced: list[WindowAction] = []
        self._wanted = str(context.memory.get("train_project", ""))
        self.error_card = ErrorCard(kit)
        self.link = TrainLink(context.bridge, self.show_error, self)
        self.list = ProjectList(kit)
        self.new_button = Button(kit, "train.new", "plus")
        self.places_button = IconButton(kit, "settings", "train.places")
        self.missing = _Missing(context)
        self.title = Label(kit, look="section")
        self.about = Label(kit, look="muted")
        self.delete_button = IconButton(kit, "trash", "train.delete")
        self.tabs = {name: Button(kit, f"train.tab.{name}", "", "quiet") for name in _TABS}
        self.pictures = PicturesTab(context, self.link, self.show_error)
        self.plan = PlanTab(context, self.link)
        self.run = RunTab(context, self.link)
        self.result = ResultTab(context, self.link)
        self.stack = QStackedWidget()
        self.empty = Notice(kit, "train", "train.empty", "train.empty.text")
        self.empty.add_action("train.new", self.new_project, "plus")
        self.off = Notice(kit, "train", "train.off", "training.trainer.none")
        self._lay_out()
        self._connect()
        self._show_projects([])
        self.is_ready = context.bridge.engine.can_train
        self.off.setVisible(not self.is_ready)
        if self.is_ready:
            self.link.list_projects()
            self.look_for_trainer()
        else:
            self.empty.hide()
            self.new_button.setEnabled(False)
            self.places_button.setEnabled(False)

    @cached_property
    def new_sheet(self) -> NewProjectSheet:
        """The sheet that makes a project."""
        sheet = NewProjectSheet(self._kit, self, self._context.bridge)
        sheet.made.connect(self._on_made)
        return sheet

    @cached_property
    def places_sheet(self) -> PlacesSheet:
        """The sheet with the trainer's places."""
        sheet = PlacesSheet(self._kit, self, self._context.bridge)
        sheet.closed.connect(self.look_for_trainer)
        return sheet

    @cached_property
    def delete_sheet(self) -> DeleteSheet:
        """The sheet that deletes a project."""
        sheet = DeleteSheet(self._kit, self, self._context.bridge)
        sheet.deleted.connect(self._on_deleted)
        return sheet

    def show_error(self, error: ErrorInfo) -> None:
        """Show what no part of the page shows better."""
        self.error_card.show_error(error)

    def look_for_trainer(self) -> None:
        """Look whether a trainer is installed; without one, all but the training itself works."""
        self._context.bridge.ask(self.link.studio.trainer(), self._on_trainer, self._on_trainer_missing)

    def new_project(self, folder: Path | None = None) -> None:
        """Open the sheet that makes a project."""
        self.new_sheet.open_for(folder)

    def show_places(self) -> None:
        """Open the sheet with the trainer's places."""
        self.places_sheet.open_for()

    def delete_project(self) -> None:
        """Open the sheet that deletes the project in sight."""
        if self.link.name:
            self.delete_sheet.open_for(self.link.name)

    def show_tab(self, name: str) -> None:
        """Go to a step: ``pictures``, ``plan``, ``run`` or ``result``."""
        self.tabs[name].setChecked(True)
        self.stack.setCurrentIndex(_TABS.index(name))

    def go_to(self, place: str) -> None:
        """Show a step of the page, or (``project:NAME``) a project's run."""
        if place in _TABS:
            self.show_tab(place)
        elif place.startswith(PROJECT_PLACE):
            self._wanted = place.removeprefix(PROJECT_PLACE)  # the list may still be on its way
            self.list.show_project(self._wanted)
            self.show_tab("run")

    def place_in_sight(self) -> str:
        """Return the project whose run is on the screen."""
        return f"{PROJECT_PLACE}{self.link.name}" if self.link.name and self.run.isVisible() else ""

    def take_picture(self, path: Path) -> bool:
        """Take a picture dropped on the window into the project in sight."""
        if self.link.name:
            self.pictures.add([path])
        return bool(self.link.name)

    def showEvent(self, event: QShowEvent) -> None:
        """Here Ctrl+Enter starts what is planned, and Ctrl+Z takes back a change of captions."""
        super().showEvent(event)
        actions, pictures, book = self._context.actions, self.pictures, self.pictures.book

        def may_start() -> bool:
            return self.plan.can_start

        mine = (
            WindowAction("make", "train.start", self.plan.start, "play", "Ctrl+Return", may_start),
            WindowAction("make_enter", "train.start", self.plan.start, "play", "Ctrl+Enter", may_start),
            WindowAction("undo_remove", "train.undo", pictures.undo, "undo", "Ctrl+Z", lambda: pictures.can_undo),
            WindowAction(
                "train_redo",
                "train.redo",
                book.redo,
                "redo",
                "Ctrl+Shift+Z",
                lambda: book.can_redo and self.isVisible(),
            ),
        )
        known = {action.id for action in mine}
        self._replaced = [action for action in actions.everything() if action.id in known - {"train_redo"}]
        actions.add(*mine)
        if self.is_ready:
            self.link.list_projects()

    def hideEvent(self, event: QHideEvent) -> None:
        """Give the keys back."""
        super().hideEvent(event)
        self._context.actions.add(*self._replaced)

    def _lay_out(self) -> None:
        kit = self._kit
        left = QWidget()
        left.setFixedWidth(_LIST_PX)
        head = row(Label(kit, "train.title", "section"), None, self.places_button)
        column_left = column(head, self.new_button, self.list, space=r.SPACE_2)
        column_left.setStretch(2, 1)
        left.setLayout(column_left)
        group = QButtonGroup(self)
        for name, button in self.tabs.items():
            button.setCheckable(True)
            group.addButton(button, _TABS.index(name))
        for tab in (self.pictures, self.plan, self.run, self.result):
            self.stack.addWidget(tab)
        group.idClicked.connect(self._on_group_id_clicked)
        words = column(self.title, self.about, space=0)
        top = row(words, *self.tabs.values(), self.delete_button, space=r.SPACE_1)
        top.setStretch(0, 1)
        self.project = QWidget()
        inner = column(top, self.stack, space=r.SPACE_2)
        inner.setStretch(1, 1)
        self.project.setLayout(inner)
        right = column(self.error_card, self.missing, self.project, self.empty, self.off, space=r.SPACE_2)
        for place in (2, 3, 4):
            right.setStretch(place, 1)
        layout = row(left, right, space=r.SPACE_4, margin=r.SPACE_4)
        layout.setStretch(1, 1)
        content = QWidget()
        content.setLayout(layout)
        # In a window smaller than 1280 × 720 the page is moved about, never cut off.
        area = QScrollArea()
        area.setWidget(content)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setLayout(column(area, space=0))

    def _connect(self) -> None:
        self.new_button.clicked.connect(lambda: self.new_project())
        self.places_button.clicked.connect(self.show_places)
        self.delete_button.clicked.connect(self.delete_project)
        self.missing.way_wanted.connect(self.show_places)
        self.list.project_chosen.connect(self._on_project_chosen)
        self.link.listed.connect(self._show_projects)
        self.link.opened.connect(self._on_link_opened)
        self.link.changed.connect(self._on_link_changed)
        self.plan.started.connect(self._on_started)
        self.run.plan_wanted.connect(lambda: self.show_tab("plan"))
        self.stack.currentChanged.connect(self.place_changed)
        self._kit.translator.language_changed.connect(self._on_link_changed)

    def _show_projects(self, projects: Sequence[ProjectOverview]) -> None:
        self.list.projects.set_projects(projects)
        names = [overview.project.name for overview in projects]
        self.empty.setVisible(not names)
        if names and self._wanted not in names:
            self._wanted = names[0]
        if names:
            self.list.show_project(self._wanted)
        elif self.link.name:
            self.link.open("")
        self.project.setVisible(bool(self.link.name) and bool(names))

    def _on_project_chosen(self, name: str) -> None:
        self._wanted = name
        self._context.memory.put("train_project", name)
        if name != self.link.name:
            self.error_card.hide()
            self.link.open(name)

    def _on_link_opened(self) -> None:
        snapshot = self.link.snapshot
        self.project.setVisible(snapshot is not None)
        if snapshot is not None:
            self.show_tab(_FIRST_TAB.get(snapshot.state, "pictures"))
        self.place_changed.emit()

    def _on_link_changed(self) -> None:
        if self.link.snapshot is None:
            return
        project, family = self.link.project, self.link.family
        self.title.setText(project.name)
        parts = [family.name, project.trigger, project.notes.replace("\n", " ")]
        self.about.setText(" · ".join(part for part in parts if part))
        self.delete_button.setEnabled(not self.link.is_running)

    def _on_group_id_clicked(self, place: int) -> None:
        self.stack.setCurrentIndex(place)

    def _on_made(self, name: str) -> None:
        self._wanted = name
        self.link.list_projects()

    def _on_deleted(self, name: str) -> None:
        if self.link.name == name:
            self.link.open("")
        self._wanted = ""
        self.link.list_projects()

    def _on_started(self) -> None:
        self.show_tab("run")
        self.link.refresh()
        self.link.list_projects()

    def _on_trainer(self, _trainer: TrainerInfo) -> None:
        self.missing.hide()

    def _on_trainer_missing(self, error: ErrorInfo) -> None:
        self.missing.show_reason(error)


class _Missing(QFrame):
    """No trainer here: what still works, and the way to one."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._kit = kit = context.kit
        set_look(self, "card")
        self._error: ErrorInfo | None = None
        self.words = Label(kit, "train.missing", "strong")
        self.reason = Label(kit, look="muted")
        self.button = Button(kit, "train.missing.way", "compass")
        self.way_wanted = self.button.clicked
        icon = IconLabel(kit, "info", "info")
        line = row(icon, column(self.words, self.reason, space=2), self.button, space=r.SPACE_3, margin=r.SPACE_2)
        line.setStretch(1, 1)
        line.setAlignment(icon, Qt.AlignmentFlag.AlignTop)
        self.setLayout(line)
        kit.translator.language_changed.connect(self._retranslate)
        self.hide()

    def show_reason(self, error: ErrorInfo) -> None:
        """Say why there is none."""
        self._error = error
        self._retranslate()
        self.show()

    def _retranslate(self) -> None:
        if self._error is not None:
            self.reason.setText(self._kit.translator.error(self._error).why)
