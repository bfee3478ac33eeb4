"""The commands inside this process: shapes of ``--json``, exit codes, and messages that say what to do."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.errors import UnknownParameterError
from ai4artsed_desktop.headless import commands
from ai4artsed_desktop.headless.commands import find_commands
from ai4artsed_desktop.headless.commands.run import outputs_of
from tests.support.asking import Ask
from tests.support.broken_catalog import make_broken_catalog
from tests.support.world import open_world


def test_every_command_has_its_own_file() -> None:
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")} - {"__init__"}
    found = find_commands()
    assert {c.name.replace("-", "_") for c in found} == files
    assert len(found) == len(files)
    assert [c.name for c in find_commands(["self-check", "list"])] == ["self-check"]
    assert len(find_commands(["--help"])) == len(find_commands(["no-such-thing"])) == len(files)


@pytest.mark.parametrize("kind", ["interception", "output", "pipelines", "chunks"])
def test_list_gives_an_array_of_objects_with_id_name_runnable_and_reason(ask: Ask, kind: str) -> None:
    answer = ask("list", kind, "--json")
    assert answer.code == 0 and len(answer.json) >= 4
    for row in answer.json:
        assert row["id"] and row["name"]
        assert row["runnable"] is (row["reason"] == "")
    lines = ask("list", kind).out.splitlines()
    assert len(lines) == len(answer.json)


def test_list_says_what_cannot_run_here_and_why(ask: Ask) -> None:
    rows = {row["id"]: row for row in ask("list", "interception", "--json").json}
    assert rows["dada"]["reason"] == "needs a text model; none is here" and rows["dada"]["done_by"] == "model"
    assert rows["procedure_cut_up"]["runnable"] and rows["procedure_cut_up"]["done_by"] == "procedure"
    assert rows["as_is"]["runnable"]
    outputs = {row["id"]: row for row in ask("list", "output", "--json").json}
    assert not outputs["p5js_code"]["runnable"] and outputs["sketchbook_p5js"]["is_ai"] is False


def test_list_models_is_empty_on_a_fresh_machine(ask: Ask) -> None:
    assert ask("list", "models", "--json").json == []


def test_the_shipped_catalogue_passes_its_check(ask: Ask) -> None:
    answer = ask("catalog", "check", "--json")
    assert answer.code == 0 and answer.json["errors"] == 0 and answer.json["files"] > 40


@pytest.mark.parametrize("flat", [True, False])
def test_catalog_check_names_every_broken_file_and_its_reason(ask: Ask, tmp_path: Path, flat: bool) -> None:
    folder = tmp_path / "broken"
    made = make_broken_catalog(folder, flat=flat, mark=tmp_path / "ran")
    answer = ask("catalog", "check", str(folder), "--json")
    assert answer.code == 1 and answer.json["files"] == len(made) >= 200
    assert {str(path) for path in made.values()} <= {p["path"] for p in answer.json["problems"]}
    assert all(p["message"] and p["message"] != p["code"] for p in answer.json["problems"])
    shown = ask("catalog", "check", str(folder))
    assert shown.code == 1 and all(str(path) in shown.out for path in made.values())
    assert not (tmp_path / "ran").exists()


def test_catalog_check_of_no_folder_says_so(ask: Ask, tmp_path: Path) -> None:
    answer = ask("catalog", "check", str(tmp_path / "none"), "--json")
    assert answer.code == 1 and answer.json["error"]["code"] == "error.storage.failed"


SERVERS = Path(__file__).parents[2] / "support" / "comfyui_object_info"


def test_catalog_check_holds_every_graph_against_a_servers_description(ask: Ask) -> None:
    """Files that the server lacks are notes: the graph is right. FLUX.2 needs nodes that the old server lacks."""
    new = ask("catalog", "check", "--object-info", str(SERVERS / "new.json"), "--json")
    assert (new.code, new.json["errors"]) == (0, 0)
    old = ask("catalog", "check", "--object-info", str(SERVERS / "old.json"), "--json")
    assert old.code == 1
    assert {p["path"] for p in old.json["problems"] if p["severity"] == "error"} == {
        str(Path("chunks") / "output_image_flux2_dev.json")
    }


@pytest.mark.parametrize("content", ["# no JSON", "[1, 2]", '{"KSampler": 3}', "[" * 100_000])
def test_catalog_check_refuses_a_file_that_describes_no_server(ask: Ask, tmp_path: Path, content: str) -> None:
    file = tmp_path / "object_info.json"
    file.write_text(content)
    answer = ask("catalog", "check", "--object-info", str(file), "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "error.storage.object_info")


def test_self_check_counts_every_registry(ask: Ask) -> None:
    answer = ask("--self-check", "--json")
    counts = answer.json
    assert answer.code == 0 and counts.pop("errors") == 0
    assert min(counts.values()) > 0 and counts["procedures"] >= 10


def test_doctor_says_for_each_missing_thing_what_it_disables_and_how_to_get_it(ask: Ask) -> None:
    answer = ask("doctor", "--json")
    findings = {f["id"]: f for f in answer.json["findings"]}
    assert answer.code == 0
    assert {"program", "data_folder", "disk", "web_engine", "llama_cpp", "text_model", "catalog"} <= findings.keys()
    assert {"comfyui", "swarmui", "ollama"} <= findings.keys()
    assert not any("{" in f["value"] or "doctor." in f["value"] for f in findings.values())
    missing = findings["text_model"]
    assert missing["state"] == "missing" and missing["disables"] and missing["remedy"]


def test_run_prints_one_object_with_stages_and_media(ask: Ask) -> None:
    answer = ask("run", "--interception", "procedure_cut_up", "--seed", "7", "--json", "Ein roter Apfel")
    run = answer.json
    assert answer.code == 0 and run["state"] == "finished" and run["seed"] == 7 and run["media"] == []
    assert Path(run["run_folder"]).name == run["run_id"]
    for stage in run["stages"]:
        assert stage.keys() >= {"name", "text", "model", "ms"}
    assert run["stages"][1]["model"] == "procedure/cut_up"
    again = ask("run", "--interception", "procedure_cut_up", "--seed", "7", "--json", "Ein roter Apfel")
    assert again.json["stages"][1]["text"] == run["stages"][1]["text"]


def test_replay_says_the_same_again_and_names_its_parent(ask: Ask) -> None:
    first = ask("run", "--interception", "procedure_markov_walk", "--json", "A red apple on a table in the sun").json
    answer = ask("runs", "replay", first["run_id"], "--json")
    assert answer.code == 0 and answer.json["seed"] == first["seed"]
    assert [s["text"] for s in answer.json["stages"]] == [s["text"] for s in first["stages"]]
    shown = ask("runs", "show", answer.json["run_id"], "--json").json
    assert shown["parent_run_id"] == first["run_id"]


def test_replay_warns_when_the_interception_has_changed(ask: Ask, app_home: Path) -> None:
    own = app_home / "data" / "catalog" / "configs" / "interception" / "mine.json"
    own.parent.mkdir(parents=True)
    config = {"pipeline": "text_passthrough", "name": "M", "description": "d", "meta": {"skip_interception": True}}
    own.write_text(json.dumps(config))
    first = ask("run", "--interception", "mine", "--json", "x").json
    assert "changed" not in ask("runs", "replay", first["run_id"]).err
    own.write_text(json.dumps({**config, "name": "Other"}))
    assert "has been changed" in ask("runs", "replay", first["run_id"]).err


def test_runs_are_listed_found_shown_and_indexed_anew(ask: Ask) -> None:
    first = ask("run", "--interception", "as_is", "--json", "Grüße an Zoë").json
    ask("run", "--interception", "as_is", "second")
    rows = ask("runs", "list", "--json").json
    assert [row["text"] for row in rows] == ["second", "Grüße an Zoë"]
    assert [row["run_id"] for row in ask("runs", "list", "--search", "grüß", "--json").json] == [first["run_id"]]
    assert ask("runs", "rebuild-index", "--json").json == {"runs": 2}
    assert "Grüße an Zoë" in ask("runs", "show", first["run_id"]).out


def test_an_unknown_run_is_said(ask: Ask) -> None:
    for action in ("show", "replay"):
        answer = ask("runs", action, "run_1_abcdef", "--json")
        assert answer.code == 1 and answer.json["error"]["code"] == "error.catalog.unknown"


def test_the_idea_can_come_from_standard_input(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    data = io.BytesIO("Äpfel\r\nund \x00Birnen\n".encode() + b"\xff")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(data, encoding="ascii"))
    answer = ask("run", "--interception", "as_is", "--json", "-")
    assert answer.json["stages"][1]["text"] == "Äpfel\nund Birnen\n\ufffd"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--interception", "as_is", ""], "error.input.empty"),
        (["--interception", "nothing", "x"], "error.catalog.unknown"),
        (["--interception", "as_is", "--output", "nothing", "x"], "error.catalog.unknown"),
        (["--interception", "as_is", "--seed", "-1", "x"], "error.input.parameter"),
        (
            ["--interception", "as_is", "--output", "sketchbook_p5js", "--param", "wide=1", "x"],
            "error.input.unknown_parameter",
        ),
        (
            ["--interception", "as_is", "--output", "sketchbook_p5js", "--param", "width=0", "x"],
            "error.input.parameter",
        ),
        (["--interception", "as_is", "--param", "width", "x"], "error.input.parameter"),
        (["--interception", "dada", "x"], "error.catalog.not_runnable"),
        (["--interception", "dada", "--model", "built_in/gone", "x"], "error.model.missing"),
        (["--interception", "as_is", "x" * 300_000], "error.input.too_long"),
    ],
)
def test_bad_input_ends_with_1_and_one_json_error_with_a_next_step(ask: Ask, arguments: list[str], code: str) -> None:
    answer = ask("run", "--json", *arguments)
    assert answer.code == 1 and answer.json["error"]["code"] == code
    assert "{" not in answer.json["error"]["message"].replace("{{", "") and len(answer.json["error"]["message"]) > 30
    assert answer.err.strip()


def test_a_failed_run_names_its_folder(ask: Ask) -> None:
    answer = ask("run", "--interception", "dada", "--json", "apple")
    assert Path(answer.json["run_folder"], "02_input.txt").read_text() == "apple"


def test_out_that_is_a_file_is_said_before_any_work(ask: Ask, tmp_path: Path, app_home: Path) -> None:
    (tmp_path / "out").write_text("")
    answer = ask("run", "--interception", "as_is", "--out", str(tmp_path / "out"), "--json", "x")
    assert answer.code == 1 and answer.json["error"]["code"] == "error.storage.failed"
    assert not (app_home / "data" / "runs").exists()


@pytest.mark.parametrize("arguments", [["nothing"], ["run"], ["list", "smells"], ["runs"], ["run", "--seed", "x", "y"]])
def test_wrong_usage_ends_with_2(ask: Ask, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        ask(*arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    "options", [["--width", "5"], ["--frames", "0"], ["--duration", "1e9"], ["--seed", "-1"], ["--height", "99999"]]
)
def test_code_render_refuses_bad_numbers_clearly(ask: Ask, tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "a.js").write_text("function setup() {}")
    answer = ask("code", "render", str(tmp_path / "a.js"), "--framework", "p5js", "--json", *options)
    assert answer.code == 1 and answer.json["error"]["code"] == "error.input.parameter"


def test_code_render_of_no_file_is_said(ask: Ask, tmp_path: Path) -> None:
    answer = ask("code", "render", str(tmp_path / "no.js"), "--framework", "p5js", "--json")
    assert answer.code == 1 and answer.json["error"]["code"] == "error.storage.failed"


def test_answers_are_german_where_the_system_is(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    answer = ask("run", "--interception", "as_is", "Äpfel")
    assert "Ordner des Laufs" in answer.out and "Übersetzung" in answer.err
    rows = ask("list", "interception", "--json").json
    assert next(row for row in rows if row["id"] == "as_is")["name"] == "So wie es ist"


def test_a_data_folder_that_cannot_be_made_is_said(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AI4ARTSED_HOME", str(tmp_path / "file"))
    answer = ask("run", "--interception", "as_is", "--json", "x")
    assert answer.code == 1 and answer.json["error"]["code"] == "error.storage.failed"
    assert "No log is written" in answer.err


async def test_a_parameter_goes_to_the_outputs_that_know_it(app_home: Path) -> None:
    async with open_world(app_home) as world:
        catalog = world.engine.catalog
        outputs = outputs_of(catalog, ["sketchbook_p5js", "sketchbook_tonejs"], ["WIDTH=512", "duration=8"])
        assert [dict(output.parameters) for output in outputs] == [{"WIDTH": "512"}, {"duration": "8"}]
        with pytest.raises(UnknownParameterError) as caught:
            outputs_of(catalog, ["sketchbook_p5js"], ["duration=8"])
    assert "width" in caught.value.params["expected"]
