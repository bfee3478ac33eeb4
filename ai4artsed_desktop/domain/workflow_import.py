"""Finds out what a stranger's ComfyUI graph can be driven by, and makes a chunk and a config of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from ai4artsed_desktop.domain.configs import MediaType
from ai4artsed_desktop.domain.graph_links import (
    Graph,
    Input,
    LoraPoint,
    as_link,
    class_of,
    inputs_of,
    lora_points,
)

RoleName = Literal[
    "prompt", "negative_prompt", "seed", "width", "height", "steps", "cfg", "denoise", "sampler_name", "scheduler",
    "guidance", "seconds", "length", "fps", "lyrics", "image", "mask", "filename_prefix",
]  # fmt: skip

#: Inputs of encoders that hold what a person writes, best first.
_TEXT_INPUTS = ("text", "prompt", "tags", "t5xxl", "clip_l", "clip_g", "text_g", "text_l", "string", "value")
#: Values of samplers, latents and savers, by input name → role. Source: names of ComfyUI's core nodes.
_PLAIN_ROLES: Mapping[str, tuple[RoleName, type]] = {
    "seed": ("seed", int),
    "noise_seed": ("seed", int),
    "steps": ("steps", int),
    "cfg": ("cfg", float),
    "denoise": ("denoise", float),
    "sampler_name": ("sampler_name", str),
    "scheduler": ("scheduler", str),
    "guidance": ("guidance", float),
    "seconds": ("seconds", float),
    "seconds_total": ("seconds", float),
    "length": ("length", int),
    "fps": ("fps", float),
    "frame_rate": ("fps", float),
    "lyrics": ("lyrics", str),
    "filename_prefix": ("filename_prefix", str),
}
#: Parts of class names whose size is the medium's, what decides it first.
_SIZE_CLASSES = ("Latent", "ToVideo", "EmptyImage", "Scheduler", "ModelSampling")
_LIMITS: Mapping[str, Mapping[str, float]] = {
    "width": {"min": 16, "max": 8192, "step": 8},
    "height": {"min": 16, "max": 8192, "step": 8},
    "steps": {"min": 1, "max": 200, "step": 1},
    "cfg": {"min": 0, "max": 100, "step": 0.1},
    "denoise": {"min": 0, "max": 1, "step": 0.05},
    "guidance": {"min": 0, "max": 100, "step": 0.1},
    "seconds": {"min": 1, "max": 1000, "step": 0.5},
    "length": {"min": 1, "max": 16384, "step": 1},
    "fps": {"min": 1, "max": 120, "step": 1},
}
_TYPES: Mapping[type, str] = {int: "int", float: "float", str: "str"}
_ADVANCED = frozenset({"negative_prompt", "cfg", "sampler_name", "scheduler", "guidance", "fps", "filename_prefix"})
#: Parts of the class names of nodes that save → medium.
_SAVERS: tuple[tuple[str, MediaType], ...] = (
    ("VHS_VideoCombine", "video"), ("SaveVideo", "video"), ("SaveWEBM", "video"), ("SaveAnimated", "video"),
    ("SaveAudio", "audio"), ("PreviewAudio", "audio"), ("SaveImage", "image"), ("PreviewImage", "image"),
)  # fmt: skip


#: What a parameter is called, by role.
_NAMES: Mapping[str, tuple[str, str]] = {
    "prompt": ("Prompt", "Prompt"),
    "negative_prompt": ("Negative prompt", "Negativer Prompt"),
    "seed": ("Seed", "Startwert"),
    "width": ("Width", "Breite"),
    "height": ("Height", "Höhe"),
    "steps": ("Steps", "Schritte"),
    "cfg": ("Prompt strength", "Prompt-Stärke"),
    "denoise": ("Change", "Veränderung"),
    "sampler_name": ("Sampler", "Sampler"),
    "scheduler": ("Scheduler", "Zeitplan"),
    "guidance": ("Guidance", "Führung"),
    "seconds": ("Duration", "Dauer"),
    "length": ("Frames", "Bilder"),
    "fps": ("Frames per second", "Bilder pro Sekunde"),
    "lyrics": ("Lyrics", "Liedtext"),
    "image": ("Picture", "Bild"),
    "mask": ("Mask", "Maske"),
    "filename_prefix": ("File name", "Dateiname"),
}
_UNITS = {"width": "px", "height": "px", "seconds": "s"}
_ICONS = {"image": "picture", "audio": "waveform", "video": "film"}


@dataclass(frozen=True, slots=True)
class Role:
    """Something a person may set: its name (``image2`` for a second picture), where it goes, and the graph's value."""

    name: str
    places: tuple[Input, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class WorkflowRoles:
    """What was found in a graph, to be shown for confirmation.

    Attributes:
        media_type: What it saves; None = nothing that we know.
        output_nodes: The nodes that save it.
        lora_points: Where LoRAs would go in.
    """

    roles: tuple[Role, ...]
    media_type: MediaType | None
    output_nodes: tuple[str, ...]
    lora_points: tuple[LoraPoint, ...]

    def role(self, name: str) -> Role | None:
        """Return a role, or None if the graph does not have it."""
        return next((role for role in self.roles if role.name == name), None)


def find_roles(graph: Graph) -> WorkflowRoles:
    """Return what a graph can be driven by. Never raises: what is not recognised stays as it is."""
    texts = {name: _texts_behind(graph, name) for name in ("positive", "negative")}
    negative = tuple(place for place in texts["negative"] if place not in texts["positive"])
    found = [_role(graph, "prompt", texts["positive"] or _only_text(graph)), _role(graph, "negative_prompt", negative)]
    found += _plain_roles(graph)
    found += [_role(graph, "width", _size_places(graph, "width"))]
    found += [_role(graph, "height", _size_places(graph, "height"))]
    found += _picture_roles(graph)
    savers: dict[str, MediaType] = {
        node_id: kind for node_id, node in graph.items() if (kind := _saved_medium(class_of(node)))
    }
    medium = next(iter(savers.values()), None)
    finals = tuple(node_id for node_id in savers if class_of(graph[node_id]) not in ("PreviewImage", "PreviewAudio"))
    return WorkflowRoles(
        roles=tuple(role for role in found if role is not None),
        media_type=savers[finals[0]] if finals else medium,
        output_nodes=finals or tuple(savers),
        lora_points=lora_points(graph),
    )


def chunk_of(graph: Graph, roles: WorkflowRoles, name: str) -> dict[str, Any]:
    """Return the content of ``chunks/<name>.json`` for a graph; leave out roles beforehand that were not confirmed."""
    mappings: dict[str, Any] = {}
    for role in roles.roles:
        places = [{"node_id": place.node_id, "field": f"inputs.{place.name}"} for place in role.places]
        facts = _mapping_facts(role, name)
        filled = [{**places[0], **facts}, *({**place, "type": facts["type"]} for place in places[1:])]
        mappings[role.name] = filled if len(filled) > 1 else filled[0]
    return {
        "name": name,
        "type": "output_chunk",
        "backend_type": "comfyui",
        "media_type": roles.media_type or "image",
        "workflow": {node_id: _plain_node(node) for node_id, node in graph.items()},
        "input_mappings": mappings,
        "output_mapping": {"type": "comfyui_outputs", "node_ids": list(roles.output_nodes)},
    }


def config_of(chunk: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Return the content of ``configs/output/<id>.json`` for an imported chunk."""
    images = sum(mapping_type(m) == "image" for m in chunk["input_mappings"].values())
    pipelines = ("single_text_media_generation", "image_transformation")
    pipeline = pipelines[images] if images < len(pipelines) else "multi_image_transformation"
    if "lyrics" in chunk["input_mappings"]:
        pipeline = "dual_text_media_generation"
    medium = chunk["media_type"]
    return {
        "pipeline": pipeline,
        "name": {"en": title, "de": title},
        "description": {"en": "An imported workflow.", "de": "Ein importierter Workflow."},
        "parameters": {"OUTPUT_CHUNK": chunk["name"]},
        "media_preferences": {"default_output": medium, "supported_types": [medium]},
        "meta": {"requires_gpu": True},
        "display": {"icon": _ICONS.get(medium, "picture"), "category": medium, "difficulty": 3},
    }


def mapping_type(mapping: Any) -> str:
    """Return the type of one of a chunk file's ``input_mappings``, which may be a list of places."""
    places = cast("list[dict[str, Any]]", mapping if isinstance(mapping, list) else [mapping])
    return places[0].get("type", "str")


def without(roles: WorkflowRoles, names: Iterable[str]) -> WorkflowRoles:
    """Return the roles without those that a person did not confirm."""
    dropped = set(names)
    return replace(roles, roles=tuple(role for role in roles.roles if role.name not in dropped))


def _plain_node(node: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: node[key] for key in ("class_type", "_meta") if key in node}
    return {**kept, "inputs": dict(inputs_of(node))}


def role_name(name: str) -> dict[str, str]:
    """Return what a role is called, by language; ``image2`` is "Picture 2"."""
    kind = name.rstrip("0123456789")
    number = f" {name[len(kind) :]}" if len(name) > len(kind) else ""
    return {language: word + number for language, word in zip(("en", "de"), _NAMES[kind], strict=True)}


def _mapping_facts(role: Role, chunk_name: str) -> dict[str, Any]:
    kind = role.name.rstrip("0123456789")
    facts: dict[str, Any] = {"name": role_name(role.name)}
    facts |= {"advanced": True} if kind in _ADVANCED else {}
    facts |= {"unit": _UNITS[kind]} if kind in _UNITS else {}
    if kind in ("image", "mask"):
        return {**facts, "type": "image", "required": True}
    if kind == "seed":
        return {**facts, "type": "seed", "default": -1}
    if kind == "prompt":
        return {**facts, "type": "str", "source": "{{PREVIOUS_OUTPUT}}"}
    if kind == "lyrics":
        return {**facts, "type": "str", "source": "{{SECONDARY_TEXT}}"}
    if kind == "filename_prefix":
        return {**facts, "type": "str", "source": f"ai4artsed/{chunk_name}"}
    limits = dict(_LIMITS.get(kind, {}))
    if limits:  # the graph's own value always fits
        limits |= {"min": min(limits["min"], role.value), "max": max(limits["max"], role.value)}
    return {**facts, "type": _TYPES[type(role.value)], "default": role.value, **limits}


def _role(graph: Graph, name: str, places: tuple[Input, ...]) -> Role | None:
    return Role(name, places, inputs_of(graph[places[0].node_id])[places[0].name]) if places else None


def _plain_roles(graph: Graph) -> list[Role | None]:
    """Return the roles that are known by their input's name: every place with the first one's value."""
    places: dict[RoleName, list[Input]] = {}
    for place, value in _values(graph):
        name, kind = _PLAIN_ROLES.get(place.name, ("", object))
        if name and _is(value, kind):
            places.setdefault(name, []).append(_literal(graph, place, lambda v, kind=kind: _is(v, kind)) or place)
    return [_role(graph, name, _alike(graph, name, found)) for name, found in places.items()]


def _alike(graph: Graph, name: RoleName, places: Iterable[Input]) -> tuple[Input, ...]:
    """Return the places that hold the same value as the first: others mean something else (a second pass). Seeds may
    differ and are set together, or the second pass would not change with the first."""
    unique = tuple(dict.fromkeys(places))
    first = inputs_of(graph[unique[0].node_id])[unique[0].name]
    if name == "seed":
        return unique
    return tuple(place for place in unique if inputs_of(graph[place.node_id])[place.name] == first)


def _is(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def _values(graph: Graph) -> Iterator[tuple[Input, Any]]:
    """Yield every input with its value; for a linked one the value of the node that only holds one."""
    for node_id, node in graph.items():
        for name, value in inputs_of(node).items():
            place = _literal(graph, Input(node_id, name), lambda v: not isinstance(v, dict | list))
            yield Input(node_id, name), value if place is None else inputs_of(graph[place.node_id])[place.name]


def _literal(graph: Graph, place: Input, fits: Callable[[Any], bool]) -> Input | None:
    """Return the place where the value of an input really stands: there, or in a node that only holds a value."""
    for _ in range(len(graph)):
        value = inputs_of(graph.get(place.node_id)).get(place.name)
        link = as_link(value)
        if link is None:
            return place if fits(value) else None
        names = [n for n in ("value", "seed", "noise_seed", *_TEXT_INPUTS) if n in inputs_of(graph.get(link.node_id))]
        if not names:
            return None
        place = Input(link.node_id, names[0])
    return None


def _texts_behind(graph: Graph, side: Literal["positive", "negative"]) -> tuple[Input, ...]:
    """Return the texts that reach a sampler's ``positive`` or ``negative``."""
    found: list[Input] = []
    for node_id, node in graph.items():
        if not any(part in class_of(node) for part in ("Sampler", "Guider")):
            continue
        names = (side, "conditioning") if side == "positive" else (side,)
        for name in names:
            if name in inputs_of(node):
                found.extend(_follow(graph, Input(node_id, name), side))
    return tuple(dict.fromkeys(found))


def _follow(graph: Graph, start: Input, side: str) -> Iterator[Input]:
    """Walk up from an input of a sampler to the texts it is made of."""
    pending, seen = [start], set[Input]()
    while pending:
        place = pending.pop()
        link = as_link(inputs_of(graph.get(place.node_id)).get(place.name))
        if link is None or place in seen or link.node_id not in graph:
            continue
        seen.add(place)
        node = graph[link.node_id]
        if side == "negative" and class_of(node) == "ConditioningZeroOut":
            continue  # made of the prompt, but says nothing
        inputs = inputs_of(node)
        texts = [
            _literal(graph, Input(link.node_id, n), lambda v: isinstance(v, str)) for n in _TEXT_INPUTS if n in inputs
        ]
        if any(texts):
            yield from (text for text in texts if text is not None)
        elif "positive" in inputs and "negative" in inputs:
            pending.append(Input(link.node_id, "negative" if link.slot == 1 else "positive"))
        else:
            pending.extend(Input(link.node_id, name) for name in inputs if as_link(inputs[name]) is not None)


def _only_text(graph: Graph) -> tuple[Input, ...]:
    """Return the one text of a graph without a sampler that we know, or nothing if there are several."""
    places = [
        Input(node_id, name)
        for node_id, node in graph.items()
        for name in ("text", "prompt")
        if isinstance(inputs_of(node).get(name), str)
    ]
    return tuple(places) if len(places) == 1 else ()


def _size_places(graph: Graph, axis: Literal["width", "height"]) -> tuple[Input, ...]:
    places: list[Input] = []
    for part in _SIZE_CLASSES:
        for node_id, node in graph.items():
            if part in class_of(node) and {"width", "height"} <= set(inputs_of(node)):
                place = _literal(graph, Input(node_id, axis), lambda value: _is(value, int))
                places += [] if place is None else [place]
    return _alike(graph, axis, places) if places else ()


def _picture_roles(graph: Graph) -> list[Role | None]:
    pictures = [n for n, node in graph.items() if class_of(node) == "LoadImage" and "image" in inputs_of(node)]
    masks = [n for n, node in graph.items() if class_of(node) == "LoadImageMask" and "image" in inputs_of(node)]
    named = [("image" if i == 0 else f"image{i + 1}", n) for i, n in enumerate(pictures)]
    named += [("mask" if i == 0 else f"mask{i + 1}", n) for i, n in enumerate(masks)]
    return [_role(graph, name, (Input(node_id, "image"),)) for name, node_id in named]


def _saved_medium(class_name: str) -> MediaType | None:
    return next((medium for part, medium in _SAVERS if part in class_name), None)
