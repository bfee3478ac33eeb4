"""Media models: what every output needs, what is here, missing or misplaced; moving and importing on request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QFileDialog, QHeaderView, QLineEdit, QTableView, QWidget

from ai4artsed_desktop.domain.errors import ErrorInfo, UnknownEntryError
from ai4artsed_desktop.domain.events import CatalogReloaded, Event, ModelsChanged
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.inventory import ImportCandidate, InventoryReport
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.studio.import_sheet import ImportSheet
from ai4artsed_desktop.ui.studio.inventory_model import (
    COLUMNS,
    InventoryModel,
    InventoryRow,
    inventory_rows,
    source_address,
)
from ai4artsed_desktop.ui.studio.works import Works
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, frame, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.fields import ChoiceField

_STATES = ("all", "missing", "misplaced", "here")
_WIDTHS_PX = {"state": 150, "folder": 140, "size": 90}
_ROW_PX = 32
#: Characters of an output's name that are always to be seen.
_SHORTEST_NAME = 16


class InventorySection(QWidget):
    """A table and what can be done with its files. It looks whenever it is shown.

    Args:
        context: What every page is given.
    """

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        self._inventory = context.bridge.engine.inventory
        self._report: InventoryReport | None = None
        self._is_looking = False
        self._is_stale = False
        self.sheet: ImportSheet | None = None
        kit = context.kit
        self.model = InventoryModel(kit, self._output_name, self)
        self.table = QTableView()
        self.summary = Label(kit, "inventory.looking", "muted")
        self.filter = QLineEdit()
        self.filter.setClearButtonEnabled(True)
        self.which = ChoiceField(kit)
        self.output = ChoiceField(kit)
        self.output.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.output.setMinimumContentsLength(_SHORTEST_NAME)
        self.import_button = Button(kit, "inventory.import.choose", "folder")
        self.look_button = Button(kit, "services.look", "again", "quiet")
        self.details = Label(kit, "inventory.details.none", "small")
        self.move_button = Button(kit, "inventory.move", "swap")
        self.source_button = Button(kit, "inventory.open_source", "arrow", "quiet")
        self.error_card = ErrorCard(kit)
        self.works = Works(
            kit,
            context.bridge,
            "",
            lambda name: name in self._inventory.active_imports(),
            self._inventory.cancel_import,
        )
        self._set_up_table()
        self._lay_out()
        self._connect()
        self.retranslate()

    def look(self) -> None:
        """Look through the folders; while one look is under way, the next one waits for it."""
        if self._is_looking:
            self._is_stale = True
            return
        self._is_looking, self._is_stale = True, False
        self.look_button.setEnabled(False)
        self._context.bridge.ask(self._inventory.look(), self._on_looked, self._on_failed)

    def read_source(self, source: Path) -> None:
        """Show what of a folder could be brought in."""
        self.error_card.hide()

        def offer(found: Sequence[ImportCandidate]) -> None:
            if self.sheet is None:
                self.sheet = ImportSheet(self._context.kit, self)
                self.sheet.agreed.connect(self.bring_in)
            self.sheet.open_for(str(source), found)

        self._context.bridge.ask(self._inventory.candidates(source), offer, self.error_card.show_error)

    def bring_in(self, candidates: Sequence[ImportCandidate]) -> None:
        """Copy these files to where they belong."""
        for candidate in candidates:
            self.works.begin(candidate.name)
            self._context.bridge.ask(
                self._inventory.start_import(candidate),
                failed=lambda error, name=candidate.name: self.works.fail(name, error),
            )

    def showEvent(self, event: QShowEvent) -> None:
        """Look at once."""
        super().showEvent(event)
        self.look()

    def retranslate(self) -> None:
        """Set the words anew."""
        text = self._context.kit.text
        self.filter.setPlaceholderText(text("inventory.filter"))
        self.filter.setAccessibleName(text("inventory.filter"))
        self.table.setAccessibleName(text("inventory.table"))
        self.which.setAccessibleName(text("inventory.which"))
        self.output.setAccessibleName(text("inventory.output"))
        self.which.set_options(
            [(state, text(f"inventory.which.{state}")) for state in _STATES], self.which.value or "all"
        )
        self._show_report()

    def _set_up_table(self) -> None:
        table, across, down = self.table, self.table.horizontalHeader(), self.table.verticalHeader()
        table.setModel(self.model)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        down.hide()
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultSectionSize(_ROW_PX)
        across.setHighlightSections(False)
        for place, name in enumerate(COLUMNS):
            is_fixed = name in _WIDTHS_PX
            mode = QHeaderView.ResizeMode.Fixed if is_fixed else QHeaderView.ResizeMode.Stretch
            across.setSectionResizeMode(place, mode)
            if is_fixed:
                table.setColumnWidth(place, _WIDTHS_PX[name])
        across.setSortIndicator(COLUMNS.index("state"), Qt.SortOrder.AscendingOrder)
        table.setSortingEnabled(True)

    def _lay_out(self) -> None:
        kit = self._context.kit
        head = row(Label(kit, "inventory.title", "section"), self.import_button, self.look_button)
        head.setStretch(0, 1)
        tools = row(self.filter, self.which, self.output)
        tools.setStretch(0, 1)
        foot = row(self.details, self.move_button, self.source_button)
        foot.setStretch(0, 1)
        ground = frame("card")
        parts = (head, self.summary, self.error_card, self.works, tools, self.table, foot)
        layout = column(*parts, space=r.SPACE_2, margin=r.SPACE_4)
        layout.setStretch(parts.index(self.table), 1)
        ground.setLayout(layout)
        self.setLayout(column(ground))

    def _connect(self) -> None:
        self.filter.textChanged.connect(self._show_rows)
        self.which.chosen.connect(self._show_rows)
        self.output.chosen.connect(self._show_rows)
        self.table.selectionModel().currentRowChanged.connect(self._show_details)
        self.model.modelReset.connect(self._show_details)
        self.look_button.clicked.connect(self.look)
        self.import_button.clicked.connect(self._on_import_button_clicked)
        self.move_button.clicked.connect(self._on_move_button_clicked)
        self.source_button.clicked.connect(self._on_source_button_clicked)
        self._context.bridge.engine_event.connect(self._on_bridge_engine_event)
        self._context.kit.translator.language_changed.connect(self.retranslate)

    def _output_name(self, output_id: str) -> str:
        try:
            config = self._context.bridge.engine.catalog.output(output_id).value
        except UnknownEntryError:
            return output_id  # the catalogue was read again since the look
        return localized(config.name, self._context.kit.translator.language)

    def _show_report(self) -> None:
        report, kit = self._report, self._context.kit
        self.output.setEnabled(report is not None)
        if report is None:
            self.output.set_options([("", kit.text("inventory.output.all"))], "")
            self._show_details()
            return
        missing = [need for need in report.needs if need.state == "missing"]
        key = "inventory.summary" if report.roots or report.has_server else "inventory.nowhere"
        size = size_text(round(report.missing_gb * 1e9), kit.translator.language)
        here = sum(need.state == "here" for need in report.needs)
        self.summary.set_key(key, here=here, all=len(report.needs), missing=len(missing), size=size)
        outputs = dict.fromkeys(name for need in report.needs for name in need.outputs)
        named = sorted(((name, self._output_name(name)) for name in outputs), key=lambda pair: pair[1].casefold())
        self.output.set_options([("", kit.text("inventory.output.all")), *named], self.output.value or "")
        self._show_rows()

    def _show_rows(self) -> None:
        if self._report is None:
            return
        words = self.filter.text().casefold().split()
        which, output = self.which.value, self.output.value
        self.model.set_rows(
            found
            for found in inventory_rows(self._report)
            if which in ("all", found.state)
            and (not output or output in found.outputs)
            and all(word in f"{found.name} {found.folder}".casefold() for word in words)
        )

    def _current(self) -> InventoryRow | None:
        index = self.table.currentIndex()
        return self.model.item(index.row()) if index.isValid() else None

    def _show_details(self) -> None:
        found = self._current()
        self.move_button.setEnabled(found is not None and found.state == "misplaced" and found.path is not None)
        self.source_button.setEnabled(found is not None and bool(source_address(found.source)))
        if found is None:
            self.details.set_key("inventory.details.none")
            return
        where = str(found.path) if found.path is not None else found.folder
        key = "inventory.details.here" if found.path is not None else "inventory.details.belongs"
        self.details.set_key(key, name=found.name, path=where, licence=found.licence or "–")

    def _on_looked(self, report: InventoryReport) -> None:
        self._end_look()
        chosen = self._current()
        self._report = report
        self._show_report()
        if chosen is not None and (place := self.model.row_of(chosen.name)) is not None:
            self.table.selectRow(place)

    def _on_failed(self, error: ErrorInfo) -> None:
        self._end_look()
        self.error_card.show_error(error)

    def _end_look(self) -> None:
        self._is_looking = False
        self.look_button.setEnabled(True)
        if self._is_stale:
            self.look()

    def _on_import_button_clicked(self) -> None:
        dialog = QFileDialog(self, self._context.kit.text("inventory.import"), "")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.fileSelected.connect(self._on_dialog_file_selected)
        dialog.open()

    def _on_dialog_file_selected(self, folder: str) -> None:
        self.read_source(Path(folder))

    def _on_move_button_clicked(self) -> None:
        if (found := self._current()) is not None and found.path is not None:
            self.error_card.hide()
            self._context.bridge.ask(self._inventory.move(found.path), failed=self.error_card.show_error)

    def _on_source_button_clicked(self) -> None:
        if (found := self._current()) is not None:
            QDesktopServices.openUrl(QUrl(source_address(found.source)))

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, ModelsChanged | CatalogReloaded) and self.isVisible():
            self.look()
