"""Typed parameters: numbers stay numbers, zero is a value, and no value gets lost between file and backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from ai4artsed_desktop.domain.chunks import Chunk, InputMapping, mappings_of
from ai4artsed_desktop.domain.errors import ParameterError, UnknownParameterError
from ai4artsed_desktop.domain.runs import ParameterValue

#: Words that people and other programs' configs use for the same parameter; the first one that the chunk knows wins.
#: Source: parameter names of ComfyUI's core nodes (KSampler: ``sampler_name``, ``cfg``; EmptyLatentAudio:
#: ``seconds``).
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "sampler": ("sampler_name",),
    "cfg": ("cfg_scale", "guidance"),
    "cfg_scale": ("cfg", "guidance"),
    "guidance": ("cfg", "cfg_scale"),
    "seconds": ("duration_seconds", "duration_s"),
    "duration": ("duration_s", "seconds", "duration_seconds"),
    "duration_s": ("seconds", "duration_seconds"),
    "duration_seconds": ("seconds", "duration_s"),
    "negative": ("negative_prompt",),
    "negative_prompt": ("negative",),
    "checkpoint": ("ckpt_name", "model"),
    "denoise": ("strength",),
}
N = TypeVar("N", int, float)
C = TypeVar("C", bound=Chunk)

#: Seeds lie in 0 … 2**32 - 1: the range that every backend takes (numpy and the samplers built on it).
SEED_LIMIT = 2**32
_RANDOM_SEED_WORDS = frozenset({"random", "-1", ""})


def match_name(key: str, names: Iterable[str]) -> str | None:
    """Return the mapping that a config key means, whatever its case, or None if it meets none."""
    by_lower = {name.lower(): name for name in names}
    wanted = key.lower()
    for candidate in (wanted, *SYNONYMS.get(wanted, ())):
        if candidate in by_lower:
            return by_lower[candidate]
    return None


def coerce(name: str, value: object, mapping: InputMapping) -> ParameterValue:
    """Return ``value`` with the mapping's type, checked against its limits; None stays None.

    Raises:
        ParameterError: Wrong type, not a finite number, out of range, or not one of the choices.
    """
    if value is None:
        return None
    match mapping.type:
        case "int" | "seed":
            return _limited(name, _whole(name, value), mapping)
        case "float":
            return _limited(name, _number(name, value), mapping)
        case "bool":
            return _truth(name, value)
        case "choice":
            found = next((c for c in mapping.choices if c == value or str(c) == str(value)), None)
            if found is None:
                raise ParameterError(name=name, value=str(value), expected=", ".join(map(str, mapping.choices)))
            return found
        case _ if isinstance(value, str | int | float):
            return str(value)
        case _:  # a file's list or object
            raise ParameterError(name=name, value=str(value), expected="text")


def resolve(
    mappings: Mapping[str, tuple[InputMapping, ...]],
    person: Mapping[str, ParameterValue],
    config: Mapping[str, ParameterValue],
    fill: Callable[[str], str],
    draw_seed: Callable[[], int],
) -> dict[str, ParameterValue]:
    """Return the value of every parameter: what the person set, else the config, else the default, else its source.

    Args:
        mappings: ``domain.chunks.mappings_of(chunk)``.
        person: Values set for this run; keys in any case, synonyms allowed.
        config: Values of the output config, likewise.
        fill: Fills placeholders of a ``source`` (see engine/templates.py).
        draw_seed: Called for a seed that is ``random``, -1 or absent; the run's seed stands before a chunk's default,
            or a person's ``--seed`` would change nothing.

    Raises:
        ParameterError: A key meets no parameter, a value does not fit, or a required one is missing.
    """
    given = _given(mappings, (config, person))
    resolved: dict[str, ParameterValue] = {}
    for name, places in mappings.items():
        first = places[0]
        value = given.get(name)
        if first.type == "seed" and (value is None or str(value).strip().lower() in _RANDOM_SEED_WORDS):
            value = draw_seed()
        if value is None:
            value = first.default
        if value is None and first.source is not None:
            value = fill(first.source)
        if value is None and first.required:
            raise ParameterError(name=name, value="", expected=first.type)
        resolved[name] = coerce(name, value, first)
    return resolved


def with_values(chunk: C, *layers: Mapping[str, ParameterValue]) -> C:
    """Return the chunk with values in place of its defaults, so that what is judged is what will run.

    Args:
        layers: Keys as in ``resolve``; a later layer wins. Seeds and pictures stay as they are: no server lacks them.

    Raises:
        UnknownParameterError: A key meets no parameter.
    """
    mappings = mappings_of(chunk)
    changed: dict[str, tuple[InputMapping, ...]] = {}
    for name, value in _given(mappings, layers).items():
        first, *others = mappings[name]
        if value is not None and first.type not in ("seed", "image"):
            changed[name] = (first.model_copy(update={"default": value}), *others)
    return chunk.model_copy(update={"input_mappings": {**mappings, **changed}}) if changed else chunk


def _given(
    mappings: Mapping[str, tuple[InputMapping, ...]], layers: Iterable[Mapping[str, ParameterValue]]
) -> dict[str, ParameterValue]:
    given: dict[str, ParameterValue] = {}
    for layer in layers:
        for key, value in layer.items():
            if (name := match_name(key, mappings)) is None:
                raise UnknownParameterError(name=key, value=str(value), expected=", ".join(sorted(mappings)) or "–")
            given[name] = value
    return given


def _whole(name: str, value: object) -> int:
    number = _number(name, value)
    if isinstance(value, str) and value.strip().lstrip("+-").isdigit():
        return int(value)  # exact even where a float is not
    if isinstance(value, int):
        return int(value)
    if number != int(number):
        raise ParameterError(name=name, value=str(value), expected="int")
    return int(number)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ParameterError(name=name, value=str(value), expected="number")
    try:
        number = float(value)
    except (ValueError, OverflowError) as exc:
        raise ParameterError(name=name, value=str(value), expected="number") from exc
    if not math.isfinite(number):
        raise ParameterError(name=name, value=str(value), expected="number")
    return number


def _limited(name: str, number: N, mapping: InputMapping) -> N:
    low, high = mapping.min, mapping.max
    if (low is not None and number < low) or (high is not None and number > high):
        shown = f"{'' if low is None else f'{low:g}'} … {'' if high is None else f'{high:g}'}"
        raise ParameterError(name=name, value=str(number), expected=shown)
    return number


def _truth(name: str, value: object) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    found = words.get(str(value).strip().lower())
    if found is None:
        raise ParameterError(name=name, value=str(value), expected="true, false")
    return found
