"""``ai4artsed run`` with LoRAs and pictures: what is refused before anything is queued, and with which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.headless.cli import run_command
from ai4artsed_desktop.headless.inputs import parse_lora
from tests.support.pictures import lora_file, picture

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, app_home: Path) -> Ask:
    """Return a function that carries out ``ai4artsed run`` and returns the error it must end with."""
    monkeypatch.setenv("AI4ARTSED_COMFYUI_ADDRESS", "http://127.0.0.1:9")

    def run(*arguments: str) -> dict[str, Any]:
        capsys.readouterr()
        code = run_command(("run", "An apple", "--interception", "as_is", "--json", *arguments))
        said = json.loads(capsys.readouterr().out)
        assert code == 1
        assert not list(app_home.glob("data/runs/*/*")), "nothing was begun"
        return said["error"]

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--output", "sd35_large_img2img"), "error.input.image_missing", "sd35_large_img2img"),
        (("--output", "sd35_large_img2img", "--image", "gone.png"), "error.input.image_file", "gone.png"),
        (("--output", "sd15", "--image", "HERE"), "error.input.image_unwanted", "here.png"),
        (("--output", "sd15", "--mask", "HERE"), "error.input.image_unwanted", "here.png"),
        (("--output", "qwen_image_edit", *("--image", "HERE") * 4), "error.input.image_unwanted", "image3"),
        (("--output", "sketchbook_p5js", "--image", "HERE"), "error.input.image_unwanted", "here.png"),
        (("--output", "sketchbook_p5js", "--lora", "x.safetensors"), "error.lora.no_place", "x.safetensors"),
        (("--output", "sd15", "--lora", "x.safetensors:nan"), "error.input.parameter", "x.safetensors:nan"),
        (("--output", "sd15", "--lora", "x.safetensors:-4.5"), "error.input.parameter", "-4.5"),
        (("--output", "sd15", "--lora", ""), "error.input.parameter", "--lora"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_queued(
    refused: Ask, tmp_path: Path, arguments: tuple[str, ...], code: str, named: str
) -> None:
    here = picture(tmp_path / "here.png")
    error = refused(*(str(here) if part == "HERE" else part for part in arguments))
    assert error["code"] == code and named in json.dumps(error)


def test_a_lora_file_goes_by_its_whole_path_and_a_name_stays_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora_file(tmp_path / "Stil ä.safetensors")
    monkeypatch.chdir(tmp_path)
    assert parse_lora("Stil ä.safetensors:0.3").name == str(tmp_path / "Stil ä.safetensors")
    assert parse_lora("art/x.safetensors:0.3").name == "art/x.safetensors"
    assert parse_lora(r"C:\x.safetensors").strength == 0.6
