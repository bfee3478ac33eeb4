"""The catalogue: every defect is named, nothing is run, and what is good stays usable."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.catalog_files import CatalogFiles, looks_foreign, read_file, walk
from ai4artsed_desktop.adapters.language_files import load_messages
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.catalog import Catalog, CatalogFile, EntryKind, Origin
from ai4artsed_desktop.engine.catalog_reader import read_catalog
from tests.support.broken_catalog import (
    API_CHUNK,
    GRAPH_CHUNK,
    INTERCEPTION,
    OUTPUT,
    PIPELINE,
    PYTHON_HEAD,
    PYTHON_TAIL,
    TEXT_CHUNK,
    make_broken_catalog,
)


def read(folder: Path, origin: Origin = "user") -> Catalog:
    shipped = asyncio.run(CatalogFiles(find_paths()).read(Settings()))
    own = [read_file(path, folder, origin) for path in walk(folder)]
    return read_catalog([*shipped, *own], procedures=discover_procedures())


def write(folder: Path, relative: str, content: Any) -> Path:
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def problems(catalog: Catalog, path: Path) -> list[tuple[str, str]]:
    return [(p.severity, p.code) for p in catalog.problems if p.path == str(path)]


def test_everything_that_ships_is_without_errors() -> None:
    catalog = asyncio.run(_shipped())
    assert [(p.path, p.code, dict(p.params)) for p in catalog.problems] == []
    assert len(catalog.interceptions) >= 14 and len(catalog.outputs) >= 4


async def _shipped() -> Catalog:
    return read_catalog(await CatalogFiles(find_paths()).read(Settings()), procedures=discover_procedures())


@pytest.mark.parametrize("flat", [False, True], ids=["in folders", "flat"])
def test_every_broken_file_is_named_with_a_reason_and_none_is_run(tmp_path: Path, flat: bool) -> None:
    mark = tmp_path / "a chunk was run"
    folder = tmp_path / "broken"
    made = make_broken_catalog(folder, flat=flat, mark=mark)
    assert len(made) >= 200
    started = time.monotonic()
    catalog = read(folder)
    took_s = time.monotonic() - started
    named = {problem.path for problem in catalog.errors}
    assert [name for name, path in made.items() if str(path) not in named] == []
    assert not mark.exists() and took_s < 5
    assert len(catalog.interceptions) >= 14, "what ships is still there"
    for language in ("de", "en"):
        words = load_messages(find_paths().resources, language)
        for problem in catalog.problems:
            said = words.text(problem.code, **problem.params)
            assert said != problem.code and len(said) > 5, said


def test_the_good_examples_behind_the_broken_ones_are_good(tmp_path: Path) -> None:
    """So that each defect is caught for its own reason, not for another."""
    write(tmp_path, "configs/interception/i.json", INTERCEPTION)
    write(tmp_path, "configs/output/o.json", OUTPUT)
    write(tmp_path, "configs/pipelines/p.json", PIPELINE)
    write(tmp_path, "chunks/g.json", GRAPH_CHUNK)
    write(tmp_path, "chunks/a.json", API_CHUNK)
    write(tmp_path, "chunks/t.json", TEXT_CHUNK)
    write(tmp_path, "chunks/p.py", "\ufeff" + PYTHON_HEAD + PYTHON_TAIL)
    write(tmp_path, "chunks/bom.json", "\ufeff" + json.dumps(TEXT_CHUNK))
    assert [(p.path, p.code, dict(p.params)) for p in read(tmp_path).errors] == []


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names must be Unicode there")
def test_a_file_name_that_is_not_utf8_is_shown_readably(tmp_path: Path) -> None:
    write(tmp_path, os.fsdecode(b"configs/interception/\xff\xe4bad.json"), "{")
    (problem,) = read(tmp_path).errors
    assert problem.path.endswith("\\udcff\\udce4bad.json")
    problem.path.encode("utf-8")


@pytest.mark.parametrize("ending", [".disabled", ".deactivated", ".deprecated", ".backup"])
def test_files_that_are_switched_off_are_passed_over(tmp_path: Path, ending: str) -> None:
    write(tmp_path, f"configs/interception/x.json{ending}", "{")
    write(tmp_path, "configs/interception/.hidden.json", "{")
    write(tmp_path, ".git/x.json", "{")
    write(tmp_path, "chunks/__init__.py", "x")
    write(tmp_path, "README.md", "x")
    assert list(walk(tmp_path)) == []


def test_a_persons_file_replaces_the_shipped_one_and_a_broken_one_does_not(tmp_path: Path) -> None:
    write(tmp_path, "configs/interception/dada.json", INTERCEPTION)
    broken = write(tmp_path, "configs/interception/bauhaus.json", "{")
    catalog = read(tmp_path)
    assert catalog.interception("dada").origin == "user" and catalog.interception("dada").value.name == {"en": "X"}
    assert catalog.interception("bauhaus").origin == "shipped"
    assert problems(catalog, broken) == [("error", "catalog.problem.not_json")]


def test_the_same_id_twice_in_one_tree_is_an_error_of_the_second(tmp_path: Path) -> None:
    first = write(tmp_path, "configs/interception/a/x.json", INTERCEPTION)
    second = write(tmp_path, "configs/interception/b/x.json", INTERCEPTION)
    catalog = read(tmp_path)
    assert problems(catalog, second) == [("error", "catalog.problem.duplicate")] and problems(catalog, first) == []


def test_one_broken_chunk_is_named_as_the_cause_wherever_it_is_missed(tmp_path: Path) -> None:
    chunk = write(tmp_path, "chunks/mine.json", {"type": "processing_chunk"})
    pipeline = write(tmp_path, "configs/pipelines/mine.json", {**PIPELINE, "chunks": ["mine"]})
    config = write(tmp_path, "configs/interception/mine.json", {**INTERCEPTION, "pipeline": "mine"})
    catalog = read(tmp_path)
    assert problems(catalog, chunk) == [("error", "catalog.problem.no_prompt")]
    assert problems(catalog, pipeline) == [("error", "catalog.problem.no_chunk")]
    assert problems(catalog, config) == [("error", "catalog.problem.no_pipeline")]


def test_a_foreign_tree_is_read_tolerantly(tmp_path: Path) -> None:
    """A layout like the web server's, in words of our own."""
    write(tmp_path, "chunks/say_it.json", {**TEXT_CHUNK, "backend_type": "ollama", "house_note": "x"})
    write(tmp_path, "chunks/say_it.json.disabled", "{")
    write(tmp_path, "pipelines/say.json", {"name": "say", "chunks": ["say_it"], "uses": {"a": [1]}})
    graph = {**GRAPH_CHUNK, "colour": 1}
    graph["input_mappings"] = {"steps": {**GRAPH_CHUNK["input_mappings"]["steps"], "widget": "slider"}}
    write(tmp_path, "chunks/output_image_x.json", graph)
    write(tmp_path, "pipelines/draw.json", {"name": "draw", "chunks": ["output_media"], "reusable": True})
    write(
        tmp_path,
        "configs/interception/shout.json",
        {**INTERCEPTION, "pipeline": "say", "version": "1.0", "display": {"icon": "x", "glow": True}},
    )
    write(
        tmp_path,
        "configs/output/x.json",
        {**OUTPUT, "pipeline": "draw_generation", "parameters": {"OUTPUT_CHUNK": "output_image_x", "STEPS": 5}},
    )
    write(tmp_path, "pipelines/draw_generation.json", {"name": "d", "chunks": ["output_media"]})
    write(tmp_path, "output_config_defaults.json", {"image": {"eco": "x", "fast": None}, "smell": {"eco": "y"}})
    bad = write(tmp_path, "configs/output/bad.json", "{")
    assert looks_foreign(tmp_path)
    catalog = read(tmp_path, "foreign")
    assert [(p.path, p.code) for p in catalog.errors] == [(str(bad), "catalog.problem.not_json")]
    notes = {p.params["key"] for p in catalog.problems if p.code == "catalog.problem.unknown_key_ignored"}
    assert {"version", "display.glow", "smell", "uses", "reusable"} <= notes
    assert any(key.endswith("widget") for key in notes) and any(key.endswith("house_note") for key in notes)
    assert catalog.defaults.image.local == "x"
    assert "shout" in catalog.interceptions and catalog.outputs["x"].origin == "foreign"


