"""The Settings page: how the program looks, works, and which text models serve it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import get_args

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QWidget

from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.paging import Page, PageContext, PageSpec
from ai4artsed_desktop.ui.settings.folders import media_folders_section
from ai4artsed_desktop.ui.settings.gpu import gpu_section
from ai4artsed_desktop.ui.settings.index import SectionIndex
from ai4artsed_desktop.ui.settings.models import ModelList
from ai4artsed_desktop.ui.settings.offers import Offers
from ai4artsed_desktop.ui.settings.providers import providers_section
from ai4artsed_desktop.ui.settings.rows import (
    Section,
    SettingsLink,
    choice_row,
    line_row,
    section,
    switch_row,
    whole_row,
)
from ai4artsed_desktop.ui.settings.servers import servers_section
from ai4artsed_desktop.ui.settings.services import services_section
from ai4artsed_desktop.ui.settings.stage_models import stage_models_section
from ai4artsed_desktop.ui.widgets.basics import Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard

_WIDTH_PX = 760
#: From this much room beside the page on, the list of sections is shown.
_INDEX_ROOM_PX = 300
_LANGUAGE_NAMES = {"de": "Deutsch", "en": "English"}
_LEVELS: tuple[SafetyLevel, ...] = get_args(SafetyLevel)


class SettingsPage(Page):
    """Every change counts and is saved at once."""

    def __init__(self, context: PageContext) -> None:
        super().__init__()
        self._context = context
        kit = context.kit
        self.link = SettingsLink(kit, context.bridge, self)
        self.error_card = ErrorCard(kit)
        self.link.failed.connect(self.error_card.show_error)
        self.model_list = ModelList(context)
        self.offers = Offers(kit, context.bridge, context.facts)
        self.models_section = section(kit, "settings.models", self.model_list)
        self.offers_section = section(kit, "settings.offers", Label(kit, "settings.offers.text", "muted"), self.offers)
        self.providers_section = providers_section(context, self.link)
        self.sections = (
            self._look(),
            self._work(),
            stage_models_section(context, self.link),
            self.models_section,
            self.offers_section,
            self.providers_section,
            self._machine(),
            servers_section(self.link),
            services_section(self.link),
            media_folders_section(self.link),
            gpu_section(self.link),
        )
        self.index = SectionIndex(kit, self.sections)
        self.index.chosen.connect(self._on_index_chosen)
        self._lay_out((Label(kit, "page.settings", "page"), self.error_card, *self.sections))

    def go_to(self, place: str) -> None:
        """Scroll to a place: ``models`` or ``services`` (the keys)."""
        target = {"models": self.models_section, "services": self.providers_section}.get(place)
        if target is not None:
            # After the page was laid out; before, nothing has a place.
            QTimer.singleShot(0, self, partial(self._scroll_to, target))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The list of sections stands where there is room beside the page."""
        super().resizeEvent(event)
        self.index.setVisible(self.width() >= _WIDTH_PX + _INDEX_ROOM_PX)

    def _scroll_to(self, part: QWidget) -> None:
        self._area.verticalScrollBar().setValue(part.y() - r.SPACE_4)

    def _lay_out(self, parts: Iterable[QWidget]) -> None:
        holder = QWidget()
        holder.setMaximumWidth(_WIDTH_PX)
        holder.setLayout(column(*parts, None, space=r.SPACE_4))
        content = QWidget()
        middle = row(None, holder, None, space=0, margin=r.SPACE_4)
        middle.setStretch(1, 1000)
        content.setLayout(middle)
        self._area = QScrollArea()
        self._area.setWidget(content)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        self.setLayout(row(self.index, self._area, space=0))
        self.index.setContentsMargins(r.SPACE_4, r.SPACE_5, 0, 0)
        self.index.mark(0)

    def _on_scrolled(self, y_px: int) -> None:
        above = [n for n, part in enumerate(self.sections) if part.y() <= y_px + r.SPACE_5]
        self.index.mark(above[-1] if above else 0)

    def _on_index_chosen(self, part: Section) -> None:
        self._scroll_to(part)
        # The last ones cannot come to the top: what was chosen is marked all the same.
        self.index.mark(self.sections.index(part))

    def _look(self) -> Section:
        kit, link = self._context.kit, self.link

        def languages() -> list[tuple[object, str]]:
            return [("system", kit.text("settings.system")), *_LANGUAGE_NAMES.items()]

        def themes() -> list[tuple[object, str]]:
            values = ("system", "light", "dark", "high_contrast")
            return [(value, kit.text(f"settings.theme.{value}")) for value in values]

        return section(
            kit,
            "settings.look",
            choice_row(link, "language", languages),
            choice_row(link, "theme", themes),
            switch_row(link, "reduced_motion", has_text=True),
            switch_row(link, "workshop_mode", has_text=True),
        )

    def _work(self) -> Section:
        kit, link = self._context.kit, self.link

        def levels() -> list[tuple[object, str]]:
            return [(level, kit.text(f"settings.safety_level.{level}")) for level in _LEVELS]

        return section(
            kit,
            "settings.work",
            choice_row(link, "safety_level", levels, has_text=True),
            switch_row(link, "local_only", has_text=True),
            switch_row(link, "pause_after_interception", has_text=True),
            switch_row(link, "translate_to_english", has_text=True),
            line_row(link, "participant", 80, has_text=True),
        )

    def _machine(self) -> Section:
        kit, link = self._context.kit, self.link
        return section(
            kit,
            "settings.machine",
            whole_row(
                link, "llm_context_tokens", 0, 1_048_576, "", zero_key="settings.llm_context_tokens.auto", has_text=True
            ),
            whole_row(link, "llm_threads", 0, 256, "", zero_key="settings.llm_threads.auto", has_text=True),
            whole_row(link, "model_idle_s", 5, 86_400, "s", has_text=True),
            switch_row(link, "foreign_python_chunks", has_text=True),
        )


PAGE = PageSpec("settings", "settings", "page.settings", 100, SettingsPage, is_at_bottom=True)
