"""From a chunk and values to the graph that is sent: filled, without unused pictures, with LoRAs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ai4artsed_desktop.domain.chunks import OutputChunk, mappings_of
from ai4artsed_desktop.domain.errors import CatalogError
from ai4artsed_desktop.domain.graph_links import Output, consumers_of
from ai4artsed_desktop.domain.object_info import NO_FILE, Issue, ObjectInfo, check_graph
from ai4artsed_desktop.domain.parameters import resolve
from ai4artsed_desktop.domain.safetensors import ModelFamily
from ai4artsed_desktop.engine.lora import LoraChoice, LoraGraph, inject_loras
from ai4artsed_desktop.engine.templates import OUTPUT_PLACEHOLDERS, fill_graph, fill_text

#: The parameter that says where the server writes; every job has its own, so that outputs never collide.
PREFIX_PARAMETER = "filename_prefix"
#: Folder in the server's output folder.
_PREFIX_FOLDER = "ai4artsed"
_EXAMPLE_PICTURE = "example.png"


class NoGraphError(CatalogError):
    """The output is not made by ComfyUI, so there is no graph. Params: ``id``."""

    code = "error.catalog.no_graph"


def build_graph(
    chunk: OutputChunk,
    values: Mapping[str, Any],
    texts: Mapping[str, str],
    loras: Sequence[LoraChoice] = (),
    job_name: str | None = None,
) -> LoraGraph:
    """Return exactly the graph that is sent for a chunk, and the LoRAs in it.

    Args:
        values: Resolved parameters (``domain.parameters.resolve``).
        texts: Values for placeholders inside the graph.
        job_name: Start of the names of the server's files, such as the run id; None leaves the chunk's own.

    Raises:
        CatalogError, PlaceholderError: See ``templates.fill_graph``.
        LoraFamilyError, NoLoraPlaceError: See ``lora.inject_loras``.
    """
    mappings = mappings_of(chunk)
    if job_name is not None and PREFIX_PARAMETER in mappings:
        values = {**values, PREFIX_PARAMETER: f"{_PREFIX_FOLDER}/{job_name}"}
    graph = fill_graph(chunk, mappings, values, texts)
    for name, places in mappings.items():
        if places[0].type == "image" and values.get(name) in (None, ""):
            for place in places:
                _remove_node(graph, place.node_id)
    return inject_loras(graph, loras, family_of(chunk))


def example_graph(chunk: OutputChunk) -> dict[str, Any]:
    """Return a chunk's graph with its defaults, stand-ins for texts and pictures, and no LoRAs: to be validated only.

    Raises:
        CatalogError, ParameterError: The chunk's own defaults do not fit.
    """
    mappings = mappings_of(chunk)
    pictures = {name: _EXAMPLE_PICTURE for name, places in mappings.items() if places[0].type == "image"}
    needed = {name: value for name, value in pictures.items() if mappings[name][0].required}
    texts = dict.fromkeys(OUTPUT_PLACEHOLDERS, "x")
    values = resolve(mappings, needed, {}, lambda source: fill_text(source, texts, chunk.name), lambda: 0)
    return build_graph(chunk, values, texts).graph


def graph_issues(chunk: OutputChunk, object_info: ObjectInfo) -> list[Issue]:
    """Return what a server with these nodes would refuse of a chunk's graph; the stand-in for a picture is no issue.

    Raises:
        CatalogError, ParameterError: See ``example_graph``.
    """
    issues = check_graph(example_graph(chunk), object_info)
    return [i for i in issues if i.code != NO_FILE or i.params["name"] != _EXAMPLE_PICTURE]


def family_of(chunk: OutputChunk) -> ModelFamily | None:
    """Return what family a chunk's model belongs to, from its ``meta.model_family``; None = it does not say."""
    said = chunk.meta.get("model_family")
    return next((family for family in ModelFamily if family.value == said), None)


def _remove_node(graph: dict[str, Any], node_id: str | None) -> None:
    """Take out the loader of a picture that was not given, and the inputs that it feeds: those must be optional."""
    node = graph.pop(node_id or "", None)
    if node is None or node_id is None:
        return
    for index in range(2):  # LoadImage gives a picture and its mask
        for consumer in consumers_of(graph, Output(node_id, index)):
            del graph[consumer.node_id]["inputs"][consumer.name]
