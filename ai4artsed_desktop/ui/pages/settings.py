"""The Settings page: how the program looks, works, and which text models serve it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import get_args

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QScrollArea, QWidget

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.settings import AUTO_MODEL, StageRole
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.cards import model_name
from ai4artsed_desktop.ui.paging import Page, PageContext, PageSpec
from ai4artsed_desktop.ui.settings.models import ModelList
from ai4artsed_desktop.ui.settings.offers import Offers
from ai4artsed_desktop.ui.settings.rows import (
    SettingRow,
    SettingsLink,
    choice_row,
    line_row,
    section,
    switch_row,
    whole_row,
)
from ai4artsed_desktop.ui.widgets.basics import Label, column, row
from ai4artsed_desktop.ui.widgets.error_card import ErrorCard
from ai4artsed_desktop.ui.widgets.fields import ChoiceField

#: Stages whose model can be chosen. Safety and vision come with the parts of the program that use them.
_ROLES: tuple[StageRole, ...] = ("interception", "translation", "optimisation", "coding")
_WIDTH_PX = 760
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
        parts = (
            Label(kit, "page.settings", "page"),
            self.error_card,
            self._look(),
            self._work(),
            self._stage_models(),
            self.models_section,
            self.offers_section,
            self._machine(),
        )
        self._lay_out(parts)

    def go_to(self, place: str) -> None:
        """Scroll to a place: ``models``."""
        if place == "models":
            # After the page was laid out; before, nothing has a place.
            QTimer.singleShot(0, self, partial(self._scroll_to, self.models_section))

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
        self.setLayout(column(self._area, space=0))

    def _look(self) -> QWidget:
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

    def _work(self) -> QWidget:
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

    def _stage_models(self) -> QWidget:
        kit = self._context.kit
        rows = [self._stage_row(role) for role in _ROLES]
        return section(kit, "settings.stage_models", Label(kit, "settings.stage_models.text", "muted"), *rows)

    def _stage_row(self, role: StageRole) -> QWidget:
        kit, link, facts = self._context.kit, self.link, self._context.facts
        field = ChoiceField(kit)

        def show() -> None:
            chosen: str = getattr(link.get("stage_models"), role)
            options: list[tuple[object, str]] = [(AUTO_MODEL, self._auto_words(role))]
            options += [(model.id, model_name(kit, model)) for model in facts.snapshot.models]
            if chosen not in {value for value, _ in options}:
                # Never shown as another one: the run would say that it is missing.
                options.append((chosen, kit.text("settings.model_gone", name=chosen.rpartition("/")[2])))
            field.set_options(options, chosen)

        def put(value: object) -> None:
            link.put("stage_models", {**link.get("stage_models").model_dump(), role: value})

        field.chosen.connect(put)
        for signal in (link.changed, facts.changed, kit.translator.language_changed):
            signal.connect(show)
        show()
        return _RoleRow(link, f"stage_models.{role}", field)

    def _auto_words(self, role: StageRole) -> str:
        kit, facts = self._context.kit, self._context.facts
        try:
            chosen = facts.engine.models.pick(facts.snapshot.models, role, AUTO_MODEL)
        except AppError:
            return kit.text("settings.auto_none")
        return kit.text("settings.auto", name=chosen.name)

    def _machine(self) -> QWidget:
        kit, link = self._context.kit, self.link
        return section(
            kit,
            "settings.machine",
            whole_row(link, "llm_threads", 0, 256, "", zero_key="settings.llm_threads.auto", has_text=True),
            whole_row(link, "model_idle_s", 5, 86_400, "s", has_text=True),
            switch_row(link, "foreign_python_chunks", has_text=True),
        )


class _RoleRow(SettingRow):
    """A row whose setting is one part of ``stage_models``."""

    def __init__(self, link: SettingsLink, name: str, field: ChoiceField) -> None:
        super().__init__(link, name, field)
        is_locked = link.is_locked("stage_models")
        field.setEnabled(not is_locked)
        self.lock.set_key("settings.locked", variable="AI4ARTSED_STAGE_MODELS")
        self.lock.setVisible(is_locked)


PAGE = PageSpec("settings", "settings", "page.settings", 100, SettingsPage, is_at_bottom=True)
