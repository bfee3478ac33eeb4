"""``ai4artsed train`` as people and scripts use it: processes of their own, exit codes, one JSON value on stdout."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths
from ai4artsed_desktop.adapters.training.places import TrainingLocations
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.training.families import family_of
from tests.support.fake_children import until
from tests.support.programs import ask
from tests.support.training_kit import (
    draw_pictures,
    end_processes_of,
    install_fake_trainer,
    make_model_files,
    processes_of,
    recording,
)


class Desk:
    """A person's machine: a home, pictures, an installed trainer."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "Heim ä"
        self.pictures = draw_pictures(folder / "meine Bilder", 5)
        self.environment = {"KOHYA_DIR": str(install_fake_trainer(folder / "kohya")), "FAKE_TRAINER": "{}"}
        self.locations = TrainingLocations(find_paths({HOME_VARIABLE: str(self.home)}), Settings, {})
        make_model_files(self.locations, family_of("sd15"))

    def play(self, name: str, **order: Any) -> None:
        """Choose what the trainer does next."""
        self.environment["FAKE_TRAINER"] = json.dumps({"recording": str(recording(name)), **order})

    async def train(self, *arguments: str) -> tuple[int, str, str]:
        """Run one command to its end."""
        return await ask(self.home, "train", *arguments, limit_s=90.0, **self.environment)

    async def train_json(self, *arguments: str) -> tuple[int, Any]:
        """Run one command with ``--json``; stdout must hold exactly one value."""
        code, out, _ = await self.train(*arguments, "--json")
        return code, json.loads(out)


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    desk = Desk(tmp_path)
    yield desk
    end_processes_of(tmp_path)


async def test_plan_needs_no_trainer_and_prints_exactly_the_file(tmp_path: Path) -> None:
    pictures = draw_pictures(tmp_path / "my cats", 4)
    common = ("train", "plan", "--family", "sd35_large", "--vram", "16", "--dataset", str(pictures))
    code, toml, _ = await ask(tmp_path / "home", *common, "--toml")
    assert code == 0
    tables = tomllib.loads(toml)
    assert tables["saving"]["output_name"] == "sd35_my cats"
    code, out, _ = await ask(tmp_path / "home", *common, "--json")
    plan = json.loads(out)
    assert code == 0
    options = {name: value for table in tables.values() for name, value in table.items()}
    assert plan["options"] == options
    assert set(plan["explanations"]) == set(options)
    assert (plan["preset_gb"], plan["min_required_gb"], plan["pictures"]) == (16, 8, 4)
    code, out, _ = await ask(tmp_path / "home", *common)
    assert code == 0
    assert str(plan["steps"]) in out
    assert not (tmp_path / "home" / "data" / "training").exists(), "a plan makes nothing"


@pytest.mark.parametrize("form", ["--json", "--toml"])
async def test_a_card_that_is_too_small_is_exit_code_1_and_the_figure(tmp_path: Path, form: str) -> None:
    pictures = draw_pictures(tmp_path / "p", 2)
    arguments = ("train", "plan", "--family", "flux", "--vram", "6", "--dataset", str(pictures), form)
    code, out, err = await ask(tmp_path / "home", *arguments, AI4ARTSED_LANGUAGE="en")
    assert code == 1
    assert "8 GB" in err
    if form == "--json":
        assert json.loads(out)["min_required_gb"] == 8
    else:
        assert out == ""


async def test_unknown_options_families_and_folders_are_refused(tmp_path: Path) -> None:
    pictures = draw_pictures(tmp_path / "p", 2)
    common = ("train", "plan", "--vram", "12", "--dataset", str(pictures))
    code, out, err = await ask(tmp_path / "home", *common, "--family", "sd15", "--toml", "--set", "netwrok_dim=8")
    assert (code, out) == (1, "")
    assert "network_dim" in err
    assert (await ask(tmp_path / "home", *common, "--family", "sd99"))[0] == 2
    wrong = ("train", "plan", "--family", "sd15", "--vram", "12", "--dataset", str(tmp_path / "nowhere"))
    assert (await ask(tmp_path / "home", *wrong))[0] == 1


