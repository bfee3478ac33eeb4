"""A project's captions as people change them: one undo per change, however many pictures it touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.training_studio import ProjectPicture
from ai4artsed_desktop.ui.train.link import TrainLink


class CaptionBook(QObject):
    """Holds the captions of the project in sight and writes what changes, in order.

    Args:
        link: The project in sight.
        show_error: Shows why something could not be written.
    """

    #: Captions are others now.
    changed = Signal()

    def __init__(self, link: TrainLink, show_error: Callable[[ErrorInfo], None], parent: QObject) -> None:
        super().__init__(parent)
        self._link = link
        self._show_error = show_error
        self._pictures: dict[str, ProjectPicture] = {}
        self._captions: dict[str, str] = {}
        self._unwritten: dict[str, str] = {}
        self._is_writing = False
        self._stack = QUndoStack(self)

    @property
    def pictures(self) -> Sequence[ProjectPicture]:
        """The pictures, by name; their captions stand in ``captions``."""
        return tuple(self._pictures.values())

    @property
    def captions(self) -> Mapping[str, str]:
        """Caption by picture."""
        return self._captions

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return self._stack.canUndo()

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to make again."""
        return self._stack.canRedo()

    def load(self, pictures: Sequence[ProjectPicture], *, is_same_project: bool) -> None:
        """Take over what lies on disk; changes of another project cannot be undone any more."""
        self._pictures = {picture.name: picture for picture in pictures}
        # What is not yet written counts more than what was read before it.
        self._captions = {picture.name: picture.caption for picture in pictures} | {
            name: text for name, text in self._unwritten.items() if name in self._pictures
        }
        if not is_same_project:
            self._stack.clear()
        self.changed.emit()

    def change(self, captions: Mapping[str, str]) -> int:
        """Change captions as one step that can be undone; return how many really changed."""
        clean = {name: " ".join(text.split()) for name, text in captions.items() if name in self._captions}
        new = {name: text for name, text in clean.items() if text != self._captions[name]}
        if new:
            old = {name: self._captions[name] for name in new}
            self._stack.push(_Change(self._apply, old, new))
        return len(new)

    def undo(self) -> None:
        """Take back the last change."""
        self._stack.undo()

    def redo(self) -> None:
        """Make the last change again that was taken back."""
        self._stack.redo()

    def _apply(self, captions: Mapping[str, str]) -> None:
        known = {name: text for name, text in captions.items() if name in self._captions}
        self._captions |= known
        self._unwritten |= known
        self.changed.emit()
        self._write()

    def _write(self) -> None:
        """One write at a time: two threads must never write one caption in the wrong order."""
        if self._is_writing or not self._unwritten:
            return
        self._is_writing = True
        batch, self._unwritten = self._unwritten, {}
        has_empty = not all(batch.values())

        def after(_result: object = None) -> None:
            self._is_writing = False
            if has_empty:
                self._reload()  # the project gives an empty caption its trigger words
            self._write()

        def failed(error: ErrorInfo) -> None:
            self._is_writing = False
            self._show_error(error)
            self._reload()

        self._link.ask(self._link.service.set_captions(self._link.name, batch), after, failed)

    def _reload(self) -> None:
        self._link.ask(self._link.studio.pictures(self._link.name), self._take, self._show_error)

    def _take(self, pictures: Sequence[ProjectPicture]) -> None:
        self.load(pictures, is_same_project=True)


class _Change(QUndoCommand):
    def __init__(
        self, apply: Callable[[Mapping[str, str]], None], old: Mapping[str, str], new: Mapping[str, str]
    ) -> None:
        super().__init__()
        self._apply, self._old, self._new = apply, old, new

    def redo(self) -> None:
        """Set the new captions."""
        self._apply(self._new)

    def undo(self) -> None:
        """Set the old ones."""
        self._apply(self._old)
