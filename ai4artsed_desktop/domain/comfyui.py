"""Facts about ComfyUI graphs (API format): what may be sent, what a node is called, how far the work is.

Source of every statement about the server: its recorded behaviour, versions 0.3.64 (Oct 2025) and 0.33.0 (Aug 2026).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from ai4artsed_desktop.domain.backend_errors import UnsafeGraphError

Graph = Mapping[str, object]


def check_graph(graph: object, backend: str = "ComfyUI") -> None:
    """Let a graph pass that the server can refuse or run, but that cannot break it.

    A node without ``inputs``, even an unused one, kills the server's worker: the server goes on answering, but never
    runs anything again. ``inputs`` that is no object does the same to older servers. Numbers that JSON lacks (NaN,
    infinity) are no request at all.

    Raises:
        UnsafeGraphError: With the node's id and what is wrong with it.
    """
    if not isinstance(graph, Mapping) or not graph:
        raise UnsafeGraphError("the graph is empty or no object", backend=backend, node="–")
    for node_id, node in cast("Mapping[object, object]", graph).items():
        if problem := _problem(node_id, node):
            raise UnsafeGraphError(problem, backend=backend, node=str(node_id))


def _problem(node_id: object, node: object) -> str:
    if not isinstance(node_id, str) or not node_id:
        return "the node's id is no text"
    if not isinstance(node, Mapping):
        return "the node is no object"
    entry = cast("Mapping[str, object]", node)
    if not isinstance(entry.get("class_type"), str) or not entry["class_type"]:
        return "the node has no class_type"
    if not isinstance(entry.get("inputs"), Mapping):
        return "the node has no inputs; {} is needed even where there are none"
    return _value_problem(entry["inputs"])


def _value_problem(value: object) -> str:
    """Say what in a value JSON cannot carry."""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"{value} is no number in JSON"
    if isinstance(value, Mapping):
        parts = cast("Mapping[object, object]", value)
        if not all(isinstance(name, str) for name in parts):
            return "an input's name is no text"
        return next((said for part in parts.values() if (said := _value_problem(part))), "")
    if isinstance(value, list | tuple):
        return next((said for part in cast("list[object]", value) if (said := _value_problem(part))), "")
    if value is None or isinstance(value, str | int):
        return ""
    return f"{type(value).__name__} is no JSON value"


def inputs_of(graph: Graph, node_id: str) -> Mapping[str, object]:
    """Return a node's inputs; empty for an unknown node."""
    node = cast("Mapping[str, object]", graph.get(node_id, {}))
    return cast("Mapping[str, object]", node.get("inputs", {}))


def class_of(graph: Graph, node_id: str) -> str:
    """Return a node's class; ``""`` for an unknown node."""
    return str(cast("Mapping[str, object]", graph.get(node_id, {})).get("class_type", ""))


def node_name(graph: Graph, node_id: str) -> str:
    """Return what people call a node: its title, else its class, else its id."""
    node = cast("Mapping[str, object]", graph.get(node_id, {}))
    meta = node.get("_meta")
    title = cast("Mapping[str, object]", meta).get("title") if isinstance(meta, Mapping) else None
    return str(title or class_of(graph, node_id) or node_id)


def link_of(value: object) -> str | None:
    """Return the id of the node a value comes from, None for a plain value. Every list of two is a link."""
    if isinstance(value, list | tuple):
        pair = cast("list[object]", value)
        if len(pair) == 2 and isinstance(pair[0], str):
            return pair[0]
    return None


def steps_of(graph: Graph, node_id: str) -> int:
    """Return how many steps a node announces in its inputs: a sampler's ``steps``, else 1."""
    steps = inputs_of(graph, node_id).get("steps")
    return steps if isinstance(steps, int) and not isinstance(steps, bool) and steps > 1 else 1


def with_own_prefix(graph: Graph, mark: str) -> dict[str, object]:
    """Return the graph with ``mark`` at the end of every ``filename_prefix``.

    A prefix of its own keeps a job's files apart from others', whose names the server gives out again after a file
    was deleted, and makes a cached job write its files anew.
    """
    return {node_id: _with_mark(node, mark) for node_id, node in graph.items()}


def _with_mark(node: object, mark: str) -> object:
    entry = cast("Mapping[str, object]", node)
    inputs = cast("Mapping[str, object]", entry["inputs"])
    prefix = inputs.get("filename_prefix")
    if not isinstance(prefix, str):
        return node
    return {**entry, "inputs": {**inputs, "filename_prefix": f"{prefix}_{mark}"}}
