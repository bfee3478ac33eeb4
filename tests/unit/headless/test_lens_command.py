"""``ai4artsed lens`` as strangers read it: keys, order and exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ai4artsed_desktop.headless.cli import run_command

IDEA = "Ein roter Apfel liegt auf dem Tisch und wartet."


@pytest.fixture(autouse=True)
def in_english(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any, str]:
    """Return (exit code, the one JSON value, stderr)."""
    capsys.readouterr()
    code = run_command(["lens", *arguments])
    said = capsys.readouterr()
    return code, json.loads(said.out) if said.out.strip() else None, said.err


def test_json_is_one_array_in_the_order_of_the_ids(capsys: pytest.CaptureFixture[str]) -> None:
    lenses = "procedure_snowball,as_is,procedure_cut_up"
    code, rows, said = ask(capsys, IDEA, "--with", lenses, "--seed", "7", "--json")
    assert code == 0
    assert [row["interception"] for row in rows] == lenses.split(",")
    assert all(set(row) == {"interception", "text", "model", "ms"} and row["text"] for row in rows)
    assert rows[1]["text"] == IDEA and rows[2]["model"] == "procedure/cut_up"
    assert "Lens 1 of 3: procedure_snowball" in said and "Lens 3 of 3" in said
    assert ask(capsys, IDEA, "--with", lenses, "--seed", "7", "--json")[1][2]["text"] == rows[2]["text"]


def test_one_that_fails_is_told_beside_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    code, rows, _ = ask(capsys, IDEA, "--with", "as_is,dada", "--json")
    assert code == 1
    assert "error" not in rows[0] and rows[0]["text"] == IDEA
    assert rows[1]["text"] == "" and rows[1]["error"]["code"].startswith("error.") and rows[1]["error"]["message"]


@pytest.mark.parametrize(
    ("lenses", "named"), [("as_is,nonsense", "nonsense"), ("as_is," * 7, "7"), (",", "0")], ids=["unknown", "7", "none"]
)
def test_wrong_ids_are_wrong_usage_and_nothing_runs(
    capsys: pytest.CaptureFixture[str], lenses: str, named: str
) -> None:
    code, answer, said = ask(capsys, IDEA, "--with", lenses, "--json")
    assert code == 2 and named in said and named in answer["error"]["message"]
    assert "Lens 1" not in said


def test_without_ids_it_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_command(["lens", IDEA])
    assert ended.value.code == 2


def test_people_read_names_and_texts(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["lens", IDEA, "--with", "as_is"]) == 0
    assert f"As it is (as_is)\n  {IDEA}" in capsys.readouterr().out


def test_run_shows_each_round_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--interception", "procedure_telephone", "--seed", "7", "--json", "The night was light"]
    assert run_command(arguments) == 0
    said = capsys.readouterr()
    rounds = next(stage["rounds"] for stage in json.loads(said.out)["stages"] if "rounds" in stage)
    assert len(rounds) == 4 and all(f"  {label}: {text}" in said.err for label, text in rounds)
