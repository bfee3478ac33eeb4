"""The check of everything together: what one file cannot know about the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar, cast

from ai4artsed_desktop.domain.chunks import (
    ApiOutputChunk,
    Chunk,
    InputMapping,
    OutputChunk,
    ProcessingChunk,
    PythonChunk,
    TextPassthroughChunk,
    mappings_of,
)
from ai4artsed_desktop.domain.configs import InterceptionConfig, OutputConfig, OutputDefaults, Pipeline
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.parameters import coerce, match_name
from ai4artsed_desktop.engine.catalog import Catalog, CatalogEntry, CatalogProblem
from ai4artsed_desktop.engine.chains import HOME_LANGUAGE
from ai4artsed_desktop.engine.templates import (
    OUTPUT_PLACEHOLDERS,
    TEXT_PLACEHOLDERS,
    get_at,
    placeholders,
    takes_second_text,
)

#: Parameters of an interception that reach the text model; anything else in ``parameters`` is a mistake.
TEXT_MODEL_PARAMETERS = frozenset(
    {"temperature", "top_p", "min_p", "max_tokens", "repeat_penalty", "seed", "dry_multiplier", "dry_allowed_length"}
)

_ROUND_PLACEHOLDERS = frozenset({HOME_LANGUAGE})

Issue = tuple[str, dict[str, str]]
T = TypeVar("T")


def check_together(
    catalog: Catalog, problems: list[CatalogProblem], defaults_path: str, procedures: Iterable[str] | None
) -> Catalog:
    """Return ``catalog`` without the entries that cannot work, with every problem found.

    Chunks are judged first, then pipelines, then configs, so that one broken chunk is named as the cause everywhere
    it is missed.
    """
    found = list(problems)
    known_procedures = None if procedures is None else frozenset(procedures)
    chunks = _keep(catalog.chunks, found, _chunk_issues)
    pipelines = _keep(catalog.pipelines, found, lambda p: _pipeline_issues(p, chunks))
    outputs = _keep(catalog.outputs, found, lambda c: _output_issues(c, pipelines, chunks))
    interceptions = _keep(
        catalog.interceptions, found, lambda c: interception_issues(c, pipelines, outputs, known_procedures)
    )
    found.extend(
        CatalogProblem(defaults_path, code, MappingProxyType(params))
        for code, params in _default_issues(catalog.defaults, outputs)
    )
    found.extend(_unreachable(chunks, pipelines, outputs))
    return replace(
        catalog,
        chunks=MappingProxyType(chunks),
        pipelines=MappingProxyType(pipelines),
        outputs=MappingProxyType(outputs),
        interceptions=MappingProxyType(interceptions),
        problems=tuple(found),
    )


def _keep(
    entries: Mapping[str, CatalogEntry[T]], found: list[CatalogProblem], judge: Callable[[T], Iterable[Issue]]
) -> dict[str, CatalogEntry[T]]:
    kept: dict[str, CatalogEntry[T]] = {}
    for name, entry in entries.items():
        try:
            issues: list[Issue] = list(judge(entry.value))
        except RecursionError:  # a structure that JSON could just hold
            issues = [("catalog.problem.too_deep", {})]
        found.extend(CatalogProblem(entry.path, code, MappingProxyType(params)) for code, params in issues)
        if not issues:
            kept[name] = entry
    return kept


def _chunk_issues(chunk: Chunk) -> Iterator[Issue]:
    mappings = mappings_of(chunk)
    yield from _double_issues(mappings, mappings)
    for name, places in mappings.items():
        for place in places:
            yield from _mapping_issues(name, place)
            yield from _place_issues(chunk, name, place)
    if isinstance(chunk, OutputChunk):
        yield from _graph_issues(chunk)
    if isinstance(chunk, ApiOutputChunk):
        mapped = {("", place.field or "") for places in mappings.values() for place in places}
        yield from _tree_issues({"request_body": chunk.api_config.request_body}, "", mapped)
    if isinstance(chunk, ProcessingChunk):
        yield from _processing_issues(chunk)
    if isinstance(chunk, PythonChunk | TextPassthroughChunk) and chunk.media_type == "code" and chunk.framework is None:
        yield "catalog.problem.no_framework", {}


def _processing_issues(chunk: ProcessingChunk) -> Iterator[Issue]:
    if not chunk.is_proxy and chunk.backend_type == "text_model" and not (chunk.template or chunk.prompt):
        yield "catalog.problem.no_prompt", {}
    for text in (chunk.system, chunk.prompt, chunk.template):
        yield from _placeholder_issues(text or "", TEXT_PLACEHOLDERS)


def _placeholder_issues(text: str, known: frozenset[str]) -> Iterator[Issue]:
    for name in placeholders(text):
        if name not in known:
            yield "catalog.problem.placeholder", {"name": name}


def _mapping_issues(name: str, place: InputMapping) -> Iterator[Issue]:
    if place.type == "choice" and not place.choices:
        yield "catalog.problem.no_choices", {"name": name}
    yield from _placeholder_issues(place.source or "", OUTPUT_PLACEHOLDERS)
    default = place.default
    if default is None or (place.type == "seed" and default in (-1, "random")):
        return
    try:
        coerce(name, default, place)
    except AppError as exc:
        yield "catalog.problem.default", {"name": name, "value": str(default), "expected": exc.params["expected"]}


def _place_issues(chunk: Chunk, name: str, place: InputMapping) -> Iterator[Issue]:
    if place.field is None:
        return
    if isinstance(chunk, ApiOutputChunk):
        tree, node = {"request_body": chunk.api_config.request_body}, "request_body"
    elif isinstance(chunk, OutputChunk) and place.node_id is not None:
        if place.node_id not in chunk.workflow:
            yield "catalog.problem.no_node", {"name": name, "node": place.node_id}
            return
        tree, node = {"inputs": chunk.workflow[place.node_id].inputs}, place.node_id
    else:
        return
    if not _exists(tree, place.field):
        yield "catalog.problem.no_field", {"name": name, "node": node, "field": place.field}


def _exists(tree: dict[str, Any], path: str) -> bool:
    try:
        get_at(tree, path)
    except AppError:
        return False
    return True


def _graph_issues(chunk: OutputChunk) -> Iterator[Issue]:
    mapped = {(p.node_id or "", p.field or "") for places in mappings_of(chunk).values() for p in places}
    for node_id, node in chunk.workflow.items():
        yield from _tree_issues({"inputs": node.inputs}, node_id, mapped)
        for name, value in node.inputs.items():
            target = _link_target(cast("list[Any]", value)) if isinstance(value, list) else None
            if target is not None and target not in chunk.workflow:
                yield "catalog.problem.no_link", {"node": node_id, "field": name, "target": target}


def _tree_issues(tree: Any, node: str, mapped: Set[tuple[str, str]], path: str = "") -> Iterator[Issue]:
    """Yield placeholders that nothing fills; one at a place that a parameter overwrites only marks the place."""
    if isinstance(tree, dict):
        for key, item in cast("dict[str, Any]", tree).items():
            yield from _tree_issues(item, node, mapped, f"{path}.{key}" if path else key)
    elif isinstance(tree, list):
        for index, item in enumerate(cast("list[Any]", tree)):
            yield from _tree_issues(item, node, mapped, f"{path}[{index}]")
    elif isinstance(tree, str) and (node, path) not in mapped:
        yield from _placeholder_issues(tree, OUTPUT_PLACEHOLDERS)


def _link_target(value: list[Any]) -> str | None:
    is_link = (
        len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int) and not isinstance(value[1], bool)
    )
    return cast("str", value[0]) if is_link else None


def _pipeline_issues(pipeline: Pipeline, chunks: Mapping[str, CatalogEntry[Chunk]]) -> Iterator[Issue]:
    for name in pipeline.chunks:
        if name not in chunks:
            yield "catalog.problem.no_chunk", {"name": name}
    proxies = [n for n in pipeline.chunks if n in chunks and _is_proxy(chunks[n].value)]
    if pipeline.kind == "media" and not proxies and all(n in chunks for n in pipeline.chunks):
        yield "catalog.problem.no_proxy", {}


def _is_proxy(chunk: Chunk) -> bool:
    return isinstance(chunk, ProcessingChunk) and chunk.is_proxy


def _output_issues(
    config: OutputConfig, pipelines: Mapping[str, CatalogEntry[Pipeline]], chunks: Mapping[str, CatalogEntry[Chunk]]
) -> Iterator[Issue]:
    pipeline = pipelines.get(config.pipeline)
    if pipeline is None:
        yield "catalog.problem.no_pipeline", {"name": config.pipeline}
    elif pipeline.value.kind != "media":
        yield "catalog.problem.pipeline_kind", {"name": config.pipeline, "expected": "media"}
    if not config.chunk:
        yield "catalog.problem.no_output_chunk", {}
        return
    entry = chunks.get(config.chunk)
    if entry is None:
        yield "catalog.problem.no_chunk", {"name": config.chunk}
        return
    if isinstance(entry.value, ProcessingChunk):
        yield "catalog.problem.not_an_output", {"name": config.chunk}
        return
    if pipeline is not None and ("secondary_text" in pipeline.value.inputs) != takes_second_text(entry.value):
        yield "catalog.problem.second_text", {"pipeline": config.pipeline, "chunk": config.chunk}
    mappings = mappings_of(entry.value)
    yield from _double_issues(config.overrides, mappings)
    for key, value in config.overrides.items():
        yield from _override_issues(key, value, mappings)


def _double_issues(keys: Iterable[str], mappings: Mapping[str, tuple[InputMapping, ...]]) -> Iterator[Issue]:
    """Yield keys that mean a parameter that another one has set already: one of the two values would get lost."""
    seen: dict[str, str] = {}
    for key in keys:
        name = match_name(key, mappings)
        if name is not None and (other := seen.setdefault(name, key)) != key:
            yield "catalog.problem.same_parameter", {"key": key, "other": other}


def _override_issues(key: str, value: Any, mappings: Mapping[str, tuple[InputMapping, ...]]) -> Iterator[Issue]:
    name = match_name(key, mappings)
    if name is None:
        yield "catalog.problem.no_parameter", {"key": key, "known": ", ".join(sorted(mappings))}
        return
    place = mappings[name][0]
    if place.type == "seed" and str(value).lower() in {"random", "-1", "none"}:
        return
    try:
        coerce(name, value, place)
    except AppError as exc:
        yield "catalog.problem.default", {"name": key, "value": str(value), "expected": exc.params["expected"]}


def interception_issues(
    config: InterceptionConfig,
    pipelines: Mapping[str, CatalogEntry[Pipeline]],
    outputs: Mapping[str, CatalogEntry[OutputConfig]],
    procedures: frozenset[str] | None,
) -> Iterator[Issue]:
    """Yield what is wrong with an interception, seen together with the rest of the catalogue."""
    pipeline = pipelines.get(config.pipeline)
    if pipeline is None:
        yield "catalog.problem.no_pipeline", {"name": config.pipeline}
    elif pipeline.value.kind != "text":
        yield "catalog.problem.pipeline_kind", {"name": config.pipeline, "expected": "text"}
    preferred = config.media_preferences.output_config
    if preferred is not None and preferred not in outputs:
        yield "catalog.problem.no_output", {"name": preferred}
    for step in config.steps:
        for text in step.context.values():
            yield from _placeholder_issues(text, _ROUND_PLACEHOLDERS)
    yield from _interception_parameter_issues(config, procedures)


def _interception_parameter_issues(config: InterceptionConfig, procedures: frozenset[str] | None) -> Iterator[Issue]:
    procedure = procedure_of(config)
    if procedure is not None:
        if procedures is not None and procedure not in procedures:
            yield "catalog.problem.no_procedure", {"name": procedure}
        return
    for key, value in config.parameters.items():
        if key.lower() not in TEXT_MODEL_PARAMETERS:
            yield "catalog.problem.no_parameter", {"key": key, "known": ", ".join(sorted(TEXT_MODEL_PARAMETERS))}
        elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            yield "catalog.problem.default", {"name": key, "value": str(value), "expected": "number"}


def procedure_of(config: InterceptionConfig) -> str | None:
    """Return the id of the text procedure a config uses, or None if a text model does the work."""
    return next((str(value) for key, value in config.parameters.items() if key.upper() == "PROCEDURE"), None)


def _default_issues(defaults: OutputDefaults, outputs: Mapping[str, CatalogEntry[OutputConfig]]) -> Iterator[Issue]:
    for medium in type(defaults).model_fields:
        choice = getattr(defaults, medium)
        for name in (choice.local, choice.cloud):
            if name is not None and name not in outputs:
                yield "catalog.problem.no_output", {"name": name}


def _unreachable(
    chunks: Mapping[str, CatalogEntry[Chunk]],
    pipelines: Mapping[str, CatalogEntry[Pipeline]],
    outputs: Mapping[str, CatalogEntry[OutputConfig]],
) -> Iterator[CatalogProblem]:
    used = {name for entry in pipelines.values() for name in entry.value.chunks}
    used |= {entry.value.chunk for entry in outputs.values()}
    for name, entry in chunks.items():
        is_stage = isinstance(entry.value, ProcessingChunk) and not entry.value.is_proxy
        if name not in used and not is_stage:
            yield CatalogProblem(entry.path, "catalog.problem.unreachable", MappingProxyType({}), "note")
