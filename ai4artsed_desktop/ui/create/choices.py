"""What is picked: interception, outputs, rules and parameters; remembered, suggested, and shown in the boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from ai4artsed_desktop.domain.runs import OutputRequest, RunRequest
from ai4artsed_desktop.engine.catalog_rules import procedure_of
from ai4artsed_desktop.engine.interception_files import DeletedInterception
from ai4artsed_desktop.ui.cards import interception_cards, output_cards
from ai4artsed_desktop.ui.create.details_sheet import DetailsSheet
from ai4artsed_desktop.ui.create.interception_editor_menu import InterceptionMenu
from ai4artsed_desktop.ui.create.medium_box import MediumBox
from ai4artsed_desktop.ui.create.parameter_sheet import ParameterSheet
from ai4artsed_desktop.ui.create.parameters import ParameterValues
from ai4artsed_desktop.ui.create.remedies import remedy_for
from ai4artsed_desktop.ui.create.rules_box import RulesBox
from ai4artsed_desktop.ui.models.cards import CardItem
from ai4artsed_desktop.ui.paging import PageContext
from ai4artsed_desktop.ui.widgets.banner import Banner
from ai4artsed_desktop.ui.widgets.picker import PickerSheet


class Choices(QObject):
    """Owns the second and the third box and the sheets they open.

    Args:
        context: What every page is given.
        page: The widget that sheets cover.
    """

    #: Another interception or other outputs are picked.
    changed = Signal()
    #: Catalogue and ids of the outputs in the third box, whenever any of it may have changed, language included.
    outputs_shown = Signal(object, list)

    def __init__(self, context: PageContext, page: QWidget) -> None:
        super().__init__(page)
        self._context = context
        self._page = page
        memory = context.memory
        self.interception_id = memory.get("interception", "")
        self.output_ids: list[str] = [str(name) for name in memory.get("outputs", [])]
        self.measured: dict[str, float] = dict(memory.get("measured", {}))
        self.values = ParameterValues(memory.get("parameters", {}), self)
        self.rules_box = RulesBox(context.kit, dict(memory.get("rules", {})))
        self.medium_box = MediumBox(context.kit, self.values)
        self.library = InterceptionMenu(
            context, page, lambda: self.rules_box.config, lambda: memory.get("idea", "").strip()
        )
        self._wanted = ""
        self._is_adding = False
        self._has_suggested = False
        self._interceptions: dict[str, CardItem] = {}
        self._outputs: dict[str, CardItem] = {}
        self._interception_sheet: PickerSheet | None = None
        self._output_sheet: PickerSheet | None = None
        self._details: DetailsSheet | None = None
        self._parameters: ParameterSheet | None = None
        self._connect()

    def requests(self) -> tuple[OutputRequest, ...]:
        """Return the outputs to make, with what was set for each and still fits."""
        catalog = self._context.facts.engine.catalog
        return tuple(
            OutputRequest(name, self.values.fitting(catalog, name) if name in catalog.outputs else {})
            for name in self.output_ids
        )

    def output_name(self, config_id: str) -> str:
        """Return how an output is called."""
        card = self._outputs.get(config_id)
        return card.name if card is not None else config_id

    def entry_name(self, entry_id: str) -> str:
        """Return how an interception, an output or a text model's task is called, by the id an error carries."""
        card = self._interceptions.get(entry_id) or self._outputs.get(entry_id)
        task = f"settings.stage_models.{entry_id}"
        if card is None and self._context.kit.translator.has(task):
            return self._context.kit.text(task)
        return card.name if card is not None else entry_id

    def cards(self) -> tuple[Sequence[CardItem], Sequence[CardItem]]:
        """Return the cards of all interceptions and all outputs."""
        return tuple(self._interceptions.values()), tuple(self._outputs.values())

    def pick_interception(self, config_id: str) -> None:
        """Pick an interception; an unknown one is not picked."""
        if config_id in self._interceptions:
            self.interception_id = config_id
            self._context.memory.put("interception", config_id)
            self._show_rules()
            self.changed.emit()

    def pick_output(self, config_id: str, *, is_added: bool = False) -> None:
        """Pick the first output anew, or one more."""
        others = [name for name in self.output_ids if name != config_id]
        self._set_outputs([*others, config_id] if is_added else [config_id, *others[1:]])

    def take_over(self, request: RunRequest) -> None:
        """Pick what an earlier run used, as far as it is still there."""
        self.pick_interception(request.interception_id)
        self.rules_box.take_rules(request.rules)
        for output in request.outputs:
            self.values.values[output.output_id] = dict(output.parameters)
        self.medium_box.renew_fields()
        self._set_outputs([o.output_id for o in request.outputs if o.output_id in self._outputs])

    def remember_time(self, config_id: str, ms: float) -> None:
        """Remember how long something took here, to be shown on its card."""
        self.measured[config_id] = ms
        self._context.memory.put("measured", dict(self.measured))
        self.refresh()

    def refresh(self) -> None:
        """Make all cards anew: catalogue, models, language or times changed."""
        kit, facts = self._context.kit, self._context.facts
        self._interceptions = {card.id: card for card in interception_cards(kit, facts, self.measured)}
        self._outputs = {card.id: card for card in output_cards(kit, facts, self.measured)}
        if facts.is_known and not self._has_suggested:
            self._has_suggested = True
            self._suggest()
        if self._interception_sheet is not None:
            self._interception_sheet.set_items(self._interceptions.values())
        if self._output_sheet is not None:
            self._output_sheet.set_items(self._outputs.values())
        self._show_rules()
        self._show_outputs()
        if self._wanted in self._interceptions:
            wanted, self._wanted = self._wanted, ""
            self.pick_interception(wanted)

    def open_interceptions(self) -> None:
        """Open the sheet with all interceptions."""
        if self._interception_sheet is None:
            self._interception_sheet = self._sheet("create.rules.pick", self.pick_interception)
            self._interception_sheet.set_items(self._interceptions.values())
        self._interception_sheet.open_for(self.interception_id)

    def open_outputs(self, *, is_added: bool = False) -> None:
        """Open the sheet with all outputs, to pick the first one anew or one more."""
        self._is_adding = is_added
        if self._output_sheet is None:
            self._output_sheet = self._sheet("create.medium.pick", self._on_output_picked)
            self._output_sheet.set_items(self._outputs.values())
        self._output_sheet.open_for(self.output_ids[0] if self.output_ids and not is_added else "")

    def open_parameters(self) -> None:
        """Open the sheet with every parameter of the outputs picked."""
        if self._parameters is None:
            self._parameters = ParameterSheet(self._context.kit, self._page, self.values)
            self._parameters.closed.connect(self._on_parameters_closed)
        known = [name for name in self.output_ids if name in self._outputs]
        self._parameters.open_for(self._context.facts.engine.catalog, known)

    def open_details(self) -> None:
        """Open the sheet with sources and stance of the interception."""
        config = self.rules_box.config
        if config is None:
            return
        if self._details is None:
            self._details = DetailsSheet(self._context.kit, self._page)
        self._details.open_for(config, self._interceptions[config.id].label)

    def save(self) -> None:
        """Remember rules and parameters."""
        self._context.memory.put("rules", dict(self.rules_box.edited))
        self._context.memory.put("parameters", {name: dict(given) for name, given in self.values.values.items()})

    def _connect(self) -> None:
        self.rules_box.pick_requested.connect(self.open_interceptions)
        self.rules_box.details_requested.connect(self.open_details)
        self.rules_box.changed.connect(self.save)
        self.rules_box.menu_requested.connect(self.library.open_menu)
        self.library.made.connect(self._on_library_made)
        self.library.deleted.connect(self._on_library_deleted)
        self.values.changed.connect(self.save)
        self.medium_box.pick_requested.connect(self.open_outputs)
        self.medium_box.add_requested.connect(lambda: self.open_outputs(is_added=True))
        self.medium_box.more_requested.connect(self.open_parameters)
        self.medium_box.remove_requested.connect(self._on_medium_box_remove_requested)
        self._context.facts.changed.connect(self.refresh)
        self._context.kit.translator.language_changed.connect(self.refresh)

    def _sheet(self, title_key: str, pick: Callable[[str], None]) -> PickerSheet:
        sheet = PickerSheet(self._context.kit, self._page, title_key)
        sheet.picked.connect(pick)

        def fix(config_id: str) -> None:
            sheet.close_sheet()
            snapshot = self._context.facts.snapshot
            problem = snapshot.output_problems.get(config_id) or snapshot.interception_problems.get(config_id)
            remedy = remedy_for(problem) if problem is not None else None
            self._context.actions.do(remedy.action if remedy is not None else "models")

        sheet.fix_requested.connect(fix)
        return sheet

    def _suggest(self) -> None:
        """At the start, pick something that works at once where nothing is picked or what was picked is gone.

        Later nothing is picked in anybody's place: what goes while the window is open is missed when it is used.
        """
        catalog = self._context.facts.engine.catalog
        if self.interception_id not in self._interceptions:
            wants_model = self._context.facts.has_good_model
            fitting = (
                config.id
                for config in catalog.sorted_interceptions()
                if not config.meta.skip_interception
                and (procedure_of(config) is None) == wants_model
                and self._interceptions[config.id].runnable
            )
            self.interception_id = next(fitting, next(iter(self._interceptions), ""))
        self.output_ids = [name for name in self.output_ids if name in self._outputs]
        if not self.output_ids:
            default = catalog.defaults.image.local or ""
            self.output_ids = [default] if default in self._outputs else list(self._outputs)[:1]

    def _set_outputs(self, output_ids: list[str]) -> None:
        if output_ids and output_ids != self.output_ids:
            self.output_ids = output_ids
            self._context.memory.put("outputs", list(output_ids))
        self._show_outputs()
        self.changed.emit()

    def _show_rules(self) -> None:
        entry = self._context.facts.engine.catalog.interceptions.get(self.interception_id)
        self.rules_box.show_config(entry.value if entry else None, self._interceptions.get(self.interception_id))

    def _show_outputs(self) -> None:
        cards = [self._outputs[name] for name in self.output_ids if name in self._outputs]
        catalog = self._context.facts.engine.catalog
        self.medium_box.show_outputs(catalog, cards)
        self.outputs_shown.emit(catalog, list(self.output_ids))

    def _on_library_made(self, config_id: str) -> None:
        self._wanted = config_id
        self.rules_box.edited.pop(config_id, None)  # what stands in the file now is what was meant
        self.refresh()

    def _on_library_deleted(self, deleted: DeletedInterception, name: str) -> None:
        banner = Banner(self._context.kit, "trash", "muted", "editor.deleted", name=name)
        banner.add_action("editor.restore", lambda: self.library.restore(deleted), "undo")
        self.rules_box.foot.addWidget(banner)

    def _on_parameters_closed(self) -> None:
        self.medium_box.renew_fields()
        self._show_outputs()

    def _on_output_picked(self, config_id: str) -> None:
        self.pick_output(config_id, is_added=self._is_adding)

    def _on_medium_box_remove_requested(self, config_id: str) -> None:
        self._set_outputs([name for name in self.output_ids if name != config_id])
