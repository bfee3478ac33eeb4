"""What the server's refusals and failures mean for a person: wire errors → AppErrors.

Source: recorded answers of both server generations; see ``node_errors`` and ``execution_error`` there.
"""

from __future__ import annotations

import json
import re

from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_object, as_text
from ai4artsed_desktop.domain.backend_errors import (
    GenerationRefusedError,
    GraphRefusedError,
    InputFileMissingError,
    ModelFileMissingError,
    NodeFailedError,
    NodeMissingError,
    OutOfMemoryError,
    ValueRefusedError,
)
from ai4artsed_desktop.domain.comfyui import Graph, class_of, node_name
from ai4artsed_desktop.domain.errors import BackendError

#: Endings of model files that ComfyUI's loaders list.
_MODEL_FILE = re.compile(r"\.(safetensors|sft|ckpt|pt|pt2|pth|bin|gguf|pkl|onnx)$", re.IGNORECASE)
_INPUT_FILE = re.compile(r"Invalid (?:image|audio|video|mask|latent|model)? ?file: (.+)$")
_NODE_ID = re.compile(r"#(.+?)'?$")
_VALUE_ERRORS = {
    "value_not_in_list",
    "value_smaller_than_min",
    "value_bigger_than_max",
    "invalid_input_type",
    "required_input_missing",
}
#: Words of PyTorch, CUDA, ROCm, Metal and ComfyUI itself for "no memory left".
_MEMORY = re.compile(
    r"out of memory|OutOfMemory|Allocation on device|can't allocate memory|not enough memory|alloc_failed|bad_alloc",
    re.IGNORECASE,
)
_LONGEST_LIST = 12


def refusal(answer: JsonObject, graph: Graph, backend: str) -> BackendError:
    """Return the error that a refused prompt means; with several, the one a person can do most about."""
    detail = json.dumps(answer, ensure_ascii=False, indent=1)
    found = [
        _node_error(as_object(error), node_id, graph, detail, backend)
        for node_id, entry in as_object(answer.get("node_errors")).items()
        for error in as_list(as_object(entry).get("errors"))
    ]
    if found:
        return min(found, key=_order)
    if words := as_text(answer.get("error")):  # SwarmUI's own; ComfyUI's is an object
        return GenerationRefusedError(detail, backend=backend, words=words)
    error = as_object(answer.get("error"))
    match = _NODE_ID.search(as_text(error.get("details")))
    node_id = match[1] if match else ""
    if as_text(error.get("type")) in {"missing_node_type", "invalid_prompt"} and node_id:
        name = class_of(graph, node_id) or node_name(graph, node_id)
        return NodeMissingError(detail, backend=backend, node=name)
    return GraphRefusedError(detail, backend=backend, node="–")


def _order(error: BackendError) -> int:
    order = (NodeMissingError, ModelFileMissingError, InputFileMissingError, ValueRefusedError)
    return next((place for place, kind in enumerate(order) if isinstance(error, kind)), len(order))


def _node_error(error: JsonObject, node_id: str, graph: Graph, detail: str, backend: str) -> BackendError:
    name = node_name(graph, node_id)
    extra, kind, details = as_object(error.get("extra_info")), as_text(error.get("type")), as_text(error.get("details"))
    if match := _INPUT_FILE.search(details):
        return InputFileMissingError(detail, backend=backend, node=name, file=match[1])
    if kind not in _VALUE_ERRORS:
        return GraphRefusedError(detail, backend=backend, node=name)
    # Newer and older servers name the input here; without it the details begin with its name.
    input_name = as_text(extra.get("input_name")) or re.split(r"[:,\s]", details)[0]
    value = extra.get("received_value")
    if kind == "value_not_in_list" and isinstance(value, str) and _MODEL_FILE.search(value):
        return ModelFileMissingError(detail, backend=backend, node=name, node_id=node_id, input=input_name, file=value)
    shown = "–" if value is None else str(value)
    return ValueRefusedError(
        detail,
        backend=backend,
        node=name,
        node_id=node_id,
        input=input_name,
        parameter=input_name,
        value=shown,
        allowed=_allowed(extra.get("input_config")),
    )


def _allowed(config: object) -> str:
    """Return what an input takes: its choices, its range or its type. Choices come in two encodings."""
    parts = as_list(config)
    kind, options = [*parts, None, None][:2]
    choices = as_list(kind) or as_list(as_object(options).get("options"))
    if choices:
        more = " …" if len(choices) > _LONGEST_LIST else ""
        return ", ".join(str(choice) for choice in choices[:_LONGEST_LIST]) + more
    lowest, highest = as_object(options).get("min"), as_object(options).get("max")
    if lowest is not None and highest is not None:
        return f"{lowest} … {highest}"
    return as_text(kind) or "…"


def failure(data: JsonObject, graph: Graph, backend: str) -> NodeFailedError:
    """Return the error that an ``execution_error`` means; no memory left is one of its own."""
    message, kind = as_text(data.get("exception_message")).strip(), as_text(data.get("exception_type"))
    trace = "".join(line for line in as_list(data.get("traceback")) if isinstance(line, str))
    node_id, node_type = as_text(data.get("node_id")), as_text(data.get("node_type"))
    name = node_name(graph, node_id) if node_id in graph else node_type or node_id
    error = OutOfMemoryError if _MEMORY.search(f"{kind} {message}") else NodeFailedError
    detail = f"{node_type} ({node_id}): {message}\n{trace}".strip()
    return error(detail, backend=backend, node=name, kind=kind or "?")
