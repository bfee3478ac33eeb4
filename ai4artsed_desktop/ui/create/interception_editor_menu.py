"""What can be done with interceptions beside picking them: make, copy, change, share, take in, delete, bring back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from ai4artsed_desktop.domain.configs import InterceptionConfig
from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.interception_files import DeletedInterception, InterceptionDraft, can_edit
from ai4artsed_desktop.ui.actions import WindowAction
from ai4artsed_desktop.ui.create.interception_editor import InterceptionEditor
from ai4artsed_desktop.ui.paging import PageContext


@dataclass(frozen=True, slots=True)
class _Entry:
    icon: str
    key: str
    do: Callable[[], None]
    is_possible: bool


class InterceptionMenu(QObject):
    """The menu of the rules box, and the same things as actions of the palette.

    Args:
        context: What every page is given.
        page: The widget that the editor covers.
        config: Returns the interception picked now.
        sample: Returns the idea of the moment, to try a draft with.
    """

    #: An interception was saved, taken in or brought back: its id.
    made = Signal(str)
    #: One was deleted: what brings it back, and its name.
    deleted = Signal(object, str)

    def __init__(
        self,
        context: PageContext,
        page: QWidget,
        config: Callable[[], InterceptionConfig | None],
        sample: Callable[[], str],
    ) -> None:
        super().__init__(page)
        self._context = context
        self._page = page
        self._config = config
        self._sample = sample
        self.editor: InterceptionEditor | None = None
        context.actions.add(
            WindowAction("interception_new", "editor.new", self.new, "plus"),
            WindowAction("interception_copy", "editor.copy", self.copy, "copy", "", lambda: self._can("copy")),
            WindowAction("interception_edit", "editor.edit", self.edit, "edit", "", lambda: self._can("edit")),
            WindowAction("interception_share", "editor.share", self.share, "save", "", lambda: self._can("share")),
            WindowAction("interception_import", "editor.import", self.choose_file, "folder"),
            WindowAction("interception_delete", "editor.delete", self.delete, "trash", "", lambda: self._can("delete")),
        )

    def open_menu(self, below: QWidget) -> None:
        """Open the menu under a button."""
        # popup, not exec: no loop inside the loop.
        self.menu_for(below).popup(below.mapToGlobal(below.rect().bottomLeft()))

    def menu_for(self, parent: QWidget) -> QMenu:
        """Return the menu; what cannot be done with the interception picked now is there, but not enabled."""
        menu = QMenu(parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for entry in self._entries():
            icon, words = self._context.kit.icons.icon(entry.icon), self._context.kit.text(entry.key)
            action = menu.addAction(icon, words)
            action.setEnabled(entry.is_possible)
            action.triggered.connect(entry.do)
        return menu

    def new(self) -> None:
        """Begin a new interception."""
        self._open(InterceptionDraft())

    def copy(self) -> None:
        """Begin a copy of the one picked now."""
        if (config := self._config()) is not None and can_edit(config):
            suffixes = {"en": " (copy)", "de": " (Kopie)"}
            self._open(self._context.facts.engine.interceptions.copy_of(config.id, suffixes))

    def edit(self) -> None:
        """Change the one picked now, if it is the person's own."""
        if (config := self._config()) is not None and self._can("edit"):
            self._open(self._context.facts.engine.interceptions.draft_of(config.id))

    def share(self) -> None:
        """Save the one picked now as one file."""
        config = self._config()
        if config is None:
            return
        dialog = self._dialog("editor.share")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.selectFile(f"{config.id}.json")

        def export(path: str) -> None:
            service = self._context.facts.engine.interceptions
            self._context.bridge.ask(service.export(config.id, Path(path)), failed=self._context.show_error)

        dialog.fileSelected.connect(export)
        dialog.open()

    def choose_file(self) -> None:
        """Ask which shared file to take in."""
        dialog = self._dialog("editor.import")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter("JSON (*.json)")
        dialog.fileSelected.connect(self.take_in)
        dialog.open()

    def take_in(self, path: str) -> None:
        """Take in a shared interception."""
        self._import(Path(path), self._context.show_error)

    def take_dropped(self, path: Path, as_text: Callable[[Path], object]) -> None:
        """Take in a file that was dropped; JSON that is no interception goes to ``as_text``."""

        def failed(error: ErrorInfo) -> None:
            if error.params.get("cause") == "catalog.problem.not_an_interception":
                as_text(path)
            else:
                self._context.show_error(error)

        self._import(path, failed)

    def delete(self) -> None:
        """Delete the one picked now, if it is the person's own."""
        if (config := self._config()) is None or not self._can("delete"):
            return
        name = self._name(config)
        service = self._context.facts.engine.interceptions

        def tell(deleted: DeletedInterception) -> None:
            self.deleted.emit(deleted, name)

        self._context.bridge.ask(service.delete(config.id), tell, self._context.show_error)

    def restore(self, deleted: DeletedInterception) -> None:
        """Bring a deleted one back."""
        service = self._context.facts.engine.interceptions
        self._context.bridge.ask(service.restore(deleted), self.made.emit, self._context.show_error)

    def _entries(self) -> tuple[_Entry, ...]:
        return (
            _Entry("plus", "editor.new", self.new, True),
            _Entry("copy", "editor.copy", self.copy, self._can("copy")),
            _Entry("edit", "editor.edit", self.edit, self._can("edit")),
            _Entry("save", "editor.share", self.share, self._can("share")),
            _Entry("folder", "editor.import", self.choose_file, True),
            _Entry("trash", "editor.delete", self.delete, self._can("delete")),
        )

    def _can(self, what: str) -> bool:
        config = self._config()
        if config is None:
            return False
        is_own = self._context.facts.engine.interceptions.is_own(config.id)
        return {
            "copy": can_edit(config),
            "edit": is_own and can_edit(config),
            "share": True,
            "delete": is_own,
        }[what]

    def _open(self, draft: InterceptionDraft) -> None:
        if self.editor is None:
            self.editor = InterceptionEditor(self._context, self._page)
            self.editor.saved.connect(self.made)
        self._context.show_page("create", "")
        self.editor.open_for(draft, self._sample() or self._context.kit.text("editor.sample.text"))

    def _import(self, path: Path, failed: Callable[[ErrorInfo], None]) -> None:
        service = self._context.facts.engine.interceptions
        self._context.bridge.ask(service.import_file(path), self.made.emit, failed)

    def _dialog(self, key: str) -> QFileDialog:
        dialog = QFileDialog(self._page, self._context.kit.text(key))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return dialog

    def _name(self, config: InterceptionConfig) -> str:
        return config.name.get(self._context.kit.translator.language) or next(iter(config.name.values()))
