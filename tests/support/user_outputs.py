"""Outputs of the person's own, for tests that bring their graphs."""

from __future__ import annotations

from typing import Any

from tests.support.world import TestWorld


def add_output(
    world: TestWorld, name: str, graph: dict[str, Any], mappings: dict[str, Any] | None = None, **overrides: Any
) -> None:
    """Put an output of the person's own into the catalogue."""
    raw = {"name": f"output_{name}", "type": "output_chunk", "backend_type": "comfyui", "media_type": "image"}
    world.entry(f"chunks/output_{name}.json", {**raw, "workflow": graph, "input_mappings": mappings or {}})
    words = {"en": name, "de": name}
    config = {"name": words, "description": words, "pipeline": "single_text_media_generation"}
    chosen = {"OUTPUT_CHUNK": f"output_{name}", **overrides}
    world.entry(f"configs/output/{name}.json", {**config, "parameters": chosen})
