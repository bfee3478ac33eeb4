"""A project's captions as people change them: one undo per change, however many pictures it touched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

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
        # By project: caption by picture.
        self._unwritten: dict[str, dict[str, str]] = {}
        self._writing: dict[str, dict[str, str]] = {}
        self._lock = asyncio.Lock()
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
    def depth(self) -> int:
        """How many changes could be taken back now."""
        return self._stack.index()

    @property
    def can_redo(self) -> bool:
        """Whether there is a change to make again."""
        return self._stack.canRedo()

    def read(self, then: Callable[[Sequence[ProjectPicture]], None]) -> None:
        """Read what lies on disk, after what is being written; ``then`` hands it to ``load``."""
        self._link.ask(self._sync(self._link.name, is_read=True), then, self._show_error)

    def load(self, pictures: Sequence[ProjectPicture], *, is_same_project: bool) -> None:
        """Take over what was read; changes of another project cannot be undone any more."""
        self._pictures = {picture.name: picture for picture in pictures}
        # What is not yet written counts more than what was read before it.
        newer = self._writing.get(self._link.name, {}) | self._unwritten.get(self._link.name, {})
        self._captions = {picture.name: newer.get(picture.name, picture.caption) for picture in pictures}
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

    async def alone(self, project: str, call: Callable[[], Awaitable[None]]) -> None:
        """Carry out what adds or removes pictures while no caption is being written."""
        async with self._lock:
            await self._write(project)
            await call()

    def undo(self) -> None:
        """Take back the last change."""
        self._stack.undo()

    def redo(self) -> None:
        """Make the last change again that was taken back."""
        self._stack.redo()

    def _apply(self, captions: Mapping[str, str]) -> None:
        known = {name: text for name, text in captions.items() if name in self._captions}
        self._captions |= known
        project = self._link.name
        self._unwritten[project] = self._unwritten.get(project, {}) | known
        self.changed.emit()
        # The project gives an empty caption its trigger words: then it is read again.
        is_read = not all(known.values())
        self._link.ask(self._sync(project, is_read=is_read), self._after_write, self._on_failed)

    async def _sync(self, project: str, *, is_read: bool) -> Sequence[ProjectPicture]:
        """Write, then read if wanted. One at a time: two threads must never write one caption in the wrong order."""
        async with self._lock:
            await self._write(project)
            return await self._link.studio.pictures(project) if is_read else ()

    async def _write(self, project: str) -> None:
        while (batch := self._unwritten.pop(project, None)) is not None:
            self._writing = {project: batch}
            try:
                await self._link.service.set_captions(project, batch)
            finally:
                self._writing = {}

    def _after_write(self, pictures: Sequence[ProjectPicture]) -> None:
        if pictures:
            self.load(pictures, is_same_project=True)

    def _on_failed(self, error: ErrorInfo) -> None:
        self._show_error(error)
        self.read(self._after_write)


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
