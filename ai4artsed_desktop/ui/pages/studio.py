"""The Studio page: services, graphics card, language models, media models; each made when it is first shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QScrollArea, QStackedWidget, QWidget

from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.gpu.panel import GpuPanel
from ai4artsed_desktop.ui.paging import Page, PageContext, PageSpec
from ai4artsed_desktop.ui.studio.inventory_section import InventorySection
from ai4artsed_desktop.ui.studio.ollama_section import OllamaSection
from ai4artsed_desktop.ui.studio.services_section import ServicesSection
from ai4artsed_desktop.ui.widgets.basics import Button, column, row
from ai4artsed_desktop.ui.widgets.palette import PaletteEntry

_WIDTH_PX = 960


class StudioPage(Page):
    """A row of words, and below it what the chosen one stands for. The place is remembered."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        served = context.bridge.engine.served_models
        self._makers: dict[str, Callable[[], QWidget]] = {
            "services": lambda: ServicesSection(context),
            "gpu": lambda: _scrolling(GpuPanel(context.kit, context.bridge)),
        }
        if served is not None:
            self._makers["language_models"] = lambda: _scrolling(OllamaSection(context, served))
        self._makers["media_models"] = lambda: InventorySection(context)
        self.sections: dict[str, QWidget] = {}
        self.buttons = {name: self._button(name) for name in self._makers}
        self._group = QButtonGroup(self)
        for button in self.buttons.values():
            self._group.addButton(button)
        self._stack = QStackedWidget()
        layout = column(row(*self.buttons.values(), None), self._stack, space=r.SPACE_3, margin=r.SPACE_4)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        remembered = context.memory.get("studio", "services")
        self.go_to(remembered if remembered in self._makers else "services")

    def go_to(self, place: str) -> None:
        """Show a section: ``services``, ``setup`` (within it), ``gpu``, ``language_models`` or ``media_models``."""
        if place == "setup":
            self.go_to("services")
            self._services().show_setup()
            return
        if place not in self._makers:
            return
        if place not in self.sections:
            self.sections[place] = self._makers[place]()
            self._stack.addWidget(self.sections[place])
        self.buttons[place].setChecked(True)
        self._stack.setCurrentWidget(self.sections[place])
        self._context.memory.put("studio", place)

    def picks(self) -> list[PaletteEntry]:
        """Offer the sections."""
        text, go = self._context.kit.text, self._context.show_page
        group = text("palette.pages")
        return [
            PaletteEntry(
                f"{text('page.studio')}: {text(f'studio.{name}')}", group, "studio", partial(go, PAGE.id, name)
            )
            for name in self._makers
        ]

    def _services(self) -> ServicesSection:
        section = self.sections["services"]
        assert isinstance(section, ServicesSection)
        return section

    def _button(self, name: str) -> Button:
        button = Button(self._context.kit, f"studio.{name}", "", "quiet")
        button.setCheckable(True)
        # The arrow keys move on and choose, as in any row of which one is chosen; hence "toggled", not "clicked".
        button.toggled.connect(partial(self._on_button_toggled, name))
        return button

    def _on_button_toggled(self, name: str, is_on: bool) -> None:
        if is_on:
            self.go_to(name)


def _scrolling(content: QWidget) -> QScrollArea:
    """Put content that may be higher than the window into its middle, no wider than reads well."""
    content.setMaximumWidth(_WIDTH_PX)
    holder = QWidget()
    inside = column(content, None, space=0)
    middle = row(None, inside, None, space=0)
    middle.setStretch(1, 1000)
    holder.setLayout(middle)
    area = QScrollArea()
    area.setWidget(holder)
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return area


PAGE = PageSpec("studio", "studio", "page.studio", 60, StudioPage)
