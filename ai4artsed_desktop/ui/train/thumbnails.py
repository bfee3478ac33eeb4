"""Small pictures for long grids: decoded off the window's thread, only for what is seen, and forgotten again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QThreadPool, Signal
from PySide6.QtGui import QImage

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.ui.pictures import read_upright

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
#: Longer side of a small picture, in pixels: a place in the grid on a screen of usual density, and half as much again.
THUMBNAIL_PX = 200
#: Small pictures kept (about 120 kB each), asked for and not yet begun, and decoded at a time.
_KEPT, _WAITING, _AT_ONCE = 400, 120, 2

#: The row's ``PictureItem``, and its small picture (None = not yet there).
ITEM_ROLE = int(Qt.ItemDataRole.UserRole) + 1
IMAGE_ROLE = int(Qt.ItemDataRole.UserRole) + 2


@dataclass(frozen=True, slots=True)
class PictureItem:
    """One place of a grid.

    Attributes:
        id: What is handed back.
        caption: The words below.
        path: The picture; None = there is none yet.
        note: Said instead of a picture that is not there, and read out.
        is_marked: Something is to be said about it: it gets a mark.
    """

    id: str
    caption: str = ""
    path: Path | None = None
    note: str = ""
    is_marked: bool = False


class _Courier(QObject):
    arrived = Signal(object, object)


class ThumbnailLoader(QObject):
    """Decodes what was asked for last first, so that a quick scroll never waits for what has gone by.

    Args:
        read: Reads a file; called in a worker. Raises AppError.
    """

    #: The small picture of this file is there.
    loaded = Signal(object)

    def __init__(self, read: Callable[[Path], bytes], parent: QObject) -> None:
        super().__init__(parent)
        #: Reads a file; called in a worker.
        self.read = read
        self._images: OrderedDict[Path, QImage] = OrderedDict()
        self._waiting: OrderedDict[Path, None] = OrderedDict()
        self._busy: set[Path] = set()
        # Not a child: a worker may still hold it after we went.
        self._courier = _Courier()
        self._courier.arrived.connect(self._on_courier_arrived)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being brought."""
        return not self._waiting and not self._busy

    def get(self, path: Path) -> QImage | None:
        """Return a small picture, or None and bring it; one that cannot be read is a null image."""
        image = self._images.get(path)
        if image is not None:
            self._images.move_to_end(path)
            return image
        if path not in self._busy:
            self._waiting[path] = None
            self._waiting.move_to_end(path)
            while len(self._waiting) > _WAITING:
                self._waiting.popitem(last=False)
            self._work()
        return None

    def forget(self) -> None:
        """Drop everything: the files behind the names may be others now."""
        self._images.clear()
        self._waiting.clear()

    def _work(self) -> None:
        while self._waiting and len(self._busy) < _AT_ONCE:
            path, _ = self._waiting.popitem()
            self._busy.add(path)
            QThreadPool.globalInstance().start(_decoding(path, self.read, self._courier))

    def _on_courier_arrived(self, path: Path, image: QImage) -> None:
        self._busy.discard(path)
        self._images[path] = image
        while len(self._images) > _KEPT:
            self._images.popitem(last=False)
        self.loaded.emit(path)
        self._work()


def _decoding(path: Path, read: Callable[[Path], bytes], courier: _Courier) -> Callable[[], None]:
    def run() -> None:
        try:
            image = read_upright(read(path), THUMBNAIL_PX)
        except AppError:
            image = QImage()  # the grid shows that there is none; the dataset check says why
        courier.arrived.emit(path, image)

    return run


class PictureModel(QAbstractListModel):
    """Rows of ``PictureItem``.

    Args:
        read: Reads a file; called in a worker.
        is_editable: Words can be typed in place.
    """

    #: Words were typed in place: id, text. Whoever owns the rows sets them.
    edited = Signal(str, str)

    def __init__(self, read: Callable[[Path], bytes], parent: QObject, *, is_editable: bool = False) -> None:
        super().__init__(parent)
        self._items: list[PictureItem] = []
        self._rows: dict[str, int] = {}
        self._rows_of_path: dict[Path, int] = {}
        self._is_editable = is_editable
        self.loader = ThumbnailLoader(read, self)
        self.loader.loaded.connect(self._on_loader_loaded)

    @property
    def items(self) -> Sequence[PictureItem]:
        """The rows."""
        return self._items

    def set_items(self, items: Iterable[PictureItem]) -> None:
        """Show other rows; where the ids are the same ones, what changed is updated in place."""
        new = list(items)
        if [item.id for item in new] == [item.id for item in self._items]:
            for row, (old, item) in enumerate(zip(self._items, new, strict=True)):
                if old != item:
                    self._items[row] = item
                    self.dataChanged.emit(self.index(row), self.index(row))
        else:
            self.beginResetModel()
            self._items = new
            self._rows = {item.id: row for row, item in enumerate(new)}
            self.endResetModel()
        self._rows_of_path = {item.path: row for row, item in enumerate(self._items) if item.path is not None}

    def row_of(self, item_id: str) -> int | None:
        """Return the row of an id, None without one."""
        return self._rows.get(item_id)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the words, the item, or its small picture (which is brought when it is first asked for)."""
        if not index.isValid():
            return None
        item = self._items[index.row()]
        if role == ITEM_ROLE:
            return item
        if role == IMAGE_ROLE:
            return self.loader.get(item.path) if item.path is not None else None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return item.caption
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return " · ".join(part for part in (item.id, item.caption, item.note) if part)
        return None

    def setData(self, index: _Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Tell the words that were typed."""
        if not index.isValid() or role != Qt.ItemDataRole.EditRole:
            return False
        item = self._items[index.row()]
        if str(value) != item.caption:
            self.edited.emit(item.id, str(value))
        return True

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Every row can be chosen, and edited where that is allowed."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if self._is_editable else flags

    def _on_loader_loaded(self, path: Path) -> None:
        row = self._rows_of_path.get(path)
        if row is not None and row < len(self._items):
            self.dataChanged.emit(self.index(row), self.index(row), [IMAGE_ROLE])
