"""From files to a catalogue: parsing, schema check, tolerant mode, and the check of everything together.

Nothing here raises for a bad file: each defect becomes a CatalogProblem that names the file and the reason.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

from pydantic import BaseModel, TypeAdapter, ValidationError

from ai4artsed_desktop.domain.chunks import chunk_reader
from ai4artsed_desktop.domain.configs import InterceptionConfig, OutputConfig, OutputDefaults, Pipeline
from ai4artsed_desktop.engine.catalog import Catalog, CatalogEntry, CatalogFile, CatalogProblem, EntryKind
from ai4artsed_desktop.engine.catalog_rules import check_together, interception_issues

#: Older names of the same things in foreign catalogues (FORMATS: "eco and fast are read as older words").
_FOREIGN_DEFAULT_WORDS = {"eco": "local", "fast": "cloud"}
_FOREIGN_TEXT_BACKENDS = frozenset({"ollama", "openrouter", "openai", "mistral", "anthropic", "llm"})
_MAX_REPAIRS = 200
_READERS: dict[EntryKind, TypeAdapter[Any]] = {
    "interception": TypeAdapter(InterceptionConfig),
    "output": TypeAdapter(OutputConfig),
    "pipeline": TypeAdapter(Pipeline),
    "chunk": chunk_reader,
    "defaults": TypeAdapter(OutputDefaults),
}


class _DefectError(Exception):
    """A file cannot be used; carries the problem's code and parameters."""

    def __init__(self, code: str, **params: str) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


def read_catalog(files: Iterable[CatalogFile], *, procedures: Iterable[str] | None = None) -> Catalog:
    """Return the catalogue of ``files``; a later file with the same kind and id replaces an earlier one (overlay).

    Args:
        files: Shipped ones first, then the person's, then foreign ones. Foreign files are read tolerantly: unknown keys
            become notes instead of errors.
        procedures: Ids of the text procedures there are; None leaves their names unchecked.
    """
    problems: list[CatalogProblem] = []
    tables: dict[EntryKind, dict[str, CatalogEntry[Any]]] = {kind: {} for kind in _READERS}
    for file in files:
        try:
            kind, value, notes = _read(file)
        except _DefectError as defect:
            problems.append(CatalogProblem(file.path, defect.code, MappingProxyType(defect.params)))
            continue
        problems.extend(notes)
        name = "defaults" if kind == "defaults" else file.id
        earlier = tables[kind].get(name)
        if earlier is not None and earlier.origin == file.origin:
            problems.append(
                CatalogProblem(file.path, "catalog.problem.duplicate", MappingProxyType({"other": earlier.path}))
            )
            continue
        tables[kind][name] = CatalogEntry(value, file.path, file.origin, file.digest)
    defaults = tables["defaults"].get("defaults")
    catalog = Catalog(
        interceptions=tables["interception"],
        outputs=tables["output"],
        pipelines=tables["pipeline"],
        chunks=tables["chunk"],
        defaults=defaults.value if defaults else OutputDefaults(),
    )
    return check_together(catalog, problems, defaults.path if defaults else "", procedures)


def read_interception(
    file: CatalogFile, catalog: Catalog, procedures: Iterable[str]
) -> tuple[InterceptionConfig | None, tuple[CatalogProblem, ...]]:
    """Read one interception as it would stand in ``catalog``; None if it cannot be used, with the reasons.

    Args:
        file: Its ``kind`` may be None: what it is must then be told by its content. The id in its content counts.
    """
    try:
        config, notes = _read_one_interception(file)
        issues = tuple(interception_issues(config, catalog.pipelines, catalog.outputs, frozenset(procedures)))
    except _DefectError as defect:
        return None, (CatalogProblem(file.path, defect.code, MappingProxyType(defect.params)),)
    found = tuple(CatalogProblem(file.path, code, MappingProxyType(params)) for code, params in issues)
    return (None if found else config), (*found, *notes)


def _read_one_interception(file: CatalogFile) -> tuple[InterceptionConfig, Sequence[CatalogProblem]]:
    if file.kind is None and file.error is None:
        data = _parse_json(file.text.removeprefix("\ufeff"))
        if guess_kind(data) != "interception":
            raise _DefectError("catalog.problem.not_an_interception")
        stated = data.get("id")
        file = replace(file, kind="interception", id=stated if isinstance(stated, str) and stated else file.id)
    kind, value, notes = _read(file)
    assert kind == "interception"
    return cast("InterceptionConfig", value), notes


def guess_kind(data: dict[str, Any]) -> EntryKind | None:
    """Return what a file seems to be when its folder does not tell, by the keys only that kind has."""
    if "type" in data and "pipeline" not in data:
        return "chunk"
    if "chunks" in data:
        return "pipeline"
    parameters = data.get("parameters")
    if isinstance(parameters, dict) and any(
        str(key).upper() == "OUTPUT_CHUNK" for key in cast("dict[Any, Any]", parameters)
    ):
        return "output"
    if {"context", "instruction_type", "examples"} & data.keys():
        return "interception"
    return "defaults" if {"image", "audio"} <= data.keys() else None


