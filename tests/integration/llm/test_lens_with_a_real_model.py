"""The lens lab with the model that comes with the program, from the command line to the records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.headless.cli import run_command

pytestmark = pytest.mark.llm

LENSES = ["first_photograph", "house_of_rules", "as_is"]
IDEA = "A red apple on a table"


def test_each_lens_gives_a_text_of_its_own_and_the_same_one_again(
    smollm2_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = find_paths().models
    models.mkdir(parents=True)
    (models / smollm2_path.name).symlink_to(smollm2_path)
    rows = look(capsys, *LENSES)
    assert [row["interception"] for row in rows] == LENSES
    texts = [row["text"] for row in rows]
    assert len(set(texts)) == 3 and all(texts) and texts[2] == IDEA
    assert rows[0]["model"] == f"built_in/{smollm2_path.stem}" and rows[0]["ms"] > 0
    assert look(capsys, LENSES[0])[0]["text"] == texts[0], "the same seed, the same text"
    assert len(list(find_paths().runs.glob("*/run_*"))) == 4


def look(capsys: pytest.CaptureFixture[str], *lenses: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run_command(["lens", IDEA, "--with", ",".join(lenses), "--seed", "7", "--json"]) == 0
    return json.loads(capsys.readouterr().out)
