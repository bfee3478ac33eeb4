"""Copies that were taken out of a project, and brought back by undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.ui.background import Background
from ai4artsed_desktop.ui.desk import Desk
from ai4artsed_desktop.ui.train.captions import CaptionBook
from ai4artsed_desktop.ui.train.link import TrainLink

#: More at once than this are not kept in memory; then there is no undo.
_MOST = 200


@dataclass(frozen=True, slots=True)
class _Removal:
    """What one removal took; ``depth`` = how many caption changes could be undone then."""

    pictures: tuple[tuple[bytes, str, str], ...]
    depth: int


class Removals(QObject):
    """Removes copies after having read them, so that Ctrl+Z brings them back as long as the page lives.

    Args:
        desk: Reads files and keeps pictures.
        link: The project in sight.
        book: Its captions.
        show_error: Shows what did not work.
    """

    #: The project has other pictures now.
    changed = Signal()

    def __init__(
        self,
        desk: Desk,
        link: TrainLink,
        book: CaptionBook,
        show_error: Callable[[ErrorInfo], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._link = link
        self._book = book
        self._show_error = show_error
        self._done: list[_Removal] = []
        self._names: list[str] = []
        self._reading = Background[_Removal](self, self._on_read, show_error)
        self._keeping = Background[list[tuple[Path, str]]](self, self._on_kept, show_error)
        link.opened.connect(self._done.clear)

    @property
    def is_next(self) -> bool:
        """Whether a removal is what undo takes back next, and no caption change after it."""
        return bool(self._done) and self._book.depth <= self._done[-1].depth

    def remove(self, names: Sequence[str]) -> None:
        """Remove copies by their names; the person's originals stay."""
        self._names = list(names)
        chosen, captions, depth = set(names), self._book.captions, self._book.depth
        taken = [(p.path, captions[p.name]) for p in self._book.pictures if p.name in chosen]
        read = self._desk.read_bytes

        def work() -> _Removal:
            kept = taken if len(taken) <= _MOST else []
            return _Removal(tuple((read(path), path.suffix.lstrip("."), words) for path, words in kept), depth)

        self._reading.start(work)

    def undo(self) -> None:
        """Bring back what the last removal took."""
        removal, keep = self._done.pop(), self._desk.keep_picture
        self._keeping.start(lambda: [(keep(data, suffix), words) for data, suffix, words in removal.pictures])

    def _on_read(self, removal: _Removal) -> None:
        def then(_none: None) -> None:
            if removal.pictures:
                self._done.append(removal)
            self.changed.emit()

        name, names, service = self._link.name, tuple(self._names), self._link.service
        removing = self._book.alone(name, lambda: service.remove_pictures(name, names))
        self._link.ask(removing, then, self._show_error)

    def _on_kept(self, pictures: list[tuple[Path, str]]) -> None:
        link, name = self._link, self._link.name

        async def bring_back() -> None:
            # One by one: a damaged one is refused, and must not give its caption to another.
            for path, words in pictures:
                for made in await link.studio.add(name, [path]):
                    await link.service.set_captions(name, {made: words})

        def failed(error: ErrorInfo) -> None:
            self._show_error(error)
            self.changed.emit()

        link.ask(self._book.alone(name, bring_back), lambda _: self.changed.emit(), failed)
