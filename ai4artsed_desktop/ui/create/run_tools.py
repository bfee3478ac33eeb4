"""Everything that can be done with the run in sight: as buttons, in menus, with keys and from the palette."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.ui.actions import WindowAction
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.create import run_again
from ai4artsed_desktop.ui.create.result_view import ResultView
from ai4artsed_desktop.ui.create.save_dialog import ask_where_to_save
from ai4artsed_desktop.ui.create.session_view import RunTool
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.session_runs import RunFacts


class RunTools:
    """Does it.

    Args:
        context: What every page is given.
        page: Dialogs belong to it.
        result: Shows the run.
        shown: Returns the run in sight.
        submit: Submits a request.
        take_over: Puts what a run was asked for into the boxes.
        throw_seed: Draws a new seed.
        removed: Called with the id of a run that was taken from the session.
        show_error: Shows an error that belongs to the run.
    """

    def __init__(
        self,
        context: PageContext,
        page: QWidget,
        result: ResultView,
        *,
        shown: Callable[[], RunFacts | None],
        submit: Callable[[RunRequest], object],
        take_over: Callable[[RunRequest], object],
        throw_seed: Callable[[], int],
        removed: Callable[[str], None],
        show_error: Callable[[ErrorInfo], None],
    ) -> None:
        self._context = context
        self._page = page
        self._result = result
        self._shown = shown
        self._submit = submit
        self._take_over = take_over
        self._throw_seed = throw_seed
        self._on_removed = removed
        self._show_error = show_error
        self._removed: list[RunFacts] = []
        self._saving = Background[None](page, lambda _: None, context.show_error)

    def tools(self) -> tuple[RunTool, ...]:
        """Return the buttons and lines of menus."""
        return (
            RunTool("again", "run.again", self._again_exactly),
            RunTool("dice", "run.new_seed", self._again_with_new_seed),
            RunTool("edit", "run.reuse", self._reuse),
            RunTool("folder", "run.folder", self._reveal),
            RunTool("copy", "action.copy", self._copy),
            RunTool("save", "action.save", self._save),
            RunTool("close", "run.remove", self.remove),
        )

    def actions(self) -> tuple[WindowAction, ...]:
        """Return the same for keys and palette."""

        def has_run() -> bool:
            return self._shown() is not None

        def has_ended() -> bool:
            facts = self._shown()
            return facts is not None and not facts.is_live

        def has_medium() -> bool:
            return self._result.medium is not None

        return (
            WindowAction("again", "run.again", self._again_exactly, "again", "", has_ended),
            WindowAction("new_seed", "run.new_seed", self._again_with_new_seed, "dice", "", has_run),
            WindowAction("reuse", "run.reuse", self._reuse, "edit", "", has_run),
            WindowAction("folder", "run.folder", self._reveal, "folder", "", has_run),
            WindowAction("save", "action.save", self._save, "save", "Ctrl+S", has_medium),
            WindowAction("code", "run.code", self._result.go_to_code, "code", "", has_run),
            WindowAction("remove", "run.remove", self.remove, "close", "", has_ended),
            WindowAction(
                "undo_remove", "run.undo_remove", self._undo_remove, "undo", "Ctrl+Z", lambda: bool(self._removed)
            ),
        )

    def remove(self) -> None:
        """Take the run in sight from the session; its folder stays, and one undo brings it back."""
        shown = self._shown()
        facts = self._context.runs.forget(shown.run_id) if shown is not None else None
        if facts is not None:
            self._removed.append(facts)
            self._on_removed(facts.run_id)

    def save_as(self, path: str) -> None:
        """Ask where a medium shall be saved, and copy it there."""
        source, copy_file = Path(path), self._context.desk.copy_file

        def save(target: Path) -> None:
            self._saving.start(lambda: copy_file(source, target))

        ask_where_to_save(self._context.kit, self._page, source, save)

    def _again_exactly(self) -> None:
        if (facts := self._shown()) is not None and not facts.is_live:
            runs = self._context.facts.engine.runs
            self._context.bridge.ask(runs.request_of(facts.run_id), self._submit, self._show_error)

    def _again_with_new_seed(self) -> None:
        if (facts := self._shown()) is not None:
            self._submit(run_again.with_seed(facts, self._throw_seed()))

    def _reuse(self) -> None:
        if (facts := self._shown()) is not None:
            self._take_over(facts.request)

    def _reveal(self) -> None:
        if (facts := self._shown()) is not None and facts.folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(facts.folder)))

    def _copy(self) -> None:
        if (preview := self._result.preview) is not None:
            preview.copy_button.click()

    def _save(self) -> None:
        medium = self._result.medium
        if medium is not None and (path := self._result.path_of(medium)):
            self.save_as(path)

    def _undo_remove(self) -> None:
        if self._removed:
            self._context.runs.remember(self._removed.pop())
