"""The trainer's options: which there are, what type each has, and the file they are written into.

The trainer ignores unknown keys and does not convert or check values, so we do. The lists in ``resources/training/``
were
recorded by importing each script's own argument parser (sd-scripts 0.10.1, commit 48d368fa).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from ai4artsed_desktop.domain.training.errors import OptionError

OptionValue = bool | int | float | str | tuple[str | float, ...]
OptionType = Literal["bool", "int", "float", "str", "int_or_float", "path"]

_TYPES: dict[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "int_or_float": (int, float),
    "str": (str,),
    "path": (str,),
}


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option of one script.

    Attributes:
        is_list: It takes several values of ``type``.
        choices: Values it takes; empty = any.
    """

    name: str
    type: OptionType
    default: object = None
    choices: tuple[object, ...] = ()
    is_list: bool = False

    @property
    def expected(self) -> str:
        """What may be given, in short."""
        if self.choices:
            return " | ".join(map(str, self.choices))
        return f"[{self.type}, …]" if self.is_list else self.type


class OptionSchema(Mapping[str, OptionSpec]):
    """All options of one script."""

    def __init__(self, specs: Sequence[OptionSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}

    @classmethod
    def from_json(cls, entries: Mapping[str, Mapping[str, Any]]) -> OptionSchema:
        """Read a recorded list: name → {type, default?, choices?, list?}. Raises ValueError for another format."""
        specs: list[OptionSpec] = []
        for name, entry in entries.items():
            if entry.get("type") not in _TYPES:
                raise ValueError(f"option {name}: type {entry.get('type')!r}")
            choices = cast("Sequence[object]", entry.get("choices") or ())
            specs.append(
                OptionSpec(name, entry["type"], entry.get("default"), tuple(choices), bool(entry.get("list", False)))
            )
        return cls(specs)

    def __getitem__(self, name: str) -> OptionSpec:
        return self._specs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def check(self, options: Mapping[str, OptionValue]) -> None:
        """Raise OptionError for the first option that the trainer does not know or does not take."""
        for name, value in options.items():
            self.check_one(name, value)

    def check_one(self, name: str, value: OptionValue) -> None:
        """Raise OptionError unless the trainer knows the option and takes the value."""
        spec = self._spec(name, str(value))
        if spec.is_list != isinstance(value, tuple):
            raise OptionError(name=name, value=str(value), expected=spec.expected)
        for item in value if isinstance(value, tuple) else (value,):
            fits = isinstance(item, _TYPES[spec.type]) and (spec.type == "bool") == isinstance(item, bool)
            if not fits or (spec.choices and item not in spec.choices) or item in (float("inf"), float("-inf")):
                raise OptionError(name=name, value=str(item), expected=spec.expected)

    def parse(self, name: str, text: str) -> OptionValue:
        """Read a value that a person typed. Lists: values separated by ``;``. Raises OptionError."""
        spec = self._spec(name, text)
        if spec.is_list:
            parts = tuple(part.strip() for part in text.split(";") if part.strip())
            value: OptionValue = tuple(cast("str | float", self._scalar(spec, part)) for part in parts)
        else:
            value = self._scalar(spec, text)
        self.check_one(name, value)
        return value

    def _scalar(self, spec: OptionSpec, text: str) -> bool | int | float | str:
        if spec.type in ("str", "path"):
            return text
        if spec.type == "bool":
            words = {"true": True, "false": False}
            if text.lower() not in words:
                raise OptionError(name=spec.name, value=text, expected="true | false")
            return words[text.lower()]
        try:
            number = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            number = None
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise OptionError(name=spec.name, value=text, expected=spec.expected)
        return float(number) if spec.type == "float" else number

    def _spec(self, name: str, value: str) -> OptionSpec:
        spec = self._specs.get(name)
        if spec is None:
            raise OptionError(name=name, value=value, expected=nearest_names(name, self._specs))
        return spec


def nearest_names(name: str, names: Mapping[str, object]) -> str:
    """Return the most similar names there are, for the message about one that is not."""
    import difflib  # only for a message

    return ", ".join(difflib.get_close_matches(name, names, n=3, cutoff=0.5)) or "–"