def test_reading_does_not_change_what_was_read(tmp_path: Path) -> None:
    write(tmp_path, "configs/interception/i.json", INTERCEPTION)
    config = read(tmp_path).interception("i").value
    with pytest.raises(Exception, match="frozen"):
        config.id = "other"


async def test_the_fingerprint_changes_with_any_file(app_home: Path) -> None:
    paths = find_paths()
    files = CatalogFiles(paths)
    seen = [await files.fingerprint(Settings())]
    path = write(paths.user_catalog, "configs/interception/x.json", INTERCEPTION)
    seen.append(await files.fingerprint(Settings()))
    write(paths.user_catalog, "configs/interception/x.json", {**INTERCEPTION, "name": "Longer"})
    seen.append(await files.fingerprint(Settings()))
    remove(path)
    seen.append(await files.fingerprint(Settings()))
    assert seen[0] == seen[3] and len(set(seen)) == 3


def remove(path: Path) -> None:
    path.unlink()


KINDS: tuple[EntryKind | None, ...] = ("interception", "output", "pipeline", "chunk", "defaults", None)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters()), inner, max_size=4),
    max_leaves=12,
)
good = st.sampled_from([INTERCEPTION, OUTPUT, PIPELINE, GRAPH_CHUNK, API_CHUNK, TEXT_CHUNK])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(KINDS), st.sampled_from(["user", "foreign"]), good, json_values, st.data())
def test_no_json_whatever_makes_the_reader_raise(
    kind: EntryKind | None, origin: Origin, base: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    keys = [*base, "meta", "display", "parameters", "input_mappings", "workflow", "id", "image"]
    content = {**base, data.draw(st.sampled_from(keys)): value}
    read_catalog([CatalogFile(kind, "x", "x.json", origin, json.dumps(content))], procedures=())
    read_catalog([CatalogFile(kind, "x", "x.json", origin, json.dumps(value))], procedures=())


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters()))
def test_no_text_whatever_makes_the_reader_raise(text: str) -> None:
    for is_python in (False, True):
        read_catalog([CatalogFile("chunk", "x", "x", "user", text, is_python=is_python)])
