"""The second text of outputs that take two, such as lyrics beside tags. It stands below the idea, and only then."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.text import clean_text, localized
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.templates import second_text_parameter
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.basics import Label, column
from ai4artsed_desktop.ui.widgets.prose import ProseEdit


class SecondText(QWidget):
    """A title and a field; both say what the chunk says of its second text."""

    #: The text changed.
    changed = Signal()

    def __init__(self, kit: Kit, text: str = "") -> None:
        super().__init__()
        self._kit = kit
        self._title = Label(kit, look="small")
        self.field = ProseEdit(kit, min_lines=2)
        self.field.setPlainText(text)
        self.field.textChanged.connect(self.changed)
        self._title.setBuddy(self.field)
        self.setLayout(column(self._title, self.field, space=r.SPACE_1))
        self.hide()

    @property
    def text(self) -> str:
        """The text, empty while no output takes it; what was typed stays for the next one that does."""
        return "" if self.isHidden() else clean_text(self.field.toPlainText())

    def show_outputs(self, catalog: Catalog, output_ids: list[str]) -> None:
        """Show the field if one of the outputs takes a second text, in that output's words."""
        known = (catalog.outputs[name].value for name in output_ids if name in catalog.outputs)
        found = (second_text_parameter(catalog.chunk(config.chunk).value) for config in known)
        parameter = next((place for place in found if place is not None), None)
        language = self._kit.translator.language
        name = localized(parameter.name or {}, language) if parameter is not None else ""
        self._title.setText(name or self._kit.text("create.second_text"))
        self.field.setAccessibleName(self._title.text())
        self.field.setPlaceholderText(localized(parameter.description or {}, language) if parameter is not None else "")
        self.setVisible(parameter is not None)
