"""Typed parameters: no value gets lost, changed or taken for another."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.chunks import InputMapping, chunk_reader, mappings_of
from ai4artsed_desktop.domain.errors import AppError, ParameterError, UnknownParameterError
from ai4artsed_desktop.domain.parameters import coerce, match_name, resolve, with_values


def mapping(**fields: Any) -> InputMapping:
    return InputMapping.model_validate(fields)


def resolved(mappings: dict[str, InputMapping], person: Any = None, config: Any = None, seed: int = 99) -> Any:
    places = {name: (place,) for name, place in mappings.items()}
    return resolve(places, person or {}, config or {}, lambda source: f"filled {source}", lambda: seed)


def test_the_person_stands_before_the_config_before_the_default_before_the_source() -> None:
    steps = {"steps": mapping(type="int", default=25)}
    assert resolved(steps) == {"steps": 25}
    assert resolved(steps, config={"STEPS": 30}) == {"steps": 30}
    assert resolved(steps, {"Steps": 35}, {"STEPS": 30}) == {"steps": 35}
    assert resolved({"prompt": mapping(source="{{PREVIOUS_OUTPUT}}")}) == {"prompt": "filled {{PREVIOUS_OUTPUT}}"}
    assert resolved({"prompt": mapping(source="{{X}}")}, {"prompt": "typed {{X}}"}) == {"prompt": "typed {{X}}"}


@pytest.mark.parametrize("zero", [0, 0.0, False, ""])
def test_zero_false_and_nothing_typed_are_values(zero: Any) -> None:
    kind = {int: "int", float: "float", bool: "bool", str: "str"}[type(zero)]
    value = resolved({"x": mapping(type=kind, default=7 if kind != "str" else "seven")}, {"x": zero})["x"]
    assert value == zero and type(value) is type(zero)


def test_numbers_stay_numbers_and_text_becomes_a_number_where_one_is_wanted() -> None:
    assert type(coerce("x", "5", mapping(type="int"))) is int
    assert type(coerce("x", 5, mapping(type="float"))) is int or coerce("x", 5, mapping(type="float")) == 5.0
    assert coerce("x", "9007199254740993", mapping(type="int")) == 9007199254740993
    assert coerce("x", 5.0, mapping(type="int")) == 5
    assert mapping(default=25).type == "int" and mapping(default=2.5).type == "float"
    assert mapping(default=True).type == "bool" and mapping(default="a").type == "str"


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        ("x", {"type": "int"}),
        (5.5, {"type": "int"}),
        (True, {"type": "int"}),
        ("nan", {"type": "float"}),
        (float("inf"), {"type": "float"}),
        (10**400, {"type": "float"}),
        ("²", {"type": "int"}),
        ([1], {"type": "int"}),
        ({}, {"type": "str"}),
        ([], {"type": "bool"}),
        ("maybe", {"type": "bool"}),
        (0, {"type": "int", "min": 1}),
        (101, {"type": "int", "max": 100}),
        ("c", {"type": "choice", "choices": ["a", "b"]}),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_what_would(value: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(ParameterError) as caught:
        coerce("x", value, mapping(**fields))
    assert caught.value.params["name"] == "x" and caught.value.params["expected"]


@pytest.mark.parametrize("word", ["true", "1", " Yes ", "ON", True])
def test_words_of_truth_are_understood(word: Any) -> None:
    assert coerce("x", word, mapping(type="bool")) is True


def test_a_choice_keeps_its_own_type() -> None:
    assert coerce("x", "2", mapping(type="choice", choices=[1, 2])) == 2


@pytest.mark.parametrize(
    ("key", "names", "found"),
    [
        ("STEPS", ["steps"], "steps"),
        ("SAMPLER", ["sampler_name"], "sampler_name"),
        ("CFG", ["cfg_scale"], "cfg_scale"),
        ("CFG", ["cfg_scale", "cfg"], "cfg"),
        ("cfg_scale", ["cfg"], "cfg"),
        ("SECONDS", ["duration_seconds"], "duration_seconds"),
        ("Duration", ["seconds"], "seconds"),
        ("stpes", ["steps"], None),
    ],
)
def test_names_match_in_any_case_and_by_synonym(key: str, names: list[str], found: str | None) -> None:
    assert match_name(key, names) == found


def test_an_unknown_key_is_an_error_that_lists_what_there_is() -> None:
    with pytest.raises(UnknownParameterError) as caught:
        resolved({"steps": mapping(type="int"), "cfg": mapping(type="float")}, {"stpes": 3})
    assert caught.value.params == {"name": "stpes", "value": "3", "expected": "cfg, steps"}


@pytest.mark.parametrize("drawn", [None, "random", "RANDOM", -1, "-1", ""])
@pytest.mark.parametrize("default", [None, -1, "random", 42])
def test_a_seed_that_is_not_set_is_the_runs(drawn: Any, default: Any) -> None:
    assert resolved({"seed": mapping(type="seed", default=default)}, {"seed": drawn}, seed=7) == {"seed": 7}


@pytest.mark.parametrize("seed", [0, 5, "5", 2**32 - 1])
def test_a_seed_that_is_set_stays(seed: Any) -> None:
    assert resolved({"seed": mapping(type="seed")}, {"seed": seed}, seed=7) == {"seed": int(seed)}


def test_a_required_parameter_without_a_value_is_an_error() -> None:
    with pytest.raises(ParameterError):
        resolved({"lyrics": mapping(required=True)})
    assert resolved({"lyrics": mapping()}) == {"lyrics": None}


anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


@given(anything, st.sampled_from(["int", "float", "str", "bool", "choice", "seed", "image"]))
def test_any_value_fits_or_is_a_clear_error(value: Any, kind: str) -> None:
    place = mapping(type=kind, min=-5, max=5, choices=["a", 1])
    try:
        coerce("x", value, place)
    except AppError as exc:
        assert isinstance(exc, ParameterError) and exc.params["expected"]


def test_a_chunk_with_values_has_them_as_its_defaults_and_keeps_seeds_and_pictures() -> None:
    chunk = chunk_reader.validate_python(
        {
            "name": "output_x",
            "type": "output_chunk",
            "backend_type": "comfyui",
            "media_type": "image",
            "workflow": {"1": {"class_type": "A"}},
            "input_mappings": {
                "ckpt_name": [{"field": "inputs.a", "default": "a"}, {"field": "inputs.b"}],
                "steps": {"default": 4},
                "seed": {"type": "seed", "default": 5},
                "image": {"type": "image", "required": True},
            },
        }
    )
    filled = with_values(chunk, {"CHECKPOINT": "b", "steps": 0, "seed": 9, "image": "me.png"}, {"ckpt_name": "c"})
    defaults = {name: places[0].default for name, places in mappings_of(filled).items()}
    assert defaults == {"ckpt_name": "c", "steps": 0, "seed": 5, "image": None}
    assert len(mappings_of(filled)["ckpt_name"]) == 2 and mappings_of(chunk)["ckpt_name"][0].default == "a"
    assert with_values(chunk, {"steps": None}) == with_values(chunk) == chunk
    with pytest.raises(UnknownParameterError):
        with_values(chunk, {"stepz": 4})
