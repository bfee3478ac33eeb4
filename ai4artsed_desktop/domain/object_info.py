"""Checks a ComfyUI graph against what a server says about its nodes (``/object_info``). Pure.

Format and rules: ComfyUI's ``/object_info`` and its validation of prompts, October 2025 to August 2026. Choice lists
come in two encodings, ``[[…], {…}]`` and ``["COMBO", {"options": […]}]``; one with ``remote`` has no options.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any, Literal, cast

from ai4artsed_desktop.domain.graph_links import Graph, Output, as_link, class_of, inputs_of, links

ObjectInfo = Mapping[str, Any]
InputSpec = Sequence[Any]

#: A choice that ends so is a file of the server's disk: not there is another case than not known.
_MODEL_ENDINGS = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf", ".onnx")
_FILE_ENDINGS = (
    *_MODEL_ENDINGS,
    ".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".wav", ".flac", ".mp3", ".ogg", ".opus", ".mp4", ".webm",
)  # fmt: skip
#: Types that take what the schema does not spell out.
_OPEN_TYPES = frozenset({"*", "COMFY_MATCHTYPE_V3", "COMFY_AUTOGROW_V3"})
_DYNAMIC = "COMFY_DYNAMICCOMBO_V3"
_LONGEST_LIST = 12


#: Code of an issue about a model file that the server does not list: the graph is right, the disk is not.
NO_FILE = "graph.problem.no_file"


@dataclass(frozen=True, slots=True)
class Issue:
    """Something the server would refuse, or (``note``) silently ignore. ``code`` is a language-file key."""

    code: str
    params: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    severity: Literal["error", "note"] = "error"


def check_graph(graph: Mapping[str, Any], object_info: ObjectInfo) -> list[Issue]:
    """Return what is wrong with a graph; empty = the server takes it.

    Unknown input names are notes: the server ignores them, and a graph for several server versions needs them.
    Missing files have a code of their own (``NO_FILE``).
    """
    server = _Server(object_info, _link_types(object_info))
    issues = [issue for node_id, node in graph.items() for issue in _node_issues(graph, node_id, node, server)]
    known = [class_of(node) for node in graph.values() if class_of(node) in object_info]
    if not any(object_info[name].get("output_node") for name in known):
        issues.append(Issue("graph.problem.no_output"))
    if (node_id := _node_on_a_cycle(graph)) is not None:
        issues.append(_issue("cycle", node=node_id))
    return issues


@dataclass(frozen=True, slots=True)
class _Server:
    """A server's nodes; ``link_types`` are those that only a link can give."""

    nodes: ObjectInfo
    link_types: frozenset[str]


def input_specs(class_info: Mapping[str, Any]) -> dict[str, tuple[InputSpec, bool]]:
    """Return the inputs of a node class in their order: name → (specification, is required)."""
    return _grouped(class_info.get("input", {}))


def _grouped(groups: Mapping[str, Mapping[str, InputSpec]]) -> dict[str, tuple[InputSpec, bool]]:
    return {
        name: (spec, group == "required")
        for group in ("required", "optional")
        for name, spec in groups.get(group, {}).items()
    }


def choices_of(spec: InputSpec) -> Sequence[Any] | None:
    """Return what an input may be chosen from; None if it is no choice, or the server does not say."""
    if isinstance(spec[0], list):
        return cast("list[Any]", spec[0])
    options: list[Any] | None = _options(spec).get("options")
    if spec[0] == _DYNAMIC:
        return [option.get("key") for option in options or ()]
    return options if spec[0] == "COMBO" else None


def as_listed(graph: Graph, object_info: ObjectInfo) -> dict[str, Any]:
    """Return the graph with each model file under the name that the server lists it by.

    Servers on Windows list backslashes, and a person may keep files in subfolders of their own: both would be refused.
    A name that the server lists as it is stays, and so does one that it lists nowhere.
    """
    found: dict[str, Any] = dict(graph)
    for node_id, node in graph.items():
        specs = input_specs(object_info.get(class_of(node), {}))
        inputs = inputs_of(node)
        other = {
            key: name
            for key, (spec, _) in specs.items()
            if isinstance(value := inputs.get(key), str)
            and value.lower().endswith(_MODEL_ENDINGS)
            and (name := listed_name(value, choices_of(spec) or ())) not in (None, value)
        }
        if other:
            found[node_id] = {**node, "inputs": {**inputs, **other}}
    return found


