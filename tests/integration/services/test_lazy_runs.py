"""A run that needs a ComfyUI which does not run: it is started, healed when it dies, and ended at the end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.fake_children import until
from tests.support.programs import left_after, program
from tests.support.service_installs import free_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends a server by SIGKILL")

ROOT = Path(__file__).resolve().parents[3]
MAIN = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
runpy.run_module("tests.support.comfyui_main", run_name="__main__")
"""


@pytest.fixture
def comfyui(app_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the double where the program looks for ComfyUI, and a chunk that keeps it busy; return its folder."""
    folder = app_home / "ComfyUI"
    folder.mkdir(parents=True)
    (folder / "main.py").write_text(MAIN)
    (folder / "nodes.py").touch()
    monkeypatch.setenv("HOME", str(app_home))
    monkeypatch.setenv("AI4ARTSED_COMFYUI_FOLDER", str(folder))
    monkeypatch.setenv("AI4ARTSED_COMFYUI_PYTHON", sys.executable)
    monkeypatch.setenv("AI4ARTSED_COMFYUI_ADDRESS", f"http://127.0.0.1:{free_port()}")
    catalog = app_home / "data" / "catalog"
    write(catalog / "chunks" / "output_image_slow.json", chunk())
    config = {
        "pipeline": "single_text_media_generation",
        "name": {"en": "Slow"},
        "description": {"en": "Slow"},
        "parameters": {"OUTPUT_CHUNK": "output_image_slow"},
        "media_preferences": {"default_output": "image", "supported_types": ["image"]},
    }
    write(catalog / "configs" / "output" / "slow.json", config)
    return folder


def chunk() -> dict[str, Any]:
    """Return a chunk of ten steps, each as long as the double takes for one."""
    return {
        "name": "output_image_slow",
        "type": "output_chunk",
        "description": {"en": "Slow"},
        "backend_type": "comfyui",
        "media_type": "image",
        "workflow": {
            "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
            "3": {"class_type": "ProbeSteps", "inputs": {"steps": 10, "seconds": 0.15}},
        },
        "input_mappings": {"color": {"node_id": "1", "field": "inputs.color", "default": 5, "type": "int"}},
        "output_mapping": {"type": "comfyui_outputs", "node_ids": ["2"]},
    }


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


def working_server(comfyui: Path) -> int | None:
    """Return the pid of the server that has a job to do now."""
    mark = comfyui / "job.txt"
    return int(mark.read_text() or 0) or None if mark.exists() else None


async def finish(process: asyncio.subprocess.Process) -> tuple[dict[str, Any], str]:
    """Wait for the end; return the answer and what was told on the way."""
    async with asyncio.timeout(90):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out), err.decode()


def assert_one_picture(answer: dict[str, Any]) -> None:
    assert answer["state"] == "finished"
    pictures = [path for path in Path(answer["run_folder"]).iterdir() if path.suffix == ".png"]
    assert len(pictures) == 1, "nothing is saved twice"


async def test_a_run_starts_the_server_it_needs_and_ends_it(app_home: Path, comfyui: Path) -> None:
    async with program(app_home, "run", "--interception", "as_is", "--output", "slow", "--json", "Tea") as process:
        answer, told = await finish(process)
    assert_one_picture(answer)
    assert "ComfyUI is starting" in told
    steps = [int(count) for count in re.findall(r"ProbeSteps (\d+)/10", told)]
    assert len(steps) >= 3 and steps == sorted(set(steps)), "the work is told step by step, each once"
    assert await left_after(app_home) == []


async def test_a_server_killed_in_the_middle_of_a_job_comes_back_and_the_job_is_done_once(
    app_home: Path, comfyui: Path
) -> None:
    async with program(app_home, "run", "--interception", "as_is", "--output", "slow", "--json", "Tea") as process:
        await until(lambda: working_server(comfyui) is not None or process.returncode is not None, limit_s=60)
        first = working_server(comfyui)
        assert first is not None, (await process.communicate())[1].decode()
        os.kill(first, signal.SIGKILL)
        answer, told = await finish(process)
    assert_one_picture(answer)
    assert "made again" in told
    assert "ready → backoff" in (app_home / "logs" / "ai4artsed.log").read_text("utf-8")
    assert await left_after(app_home) == []


async def test_without_an_installation_the_run_says_what_is_missing(
    app_home: Path, comfyui: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (comfyui / "main.py").unlink()
    async with program(app_home, "run", "--interception", "as_is", "--output", "slow", "--json", "Tea") as process:
        out, _ = await process.communicate()
    assert process.returncode == 1
    assert "ComfyUI" in json.loads(out)["error"]["message"]
