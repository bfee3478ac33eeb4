"""The main window: rail, pages, banners, status bar; closing is a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QByteArray, QObject, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QMoveEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.engine.input_images import ImageUnwantedError
from ai4artsed_desktop.engine.ports import RunSummary
from ai4artsed_desktop.ui.actions import Actions, WindowAction
from ai4artsed_desktop.ui.bridge import EngineBridge
from ai4artsed_desktop.ui.close_sheet import CloseSheet
from ai4artsed_desktop.ui.desk import Desk
from ai4artsed_desktop.ui.drops import WORKFLOW_SUFFIXES, DropPlace, drop_kind, drop_place, local_paths
from ai4artsed_desktop.ui.facts import EngineFacts
from ai4artsed_desktop.ui.gpu.questions import VramQuestions
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.memory import WindowMemory
from ai4artsed_desktop.ui.model_drop import ModelDrop
from ai4artsed_desktop.ui.paging import Page, PageContext, PageSpec, discover_pages
from ai4artsed_desktop.ui.palette_entries import palette_entries
from ai4artsed_desktop.ui.session_runs import SessionRuns
from ai4artsed_desktop.ui.status_feed import StatusFeed
from ai4artsed_desktop.ui.widgets.banner import Banner, BannerArea
from ai4artsed_desktop.ui.widgets.basics import column, row
from ai4artsed_desktop.ui.widgets.drop_hint import DropHint
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.palette import CommandPalette
from ai4artsed_desktop.ui.widgets.rail import Rail, RailEntry
from ai4artsed_desktop.ui.widgets.sheet import Sheet
from ai4artsed_desktop.ui.widgets.status_bar import StatusBar
from ai4artsed_desktop.ui.workflow_sheet import WorkflowDrop

_DEFAULT_SIZE_PX = (1280, 800)
_MINIMUM_SIZE_PX = (720, 560)


class MainWindow(QWidget):
    """Everything the person sees.

    Args:
        kit: Look, icons and words.
        bridge: The way to the engine and back.
        desk: Files and folders as calls.
    """

    #: The window may be closed: nothing works any more, or the person agreed to end it. What stands here is saved.
    close_confirmed = Signal()
    #: Another page, or another place of one, is in sight.
    place_changed = Signal()

    def __init__(self, kit: Kit, bridge: EngineBridge, desk: Desk) -> None:
        super().__init__()
        self._kit = kit
        self._bridge = bridge
        self.memory = WindowMemory(desk, self)
        self.facts = EngineFacts(bridge, self)
        self.runs = SessionRuns(bridge, self)
        self.actions_list = Actions(self)
        self._context = PageContext(
            kit=kit,
            bridge=bridge,
            desk=desk,
            memory=self.memory,
            facts=self.facts,
            runs=self.runs,
            actions=self.actions_list,
            show_page=self.show_page,
            show_error=self.show_error,
            import_model=self.import_model,
            take_files=self.take_files,
            carry_over=self.carry_over,
        )
        self._specs: dict[str, PageSpec] = {spec.id: spec for spec in discover_pages()}
        self.pages: dict[str, Page] = {}
        self.palette_sheet: CommandPalette | None = None
        self.close_sheet: CloseSheet | None = None
        self.workflow_drop: WorkflowDrop | None = None
        self.training_notices: QObject | None = None
        self._is_closing = False
        self._lay_out()
        kit.translator.language_changed.connect(self.retranslate)
        self.retranslate()
        self.setAcceptDrops(True)
        self._come_back()
        self.model_drop = ModelDrop(kit, bridge, self.banners, self.show_error, self)
        self._add_actions()
        self._warn_administrator(desk)

    def engine_started(self, interrupted: Sequence[RunSummary]) -> None:
        """The engine works; ``interrupted`` runs of an earlier program are offered."""
        # The catalogue may have been read before anybody here listened.
        self.facts.refresh()
        if interrupted:
            self._offer_interrupted(interrupted)
        if self._bridge.engine.can_train:
            # Once the window can be used: the modules of trainings cost a tenth of its start.
            self.facts.changed.connect(self._find_trainings, Qt.ConnectionType.SingleShotConnection)

    def show_error(self, error: ErrorInfo) -> None:
        """Show an error that belongs to no place of a page, above everything and without stopping anything."""
        self.error_card.show_error(error)

    def close_without_asking(self) -> None:
        """Close now: the system wants it."""
        self._confirm_close()

    def release(self) -> None:
        """Stop what moves and sounds."""
        for page in self.pages.values():
            page.release()

    def show_page(self, page_id: str, place: str = "") -> None:
        """Go to a page, made on its first visit, and to a place on it."""
        page = self.pages.get(page_id)
        if page is None:
            page = self.pages[page_id] = self._specs[page_id].make(self._context)
            page.place_changed.connect(self.place_changed)
            self.stack.addWidget(page)
        self.stack.setCurrentWidget(page)
        self.rail.show_page(page_id)
        self.memory.put("page", page_id)
        if place:
            page.go_to(place)

    def import_model(self, path: Path) -> None:
        """Ask whether to copy a GGUF file or to use it where it lies, then do it."""
        banner = Banner(self._kit, "model", "info", "import.question", name=path.name)
        banner.add_action("import.copy", lambda: self._import(path, copy=True), "copy")
        banner.add_action("import.use", lambda: self._import(path, copy=False), "pin")
        self.banners.addWidget(banner)

    def carry_over(self, request: RunRequest, run_id: str) -> None:
        """Put a run's idea and choices into Create and show the run there."""
        self.show_page("create")
        self.pages["create"].take_request(request)
        self.pages["create"].take_run(run_id)

    def take_files(self, paths: Sequence[str]) -> None:
        """Bring each file to where it belongs: a model, a run folder, or a text for the idea."""
        for path in paths:
            self._take_file(Path(path))

    def take_workflow(self, path: Path, otherwise: Callable[[], object] | None = None) -> None:
        """Look for a ComfyUI workflow in a file and show it for confirmation; ``otherwise``: there is none."""
        if self.workflow_drop is None:
            self.workflow_drop = WorkflowDrop(
                self._kit, self, self._bridge, self._context.desk.read_bytes, self._on_workflow_saved, self.show_error
            )
        self.workflow_drop.take(path, otherwise)

    def open_palette(self) -> None:
        """Open the command palette."""
        if self.palette_sheet is None:
            self.palette_sheet = CommandPalette(self._kit, self)
        self.palette_sheet.open_with(palette_entries(self._context, self._specs.values(), self.pages.values()))

    def retranslate(self) -> None:
        """Set the words anew."""
        self.setWindowTitle(self._kit.text("window.title"))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask if work is running, otherwise agree; the app closes the engine first and the window then."""
        event.ignore()
        if self._is_closing:
            return
        # Every run counts, also those that a page keeps to itself.
        if active := self._bridge.engine.runs.active():
            if self.close_sheet is None:
                self.close_sheet = CloseSheet(self._kit, self)
                self.close_sheet.close_agreed.connect(self._confirm_close)
            self.close_sheet.open_for(len(active))
        else:
            self._confirm_close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc ends full screen or cancels, when no sheet and no field had a use for it."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
            return
        page = self.stack.currentWidget()
        if isinstance(page, Page) and not page.escape() and self.isFullScreen():
            self.showNormal()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take whatever has a place here, and say what will become of it."""
        if drop_kind(event.mimeData()) is not None:
            event.acceptProposedAction()
            places = {drop_place(path) for path in local_paths(event.mimeData())} or {DropPlace.IDEA}
            self.drop_hint.show_key(f"drop.{places.pop()}" if len(places) == 1 else "drop.several")

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Promise nothing any more."""
        self.drop_hint.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Bring what was dropped to its place."""
        self.drop_hint.hide()
        event.acceptProposedAction()
        text = event.mimeData().text()
        paths = local_paths(event.mimeData())
        if not paths:
            self.show_page("create")
            self.pages["create"].take_text(text)
        self.take_files([str(path) for path in paths])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Remember the size."""
        super().resizeEvent(event)
        self._remember_place()

    def moveEvent(self, event: QMoveEvent) -> None:
        """Remember the place."""
        super().moveEvent(event)
        self._remember_place()

    def _lay_out(self) -> None:
        specs = self._specs.values()
        self.rail = Rail(self._kit, [RailEntry(s.id, s.icon, s.key, s.is_at_bottom) for s in specs])
        self.rail.page_chosen.connect(self.show_page)
        self.stack = QStackedWidget()
        self.stack.currentChanged.connect(self.place_changed)
        self.error_card = ErrorCard(self._kit)
        banner_area = BannerArea()
        self.banners: QVBoxLayout = banner_area.rows
        self.banners.addWidget(self.error_card)
        self.status_bar = StatusBar(self._kit)
        self.status_bar.vram_asked.connect(lambda: self.show_page("studio", "gpu"))
        self._status = StatusFeed(self._kit, self._bridge, self.facts, self.runs, self.status_bar, self.show_error)
        self.vram_questions = VramQuestions(self._kit, self._bridge, self.banners, self)
        right = column(banner_area, self.stack, space=0)
        right.setStretch(1, 1)
        middle = row(self.rail, right, space=0)
        middle.setStretch(1, 1)
        frame = column(middle, self.status_bar, space=0)
        frame.setStretch(0, 1)
        self.setLayout(frame)
        self.setMinimumSize(*_MINIMUM_SIZE_PX)
        self.drop_hint = DropHint(self._kit, self)

    def _add_actions(self) -> None:
        self.actions_list.add(
            WindowAction("palette", "palette.title", self.open_palette, "search", "Ctrl+K"),
            WindowAction("full_screen", "window.full_screen", self._toggle_full_screen, "zoom-fit", "F11"),
            WindowAction("settings", "page.settings", lambda: self.show_page("settings"), "settings", "Ctrl+,"),
            WindowAction("models", "remedy.models", lambda: self.show_page("settings", "models"), "model"),
            WindowAction(
                "media_models", "remedy.media_models", lambda: self.show_page("studio", "media_models"), "picture"
            ),
            WindowAction("services", "remedy.services", lambda: self.show_page("studio", "services"), "studio"),
            WindowAction("keys", "remedy.keys", lambda: self.show_page("settings", "services"), "lock"),
            WindowAction("workflow", "workflow.import", self._choose_workflow, "plus"),
            WindowAction("free_memory", "remedy.free_memory", self._free_memory, "eraser"),
            WindowAction("quit", "window.quit", self.close, "close", "Ctrl+Q"),
        )

    def _choose_workflow(self) -> None:
        pattern = " ".join(f"*{suffix}" for suffix in WORKFLOW_SUFFIXES)
        dialog = QFileDialog(self, self._kit.text("workflow.import"), "", f"ComfyUI ({pattern})")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._on_workflow_chosen)
        dialog.open()

    def _on_workflow_chosen(self, name: str) -> None:
        self.take_workflow(Path(name))

    def _on_workflow_saved(self, output_id: str) -> None:
        self.show_page("create")
        self.pages["create"].take_output(output_id)

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def _free_memory(self) -> None:
        self._bridge.ask(self._bridge.engine.free_memory(), failed=self.show_error)

    def _come_back(self) -> None:
        """Look as the window was left."""
        geometry = self.memory.get("geometry", "")
        is_restored = bool(geometry) and self.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "ignore")))
        if not is_restored:
            self.resize(*_DEFAULT_SIZE_PX)
        page = self.memory.get("page", "create")
        self.show_page(page if page in self._specs else "create")

    def _remember_place(self) -> None:
        if self.isVisible() and not self.isFullScreen():
            self.memory.put("geometry", bytes(self.saveGeometry().toBase64().data()).decode("ascii"))

    def _warn_administrator(self, desk: Desk) -> None:
        if desk.is_administrator and not self.memory.get("knows_administrator", False):
            banner = Banner(self._kit, "warning", "warn", "notice.administrator")
            banner.closed.connect(lambda: self.memory.put("knows_administrator", True))
            self.banners.addWidget(banner)

    def _find_trainings(self) -> None:
        """A trainer outlives the window: one that still runs is found again, and who waits gets their turn."""
        # Imported now, with the other modules of trainings.
        from ai4artsed_desktop.ui.train.notices import TrainingNotices

        def place_in_sight() -> str:
            page = self.pages.get("train")
            return "" if page is None else page.place_in_sight()

        notices = self.training_notices = TrainingNotices(
            self._kit,
            self._bridge,
            self.banners,
            lambda place: self.show_page("train", place),
            place_in_sight,
            self.show_error,
            self,
        )
        self.place_changed.connect(notices.arrange)
        # The page may have judged what failed in the night before this does: then no event tells of it.
        self._bridge.ask(self._bridge.engine.training.attach(), lambda _: notices.refresh(), self.show_error)

    def _offer_interrupted(self, interrupted: Sequence[RunSummary]) -> None:
        first = interrupted[0]
        key = "notice.interrupted.one" if len(interrupted) == 1 else "notice.interrupted.many"
        banner = Banner(self._kit, "hourglass", "info", key, count=len(interrupted), text=_beginning(first.text))
        banner.add_action("notice.interrupted.go_on", lambda: self._continue(first.run_id), "play")
        banner.add_action("notice.interrupted.look", lambda: self._look_at([s.run_id for s in interrupted]), "eye")
        self.banners.addWidget(banner)

    def _continue(self, run_id: str) -> None:
        self.show_page("create")
        request = self._bridge.engine.runs.continue_request(run_id)
        self._bridge.ask(request, self.runs.submit, self.show_error)

    def _look_at(self, run_ids: list[str]) -> None:
        self.show_page("create")
        self.runs.open(reversed(run_ids), self.show_error)

    def _take_file(self, path: Path) -> None:
        match drop_place(path):
            case DropPlace.TEXT_MODEL:
                self.import_model(path)
            case DropPlace.JSON:
                self.show_page("create")
                self.take_workflow(path, lambda: self.pages["create"].take_interception(path))
            case DropPlace.RUN:
                self.show_page("create")
                self.pages["create"].take_run(path.name)
            case DropPlace.MODEL:
                self.model_drop.take(path)
            case DropPlace.PICTURE:
                self.show_page("create")
                if not self.pages["create"].take_picture(path):
                    unwanted = ImageUnwantedError(image=path.name, expected="–").info()
                    self.take_workflow(path, lambda: self.show_error(unwanted))
            case DropPlace.WORKFLOW:
                self.take_workflow(path)
            case DropPlace.IDEA:
                self.show_page("create")
                self.pages["create"].take_text_file(path)

    def _import(self, path: Path, *, copy: bool) -> None:
        service = self._bridge.engine.model_files
        self.show_page("settings", "models")
        self._bridge.ask(service.import_file(path, copy=copy), failed=self.show_error)

    def _confirm_close(self) -> None:
        if self._is_closing:
            return
        self._is_closing = True
        self.memory.flush()
        for sheet in self.findChildren(Sheet):
            sheet.close_sheet()
        # Gone at once for the person; ending the engine may take a moment.
        self.hide()
        self.close_confirmed.emit()


def _beginning(text: str) -> str:
    words = " ".join(text[:200].split())
    return words if len(words) <= 60 else f"{words[:60]} …"
