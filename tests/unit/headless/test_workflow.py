"""``ai4artsed workflow import`` as a person meets it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.user_catalog import entry_name
from ai4artsed_desktop.headless.cli import run_command

GRAPH: dict[str, Any] = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 32, "batch_size": 1, "color": 7}},
    "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "mine"}},
}


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    path = tmp_path / "Schöne Äpfel.json"
    path.write_text(json.dumps(GRAPH), encoding="utf-8")
    return path


def answer_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    capsys.readouterr()
    code = run_command([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_an_imported_workflow_is_an_output_of_the_catalogue(workflow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = answer_of(capsys, "workflow", "import", str(workflow))
    assert code == 0 and answer["id"] == "schone_apfel"
    assert {p["name"]: p["value"] for p in answer["parameters"]}.items() >= {("width", 64), ("height", 32)}
    code, check = answer_of(capsys, "catalog", "check")
    assert (code, check["errors"]) == (0, 0)
    _, outputs = answer_of(capsys, "list", "output")
    assert "schone_apfel" in {row["id"] for row in outputs}


def test_importing_twice_replaces_nothing(workflow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = [answer_of(capsys, "workflow", "import", str(workflow))[1]["id"] for _ in range(3)]
    assert ids == ["schone_apfel", "schone_apfel_2", "schone_apfel_3"]


def test_a_name_of_a_shipped_output_is_not_taken_over(workflow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, answer = answer_of(capsys, "workflow", "import", str(workflow), "--name", "SDXL")
    assert answer["id"] == "sdxl_2"


def test_a_dry_run_writes_nothing_and_leaves_out_what_was_not_wanted(
    workflow: Path, app_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, answer = answer_of(capsys, "workflow", "import", str(workflow), "--dry-run", "--without", "width")
    assert code == 0 and "id" not in answer
    assert "width" not in {p["name"] for p in answer["parameters"]}
    assert not (app_home / "data" / "catalog").exists()


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "error.workflow.unreadable"),
        (b"\x89PNG\r\n\x1a\n", "error.workflow.unreadable"),
        (b'{"nodes": [], "links": [], "version": 0.4}', "error.workflow.needs_server"),
    ],
)
def test_a_file_without_a_usable_workflow_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, error: str
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    code, answer = answer_of(capsys, "workflow", "import", str(path))
    assert (code, answer["error"]["code"]) == (1, error)


@pytest.mark.parametrize(
    ("text", "name"),
    [("Mein Äpfel-Fluss", "mein_apfel_fluss"), ("../../etc", "etc"), ("🍎", "workflow"), ("a" * 300, "a" * 60)],
)
def test_any_title_becomes_a_safe_file_name(text: str, name: str) -> None:
    assert entry_name(text) == name
