"""``ai4artsed run`` with a LoRA, pictures and a mask, against a server double over real sockets."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.support.comfyui_double import ComfyUiDouble, running
from tests.support.pictures import lora_file, mask, picture

ROOT = Path(__file__).resolve().parents[3]


async def program(home: Path, double: ComfyUiDouble, *arguments: str, **environment: str) -> tuple[int, Any, str]:
    """Run the program in a process of its own; return its exit code, its JSON answer and what it remarked."""
    variables = {"AI4ARTSED_HOME": str(home), "AI4ARTSED_COMFYUI_ADDRESS": double.url, "LANG": "en_US.UTF-8"}
    argv = [sys.executable, "-m", "ai4artsed_desktop", "run", "An apple", "--interception", "as_is", "--json"]
    child = await asyncio.create_subprocess_exec(
        *argv,
        *arguments,
        cwd=ROOT,
        env={"PATH": "", "PYTHONPATH": str(ROOT), **variables, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await child.communicate()
    assert child.returncode is not None
    return child.returncode, json.loads(out), err.decode()


def own_outputs(home: Path) -> None:
    """An output of the person's own that any server can make: two pictures in, one out, a model beside it."""
    chunk = {
        "name": "output_own",
        "type": "output_chunk",
        "backend_type": "comfyui",
        "media_type": "image",
        "workflow": {
            "1": {"class_type": "LoadImage", "inputs": {"image": ""}},
            "2": {"class_type": "LoadImage", "inputs": {"image": ""}},
            "3": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
            "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "own"}},
        },
        "input_mappings": {
            "image": {"node_id": "1", "field": "inputs.image", "type": "image", "required": True},
            "mask": {"node_id": "2", "field": "inputs.image", "type": "image"},
        },
    }
    config = {
        "pipeline": "image_transformation",
        "name": "Own",
        "description": "Own",
        "parameters": {"OUTPUT_CHUNK": "output_own"},
    }
    entries(home, {"chunks/output_own.json": chunk, "configs/output/own.json": config})


def entries(home: Path, files: dict[str, Any]) -> None:
    """Write files of the person's own catalogue."""
    for name, content in files.items():
        path = home / "data" / "catalog" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")


async def test_a_picture_and_a_mask_reach_the_server_under_its_names(app_home: Path, tmp_path: Path) -> None:
    own_outputs(app_home)
    photo, marked = picture(tmp_path / "Äpfel.jpg", (64, 48)), mask(tmp_path / "m.png", (64, 48))
    async with running("new") as double:
        code, said, err = await program(
            app_home, double, "--output", "own", "--image", str(photo), "--mask", str(marked)
        )
        assert code == 0, err
        sent = double.posted[0]["prompt"]
        on_disk = {key[-1]: data for key, data in double.worker.disk.files.items()}
    names = [node["inputs"]["image"] for node in sent.values() if node["class_type"] == "LoadImage"]
    assert [on_disk[name] for name in names] == [photo.read_bytes(), marked.read_bytes()]
    assert len(said["media"]) == 1
    record = json.loads((Path(said["run_folder"]) / "metadata.json").read_text("utf-8"))
    assert set(record["images"]) == {"image", "mask"}


async def test_without_the_mask_its_loader_is_not_sent(app_home: Path, tmp_path: Path) -> None:
    own_outputs(app_home)
    async with running("old") as double:
        code, _, err = await program(app_home, double, "--output", "own", "--image", str(picture(tmp_path / "a.png")))
        assert code == 0, err
        assert sorted(double.posted[0]["prompt"]) == ["1", "3", "9"]


def sd15_output(home: Path) -> None:
    """Stable Diffusion 1.5 with the checkpoint that the recorded servers have."""
    shipped = (ROOT / "chunks" / "output_image_sd15_text.json").read_text("utf-8")
    chunk = json.loads(shipped.replace("v1-5-pruned-emaonly-fp16", "tiny-sd15-random"))
    chunk["name"] = "output_tiny"
    config = {
        "pipeline": "single_text_media_generation",
        "name": "Tiny",
        "description": "Tiny",
        "parameters": {"OUTPUT_CHUNK": "output_tiny"},
    }
    entries(home, {"chunks/output_tiny.json": chunk, "configs/output/tiny.json": config})


async def test_a_lora_reaches_the_server_and_the_record(app_home: Path) -> None:
    sd15_output(app_home)
    async with running("new") as double:
        code, said, err = await program(
            app_home, double, "--output", "tiny", "--lora", "tiny-sd15-lora.safetensors:0.5", "--param", "steps=2"
        )
        assert code == 0, err
        sent = double.posted[0]["prompt"]
    (lora,) = [node["inputs"] for node in sent.values() if node["class_type"] == "LoraLoader"]
    assert (lora["lora_name"], lora["strength_model"], lora["strength_clip"]) == (
        "tiny-sd15-lora.safetensors",
        0.5,
        0.5,
    )
    record = json.loads((Path(said["run_folder"]) / "metadata.json").read_text("utf-8"))
    assert record["loras"] == [{"name": "tiny-sd15-lora.safetensors", "strength": 0.5}]
    (output,) = [stage for stage in record["stages"] if stage["name"] == "output"]
    assert output["facts"]["loras"][0]["name"] == "tiny-sd15-lora.safetensors"


async def test_a_lora_of_the_wrong_family_is_refused_by_its_header(app_home: Path, tmp_path: Path) -> None:
    sd15_output(app_home)
    lora_file(tmp_path / "loras" / "tiny-sd15-lora.safetensors", ss_base_model_version="flux1")
    folders = json.dumps([str(tmp_path / "loras")])
    async with running("new") as double:
        code, said, err = await program(
            app_home,
            double,
            "--output",
            "tiny",
            "--lora",
            "tiny-sd15-lora.safetensors:0.8",
            AI4ARTSED_LORA_FOLDERS=folders,
        )
        assert code == 1 and double.posted == []
    assert said["error"]["code"] == "error.lora.family" and "flux1" in err
