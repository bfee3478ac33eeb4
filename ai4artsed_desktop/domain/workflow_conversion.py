"""Turns a workflow in ComfyUI's UI format into a graph in API format, with a server's ``/object_info``. Pure.

The UI format keeps links in a table and the values of a node's widgets as a plain list in the order of its inputs;
subgraphs stand under ``definitions`` and become nodes with ids such as ``"115:110"``, as in ComfyUI's own export.
Source: files saved by ComfyUI's frontend, workflow versions 0.4 and 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from ai4artsed_desktop.domain.errors import InputError
from ai4artsed_desktop.domain.object_info import InputSpec, ObjectInfo, choices_of, input_specs, nested_specs

#: Nodes of the frontend only.
_NOTES = frozenset({"Note", "MarkdownNote"})
_PASS = "Reroute"  # noqa: S105 - a node class, no password
_VALUE = "PrimitiveNode"
_MUTED, _BYPASSED = 2, 4
#: Ends of links inside a subgraph that lead out of it.
_INWARD, _OUTWARD = -10, -20
_WIDGET_TYPES = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"})
#: What the frontend puts behind a seed.
_SEED_CONTROLS = frozenset({"fixed", "increment", "decrement", "randomize"})
#: Bounds that no honest workflow reaches: subgraphs inside each other, links in a row, and uses of subgraphs (a few
#: inside each other make billions).
_MAX_NESTING = 50
_MAX_DEPTH = 300
_MAX_USES = 5_000


class ConversionError(InputError):
    """The workflow cannot be converted. Params: ``node`` (id), ``name`` (its class), ``reason``."""

    code = "error.workflow.conversion"


class _Link(NamedTuple):
    origin: Any
    slot: int
    target: Any
    target_slot: int
    kind: str


@dataclass(frozen=True)
class _Scope:
    """The workflow itself, or one use of a subgraph: ``instance`` is then its node in ``parent``."""

    nodes: Mapping[Any, Mapping[str, Any]]
    links: Mapping[Any, _Link]
    inputs: tuple[str, ...] = ()
    prefix: str = ""
    parent: _Scope | None = None
    instance: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class _Value:
    """What a node that only holds a value gives."""

    value: Any


def to_api(ui: Mapping[str, Any], object_info: ObjectInfo) -> dict[str, Any]:
    """Return the graph in API format. Muted nodes are left out, bypassed ones are bridged.

    Raises:
        ConversionError: The server does not know a node, the workflow runs in circles, or it is damaged.
    """
    try:
        return _Conversion(ui, object_info).graph()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as exc:
        # The shape of a stranger's file; every part of it may be anything.
        raise ConversionError(repr(exc), node="–", name="–", reason="reason.workflow_damaged") from exc
    except RecursionError as exc:
        raise ConversionError(node="–", name="–", reason="reason.workflow_circle") from exc


class _Conversion:
    def __init__(self, ui: Mapping[str, Any], object_info: ObjectInfo) -> None:
        self._info = object_info
        definitions: Mapping[str, Any] = ui.get("definitions") or {}
        self._subgraphs = {part["id"]: part for part in _entries(definitions, "subgraphs")}
        self._top = _scope(ui)
        self._uses = 0

    def graph(self) -> dict[str, Any]:
        return dict(self._nodes(self._top, 0))

    def _nodes(self, scope: _Scope, depth: int) -> Iterator[tuple[str, Any]]:
        for node_id, node in scope.nodes.items():
            name: str = node["type"]
            if node.get("mode") in (_MUTED, _BYPASSED) or name in _NOTES or name in (_PASS, _VALUE):
                continue
            if name in self._subgraphs:
                if depth > _MAX_NESTING:
                    raise ConversionError(node=str(node_id), name=name, reason="reason.workflow_circle")
                yield from self._nodes(self._inner(scope, node), depth + 1)
            elif name not in self._info:
                raise ConversionError(node=f"{scope.prefix}{node_id}", name=name, reason="reason.node_unknown")
            else:
                inputs = self._widgets(node) | self._linked(scope, node)
                title: dict[str, Any] = {"_meta": {"title": node["title"]}} if node.get("title") else {}
                yield f"{scope.prefix}{node_id}", {"class_type": name, "inputs": inputs, **title}

    def _inner(self, scope: _Scope, node: Mapping[str, Any]) -> _Scope:
        self._uses += 1
        if self._uses > _MAX_USES:
            raise ConversionError(node=str(node["id"]), name=node["type"], reason="reason.workflow_damaged")
        return _scope(self._subgraphs[node["type"]], f"{scope.prefix}{node['id']}:", scope, node)

    def _widgets(self, node: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a node's widgets by name; what the file does not hold gets the server's default."""
        specs = {name: spec for name, (spec, _) in input_specs(self._info[node["type"]]).items()}
        values: Any = node.get("widgets_values") or []
        if isinstance(values, dict):
            return {name: value for name, value in cast("dict[str, Any]", values).items() if name in specs}
        found: dict[str, Any] = {}
        queue, pending = list(cast("list[Any]", values)), list(specs.items())
        while pending:
            name, spec = pending.pop(0)
            if not _is_widget(spec):
                continue
            if queue:
                found[name] = queue.pop(0)
                _drop_extras(queue, name, spec)
            elif (default := _default(spec)) is not None:
                found[name] = default
            pending[:0] = [(f"{name}.{key}", inner) for key, (inner, _) in nested_specs(spec, found.get(name)).items()]
        return found

    def _linked(self, scope: _Scope, node: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for entry in _entries(node, "inputs"):
            source = self._source(scope, entry.get("link"), 0)
            if isinstance(source, _Value):
                found[entry["name"]] = source.value
            elif source is not None:
                found[entry["name"]] = list(source)
        return found

    def _source(self, scope: _Scope, link_id: Any, depth: int) -> tuple[str, int] | _Value | None:
        """Return where a link really comes from: through reroutes, bypassed nodes and the borders of subgraphs."""
        link = scope.links.get(link_id)
        if link is None:
            return None
        if depth > _MAX_DEPTH:
            raise ConversionError(node=str(link.origin), name="–", reason="reason.workflow_circle")
        if link.origin == _INWARD:
            outer = _input_link(scope.instance, scope.inputs[link.slot])
            return None if scope.parent is None else self._source(scope.parent, outer, depth + 1)
        node = scope.nodes[link.origin]
        if node.get("mode") == _MUTED:
            return None
        if node.get("mode") == _BYPASSED:
            return self._source(scope, _bridge(node, link), depth + 1)
        if node["type"] == _PASS:
            return self._source(scope, node["inputs"][0].get("link"), depth + 1)
        if node["type"] == _VALUE:
            return _Value(node["widgets_values"][0])
        if node["type"] in self._subgraphs:
            inner = self._inner(scope, node)
            ends = (i for i, o in inner.links.items() if o.target == _OUTWARD and o.target_slot == link.slot)
            return self._source(inner, next(ends, None), depth + 1)
        return f"{scope.prefix}{link.origin}", link.slot


def _scope(
    part: Mapping[str, Any], prefix: str = "", parent: _Scope | None = None, instance: Mapping[str, Any] | None = None
) -> _Scope:
    return _Scope(
        nodes={node["id"]: node for node in part["nodes"]},
        links=dict(_link(entry) for entry in cast("list[Any]", part.get("links") or [])),
        inputs=tuple(entry["name"] for entry in _entries(part, "inputs")),
        prefix=prefix,
        parent=parent,
        instance=instance or {},
    )


def _link(entry: Any) -> tuple[Any, _Link]:
    """Read a link, which is a list in the workflow itself and an object in subgraphs."""
    if isinstance(entry, dict):
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        link_id, *rest = (cast("dict[str, Any]", entry)[key] for key in keys)
    else:
        link_id, *rest = cast("list[Any]", entry)[:6]
    return link_id, _Link(*rest)


def _entries(part: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return part.get(key) or []


def _input_link(node: Mapping[str, Any], name: str) -> Any:
    return next((entry.get("link") for entry in _entries(node, "inputs") if entry.get("name") == name), None)


def _bridge(node: Mapping[str, Any], link: _Link) -> Any:
    """Return the link that a bypassed node hands on: an input of the same type, at the same place if there is one."""
    inputs = _entries(node, "inputs")
    fitting = [entry for entry in inputs if entry.get("type") == link.kind]
    same_place = [entry for entry in inputs[link.slot : link.slot + 1] if entry in fitting]
    return next((entry.get("link") for entry in (*same_place, *fitting)), None)


def _options(spec: InputSpec) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", spec[1]) if len(spec) > 1 and isinstance(spec[1], dict) else {}


def _is_widget(spec: InputSpec) -> bool:
    is_plain = isinstance(spec[0], str) and spec[0] in _WIDGET_TYPES
    return (is_plain or choices_of(spec) is not None) and not _options(spec).get("forceInput")


def _drop_extras(queue: list[Any], name: str, spec: InputSpec) -> None:
    """Drop values of buttons that the frontend adds behind a widget: a seed's control, a picture's upload."""
    is_seed = name in ("seed", "noise_seed") or bool(_options(spec).get("control_after_generate"))
    if is_seed and queue and isinstance(queue[0], str) and queue[0] in _SEED_CONTROLS:
        del queue[0]
    if _options(spec).get("image_upload") and queue and queue[0] == "image":
        del queue[0]


def _default(spec: InputSpec) -> Any:
    default = _options(spec).get("default")
    choices = choices_of(spec)
    return choices[0] if default is None and choices else default
