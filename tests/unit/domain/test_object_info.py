"""Graphs against a server's description of its nodes: every way to be wrong, on recorded descriptions."""

from __future__ import annotations

import copy
import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.object_info import (
    as_listed,
    check_graph,
    choices_of,
    input_specs,
    listed_name,
    renamed_files,
)
from tests.support.comfyui_records import exchanges
from tests.support.object_info import GENERATIONS, Generation, object_info

INFO = {generation: object_info(generation) for generation in GENERATIONS}
PREFIX = "graph.problem."


def good_graph() -> dict[str, Any]:
    return {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
    }


def codes(graph: dict[str, Any], server: Generation = "new") -> list[str]:
    return [issue.code.removeprefix(PREFIX) for issue in check_graph(graph, INFO[server])]


@pytest.mark.parametrize("server", GENERATIONS)
def test_a_good_graph_has_no_issues(server: Generation) -> None:
    assert codes(good_graph(), server) == []


@pytest.mark.parametrize(
    ("node", "field", "value", "expected"),
    [
        ("1", "width", 0, "out_of_range"),
        ("1", "width", 10**9, "out_of_range"),
        ("1", "width", "wide", "wrong_value"),
        ("1", "width", None, "wrong_value"),
        ("1", "width", float("nan"), "wrong_value"),
        ("1", "width", [64], "wrong_value"),
        ("1", "width", ["2", 0], "wrong_type"),
        ("2", "image", ["99", 0], "no_link"),
        ("2", "image", ["1", 1], "no_slot"),
        ("2", "image", ["1", -1], "no_slot"),
        ("2", "image", "picture.png", "wrong_value"),
        ("3", "filename_prefix", {"a": 1}, "wrong_value"),
        ("3", "colour", "red", "unknown_input"),
    ],
)
@pytest.mark.parametrize("server", GENERATIONS)
def test_a_wrong_input_is_named(node: str, field: str, value: Any, expected: str, server: Generation) -> None:
    graph = good_graph()
    graph[node]["inputs"][field] = value
    issues = [issue for issue in check_graph(graph, INFO[server]) if issue.code != f"{PREFIX}cycle"]
    assert [issue.code.removeprefix(PREFIX) for issue in issues] == [expected]
    assert issues[0].params["node"] == node and issues[0].params["field"] == field
    assert issues[0].severity == ("note" if expected == "unknown_input" else "error")


def test_a_number_as_text_is_converted_by_the_server() -> None:
    graph = good_graph()
    graph["1"]["inputs"]["width"] = "64"
    assert codes(graph) == []


def test_a_missing_input_is_named() -> None:
    graph = good_graph()
    del graph["1"]["inputs"]["width"]
    assert [(i.code, i.params["field"]) for i in check_graph(graph, INFO["old"])] == [(f"{PREFIX}no_input", "width")]


@pytest.mark.parametrize("node", [{"class_type": "EmptyImage"}, {"class_type": "EmptyImage", "inputs": []}, None, 7])
def test_a_node_without_inputs_would_stop_the_server(node: Any) -> None:
    assert codes(good_graph() | {"9": node}) == ["no_inputs"]


@pytest.mark.parametrize(
    "node", [{"class_type": "NoSuchNode", "inputs": {}}, {"inputs": {}}, {"class_type": 3, "inputs": {}}]
)
def test_an_unknown_class_is_named(node: Any) -> None:
    assert codes(good_graph() | {"9": node}) == ["no_class"]


def test_a_graph_that_saves_nothing_is_refused() -> None:
    graph = good_graph()
    del graph["3"]
    assert codes(graph) == ["no_output"]
    assert codes({}) == ["no_output"]


def test_a_circle_is_found() -> None:
    graph = good_graph()
    graph["2"]["inputs"]["image"] = ["2", 0]
    assert codes(graph) == ["cycle"]


def test_a_choice_that_is_a_file_is_a_missing_file_and_any_other_a_wrong_choice() -> None:
    graph = good_graph() | {
        "5": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "nowhere.safetensors"}},
        "6": {"class_type": "UNETLoader", "inputs": {"unet_name": "x.gguf", "weight_dtype": "int3"}},
    }
    assert codes(graph) == ["no_file", "no_file", "not_a_choice"]


@pytest.mark.parametrize(
    ("wanted", "listed", "name"),
    [
        ("a.safetensors", ["a.safetensors", "x/a.safetensors"], "a.safetensors"),
        ("x/a.safetensors", ["x\\a.safetensors"], "x\\a.safetensors"),
        ("x\\a.safetensors", ["x/a.safetensors"], "x/a.safetensors"),
        ("a.safetensors", ["p/q/a.safetensors", "z\\a.safetensors"], "z\\a.safetensors"),
        ("a.safetensors", ["p/a.safetensors", "q/a.safetensors"], None),
        ("a.safetensors", ["p/a.safetensors", "q/a.safetensors", "a.safetensors"], "a.safetensors"),
        ("x/a.safetensors", ["y/a.safetensors", "a.safetensors", "xx/a.safetensors"], None),
        ("a.safetensors", ["ba.safetensors", 7], None),
        ("a.safetensors", [], None),
    ],
)
def test_a_model_file_is_found_under_the_name_the_server_lists(
    wanted: str, listed: list[object], name: str | None
) -> None:
    assert listed_name(wanted, listed) == name


