"""Writes the JSON schemas of configs, pipelines, chunks and run records into ``resources/schemas``.

They are generated from the pydantic models, which are right wherever a text says otherwise. Run it inside ``.venv``
after changing a model; a test compares the files with the models.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ai4artsed_desktop.domain.chunks import chunk_reader
from ai4artsed_desktop.domain.code_art import RenderJob, RenderVerdict
from ai4artsed_desktop.domain.configs import InterceptionConfig, OutputConfig, OutputDefaults, Pipeline
from ai4artsed_desktop.domain.runs import RunRecord
from ai4artsed_desktop.domain.settings import Settings

FOLDER = Path(__file__).resolve().parents[1] / "resources" / "schemas"
MODELS: dict[str, TypeAdapter[Any]] = {
    "interception": TypeAdapter(InterceptionConfig),
    "output": TypeAdapter(OutputConfig),
    "output_defaults": TypeAdapter(OutputDefaults),
    "pipeline": TypeAdapter(Pipeline),
    "chunk": chunk_reader,
    "run": TypeAdapter(RunRecord),
    "render_job": TypeAdapter(RenderJob),
    "render_verdict": TypeAdapter(RenderVerdict),
    "settings": TypeAdapter(Settings),
}


def schema_texts() -> dict[str, str]:
    """Return ``{file name: content}`` of every schema."""
    return {
        f"{name}.schema.json": json.dumps(adapter.json_schema(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        for name, adapter in MODELS.items()
    }


def main() -> None:
    """Write the files and remove those of models that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = schema_texts()
    for old in FOLDER.glob("*.schema.json"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
