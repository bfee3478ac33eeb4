"""The media models that outputs need, as a table: state, file, place, who needs it, size, source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon

from ai4artsed_desktop.engine.inventory import InventoryReport, NeedState
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.units import size_text

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_BYTES_PER_GB = 1_000_000_000

#: How the shipped configs name where a file comes from.
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)
COLUMNS = ("state", "file", "folder", "outputs", "size", "source")
#: State → (icon, role of its colour); the word stands beside it.
FACES: dict[NeedState, tuple[str, str]] = {
    "missing": ("circle", "muted"),
    "misplaced": ("warning", "warn"),
    "here": ("check", "good"),
}
#: What asks for something to be done comes first.
_ORDER: tuple[NeedState, ...] = ("misplaced", "missing", "here")


@dataclass(frozen=True, slots=True)
class InventoryRow:
    """One file.

    Attributes:
        folder: Where it belongs.
        outputs: Ids of the outputs that need it; none = it only lies in the wrong place.
        size_bytes: As documented, or of the file; None = unknown.
        path: Where it is; None = nowhere, or only the server knows.
    """

    name: str
    folder: str
    state: NeedState
    outputs: tuple[str, ...] = ()
    size_bytes: int | None = None
    source: str = ""
    licence: str = ""
    path: Path | None = None


def source_address(source: str) -> str:
    """Return the web page of a source, "" if it names none: an address, or ``owner/name`` on huggingface.co."""
    if source.startswith("https://"):
        return source
    return f"https://huggingface.co/{source}" if _REPOSITORY.fullmatch(source) else ""


def inventory_rows(report: InventoryReport) -> list[InventoryRow]:
    """Return a row per file: what is needed, and what lies in the wrong place without being needed."""
    rows = [
        InventoryRow(
            need.file.name,
            need.file.folder,
            need.state,
            need.outputs,
            None if need.file.size_gb is None else round(need.file.size_gb * _BYTES_PER_GB),
            need.file.source or "",
            need.file.licence or "",
            need.path,
        )
        for need in report.needs
    ]
    needed = {row.path for row in rows if row.path is not None}
    rows += [
        InventoryRow(file.name, file.kind, "misplaced", (), file.size_bytes, path=file.path)
        for file in report.misplaced
        if file.path not in needed
    ]
    return rows


class InventoryModel(QAbstractTableModel):
    """Rows, sorted by the column whose head was clicked last.

    Args:
        kit: Look, icons and words.
        output_name: Returns what people call an output.
    """

    def __init__(self, kit: Kit, output_name: Callable[[str], str], parent: QObject) -> None:
        super().__init__(parent)
        self._kit = kit
        self._output_name = output_name
        self._rows: list[InventoryRow] = []
        self._sorted_by = (COLUMNS.index("state"), Qt.SortOrder.AscendingOrder)

    def set_rows(self, rows: Iterable[InventoryRow]) -> None:
        """Show these files."""
        self._rows = list(rows)
        self.sort(*self._sorted_by)

    def item(self, row: int) -> InventoryRow:
        """Return a file."""
        return self._rows[row]

    def row_of(self, name: str) -> int | None:
        """Return where a file stands, None if it is not shown."""
        return next((number for number, row in enumerate(self._rows) if row.name == name), None)

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Files that are shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return the columns' names."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._kit.text(f"inventory.column.{COLUMNS[section]}")
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if COLUMNS[section] == "size" else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return a cell's words; the state has an icon as well, and every cell says all in its tool tip."""
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], COLUMNS[index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._words(row, column)
        if role == Qt.ItemDataRole.DecorationRole and column == "state":
            return self._icon(row.state)
        if role == Qt.ItemDataRole.ForegroundRole and column == "state":
            return self._kit.theme.color(FACES[row.state][1])
        if role == Qt.ItemDataRole.TextAlignmentRole and column == "size":
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; sizes by number, states by what asks for something to be done."""
        name = COLUMNS[column]
        self._sorted_by = (column, order)

        def key(row: InventoryRow) -> tuple[float, str]:
            if name == "size":
                return (row.size_bytes or 0, row.name)
            if name == "state":
                return (_ORDER.index(row.state), row.name.casefold())
            return (0, self._words(row, name).casefold())

        self.beginResetModel()
        self._rows.sort(key=key, reverse=order is Qt.SortOrder.DescendingOrder)
        self.endResetModel()

    def _icon(self, state: NeedState) -> QIcon:
        icon = QIcon()
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
            icon.addPixmap(self._kit.icons.pixmap(*FACES[state], 16, 2.0), mode)
        return icon

    def _words(self, row: InventoryRow, column: str) -> str:
        match column:
            case "state":
                return self._kit.text(f"inventory.state.{row.state}")
            case "outputs":
                return ", ".join(map(self._output_name, row.outputs)) or self._kit.text("inventory.nobody")
            case "size":
                known = row.size_bytes is not None
                return size_text(row.size_bytes or 0, self._kit.translator.language) if known else "?"
            case _:
                return {"file": row.name, "folder": row.folder, "source": row.source}[column]
