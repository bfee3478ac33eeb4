"""What the core costs: figures to read (``pytest -m benchmark -s``), with limits that only a blunder breaks."""

# ruff: noqa: T201 - printed figures are the point here

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.catalog_files import read_file, walk
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from ai4artsed_desktop.domain.chunks import OutputChunk, chunk_reader, mappings_of
from ai4artsed_desktop.domain.events import Event, StageTextStreamed
from ai4artsed_desktop.domain.runs import RunRecord, StageName
from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.catalog_reader import read_catalog
from ai4artsed_desktop.engine.templates import fill_graph, fill_text
from tests.support.broken_catalog import INTERCEPTION, PIPELINE, TEXT_CHUNK

pytestmark = pytest.mark.benchmark


def per_second(work: Callable[[], object], for_s: float = 0.5) -> float:
    """Return how often ``work`` runs in a second."""
    count, started = 0, time.perf_counter()
    while (took_s := time.perf_counter() - started) < for_s:
        work()
        count += 1
    return count / took_s


def graph_chunk(nodes: int) -> OutputChunk:
    """Return a chain of nodes with a text and a number each; the first one's are parameters."""
    workflow: dict[str, Any] = {
        str(n): {"class_type": "Node", "inputs": {"text": "{{PREVIOUS_OUTPUT}}", "steps": n, "link": [str(n - 1), 0]}}
        for n in range(1, nodes)
    }
    workflow["0"] = {"class_type": "Loader", "inputs": {"text": "x", "steps": 1}}
    places = {
        "prompt": {"node_id": "0", "field": "inputs.text"},
        "steps": {"node_id": "0", "field": "inputs.steps", "type": "int"},
    }
    raw = {"name": "g", "type": "output_chunk", "backend_type": "comfyui", "media_type": "image"}
    chunk = chunk_reader.validate_python({**raw, "workflow": workflow, "input_mappings": places})
    assert isinstance(chunk, OutputChunk)
    return chunk


def test_templates_and_graphs_filled_per_second() -> None:
    texts = {"PREVIOUS_OUTPUT": "a text of some length " * 10, "CONTEXT": "rules " * 50}
    fills = per_second(lambda: fill_text("{{CONTEXT}}\n\n{{PREVIOUS_OUTPUT}}", texts, "w"))
    print(f"\ntemplates filled per second: {fills:,.0f}")
    chunk = graph_chunk(40)
    mappings = mappings_of(chunk)
    graphs = per_second(lambda: fill_graph(chunk, mappings, {"prompt": "p", "steps": 5}, texts))
    print(f"graphs of 40 nodes filled per second: {graphs:,.0f}")
    assert fills > 1000 and graphs > 50


def test_events_published_per_second() -> None:
    bus, heard = EventBus(), list[Event]()
    for _ in range(3):
        bus.subscribe(heard.append)
    event = StageTextStreamed("run", StageName.INTERCEPTION, "word")
    rate = per_second(lambda: bus.publish(event))
    print(f"\nevents to three listeners per second: {rate:,.0f}")
    assert rate > 5000


def test_a_catalogue_of_a_thousand_configs(tmp_path: Path) -> None:
    for kind, good in (("configs/interception", INTERCEPTION), ("configs/pipelines", PIPELINE), ("chunks", TEXT_CHUNK)):
        (tmp_path / kind).mkdir(parents=True)
        for number in range(1000 if kind == "configs/interception" else 1):
            name = {"configs/pipelines": "text_transformation", "chunks": "interception"}.get(kind, f"x{number}")
            (tmp_path / kind / f"{name}.json").write_text(json.dumps(good))
    started = time.perf_counter()
    files = [read_file(path, tmp_path, "user") for path in walk(tmp_path)]
    read_s = time.perf_counter() - started
    catalog = read_catalog(files)
    whole_s = time.perf_counter() - started
    print(f"\n1,000 configs: read {read_s * 1000:.0f} ms, validated {(whole_s - read_s) * 1000:.0f} ms")
    assert len(catalog.interceptions) == 1000 and catalog.errors == () and whole_s < 10


def test_cleaning_the_longest_text() -> None:
    text = "Ein roter Apfel 🍎 auf dem Tisch.\r\n" * 5_700
    started = time.perf_counter()
    clean_text(text)
    took_s = time.perf_counter() - started
    print(f"\ncleaning {len(text):,} characters: {took_s * 1000:.0f} ms")
    assert took_s < 2


async def test_the_index_over_a_thousand_runs(tmp_path: Path) -> None:
    store = DiskRunStore(tmp_path / "runs", tmp_path / "runs.sqlite")
    make_runs(tmp_path / "runs", 1000)
    figures: list[str] = []
    for name, work in (
        ("rebuild", store.rebuild_index),
        ("start", store.mark_interrupted),
        ("list", lambda: store.list_runs(200)),
        ("search", lambda: store.list_runs(200, "apf")),
    ):
        started = time.perf_counter()
        await work()
        figures.append(f"{name} {(time.perf_counter() - started) * 1000:.0f} ms")
    await store.aclose()
    print("\n1,000 runs: " + ", ".join(figures))
    assert len(figures) == 4


def make_runs(runs: Path, count: int) -> None:
    for number in range(count):
        record = RunRecord(
            run_id=f"run_{1_700_000_000_000 + number}_{number:06x}",
            created="2026-01-02T03:04:05.000+00:00",
            state="finished",
            interception_id="dada",
            input_text=f"Ein Apfel {number}",
        )
        folder = runs / "2026-01-02" / record.run_id
        folder.mkdir(parents=True)
        (folder / "metadata.json").write_text(record.model_dump_json())
