"""Filling placeholders, graphs and requests. Structures stay structures: nothing is ever pasted into JSON text."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ai4artsed_desktop.domain.chunks import ApiConfig, Chunk, InputMapping, OutputChunk, mappings_of
from ai4artsed_desktop.domain.errors import CatalogError, PlaceholderError

#: Generous about names, so that one that nobody fills is found instead of being sent to a model as text.
PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")
_PATH_PART = re.compile(r"([^.\[\]]+)|\[(\d+)\]")

#: What the pipeline fills in output chunks; ``SECONDARY_TEXT`` is the second text of ``dual_text_media_generation``.
OUTPUT_PLACEHOLDERS = frozenset({"INPUT_TEXT", "USER_INPUT", "PREVIOUS_OUTPUT", "LANGUAGE", "SECONDARY_TEXT"})
#: What it fills in processing chunks.
TEXT_PLACEHOLDERS = frozenset({"INPUT_TEXT", "USER_INPUT", "PREVIOUS_OUTPUT", "LANGUAGE", "CONTEXT", "INSTRUCTION"})


def placeholders(template: str) -> tuple[str, ...]:
    """Return the names of the placeholders in ``template``, in order."""
    return tuple(match.group(1) for match in PLACEHOLDER.finditer(template))


def takes_second_text(chunk: Chunk) -> bool:
    """Tell whether a chunk has a place for the second text of a run."""
    return "SECONDARY_TEXT" in placeholders(chunk.model_dump_json())


def second_text_parameter(chunk: Chunk) -> InputMapping | None:
    """Return the parameter that the second text fills, which says what that text is (such as lyrics), or None."""
    places = (places[0] for places in mappings_of(chunk).values())
    return next((place for place in places if "SECONDARY_TEXT" in placeholders(place.source or "")), None)


def fill_text(template: str, values: Mapping[str, str], where: str) -> str:
    """Return ``template`` with every placeholder filled; what was filled in is never read again as a template.

    Args:
        where: File or chunk, for the error message.

    Raises:
        PlaceholderError: A placeholder has no value.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise PlaceholderError(name=name, where=where)
        return values[name]

    return PLACEHOLDER.sub(value_of, template)


def fill_tree(tree: Any, values: Mapping[str, str], where: str) -> Any:
    """Return a copy of a JSON structure with the placeholders in its strings filled; keys are left alone.

    Raises:
        PlaceholderError: A placeholder has no value.
    """
    if isinstance(tree, str):
        return fill_text(tree, values, where)
    if isinstance(tree, list):
        return [fill_tree(item, values, where) for item in cast("list[Any]", tree)]
    if isinstance(tree, dict):
        return {key: fill_tree(item, values, where) for key, item in cast("dict[str, Any]", tree).items()}
    return tree


def parse_path(path: str) -> tuple[str | int, ...]:
    """Split ``request_body.messages[1].content`` into its keys and indices.

    Raises:
        CatalogError: The path is empty or malformed.
    """
    parts: list[str | int] = []
    rebuilt = ""
    for match in _PATH_PART.finditer(path):
        key, index = match.groups()
        parts.append(key if index is None else int(index))
        rebuilt += f"[{index}]" if index is not None else (f".{key}" if rebuilt else key)
    if not parts or rebuilt != path:
        raise CatalogError(f"malformed path {path!r}", id=path)
    return tuple(parts)


def get_at(tree: Any, path: str) -> Any:
    """Return the value at ``path``.

    Raises:
        CatalogError: There is nothing at that place.
    """
    for part in parse_path(path):
        tree = _child(tree, part, path)
    return tree


def set_at(tree: Any, path: str, value: Any) -> None:
    """Replace the value at ``path``, which must exist.

    Raises:
        CatalogError: There is nothing at that place.
    """
    *parents, last = parse_path(path)
    for part in parents:
        tree = _child(tree, part, path)
    _child(tree, last, path)
    tree[last] = value


def _child(tree: Any, part: str | int, path: str) -> Any:
    is_there = (isinstance(tree, dict) and part in tree) or (
        isinstance(tree, list) and isinstance(part, int) and part < len(cast("list[Any]", tree))
    )
    if not is_there:
        raise CatalogError(f"nothing at {path!r}", id=path)
    return cast("Any", tree)[part]


@dataclass(frozen=True, slots=True)
class _Placed:
    """A value and its place: ``path`` below the part of the tree that ``key`` names."""

    key: str
    path: str
    value: Any


def _fill_places(tree: dict[str, Any], placed: Sequence[_Placed], texts: Mapping[str, str], where: str) -> Any:
    """Return a copy of ``tree`` with its own placeholders filled and the values at their places.

    In this order: a "{{…}}" in a value was typed by a person, and stays as typed. What a value replaces is emptied
    first, so that a placeholder there that only marks the place needs no text of its own.
    """
    tree = copy.deepcopy(tree)
    for place in placed:
        set_at(_child(tree, place.key, place.path), place.path, None)
    filled = fill_tree(tree, texts, where)
    for place in placed:
        set_at(filled[place.key], place.path, place.value)
    return filled


def fill_graph(
    chunk: OutputChunk,
    mappings: Mapping[str, tuple[InputMapping, ...]],
    values: Mapping[str, Any],
    texts: Mapping[str, str],
) -> dict[str, Any]:
    """Return the chunk's ComfyUI graph (API format) with every value at its place; the chunk itself is not changed.

    Args:
        mappings: ``mappings_of(chunk)``.
        values: Resolved parameters (``domain.parameters.resolve``); None leaves the graph's own value.
        texts: Values for placeholders inside the graph.

    Raises:
        CatalogError: A mapping's node or field is not in the graph.
        PlaceholderError: A placeholder of the graph has no value.
    """
    graph = {
        node_id: {
            "class_type": node.class_type,
            "inputs": node.inputs,
            **({"_meta": node.meta} if node.meta else {}),  # its title is what people call the node
        }
        for node_id, node in chunk.workflow.items()
    }
    placed = [
        _Placed(place.node_id, place.field, value)
        for place, value in _with_values(mappings, values)
        if place.node_id is not None and place.field is not None
    ]
    return _fill_places(graph, placed, texts, chunk.name)


def fill_request(
    config: ApiConfig,
    mappings: Mapping[str, tuple[InputMapping, ...]],
    values: Mapping[str, Any],
    texts: Mapping[str, str],
) -> dict[str, Any]:
    """Return the request body of an API chunk with placeholders and values filled in; see ``fill_graph``.

    Raises:
        CatalogError: A mapping's path is not in the request.
        PlaceholderError: A placeholder has no value.
    """
    placed = [
        _Placed("request", place.field, value)
        for place, value in _with_values(mappings, values)
        if place.field is not None
    ]
    tree = {"request": {"request_body": config.request_body}}
    return _fill_places(tree, placed, texts, config.endpoint)["request"]["request_body"]


def _with_values(
    mappings: Mapping[str, tuple[InputMapping, ...]], values: Mapping[str, Any]
) -> Iterator[tuple[InputMapping, Any]]:
    for name, places in mappings.items():
        if values.get(name) is not None:
            yield from ((place, values[name]) for place in places)
