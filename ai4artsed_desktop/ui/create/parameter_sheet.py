"""Every parameter of the outputs picked."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QScrollArea, QWidget

from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.create.parameters import ParameterValues, parameter_field, parameters_of
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.flow_layout import FlowLayout
from ai4artsed_desktop.ui.widgets.sheet import Sheet

_FIELD_PX = 180


class ParameterSheet(Sheet):
    """One section per output: what everybody may want to set, then what is for the advanced."""

    def __init__(self, kit: Kit, parent: QWidget, values: ParameterValues) -> None:
        super().__init__(kit, parent, "parameters.title", max_width_px=720, fits_content=True)
        self._values = values
        self._catalog: Catalog | None = None
        self._output_ids: tuple[str, ...] = ()
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setSizeAdjustPolicy(QScrollArea.SizeAdjustPolicy.AdjustToContents)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.body.addWidget(self._area)
        kit.translator.language_changed.connect(self._fill)

    def open_for(self, catalog: Catalog, output_ids: Sequence[str]) -> None:
        """Open for these outputs."""
        self._catalog, self._output_ids = catalog, tuple(output_ids)
        self._fill()
        self.open_sheet()

    def _fill(self) -> None:
        if self._catalog is None:
            return
        sections = column(space=r.SPACE_4)
        for output_id in self._output_ids:
            sections.addWidget(self._section(self._catalog, output_id))
        sections.addStretch(1)
        holder = QWidget()
        holder.setLayout(sections)
        self._area.setWidget(holder)

    def _section(self, catalog: Catalog, output_id: str) -> QWidget:
        config = catalog.output(output_id).value
        name = Label(self._kit, look="strong")
        name.setWordWrap(False)
        name.setText(localized(config.name, self._kit.translator.language))
        reset = Button(self._kit, "parameters.reset", "undo", "quiet")
        reset.clicked.connect(lambda: (self._values.reset(output_id), self._fill()))
        layout = column(row(name, None, reset), space=r.SPACE_2)
        parameters = parameters_of(catalog, output_id)
        for is_advanced in (False, True):
            flow = FlowLayout(space=r.SPACE_3, fill=True)
            for key, mapping in parameters.items():
                if mapping.advanced == is_advanced:
                    field = parameter_field(self._kit, self._values, config, key, mapping)
                    flow.addWidget(_labelled(self._kit, field))
            if flow.count():
                if is_advanced:
                    layout.addWidget(Label(self._kit, "parameters.advanced", "overline"))
                layout.addLayout(flow)
        section = QWidget()
        section.setLayout(layout)
        return section


def _labelled(kit: Kit, field: QWidget) -> QWidget:
    label = Label(kit, look="small")
    label.setText(field.accessibleName())
    label.setBuddy(field)
    holder = QWidget()
    holder.setMinimumWidth(_FIELD_PX)
    holder.setLayout(column(label, field, space=2))
    return holder
