"""``ai4artsed graph``: the graph that would be sent, its LoRAs and pictures, and clear refusals."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.headless.cli import run_command
from tests.support.pictures import picture
from tests.support.shipped_graphs import CHUNKS, configs, graph_of

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Return a function that carries out ``ai4artsed graph``, in English, in a home of its own."""
    monkeypatch.setenv("AI4ARTSED_HOME", str(tmp_path / "home"))
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_US.UTF-8")

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run_command(("graph", *arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def lora_file(path: Path, **metadata: str) -> Path:
    header = json.dumps({"__metadata__": metadata}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    return path


@pytest.mark.parametrize(
    "name", [n for n, c in configs().items() if "images" not in c.pipeline and "image_" not in c.pipeline]
)
def test_every_output_without_pictures_prints_its_graph(ask: Ask, name: str) -> None:
    config = configs()[name]
    texts = ("--prompt", "<{{PREVIOUS_OUTPUT}}>", "--second-text", "<{{SECONDARY_TEXT}}>")
    code, out, err = ask(name, *texts, "--param", "seed=7", "--json")
    expected = graph_of(CHUNKS[config.chunk], config=config.overrides).graph
    for graph in (printed := json.loads(out), expected):
        for node in graph.values():
            node["inputs"].pop("filename_prefix", None)  # of the job in a run, of the chunk here
    assert code == 0 and printed == expected
    assert "Seed 7" in err


def test_values_keep_their_types_and_a_prompt_its_signs(ask: Ask) -> None:
    prompt = 'A "quoted" {cat}\n\\ ü €'
    _, out, _ = ask("sd15", "--prompt", prompt, "--param", "STEPS=3", "--param", "cfg=0", "--param", "width=640")
    graph = json.loads(out)
    assert graph["2"]["inputs"]["text"] == prompt
    assert graph["5"]["inputs"]["steps"] == 3 and graph["5"]["inputs"]["cfg"] == 0.0
    assert graph["4"]["inputs"]["width"] == 640


def test_without_a_seed_one_is_drawn_and_told(ask: Ask) -> None:
    _, out, err = ask("sd15")
    assert f"Seed {json.loads(out)['5']['inputs']['seed']}" in err


def test_loras_are_in_the_graph_in_their_order(ask: Ask) -> None:
    code, out, err = ask("sdxl", "--lora", "a/first.safetensors:0.25", "--lora", "second.safetensors")
    graph = json.loads(out)
    assert code == 0
    assert graph["8"]["inputs"]["lora_name"] == "a/first.safetensors" and graph["8"]["inputs"]["strength_clip"] == 0.25
    assert graph["9"]["inputs"]["lora_name"] == "second.safetensors" and graph["9"]["inputs"]["strength_model"] == 0.6
    assert graph["5"]["inputs"]["model"] == ["9", 0]
    assert "a/first.safetensors" in err and "not known" in err


def test_a_lora_on_this_disk_goes_by_its_name_below_loras_and_is_verified(ask: Ask, tmp_path: Path) -> None:
    file = lora_file(tmp_path / "loras" / "art" / "x.safetensors", ss_base_model_version="sdxl_base_v1-0")
    code, out, err = ask("sdxl", "--lora", f"{file}:0.5")
    assert code == 0 and json.loads(out)["8"]["inputs"]["lora_name"] == "art/x.safetensors"
    assert "not known" not in err


def test_a_lora_of_another_family_is_refused_with_the_reason(ask: Ask, tmp_path: Path) -> None:
    file = lora_file(tmp_path / "x.safetensors", ss_base_model_version="flux1")
    code, out, err = ask("sdxl", "--lora", str(file))
    assert code == 1 and out == ""
    assert "flux1" in err and "sdxl" in err


@pytest.mark.parametrize("argument", ["x.safetensors:9", "x.safetensors:nan", ":0.5"])
def test_an_impossible_lora_is_refused(ask: Ask, argument: str) -> None:
    code, out, err = ask("sdxl", "--lora", argument)
    assert code == 1 and out == "" and "--lora" in err


def test_a_file_that_is_no_lora_is_refused(ask: Ask, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(b"<!DOCTYPE html>")
    code, _, err = ask("sdxl", "--lora", str(file))
    assert code == 1 and "safetensors" in err


def test_pictures_go_to_their_places_in_order(ask: Ask) -> None:
    _, out, _ = ask("sd35_large_inpaint", "--image", "some/where/photo.png", "--image", "mask.png")
    graph: dict[str, Any] = json.loads(out)
    assert [n["inputs"]["image"] for n in graph.values() if n["class_type"] == "LoadImage"] == ["photo.png", "mask.png"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sd35_large_img2img"], "image"),
        (["sd15", "--image", "a.png"], "a.png"),
        (["sd15", "--param", "colour=red"], "colour"),
        (["sd15", "--param", "steps=0"], "steps"),
        (["sd15", "--param", "steps"], "NAME=VALUE"),
        (["nowhere"], "nowhere"),
        (["sketchbook_p5js"], "no graph"),
    ],
)
def test_what_cannot_be_is_refused_with_its_name(ask: Ask, arguments: list[str], said: str) -> None:
    code, out, err = ask(*arguments)
    assert code == 1 and out == "" and said in err


@pytest.mark.parametrize(
    ("argument", "name", "strength"),
    [
        (r"C:\Modelle\stil.safetensors:0.6", r"C:\Modelle\stil.safetensors", 0.6),
        (r"C:\Modelle\stil.safetensors", r"C:\Modelle\stil.safetensors", 0.6),
        ("D:/l/x.safetensors:1e-1", "D:/l/x.safetensors", 0.1),
        ("Äpfel & Birnen (2).safetensors:0", "Äpfel & Birnen (2).safetensors", 0.0),
        ("a:b.safetensors:-1", "a:b.safetensors", -1.0),
        ("x.safetensors:4", "x.safetensors", 4.0),
    ],
)
def test_a_lora_argument_is_a_file_and_perhaps_a_strength(ask: Ask, argument: str, name: str, strength: float) -> None:
    code, out, _ = ask("sdxl", "--lora", argument)
    inputs = json.loads(out)["8"]["inputs"]
    assert code == 0 and (inputs["lora_name"], inputs["strength_model"]) == (name, strength)


@pytest.mark.parametrize("strength", ["nan", "inf", "-inf", "4.01", "-4.01", "1e300"])
def test_a_strength_that_cannot_be_is_refused(ask: Ask, strength: str) -> None:
    code, out, err = ask("sdxl", "--lora", f"C:\\x.safetensors:{strength}")
    assert code == 1 and out == "" and "--lora" in err


def test_a_lora_of_the_settings_folder_goes_by_its_name_and_is_verified(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora_file(tmp_path / "stile" / "für alle" / "x.safetensors", ss_base_model_version="flux1")
    monkeypatch.setenv("AI4ARTSED_LORA_FOLDERS", json.dumps([str(tmp_path / "stile")]))
    code, out, err = ask("flux1_dev", "--lora", "für alle/x.safetensors:0.7")
    assert code == 0 and "für alle/x.safetensors" in out and "not known" not in err
    code, out, err = ask("sdxl", "--lora", "für alle/x.safetensors:0.7")
    assert code == 1 and out == "" and "flux1" in err


def test_a_picture_on_this_disk_is_checked_and_goes_by_its_name(ask: Ask, tmp_path: Path) -> None:
    photo = picture(tmp_path / "Foto ä.png")
    code, out, err = ask("sd35_large_img2img", "--image", str(photo))
    assert code == 0 and "Foto ä.png" in [n["inputs"].get("image") for n in json.loads(out).values()]
    assert "not here" not in err
    photo.write_bytes(photo.read_bytes()[:40])
    code, out, err = ask("sd35_large_img2img", "--image", str(photo))
    assert code == 1 and out == "" and "Foto ä.png" in err


def test_a_mask_has_a_flag_of_its_own(ask: Ask) -> None:
    _, out, err = ask("sd35_large_inpaint", "--mask", "m.png", "--image", "photo.png")
    images = [n["inputs"]["image"] for n in json.loads(out).values() if n["class_type"] == "LoadImage"]
    assert images == ["photo.png", "m.png"] and "not here" in err
    code, _, err = ask("sd15", "--mask", "m.png")
    assert code == 1 and "m.png" in err
