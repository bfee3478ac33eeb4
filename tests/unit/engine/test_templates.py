"""Templates, graphs and requests: structures stay structures, whatever a person types."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.chunks import ApiOutputChunk, OutputChunk, chunk_reader, mappings_of
from ai4artsed_desktop.domain.errors import CatalogError, PlaceholderError
from ai4artsed_desktop.engine.templates import fill_graph, fill_request, fill_text, get_at, parse_path, set_at

GRAPH: dict[str, Any] = {
    "name": "g",
    "type": "output_chunk",
    "backend_type": "comfyui",
    "media_type": "image",
    "workflow": {
        "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20, "cfg": 7.5, "positive": ["6", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "{{PROMPT_GOES_HERE}}", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "bad, {{INPUT_TEXT}}", "clip": ["4", 1]}},
        "115:110": {"class_type": "Second", "inputs": {"all": {"texts": ["fixed", "x"]}, "noise": 1}},
    },
    "input_mappings": {
        "prompt": {"node_id": "6", "field": "inputs.text", "source": "{{PREVIOUS_OUTPUT}}"},
        "nested": {"node_id": "115:110", "field": "inputs.all.texts[1]"},
        "steps": {"node_id": "3", "field": "inputs.steps", "default": 20, "type": "int"},
        "seed": [
            {"node_id": "3", "field": "inputs.seed", "type": "seed"},
            {"node_id": "115:110", "field": "inputs.noise"},
        ],
    },
}
API: dict[str, Any] = {
    "name": "a",
    "type": "api_output_chunk",
    "media_type": "image",
    "api_config": {
        "provider": "p",
        "model": "m",
        "endpoint": "e",
        "request_body": {
            "messages": [{"role": "system", "content": "{{INPUT_TEXT}}"}, {"role": "user", "content": "?"}],
            "n": 1,
        },
    },
    "input_mappings": {
        "prompt": {"field": "request_body.messages[1].content"},
        "n": {"field": "request_body.n", "default": 1},
    },
    "output_mapping": {"type": "images_api_base64"},
}
TEXTS = {"INPUT_TEXT": "an idea", "PREVIOUS_OUTPUT": "a text"}
hostile = st.text() | st.sampled_from(
    [
        '"',
        '"}, "6": {"class_type": "X',
        "\\",
        "{{INPUT_TEXT}}",
        "{{NOBODY}}",
        "{0}",
        "\n\r\t",
        "\u2028",
        '["4", 0]',
        "💥",
    ]
)


def graph(values: dict[str, Any], texts: dict[str, str] = TEXTS) -> dict[str, Any]:
    chunk = chunk_reader.validate_python(GRAPH)
    assert isinstance(chunk, OutputChunk)
    before = copy.deepcopy(chunk)
    filled = fill_graph(chunk, mappings_of(chunk), values, texts)
    assert chunk == before, "the chunk itself must not change"
    return filled


def body(values: dict[str, Any], texts: dict[str, str] = TEXTS) -> dict[str, Any]:
    chunk = chunk_reader.validate_python(API)
    assert isinstance(chunk, ApiOutputChunk)
    before = copy.deepcopy(chunk)
    filled = fill_request(chunk.api_config, mappings_of(chunk), values, texts)
    assert chunk == before
    return filled


def test_values_go_to_their_places_and_stay_numbers() -> None:
    filled = graph({"prompt": "a cat", "steps": 0, "seed": 0, "nested": "deep"})
    assert filled["3"]["inputs"] == {"seed": 0, "steps": 0, "cfg": 7.5, "positive": ["6", 0]}
    assert filled["6"]["inputs"]["text"] == "a cat"
    assert filled["7"]["inputs"]["text"] == "bad, an idea"
    assert filled["115:110"]["inputs"] == {"all": {"texts": ["fixed", "deep"]}, "noise": 0}
    assert filled["3"]["class_type"] == "KSampler" and set(filled["3"]) == {"class_type", "inputs"}


def test_titles_of_nodes_stay_because_progress_names_them() -> None:
    node = {"class_type": "SaveImage", "inputs": {}, "_meta": {"title": "The end"}}
    chunk = OutputChunk.model_validate(
        {"name": "x", "type": "output_chunk", "backend_type": "comfyui", "media_type": "image", "workflow": {"1": node}}
    )
    assert fill_graph(chunk, {}, {}, {}) == {"1": node}


def test_a_parameter_without_a_value_leaves_the_graphs_own() -> None:
    filled = graph({"prompt": "x", "steps": None})
    assert filled["3"]["inputs"]["steps"] == 20 and filled["115:110"]["inputs"]["noise"] == 1


def test_a_placeholder_that_nobody_fills_is_an_error_also_where_a_value_could_have_gone() -> None:
    with pytest.raises(PlaceholderError) as caught:
        graph({"prompt": None})
    assert caught.value.params == {"name": "PROMPT_GOES_HERE", "where": "g"}


@given(hostile, hostile)
def test_whatever_a_person_types_changes_no_other_node(prompt: str, nested: str) -> None:
    quiet = graph({"prompt": "a", "nested": "b"})
    filled = graph({"prompt": prompt, "nested": nested})
    assert filled["6"]["inputs"]["text"] == prompt, "a {{…}} that a person typed stays as typed"
    assert filled["115:110"]["inputs"]["all"]["texts"][1] == nested
    filled["6"]["inputs"]["text"], filled["115:110"]["inputs"]["all"]["texts"][1] = "a", "b"
    assert filled == quiet
    assert json.loads(json.dumps(filled)) == filled


@given(hostile)
def test_a_text_that_fills_a_placeholder_is_not_read_again(idea: str) -> None:
    assert graph({"prompt": "x"}, {"INPUT_TEXT": idea})["7"]["inputs"]["text"] == f"bad, {idea}"
    assert fill_text("<{{A}}|{{ B }}>", {"A": idea, "B": "b"}, "w") == f"<{idea}|b>"


@given(hostile)
def test_an_api_request_takes_a_text_at_an_index(prompt: str) -> None:
    filled = body({"prompt": prompt, "n": 0})
    assert filled == {
        "messages": [{"role": "system", "content": "an idea"}, {"role": "user", "content": prompt}],
        "n": 0,
    }


def test_a_mapping_to_nowhere_is_an_error() -> None:
    chunk = chunk_reader.validate_python(
        {**GRAPH, "input_mappings": {"x": {"node_id": "9", "field": "inputs.a", "default": 1}}}
    )
    assert isinstance(chunk, OutputChunk)
    with pytest.raises(CatalogError):
        fill_graph(chunk, mappings_of(chunk), {"x": 1}, TEXTS)


@pytest.mark.parametrize(
    ("path", "parts"),
    [("a", ("a",)), ("a.b[0][12].c", ("a", "b", 0, 12, "c")), ("inputs.115:110", ("inputs", "115:110"))],
)
def test_paths_are_split(path: str, parts: tuple[str | int, ...]) -> None:
    assert parse_path(path) == parts


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a]", "[]", "a[1"])
def test_malformed_paths_are_errors(path: str) -> None:
    with pytest.raises(CatalogError):
        get_at({"a": [1, 2], "b": 1}, path)


def test_set_at_never_makes_new_places() -> None:
    tree = {"a": [{"b": 1}]}
    set_at(tree, "a[0].b", 2)
    assert tree == {"a": [{"b": 2}]}
    for path in ("a[1].b", "a[0].c", "a.b", "c", "a[0].b.c"):
        with pytest.raises(CatalogError):
            set_at(tree, path, 3)
    assert tree == {"a": [{"b": 2}]}
