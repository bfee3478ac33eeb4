"""Facts about ComfyUI graphs: what may be sent, names, own prefixes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ai4artsed_desktop.domain.backend_errors import UnsafeGraphError
from ai4artsed_desktop.domain.comfyui import check_graph, link_of, node_name, steps_of, with_own_prefix

GOOD: dict[Any, Any] = {
    "115:110": {"class_type": "EmptyImage", "inputs": {"width": 64, "color": 2**64 - 1}},
    "2": {
        "class_type": "SaveImage",
        "inputs": {"images": ["115:110", 0], "filename_prefix": "a/b"},
        "_meta": {"title": "S"},
    },
}


def test_a_good_graph_passes() -> None:
    check_graph(GOOD)


BROKEN_NODES: list[tuple[Any, Any]] = [
    ("3", {"class_type": "EmptyImage"}),
    ("3", {"class_type": "EmptyImage", "inputs": []}),
    ("3", {"class_type": "EmptyImage", "inputs": None}),
    ("3", {"inputs": {}}),
    ("3", {"class_type": 7, "inputs": {}}),
    ("3", None),
    ("3", "EmptyImage"),
    (3, {"class_type": "EmptyImage", "inputs": {}}),
    ("", {"class_type": "EmptyImage", "inputs": {}}),
    ("3", {"class_type": "X", "inputs": {"cfg": float("nan")}}),
    ("3", {"class_type": "X", "inputs": {"cfg": [[float("inf")]]}}),
    ("3", {"class_type": "X", "inputs": {"data": b"bytes"}}),
    ("3", {"class_type": "X", "inputs": {"nested": {1: 2}}}),
]


@pytest.mark.parametrize(("node_id", "node"), BROKEN_NODES)
def test_a_node_that_would_break_the_server_is_refused(node_id: Any, node: Any) -> None:
    with pytest.raises(UnsafeGraphError) as caught:
        check_graph(GOOD | {node_id: node})
    assert caught.value.params["node"] == str(node_id)
    assert caught.value.detail


@pytest.mark.parametrize("graph", [{}, None, [1, 2], "text"])
def test_what_is_no_graph_is_refused(graph: object) -> None:
    with pytest.raises(UnsafeGraphError):
        check_graph(graph)


def test_a_dangling_link_of_an_unused_node_is_the_servers_business() -> None:
    check_graph(GOOD | {"3": {"class_type": "ImageInvert", "inputs": {"image": ["99", 0]}}})


def test_a_node_is_called_by_its_title_then_its_class_then_its_id() -> None:
    assert (node_name(GOOD, "2"), node_name(GOOD, "115:110"), node_name(GOOD, "9")) == ("S", "EmptyImage", "9")


@pytest.mark.parametrize(
    ("value", "source"),
    [(["4", 0], "4"), (("4", 1), "4"), ([4, 0], None), (["a", "b", "c"], None), ("4", None), (None, None), ([], None)],
)
def test_a_list_of_two_that_names_a_node_is_a_link(value: object, source: str | None) -> None:
    assert link_of(value) == source


@pytest.mark.parametrize(("steps", "count"), [(25, 25), (1, 1), (0, 1), (True, 1), ("25", 1), (["4", 0], 1)])
def test_only_a_number_of_steps_counts(steps: object, count: int) -> None:
    assert steps_of({"3": {"class_type": "KSampler", "inputs": {"steps": steps}}}, "3") == count


def test_an_own_prefix_changes_nothing_else() -> None:
    before = copy.deepcopy(GOOD)
    marked = with_own_prefix(GOOD, "run_7")
    assert before == GOOD
    assert marked["2"]["inputs"].pop("filename_prefix") == "a/b_run_7"  # pyright: ignore[reportIndexIssue] - a node
    before["2"]["inputs"].pop("filename_prefix")
    assert marked == before


def test_a_linked_prefix_stays_a_link() -> None:
    graph = {"2": {"class_type": "SaveImage", "inputs": {"filename_prefix": ["1", 0]}}}
    assert with_own_prefix(graph, "x") == graph