def renamed_files(asked: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, str]:
    """Return what ``as_listed`` changed: a model file's name as it is asked for, to the one that is sent."""
    return {
        str(value): str(inputs_of(sent[node_id])[key])
        for node_id, node in asked.items()
        for key, value in inputs_of(node).items()
        if isinstance(value, str) and value.lower().endswith(_MODEL_ENDINGS)
        if node_id in sent and inputs_of(sent[node_id]).get(key, value) != value
    }


def listed_name(wanted: str, listed: Iterable[object]) -> str | None:
    """Return what a server calls a model file: the same name, the same path, or the same file in the nearest subfolder.

    None if it lists no such file, or several that are as near: nobody knows which one is meant.
    """
    names = [name for name in listed if isinstance(name, str)]
    path = wanted.replace("\\", "/")
    below = [name for name in names if f"/{name}".replace("\\", "/").endswith(f"/{path}")]
    if wanted in names or not below:
        return wanted if wanted in names else None
    depths = {name: name.replace("\\", "/").count("/") for name in below}
    nearest = [name for name, depth in depths.items() if depth == min(depths.values())]
    return nearest[0] if len(nearest) == 1 else None


def nested_specs(spec: InputSpec, chosen: object) -> dict[str, tuple[InputSpec, bool]]:
    """Return the inputs that a chosen option brings along, by their names inside it; none for plain inputs."""
    options: list[Mapping[str, Any]] = _options(spec).get("options", []) if spec[0] == _DYNAMIC else []
    for option in options:
        if option.get("key") == chosen:
            return _grouped(option.get("inputs", {}))
    return {}


def _options(spec: InputSpec) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", spec[1]) if len(spec) > 1 and isinstance(spec[1], dict) else {}


def _issue(problem: str, severity: Literal["error", "note"] = "error", **params: str) -> Issue:
    return Issue(f"graph.problem.{problem}", MappingProxyType(params), severity)


def _node_issues(graph: Graph, node_id: str, node: Any, server: _Server) -> Iterator[Issue]:
    if not isinstance(node, Mapping) or not isinstance(cast("Mapping[str, Any]", node).get("inputs"), dict):
        # The server takes such a graph, and then never runs anything again.
        yield _issue("no_inputs", node=node_id)
        return
    name = class_of(cast("Mapping[str, Any]", node))
    if name not in server.nodes:
        yield _issue("no_class", node=node_id, name=name)
        return
    inputs = inputs_of(cast("Mapping[str, Any]", node))
    specs = _with_nested(input_specs(server.nodes[name]), inputs)
    for key, (spec, is_required) in specs.items():
        if key in inputs:
            yield from _input_issues(graph, node_id, key, inputs[key], spec, server)
        elif is_required and spec[0] != "COMFY_AUTOGROW_V3":
            yield _issue("no_input", node=node_id, field=key)
    open_names = tuple(f"{key}." for key, (spec, _) in specs.items() if spec[0] == "COMFY_AUTOGROW_V3")
    for key in inputs:
        if key not in specs and not key.startswith(open_names or ("\0",)):
            yield _issue("unknown_input", "note", node=node_id, field=key)


def _with_nested(
    specs: dict[str, tuple[InputSpec, bool]], inputs: Mapping[str, Any]
) -> dict[str, tuple[InputSpec, bool]]:
    """Return the inputs with those that the chosen options bring along; their names are ``choice.input``."""
    found: dict[str, tuple[InputSpec, bool]] = {}
    for name, (spec, is_required) in specs.items():
        found[name] = (spec, is_required)
        # Never required: a recorded server runs SaveVideo with "format" alone, though "format.codec" is said to be.
        nested = {f"{name}.{key}": (inner, False) for key, (inner, _) in nested_specs(spec, inputs.get(name)).items()}
        found |= _with_nested(nested, inputs) if nested else {}
    return found


