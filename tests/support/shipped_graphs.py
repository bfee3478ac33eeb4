"""The shipped ComfyUI chunks and configs, and their graphs as they would be sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ai4artsed_desktop.domain.chunks import OutputChunk, chunk_reader, mappings_of
from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.parameters import resolve
from ai4artsed_desktop.engine.graphs import build_graph
from ai4artsed_desktop.engine.lora import LoraChoice, LoraGraph

ROOT = Path(__file__).resolve().parents[2]


def _chunks() -> dict[str, OutputChunk]:
    read = [chunk_reader.validate_json(path.read_bytes()) for path in sorted((ROOT / "chunks").glob("output_*.json"))]
    return {chunk.name: chunk for chunk in read if isinstance(chunk, OutputChunk)}


CHUNKS = _chunks()


def configs() -> dict[str, OutputConfig]:
    """Return the shipped output configs that use one of these chunks."""
    read = {
        path.stem: OutputConfig.model_validate({"id": path.stem, **json.loads(path.read_text("utf-8"))})
        for path in sorted((ROOT / "configs" / "output").glob("*.json"))
    }
    return {name: config for name, config in read.items() if config.chunk in CHUNKS}


def graph_of(
    chunk: OutputChunk,
    person: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    loras: Sequence[LoraChoice] = (),
) -> LoraGraph:
    """Return the graph of a chunk with pictures wherever it needs one."""
    mappings = mappings_of(chunk)
    pictures = {n: "example.png" for n, places in mappings.items() if places[0].type == "image" and places[0].required}
    values = resolve(mappings, pictures | (person or {}), config or {}, lambda source: f"<{source}>", lambda: 7)
    return build_graph(chunk, values, {}, loras, "run_1")
