"""What of a folder or a stick could be copied to the media models: ticked is what outputs need and is missing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QIcon, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QListView, QWidget

from ai4artsed_desktop.engine.inventory import ImportCandidate
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.theme import set_look
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, frame, row
from ai4artsed_desktop.ui.widgets.sheet import Sheet


class ImportSheet(Sheet):
    """A list with ticks and one button."""

    #: Copy these: a tuple of ``ImportCandidate``.
    agreed = Signal(tuple)

    def __init__(self, kit: Kit, parent: QWidget) -> None:
        super().__init__(kit, parent, "inventory.import", max_width_px=760, max_height_px=560)
        self._candidates: tuple[ImportCandidate, ...] = ()
        self._source = ""
        self.model = QStandardItemModel(self)
        self.summary = Label(kit, look="muted")
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.copy_button = Button(kit, "inventory.import.copy", "copy", "primary")
        self.copy_button.clicked.connect(self._on_copy_button_clicked)
        set_look(self.list, "ticks")
        self.list.clicked.connect(self._on_list_clicked)
        self.model.itemChanged.connect(self._on_model_item_changed)
        ground = frame("sunken")
        ground.setLayout(column(self.list))
        self.body.addWidget(self.summary)
        self.body.addWidget(ground, 1)
        self.body.addLayout(row(None, self.copy_button))
        kit.translator.language_changed.connect(self.retranslate)

    def open_for(self, source: str, candidates: Sequence[ImportCandidate]) -> None:
        """Open for what was found in a folder."""
        self._source, self._candidates = source, tuple(candidates)
        self.retranslate()
        self.open_sheet(self.list if candidates else None)

    def chosen(self) -> tuple[ImportCandidate, ...]:
        """Return what is ticked."""
        ticked = (
            self.model.item(place).checkState() == Qt.CheckState.Checked for place in range(self.model.rowCount())
        )
        return tuple(found for found, is_ticked in zip(self._candidates, ticked, strict=True) if is_ticked)

    def retranslate(self) -> None:
        """Set the words anew; what was ticked is as it was at first."""
        self.list.setAccessibleName(self._kit.text("inventory.import.list"))
        self.model.clear()
        for candidate in self._candidates:
            self.model.appendRow(self._item(candidate))
        self._show_sum()

    def _item(self, candidate: ImportCandidate) -> QStandardItem:
        size = size_text(candidate.size_bytes, self._kit.translator.language)
        key = "inventory.import.needed" if candidate.is_needed else "inventory.import.item"
        item = QStandardItem(self._kit.text(key, name=candidate.name, folder=candidate.folder, size=size))
        item.setToolTip(str(candidate.path))
        item.setCheckable(True)
        item.setCheckState(Qt.CheckState.Checked if candidate.is_needed else Qt.CheckState.Unchecked)
        item.setIcon(self._icon(item))
        return item

    def _icon(self, item: QStandardItem) -> QIcon:
        """The tick as the window draws it: the style's own cannot be seen in every theme."""
        is_ticked = item.checkState() == Qt.CheckState.Checked
        name, role = ("check", "good") if is_ticked else ("circle", "muted")
        icon = QIcon()
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
            icon.addPixmap(self._kit.icons.pixmap(name, role, 16, 2.0), mode)
        return icon

    def _show_sum(self) -> None:
        if self.model.rowCount() != len(self._candidates):
            return  # it is being filled
        chosen = self.chosen()
        size = size_text(sum(candidate.size_bytes for candidate in chosen), self._kit.translator.language)
        if self._candidates:
            self.summary.set_key(
                "inventory.import.sum", source=self._source, found=len(self._candidates), count=len(chosen), size=size
            )
        else:
            self.summary.set_key("inventory.import.none", source=self._source)
        self.copy_button.setEnabled(bool(chosen))

    def _on_list_clicked(self, index: QModelIndex) -> None:
        item = self.model.itemFromIndex(index)
        is_ticked = item.checkState() == Qt.CheckState.Checked
        item.setCheckState(Qt.CheckState.Unchecked if is_ticked else Qt.CheckState.Checked)

    def _on_model_item_changed(self, item: QStandardItem) -> None:
        self.model.blockSignals(True)  # an icon is a change, too
        item.setIcon(self._icon(item))
        self.model.blockSignals(False)
        self.list.viewport().update()
        self._show_sum()

    def _on_copy_button_clicked(self) -> None:
        chosen = self.chosen()
        self.close_sheet()
        self.agreed.emit(chosen)
