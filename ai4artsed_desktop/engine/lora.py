"""LoRAs go into a graph between its loaders and everything that uses them. Pure: a graph in, a new graph out."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.errors import CatalogError, InputError
from ai4artsed_desktop.domain.graph_links import Graph, Input, LoraPoint, Output, free_ids, lora_points
from ai4artsed_desktop.domain.safetensors import ModelFamily


class LoraFamilyError(InputError):
    """The LoRA was made for another model family. Params: ``lora``, ``family`` (its own), ``expected``."""

    code = "error.lora.family"


class LoraFileError(InputError):
    """A file that shall be a LoRA is none, or is damaged. Params: ``lora``."""

    code = "error.lora.file"


class NoLoraPlaceError(CatalogError):
    """The graph has no model loader that we know, so a LoRA would do nothing. Params: ``lora``."""

    code = "error.lora.no_place"


@dataclass(frozen=True, slots=True)
class LoraChoice:
    """One LoRA to apply.

    Attributes:
        name: As the server lists it, with folder and extension.
        strength: For model and text encoder alike; 0.6 is a good start, 0.5–0.7 keeps the prompt, above 0.8 the style
            takes over, 0 leaves the picture as it is without the LoRA.
        family: What its header says it was made for, None = unknown.
    """

    name: str
    strength: float = 0.6
    family: ModelFamily | None = None


@dataclass(frozen=True, slots=True)
class AppliedLora:
    """One LoRA as it really stands in the graph.

    Attributes:
        node_ids: Its nodes; several if the graph loads several models.
        on_text_encoder: It also changes the text encoder, not only the model.
        is_verified: Its header said that it fits the model; False = the header or the chunk did not say.
    """

    name: str
    strength: float
    node_ids: tuple[str, ...]
    on_text_encoder: bool
    is_verified: bool


@dataclass(frozen=True, slots=True)
class LoraGraph:
    """A graph with LoRAs, and what was applied, in order."""

    graph: dict[str, Any]
    applied: tuple[AppliedLora, ...] = ()


@dataclass(frozen=True, slots=True)
class _Branch:
    """One chain to build: behind a MODEL, a CLIP or both. ``model`` is needed even where only ``clip`` is re-pointed,
    because every LoRA node takes a MODEL."""

    model: Output
    clip: Output | None
    model_consumers: tuple[Input, ...]
    clip_consumers: tuple[Input, ...]


def merge_loras(of_config: Sequence[LoraUse], of_person: Sequence[LoraUse]) -> tuple[LoraUse, ...]:
    """Return the LoRAs of a run: the config's, then the person's; for one that both name, the person's strength."""
    strengths = {lora.name: lora.strength for lora in (*of_config, *of_person)}
    return tuple(LoraUse(name=name, strength=strength) for name, strength in strengths.items())


def inject_loras(graph: Graph, loras: Sequence[LoraChoice], family: ModelFamily | None = None) -> LoraGraph:
    """Return a copy of ``graph`` in which every consumer of MODEL and CLIP hangs on the end of a chain of LoRAs.

    Args:
        graph: API format; it is not changed.
        family: What the graph's model is, None = unknown: then no LoRA is refused.

    Raises:
        LoraFamilyError: A LoRA was made for another family.
        NoLoraPlaceError: The graph has no loader that we know.
    """
    built = cast("dict[str, Any]", copy.deepcopy(dict(graph)))
    if not loras:
        return LoraGraph(built)
    for lora in loras:
        check_family(lora, family)
    branches = _branches(lora_points(graph))
    if not branches:
        raise NoLoraPlaceError(lora=loras[0].name)
    ids = free_ids(graph)
    chains = [_add_chain(built, branch, loras, ids) for branch in branches]
    with_clip = any(branch.clip is not None for branch in branches)
    return LoraGraph(
        built,
        tuple(
            AppliedLora(lora.name, lora.strength, node_ids, with_clip, family is not None and lora.family == family)
            for lora, node_ids in zip(loras, zip(*chains, strict=True), strict=True)
        ),
    )


def check_family(lora: LoraChoice, family: ModelFamily | None) -> None:
    """Let a LoRA pass that fits, or of which nobody knows. ComfyUI itself would silently do nothing.

    Raises:
        LoraFamilyError: It was made for another family.
    """
    if family is not None and lora.family is not None and lora.family != family:
        raise LoraFamilyError(lora=lora.name, family=lora.family.value, expected=family.value)


def _branches(points: Iterable[LoraPoint]) -> list[_Branch]:
    """Pair MODEL and CLIP points: first those of one node (a checkpoint, a LoRA), then in order; a model without a
    text encoder of its own stays alone, a text encoder without a model of its own borrows the first one."""
    points = list(points)
    models = [point for point in points if point.kind == "model"]
    clips = [point for point in points if point.kind == "clip"]
    partners: dict[Output, LoraPoint] = {}
    for must_share_node in (True, False):
        for model in models:
            clip = next((c for c in clips if not must_share_node or c.source.node_id == model.source.node_id), None)
            if model.source not in partners and clip is not None:
                partners[model.source] = clip
                clips.remove(clip)
    branches = [
        _Branch(m.source, clip.source if clip else None, m.consumers, clip.consumers if clip else ())
        for m, clip in ((m, partners.get(m.source)) for m in models)
    ]
    if models:
        branches.extend(_Branch(models[0].source, clip.source, (), clip.consumers) for clip in clips)
    return branches


def _add_chain(
    graph: dict[str, Any], branch: _Branch, loras: Sequence[LoraChoice], ids: Iterator[str]
) -> tuple[str, ...]:
    """Add one node per LoRA, re-point the branch's consumers to the last, and return the new ids."""
    model, clip = branch.model, branch.clip
    node_ids: list[str] = []
    for lora in loras:
        node_id = next(ids)
        graph[node_id] = _lora_node(lora, model, clip)
        model, clip = Output(node_id, 0), None if clip is None else Output(node_id, 1)
        node_ids.append(node_id)
    ends: Mapping[Input, Output | None] = {
        **dict.fromkeys(branch.model_consumers, model),
        **dict.fromkeys(branch.clip_consumers, clip),
    }
    for consumer, end in ends.items():
        if end is not None:
            graph[consumer.node_id]["inputs"][consumer.name] = list(end)
    return tuple(node_ids)


def _lora_node(lora: LoraChoice, model: Output, clip: Output | None) -> dict[str, Any]:
    inputs: dict[str, Any] = {"lora_name": lora.name, "strength_model": lora.strength, "model": list(model)}
    if clip is None:
        return {"class_type": "LoraLoaderModelOnly", "inputs": inputs}
    return {"class_type": "LoraLoader", "inputs": inputs | {"strength_clip": lora.strength, "clip": list(clip)}}
