"""The JSON schemas in the repository are those of the models."""

from __future__ import annotations

import json

from schemas import FOLDER, schema_texts


def test_the_schema_files_equal_the_models() -> None:
    texts = schema_texts()
    assert {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.json")} == texts, (
        "next step: .venv/bin/python packaging/schemas.py"
    )
    assert all("properties" in json.loads(t) or "oneOf" in json.loads(t) for t in texts.values())