@pytest.mark.parametrize("server", GENERATIONS)
def test_a_graph_names_model_files_as_the_server_does_and_nothing_else(server: Generation) -> None:
    info = copy.deepcopy(INFO[server])
    info["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"] = [["SD1\\a.safetensors"], {}]
    info["LoadImage"]["input"]["required"]["image"] = [["SD1/b.png"], {}]
    graph = good_graph() | {
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
        "5": {"class_type": "LoadImage", "inputs": {"image": "b.png"}},
        "6": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": ["5", 0]}},
        "7": {"class_type": "Stranger", "inputs": {"ckpt_name": "a.safetensors"}},
    }
    named = as_listed(graph, info)
    assert named["4"]["inputs"]["ckpt_name"] == "SD1\\a.safetensors"
    assert renamed_files(graph, named) == {"a.safetensors": "SD1\\a.safetensors"}
    assert renamed_files(graph, graph) == {}
    other_prefix = {"9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "b"}}}
    assert renamed_files({"9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "a"}}}, other_prefix) == {}
    assert {**named, "4": None} == {**graph, "4": None}
    issues = check_graph(graph, info)
    assert [issue.params["node"] for issue in issues if issue.code == f"{PREFIX}no_file"] == ["5"]


def test_both_encodings_of_choices_are_read() -> None:
    assert choices_of([["a", "b"], {}]) == ["a", "b"]
    assert choices_of(["COMBO", {"options": ["a", "b"]}]) == ["a", "b"]
    assert choices_of(["COMBO", {"remote": {"route": "/x"}}]) is None
    assert choices_of(["INT", {}]) is None
    sampler = {g: input_specs(INFO[g]["KSamplerSelect"])["sampler_name"][0] for g in GENERATIONS}
    assert {type(spec[0]) for spec in sampler.values()} == {str, list}
    assert all("euler" in (choices_of(spec) or ()) for spec in sampler.values())


def test_a_list_that_the_server_does_not_tell_takes_anything() -> None:
    info = copy.deepcopy(INFO["new"])
    info["EmptyImage"]["input"]["required"]["width"] = ["COMBO", {"remote": {"route": "/x"}}]
    assert check_graph(good_graph(), info) == []


def recorded_prompts(server: Generation) -> list[tuple[str, dict[str, Any], bool]]:
    """What was posted to a real server: a note, the graph, and whether the server took all of it."""
    found: list[tuple[str, dict[str, Any], bool]] = []
    for exchange in exchanges(server, "prompt-errors"):
        body: Any = exchange["request"].get("json")
        answer: dict[str, Any] = exchange["response"].get("json") or {}
        kind = (answer.get("error") or {"type": None})["type"]
        if exchange["response"]["status"] != 500 and kind != "invalid_prompt_id" and isinstance(body, dict):
            graph = cast("dict[str, Any]", body).get("prompt")
            if isinstance(graph, dict):
                is_taken = exchange["response"]["status"] == 200 and not answer.get("node_errors")
                found.append((exchange["note"], cast("dict[str, Any]", graph), is_taken))
    return found


@pytest.mark.parametrize("server", GENERATIONS)
def test_the_check_agrees_with_what_real_servers_said(server: Generation) -> None:
    prompts = recorded_prompts(server)
    assert len(prompts) > 20 and {taken for _, _, taken in prompts} == {True, False}
    for note, graph, is_taken in prompts:
        errors = [issue for issue in check_graph(graph, INFO[server]) if issue.severity == "error"]
        assert (not errors) == is_taken, note


def video_graph(**inputs: Any) -> dict[str, Any]:
    return good_graph() | {
        "4": {"class_type": "CreateVideo", "inputs": {"images": ["2", 0], "fps": 24}},
        "5": {"class_type": "SaveVideo", "inputs": {"video": ["4", 0], "filename_prefix": "v", **inputs}},
    }


def test_inputs_that_a_choice_brings_along_are_checked_too() -> None:
    assert codes(video_graph(format="mp4", **{"format.codec": "h264"})) == []
    assert codes(video_graph(format="mp4", **{"format.codec": "theora"})) == ["not_a_choice"]
    assert codes(video_graph(format="reel")) == ["not_a_choice"]


@pytest.mark.parametrize("server", GENERATIONS)
def test_a_video_is_saved_by_both_servers_with_the_same_inputs(server: Generation) -> None:
    assert codes(video_graph(format="mp4", codec="h264"), server) == []  # recorded: both ran it


def test_inputs_that_grow_take_any_number_of_links() -> None:
    batch = {"class_type": "BatchImagesNode", "inputs": {"images.image0": ["1", 0], "images.image1": ["2", 0]}}
    assert codes(good_graph() | {"9": batch}) == []


def test_types_joined_by_commas_overlap() -> None:
    info = copy.deepcopy(INFO["new"])
    info["ImageInvert"]["input"]["required"]["image"] = ["MASK,IMAGE", {}]
    assert check_graph(good_graph(), info) == []
    info["ImageInvert"]["input"]["required"]["image"] = ["MASK,LATENT", {}]
    assert [i.code for i in check_graph(good_graph(), info)] == [f"{PREFIX}wrong_type"]
    info["ImageInvert"]["input"]["required"]["image"] = ["*", {}]
    assert check_graph(good_graph(), info) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["1", "2", "3", "4:5"]),
        json_values
        | st.fixed_dictionaries(
            {
                "class_type": st.sampled_from(["SaveImage", "KSampler", "SaveVideo", "BatchImagesNode", "Nothing"]),
                "inputs": st.dictionaries(
                    st.sampled_from(["images", "seed", "sampler_name", "format", "model", "images.image0"]),
                    json_values | st.tuples(st.sampled_from(["1", "2", "9"]), st.integers(-1, 3)).map(list),
                ),
            }
        ),
    )
)
def test_any_graph_gets_an_answer_that_can_be_shown(graph: dict[str, Any]) -> None:
    for server in GENERATIONS:
        for issue in check_graph(graph, INFO[server]):
            json.dumps(dict(issue.params))
            assert issue.code.startswith(PREFIX)
