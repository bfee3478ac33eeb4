"""Links of ComfyUI graphs in API format, and the places where LoRAs go in. Pure.

Format: ``{node id: {"class_type", "inputs": {name: value}}}``; a value ``[node id, output index]`` is a link. Node ids
are texts, such as ``"9"`` or ``"115:110"`` (a node of a subgraph).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

Graph = Mapping[str, Mapping[str, Any]]
Kind = Literal["model", "clip"]

#: Loader class → which of its outputs is a MODEL, which a CLIP. Source: ``output`` in ComfyUI's ``/object_info``; the
#: GGUF loaders are those of the node pack ComfyUI-GGUF.
LOADER_OUTPUTS: Mapping[str, Mapping[Kind, int]] = {
    "CheckpointLoaderSimple": {"model": 0, "clip": 1},
    "CheckpointLoader": {"model": 0, "clip": 1},
    "unCLIPCheckpointLoader": {"model": 0, "clip": 1},
    "ImageOnlyCheckpointLoader": {"model": 0},
    "UNETLoader": {"model": 0},
    "UnetLoaderGGUF": {"model": 0},
    "CLIPLoader": {"clip": 0},
    "DualCLIPLoader": {"clip": 0},
    "TripleCLIPLoader": {"clip": 0},
    "QuadrupleCLIPLoader": {"clip": 0},
    "CLIPLoaderGGUF": {"clip": 0},
    "DualCLIPLoaderGGUF": {"clip": 0},
}
#: LoRA class → its outputs; their inputs have the names of the kinds. Source: as above.
LORA_OUTPUTS: Mapping[str, Mapping[Kind, int]] = {
    "LoraLoader": {"model": 0, "clip": 1},
    "LoraLoaderModelOnly": {"model": 0},
    "LoraLoaderBypass": {"model": 0, "clip": 1},
    "LoraLoaderBypassModelOnly": {"model": 0},
}


class Output(NamedTuple):
    """One output of a node."""

    node_id: str
    slot: int


class Input(NamedTuple):
    """One input of a node."""

    node_id: str
    name: str


@dataclass(frozen=True, slots=True)
class LoraPoint:
    """An output that LoRAs go behind: the end of what the graph itself loads. ``consumers`` take from it now."""

    kind: Kind
    source: Output
    consumers: tuple[Input, ...]


def as_link(value: object) -> Output | None:
    """Return the output that an input's value points to, or None if the value is no link."""
    if not isinstance(value, list | tuple) or len(cast("list[object]", value)) != 2:
        return None
    node_id, index = cast("list[object]", value)
    if isinstance(node_id, str) and isinstance(index, int) and not isinstance(index, bool):
        return Output(node_id, index)
    return None


def inputs_of(node: object) -> Mapping[str, Any]:
    """Return a node's inputs; none if the node is malformed."""
    inputs = cast("Mapping[str, object]", node).get("inputs") if isinstance(node, Mapping) else None
    return cast("Mapping[str, Any]", inputs) if isinstance(inputs, Mapping) else {}


def class_of(node: object) -> str:
    """Return a node's class, ``""`` if the node is malformed."""
    name = cast("Mapping[str, object]", node).get("class_type") if isinstance(node, Mapping) else None
    return name if isinstance(name, str) else ""


def links(graph: Graph) -> Iterator[tuple[Input, Output]]:
    """Yield every link, from the input that takes to the output that gives."""
    for node_id, node in graph.items():
        for name, value in inputs_of(node).items():
            if (source := as_link(value)) is not None:
                yield Input(node_id, name), source


def consumers_of(graph: Graph, source: Output) -> tuple[Input, ...]:
    """Return the inputs that take from an output."""
    return tuple(target for target, found in links(graph) if found == source)


def lora_points(graph: Graph) -> tuple[LoraPoint, ...]:
    """Return where LoRAs go in: behind every loader whose output is used, and behind the LoRAs that are there already.

    A loader whose output feeds both a LoRA and other nodes gives two points: every consumer gets the new LoRAs.
    """
    points: list[LoraPoint] = []
    seen: set[tuple[Kind, Output]] = set()
    for node_id, node in graph.items():
        for kind, index in LOADER_OUTPUTS.get(class_of(node), {}).items():
            points.extend(_points_behind(graph, kind, Output(node_id, index), seen))
    return tuple(points)


def _points_behind(graph: Graph, kind: Kind, source: Output, seen: set[tuple[Kind, Output]]) -> Iterator[LoraPoint]:
    pending = [source]
    while pending:
        source = pending.pop(0)
        if (kind, source) in seen:
            continue
        seen.add((kind, source))
        others: list[Input] = []
        for consumer in consumers_of(graph, source):
            outputs = LORA_OUTPUTS.get(class_of(graph[consumer.node_id]), {})
            if consumer.name == kind and kind in outputs:
                pending.append(Output(consumer.node_id, outputs[kind]))
            else:
                others.append(consumer)
        if others:
            yield LoraPoint(kind, source, tuple(others))


def free_ids(graph: Graph) -> Iterator[str]:
    """Yield ids for new nodes, whole numbers above all that are there: ``"115:110"`` counts as 115 and as 110."""
    parts = (part for node_id in graph for part in node_id.split(":"))
    highest = max((int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 16), default=0)
    while True:
        highest += 1
        yield str(highest)