def _input_issues(
    graph: Graph, node_id: str, key: str, value: Any, spec: InputSpec, server: _Server
) -> Iterator[Issue]:
    source = as_link(value)
    if source is not None:
        yield from _link_issues(graph, node_id, key, source, spec, server)
    elif (choices := choices_of(spec)) is not None:
        yield from _choice_issues(node_id, key, value, choices)
    elif spec[0] in ("INT", "FLOAT"):
        yield from _number_issues(node_id, key, value, spec)
    elif spec[0] == "BOOLEAN" and not isinstance(value, bool | int | str):
        yield _issue("wrong_value", node=node_id, field=key, value=str(value), expected="true, false")
    elif spec[0] == "STRING" and not isinstance(value, str | int | float):
        yield _issue("wrong_value", node=node_id, field=key, value=str(value), expected="text")
    elif isinstance(spec[0], str) and spec[0] in server.link_types:
        yield _issue("wrong_value", node=node_id, field=key, value=str(value), expected=spec[0])


def _link_types(object_info: ObjectInfo) -> frozenset[str]:
    """Return the types that only a link can give: MODEL, CLIP, IMAGE … and whatever node packs bring."""
    given = {kind for info in object_info.values() for kind in info.get("output", ()) if isinstance(kind, str)}
    return frozenset(given - {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", *_OPEN_TYPES, _DYNAMIC})


def _link_issues(
    graph: Graph, node_id: str, key: str, source: Output, spec: InputSpec, server: _Server
) -> Iterator[Issue]:
    if source.node_id not in graph:
        yield _issue("no_link", node=node_id, field=key, target=source.node_id)
        return
    giver = server.nodes.get(class_of(graph[source.node_id]))
    if giver is None:
        return  # its class is unknown: said at that node
    outputs: Sequence[Any] = giver.get("output", [])
    if not 0 <= source.slot < len(outputs):
        yield _issue("no_slot", node=node_id, field=key, target=source.node_id, slot=str(source.slot))
    elif not _fits(outputs[source.slot], spec):
        yield _issue(
            "wrong_type",
            node=node_id,
            field=key,
            target=source.node_id,
            found=str(outputs[source.slot]),
            expected=str(spec[0]),
        )


def _fits(given: Any, spec: InputSpec) -> bool:
    if choices_of(spec) is not None or isinstance(given, list):
        return isinstance(given, list) or given in ("COMBO", "STRING", *_OPEN_TYPES)
    taken = set(str(spec[0]).split(","))
    return bool(taken & set(str(given).split(","))) or bool({str(given), *taken} & _OPEN_TYPES)


def _choice_issues(node_id: str, key: str, value: Any, choices: Sequence[Any]) -> Iterator[Issue]:
    if value in choices or (isinstance(value, str) and _is_listed_otherwise(value, choices)):
        return
    if str(value).lower().endswith(_FILE_ENDINGS):
        yield _issue("no_file", node=node_id, field=key, name=str(value))
        return
    shown = ", ".join(str(choice) for choice in choices[:_LONGEST_LIST]) + (
        " …" if len(choices) > _LONGEST_LIST else ""
    )
    yield _issue("not_a_choice", node=node_id, field=key, value=str(value), expected=shown or "–")


def _is_listed_otherwise(value: str, choices: Sequence[Any]) -> bool:
    """Tell whether ``as_listed`` would name a model file as the server does."""
    return value.lower().endswith(_MODEL_ENDINGS) and listed_name(value, choices) is not None


def _number_issues(node_id: str, key: str, value: Any, spec: InputSpec) -> Iterator[Issue]:
    options = _options(spec)
    try:  # the server converts texts, too
        number = int(value) if spec[0] == "INT" else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        yield _issue("wrong_value", node=node_id, field=key, value=str(value), expected=str(spec[0]))
        return
    low, high = options.get("min"), options.get("max")
    if (low is not None and number < low) or (high is not None and number > high):
        yield _issue("out_of_range", node=node_id, field=key, value=str(value), expected=f"{low} … {high}")


def _node_on_a_cycle(graph: Graph) -> str | None:
    """Return a node that feeds itself, or None."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for target, source in links(graph):
        sorter.add(target.node_id, source.node_id)
    try:
        sorter.prepare()
    except CycleError as exc:
        return exc.args[1][0]
    return None
