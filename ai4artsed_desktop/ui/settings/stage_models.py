"""Which text model serves which stage, and proposals for it by graphics memory."""

from __future__ import annotations

from typing import get_args

from PySide6.QtWidgets import QVBoxLayout, QWidget

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.events import Event, SettingsChanged
from ai4artsed_desktop.domain.gpu import GpuSnapshot
from ai4artsed_desktop.domain.settings import AUTO_MODEL, StageRole
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.model_presets import ModelPreset
from ai4artsed_desktop.engine.served_models import SERVER
from ai4artsed_desktop.ui import roles as r
from ai4artsed_desktop.ui.cards import model_name
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.settings.pulls import PullRow
from ai4artsed_desktop.ui.settings.rows import Section, SettingRow, SettingsLink, section
from ai4artsed_desktop.ui.units import size_text
from ai4artsed_desktop.ui.widgets.basics import Button, Label, column, row
from ai4artsed_desktop.ui.widgets.fields import ChoiceField

#: In the order in which a run comes to them.
_ROLES: tuple[StageRole, ...] = ("translation", "interception", "optimisation", "safety", "vision", "coding")
assert set(_ROLES) == set(get_args(StageRole))


def stage_models_section(context: PageContext, link: SettingsLink) -> Section:
    """Return the card with a chooser per stage and the proposals."""
    kit = context.kit
    rows = [_StageRow(context, link, role) for role in _ROLES]
    return section(
        kit, "settings.stage_models", Label(kit, "settings.stage_models.text", "muted"), *rows, Presets(context, link)
    )


class _StageRow(SettingRow):
    """One stage's model: automatic, or one by name. Its setting is one part of ``stage_models``."""

    def __init__(self, context: PageContext, link: SettingsLink, role: StageRole) -> None:
        self._choice = ChoiceField(context.kit)
        super().__init__(link, f"stage_models.{role}", self._choice)
        self._context = context
        self._settings = link
        self._role: StageRole = role
        is_locked = link.is_locked("stage_models")
        self._choice.setEnabled(not is_locked)
        self.lock.set_key("settings.locked", variable="AI4ARTSED_STAGE_MODELS")
        self.lock.setVisible(is_locked)
        self._choice.chosen.connect(self._on_choice_chosen)
        for signal in (link.changed, context.facts.changed, context.kit.translator.language_changed):
            signal.connect(self._show)
        self._show()

    def _show(self) -> None:
        kit = self._context.kit
        chosen: str = getattr(self._settings.get("stage_models"), self._role)
        options: list[tuple[object, str]] = [(AUTO_MODEL, self._auto_words())]
        options += [(model.id, model_name(kit, model)) for model in self._context.facts.snapshot.models]
        if chosen not in {value for value, _ in options}:
            # Never shown as another one: the run would say that it is missing.
            options.append((chosen, kit.text("settings.model_gone", name=chosen.partition("/")[2] or chosen)))
        self._choice.set_options(options, chosen)

    def _auto_words(self) -> str:
        kit, facts = self._context.kit, self._context.facts
        try:
            chosen = facts.engine.models.pick(facts.snapshot.models, self._role, AUTO_MODEL)
        except AppError:
            return kit.text("settings.auto_none")
        return kit.text("settings.auto", name=chosen.name)

    def _on_choice_chosen(self, value: object) -> None:
        self._settings.put("stage_models", {**self._settings.get("stage_models").model_dump(), self._role: value})


class Presets(QWidget):
    """Proposals by graphics memory: what each names, what of it is missing here, and a button to use it."""

    def __init__(self, context: PageContext, link: SettingsLink) -> None:
        super().__init__()
        self._context = context
        self._link = link
        kit = context.kit
        self._presets = context.bridge.engine.model_presets
        self.tier = ChoiceField(kit)
        self.tier.chosen.connect(self._show)
        self.note = Label(kit)
        self.names = Label(kit, look="small")
        self.missing = Label(kit, look="small-warn")
        self.use_button = Button(kit, "presets.use", "check")
        self.use_button.setEnabled(not link.is_locked("stage_models"))
        self.use_button.clicked.connect(self._on_use_button_clicked)
        self._pulls: QVBoxLayout = column(space=r.SPACE_2)
        self.pull_rows: list[PullRow] = []
        head = row(Label(kit, "presets.title", "strong"), self.tier, self.use_button)
        head.setStretch(0, 1)
        self.setLayout(column(head, self.note, self.names, self.missing, self._pulls, space=r.SPACE_1))
        kit.translator.language_changed.connect(self._offer)
        context.facts.changed.connect(self._show)
        context.bridge.engine_event.connect(self._on_bridge_engine_event)
        self._offer()
        if not self._presets.presets:
            self.hide()
        context.bridge.ask(context.bridge.engine.gpu.fresh(), self.suggest)

    @property
    def preset(self) -> ModelPreset | None:
        """The proposal that is looked at."""
        return next((preset for preset in self._presets.presets if preset.vram_gb == self.tier.value), None)

    def _offer(self) -> None:
        kit, chosen = self._context.kit, self.tier.value
        options = [(p.vram_gb, kit.text("presets.tier", gb=p.vram_gb)) for p in self._presets.presets]
        self.tier.set_options(options, chosen)
        self.tier.setAccessibleName(kit.text("presets.title"))
        self._show()

    def suggest(self, snapshot: GpuSnapshot) -> None:
        """Show what fits the card that models run on; an unknown card suggests nothing."""
        card = snapshot.main
        if card is not None and (found := self._presets.for_memory(card.total_bytes)) is not None:
            self.tier.set_value(found.vram_gb)
            self._show()

    def _show(self) -> None:
        preset = self.preset
        if preset is None:
            return
        kit, language = self._context.kit, self._context.kit.translator.language
        self.note.setText(localized(preset.note, language))
        models = preset.stage_models.model_dump()
        self.names.setText(
            " · ".join(
                f"{kit.text(f'settings.stage_models.{role}')}: {models[role].partition('/')[2]}" for role in _ROLES
            )
        )
        missing = preset.missing(self._context.facts.snapshot.models)
        weight = size_text(self._presets.size_bytes(missing), language)
        self.missing.set_key("presets.missing", count=len(missing), size=weight)
        self.missing.setVisible(bool(missing) and self._context.facts.is_known)
        self._show_pulls(missing)

    def _show_pulls(self, missing: tuple[str, ...]) -> None:
        """Offer to let Ollama download what is missing, where Ollama is."""
        engine = self._context.bridge.engine
        can_pull = engine.served_models is not None and SERVER not in engine.models.problems()
        names = [name for name in missing if name.startswith(f"{SERVER}/")] if can_pull else []
        if names == [pull.model_id for pull in self.pull_rows]:
            return
        for old in self.pull_rows:
            self._pulls.removeWidget(old)
            old.hide()
            old.deleteLater()
        self.pull_rows = [PullRow(self._context, name, self._presets.models[name].size_bytes) for name in names]
        for new in self.pull_rows:
            self._pulls.addWidget(new)

    def _on_use_button_clicked(self) -> None:
        if self.preset is not None:
            self._link.put("stage_models", self.preset.stage_models.model_dump())

    def _on_bridge_engine_event(self, event: Event) -> None:
        if isinstance(event, SettingsChanged):
            self._show()
