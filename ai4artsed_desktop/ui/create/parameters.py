"""The parameters of outputs as typed fields, made from what each chunk declares."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from ai4artsed_desktop.domain.chunks import InputMapping, mappings_of
from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.parameters import coerce, match_name
from ai4artsed_desktop.domain.runs import ParameterValue
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.widgets.fields import CheckField, ChoiceField, NumberField, WholeField

#: Widest range of a whole-number field, where the chunk sets no limit.
_WHOLE_LIMIT = 2_000_000_000
Values = dict[str, dict[str, ParameterValue]]
_Put = Callable[[ParameterValue], None]


class ParameterValues(QObject):
    """What the person set, by output and parameter; what was not set is not here."""

    changed = Signal()

    def __init__(self, values: Mapping[str, Mapping[str, ParameterValue]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.values: Values = {output: dict(given) for output, given in values.items()}

    def of(self, output_id: str) -> dict[str, ParameterValue]:
        """Return what was set for an output."""
        return dict(self.values.get(output_id, {}))

    def put(self, output_id: str, name: str, value: ParameterValue) -> None:
        """Set one value."""
        self.values.setdefault(output_id, {})[name] = value
        self.changed.emit()

    def reset(self, output_id: str) -> None:
        """Back to what config and chunk say."""
        if self.values.pop(output_id, None):
            self.changed.emit()

    def fitting(self, catalog: Catalog, output_id: str) -> dict[str, ParameterValue]:
        """Return what was set and still fits: a chunk may have changed since."""
        mappings = parameters_of(catalog, output_id)
        fitting: dict[str, ParameterValue] = {}
        for name, value in self.of(output_id).items():
            if name in mappings:
                try:
                    fitting[name] = coerce(name, value, mappings[name])
                except AppError:
                    continue  # remembered from an older chunk: its own default is better than a refusal
        return fitting


def parameters_of(catalog: Catalog, output_id: str) -> dict[str, InputMapping]:
    """Return the parameters a person may set, without the seed (it belongs to the whole run) and texts that fill
    themselves."""
    config = catalog.output(output_id).value
    mappings = mappings_of(catalog.chunk(config.chunk).value)
    shown = {name: places[0] for name, places in mappings.items()}
    return {name: m for name, m in shown.items() if m.type not in ("seed", "image") and m.source is None}


def default_of(config: OutputConfig, name: str, mapping: InputMapping) -> ParameterValue:
    """Return the value that holds when the person sets none."""
    for key, value in config.overrides.items():
        if match_name(key, (name,)) is not None:
            return value
    return mapping.default


def parameter_field(
    kit: Kit, values: ParameterValues, config: OutputConfig, name: str, mapping: InputMapping
) -> QWidget:
    """Return a field that edits one parameter; its accessible name is the parameter's name."""
    language = kit.translator.language
    value = values.of(config.id).get(name, default_of(config, name, mapping))

    def put(new: ParameterValue) -> None:
        values.put(config.id, name, new)

    match mapping.type:
        case "choice":
            field: QWidget = _choice(kit, mapping, value, put)
        case "bool":
            field = _switch(kit, value, put)
        case "int":
            field = _whole(kit, mapping, value, put)
        case "float":
            field = _number(kit, mapping, value, put)
        case _:
            field = _line(value, put)
    tip = localized(mapping.description or {}, language)
    field.setAccessibleName(localized(mapping.name or {}, language) or name)
    field.setAccessibleDescription(tip)
    field.setToolTip(tip)
    return field


def _choice(kit: Kit, mapping: InputMapping, value: ParameterValue, put: _Put) -> ChoiceField:
    field = ChoiceField(kit)
    field.set_options(((choice, _choice_text(kit, choice)) for choice in mapping.choices), value)
    field.chosen.connect(put)
    return field


def _choice_text(kit: Kit, choice: str | int | float) -> str:
    """Return a choice in the person's words; a server's own names, such as a sampler's, stay what they are."""
    key = f"choice.{choice}"
    return kit.text(key) if kit.translator.has(key) else str(choice).replace("_", " ")


def _switch(kit: Kit, value: ParameterValue, put: _Put) -> CheckField:
    field = CheckField(kit)
    field.setChecked(bool(value))
    field.toggled.connect(put)
    return field


def _whole(kit: Kit, mapping: InputMapping, value: ParameterValue, put: _Put) -> WholeField:
    field = WholeField(kit)
    low, high = mapping.min, mapping.max
    field.setRange(int(low) if low is not None else -_WHOLE_LIMIT, int(high) if high is not None else _WHOLE_LIMIT)
    field.setSingleStep(int(mapping.step or 1))
    field.setSuffix(f" {mapping.unit}" if mapping.unit else "")
    field.setValue(int(value) if isinstance(value, int | float) else field.minimum())
    field.valueChanged.connect(put)
    return field


def _number(kit: Kit, mapping: InputMapping, value: ParameterValue, put: _Put) -> NumberField:
    field = NumberField(kit)
    step = mapping.step or 0.1
    field.setDecimals(0 if step >= 1 else 2)
    field.setRange(mapping.min if mapping.min is not None else -1e9, mapping.max if mapping.max is not None else 1e9)
    field.setSingleStep(step)
    field.setSuffix(f" {mapping.unit}" if mapping.unit else "")
    field.setValue(float(value) if isinstance(value, int | float) else field.minimum())
    field.valueChanged.connect(put)
    return field


def _line(value: ParameterValue, put: _Put) -> QLineEdit:
    field = QLineEdit("" if value is None else str(value))
    field.textEdited.connect(put)
    return field