def _read(file: CatalogFile) -> tuple[EntryKind, Any, Sequence[CatalogProblem]]:
    if file.error is not None:
        raise _DefectError("catalog.problem.unreadable", reason=file.error)
    text = file.text.removeprefix("\ufeff")  # some editors begin a file with a byte order mark
    data = _parse_python(text) if file.is_python else _parse_json(text)
    kind = file.kind or guess_kind(data)
    if kind is None:
        raise _DefectError("catalog.problem.unknown_kind")
    if kind != "defaults":
        _set_identity(kind, file, data)
    is_foreign = file.origin == "foreign"
    if is_foreign:
        _modernise(kind, data)
    value, notes = _validate(_READERS[kind], data, tolerant=is_foreign)
    return (
        kind,
        value,
        [
            CatalogProblem(file.path, "catalog.problem.unknown_key_ignored", MappingProxyType({"key": key}), "note")
            for key in notes
        ],
    )


def _parse_json(text: str) -> dict[str, Any]:
    try:
        data: Any = json.loads(
            text, parse_float=_finite, parse_constant=_refuse_constant, object_pairs_hook=_no_doubles
        )
    except RecursionError:
        raise _DefectError("catalog.problem.too_deep") from None
    except ValueError as exc:
        raise _DefectError("catalog.problem.not_json", reason=str(exc)) from exc
    if not isinstance(data, dict):
        raise _DefectError("catalog.problem.not_an_object")
    return cast("dict[str, Any]", data)


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _refuse_constant(digits)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        double = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise ValueError(f"key {double!r} stands twice")
    return found


def _parse_python(text: str) -> dict[str, Any]:
    """Read the literal ``CHUNK`` and look for ``execute``; the file is not run."""
    try:
        module = ast.parse(text)
        chunk: Any = next((ast.literal_eval(node.value) for node in module.body if _is_chunk(node)), None)  # type: ignore[union-attr]
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as exc:
        raise _DefectError("catalog.problem.not_python", reason=str(exc)) from exc
    if not isinstance(chunk, dict):
        raise _DefectError("catalog.problem.no_chunk_literal")
    if not any(isinstance(node, ast.AsyncFunctionDef) and node.name == "execute" for node in module.body):
        raise _DefectError("catalog.problem.no_execute")
    return cast("dict[str, Any]", chunk)


def _is_chunk(node: ast.stmt) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id="CHUNK")]):
            return True
        case ast.AnnAssign(target=ast.Name(id="CHUNK")) if node.value is not None:
            return True
        case _:
            return False


def _set_identity(kind: EntryKind, file: CatalogFile, data: dict[str, Any]) -> None:
    key = "name" if kind == "chunk" else "id"
    stated = data.get(key, file.id)
    if stated != file.id:
        raise _DefectError("catalog.problem.wrong_name", key=key, value=str(stated), file=file.id)
    data[key] = file.id


def _modernise(kind: EntryKind, data: dict[str, Any]) -> None:
    """Translate older words of foreign catalogues into ours, so that one reader serves both."""
    if kind == "defaults":
        for medium in data.values():
            if isinstance(medium, dict):
                _rename(cast("dict[str, Any]", medium), _FOREIGN_DEFAULT_WORDS)
    elif kind == "chunk" and str(data.get("backend_type")) in _FOREIGN_TEXT_BACKENDS:
        data["backend_type"] = "text_model"
    elif kind == "pipeline":
        is_media = "output" in str(data.get("chunks")) or "generation" in str(data.get("id"))
        data.setdefault("kind", "media" if is_media else "text")
        data.setdefault("name", str(data["id"]))
        data.setdefault("description", str(data["id"]))


def _rename(data: dict[str, Any], words: dict[str, str]) -> None:
    for old, new in words.items():
        if old in data and new not in data:
            data[new] = data.pop(old)


def _validate(reader: TypeAdapter[Any], data: dict[str, Any], *, tolerant: bool) -> tuple[BaseModel, list[str]]:
    notes: list[str] = []
    for _ in range(_MAX_REPAIRS):
        try:
            return reader.validate_python(data), notes
        except ValidationError as exc:
            errors = exc.errors(include_url=False, include_input=False)
            unknown = [e["loc"] for e in errors if e["type"] == "extra_forbidden"]
            if tolerant and unknown and (removed := [_remove(data, loc) for loc in unknown]) and any(removed):
                notes.extend(name for name in removed if name)
                continue
            raise _schema_defect(errors) from exc
        except RecursionError:
            break
    raise _DefectError("catalog.problem.too_deep")


def _schema_defect(errors: Sequence[Any]) -> _DefectError:
    shown = [f"{'.'.join(str(part) for part in e['loc']) or '·'}: {e['msg']}" for e in errors[:5]]
    more = f" (+{len(errors) - 5})" if len(errors) > 5 else ""
    unknown_only = all(e["type"] == "extra_forbidden" for e in errors)
    code = "catalog.problem.unknown_key" if unknown_only else "catalog.problem.schema"
    return _DefectError(code, reason="; ".join(shown) + more)


def _remove(data: Any, loc: Sequence[str | int]) -> str:
    """Remove the key at ``loc``; parts that only name a union's branch are not in the data and are passed over."""
    *parents, last = loc
    for part in parents:
        if isinstance(data, dict) and part in data:
            data = cast("dict[Any, Any]", data)[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(cast("list[Any]", data)):
            data = cast("list[Any]", data)[part]
    if isinstance(data, dict) and last in data:
        del cast("dict[Any, Any]", data)[last]
        return ".".join(str(part) for part in loc)
    return ""