async def test_check_names_what_is_wrong_with_which_picture(tmp_path: Path) -> None:
    pictures = draw_pictures(tmp_path / "p", 3, captions=False)
    (pictures / "cut.png").write_bytes((pictures / "Bild 0.png").read_bytes()[:200])
    code, out, _ = await ask(tmp_path / "home", "train", "check", str(pictures), "--json")
    report = json.loads(out)
    assert (code, report["pictures"], report["usable"], report["captioned"]) == (0, 4, 3, 0)
    assert [(f["picture"], f["repair"]) for f in report["findings"] if f["kind"] == "corrupt"] == [
        ("cut.png", "left_out")
    ]
    assert sum(bucket["pictures"] for bucket in report["buckets"]) == 3


async def test_a_training_goes_on_after_the_command_and_is_stopped_and_resumed_by_others(desk: Desk) -> None:
    desk.play("good_python", gate={" 7/10 ": str(desk.folder / "never")})
    create = (
        "create",
        "Übung",
        "--family",
        "sd15",
        "--dataset",
        str(desk.pictures),
        "--vram",
        "16",
        "--trigger",
        "sks",
        "--steps",
        "10",
    )
    code, made = await desk.train_json(*create)
    assert (code, made["state"]) == (0, "new")
    code, started = await desk.train_json("start", "Übung")
    assert (code, started["state"]) == (0, "running")
    code, refused = await desk.train_json("start", "Übung")
    assert (code, refused["error"]["code"]) == (1, "error.training.busy")
    status: dict[str, Any] = {}
    while status.get("progress", {}).get("step", 0) < 6:
        code, status = await desk.train_json("status", "Übung")
        assert (code, status["state"]) == (0, "running")
    assert len(status["progress"]["samples"]) == 1
    code, _, err = await desk.train("stop", "Übung")
    assert code == 0
    assert " 2 " in err, "it says how many steps are lost"
    await until(lambda: not processes_of(desk.locations.project("Übung")))
    desk.play("resume_skip")
    code, ended = await desk.train_json("resume", "Übung", "--wait")
    assert (code, ended["state"], ended["progress"]["step"]) == (0, "finished", 10)
    assert ended["lora"] == str(desk.locations.loras / "sd15_Übung.safetensors")
    code, rows = await desk.train_json("status")
    assert [row["project"] for row in rows] == ["Übung"]
    code, again = await desk.train_json("resume", "Übung")
    assert (code, again["error"]["code"]) == (1, "error.training.no_state")


async def test_a_failed_training_is_exit_code_1_with_its_cause(desk: Desk) -> None:
    desk.play("bad_empty_dataset")
    await desk.train("create", "p", "--family", "sd15", "--dataset", str(desk.pictures), "--vram", "16")
    code, ended = await desk.train_json("start", "p", "--wait")
    assert (code, ended["state"], ended["error"]["code"]) == (1, "failed", "error.training.no_data")


async def test_delete_lists_first_and_then_removes_all_and_only_that(desk: Desk) -> None:
    desk.play("good_python")
    await desk.train("create", "p", "--family", "sd15", "--dataset", str(desk.pictures), "--vram", "16")
    await desk.train("start", "p", "--wait")
    bystander = desk.locations.loras / "other.safetensors"
    bystander.write_bytes(b"x")
    code, listed = await desk.train_json("delete", "p")
    assert (code, listed["deleted"]) == (1, False)
    lora = desk.locations.loras / "sd15_p.safetensors"
    assert set(listed["would_delete"]) == {str(desk.locations.project("p")), str(lora)}
    assert lora.exists()
    code, gone = await desk.train_json("delete", "p", "--yes")
    assert (code, gone["deleted"], gone["left"]) == (0, True, [])
    assert not desk.locations.project("p").exists()
    assert not lora.exists()
    assert bystander.exists()
    assert len(list(desk.pictures.iterdir())) == 10


@pytest.mark.parametrize(("name", "action"), [("", ("delete", "--yes")), ("../x", ("start",))])
async def test_a_malicious_name_touches_nothing(desk: Desk, name: str, action: tuple[str, ...]) -> None:
    precious = desk.home / "data" / "training" / "real" / "project.json"
    precious.parent.mkdir(parents=True)
    precious.write_text('{"name": "real", "family": "sd15"}')
    code, answer = await desk.train_json(action[0], name, *action[1:])
    assert (code, answer["error"]["code"]) == (1, "error.training.project_name")
    assert precious.exists()
