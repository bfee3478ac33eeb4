"""A workflow of one's own: dropped, looked at, confirmed, and then a medium to pick."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from ai4artsed_desktop.ui.workflow_sheet import WorkflowSheet
from tests.conftest import RunInWindowLoop
from tests.support.ui_window import WindowWorld, open_window, press, type_into

Run = RunInWindowLoop[None]
GRAPH: dict[str, Any] = {
    "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a & b.safetensors"}},
    "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": "a cat & a dog " * 20}},
    "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 640, "batch_size": 1}},
    "4": {
        "class_type": "KSampler",
        "inputs": {
            "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["3", 0],
            "seed": 5, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
        },
    },
    "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
    "6": {"class_type": "SaveImage", "inputs": {"images": ["5", 0], "filename_prefix": "mine"}},
}  # fmt: skip


async def dropped(opened: WindowWorld, path: Path) -> WorkflowSheet:
    opened.window.take_files([str(path)])
    await opened.until(
        lambda: (
            opened.window.workflow_drop is not None
            and opened.window.workflow_drop.sheet is not None
            and opened.window.workflow_drop.sheet.isVisible()
        )
    )
    assert opened.window.workflow_drop is not None and opened.window.workflow_drop.sheet is not None
    return opened.window.workflow_drop.sheet


def words_of(widget: QWidget) -> str:
    return " ".join(label.text() for label in widget.findChildren(QLabel))


def test_a_dropped_workflow_is_shown_confirmed_and_picked(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "My köpf.json"
    path.write_text(json.dumps(GRAPH), encoding="utf-8")

    async def body() -> None:
        async with open_window(app_home) as opened:
            sheet = await dropped(opened, path)
            assert {"prompt", "seed", "width", "height", "steps"} <= set(sheet.ticks)
            assert sheet.ticks["width"].accessibleName() == "Width: 512"
            assert sheet.ticks["prompt"].accessibleName().endswith("…"), "a long text is cut"
            assert sheet.hint.isHidden()
            sheet.ticks["height"].setChecked(False)
            assert sheet.hint.isHidden()
            sheet.ticks["seed"].setChecked(False)
            assert "Seed" in sheet.hint.text()
            opened.kit.translator.set_language("de")
            assert sheet.ticks["width"].accessibleName() == "Breite: 512"
            assert not sheet.ticks["seed"].isChecked(), "a tick survives the change of language"
            sheet.ticks["seed"].setChecked(True)
            type_into(sheet.name, "Mein Kopf")
            press(sheet.name, Qt.Key.Key_Return)
            choices = opened.create.choices
            await opened.until(lambda: choices.medium_box.picker.accessibleName() != "" and choices.output_ids != [])
            await opened.until(lambda: choices.output_ids[0] == "mein_kopf")
            await opened.until(lambda: choices.output_name("mein_kopf") == "Mein Kopf")
            chunk = opened.world.engine.catalog.chunk("output_mein_kopf").value
            assert "height" not in chunk.model_dump()["input_mappings"]
            assert opened.world.engine.catalog.errors == ()

    run_in_window_loop(body)


def test_escape_saves_nothing(run_in_window_loop: Run, app_home: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text(json.dumps(GRAPH), encoding="utf-8")

    async def body() -> None:
        async with open_window(app_home) as opened:
            sheet = await dropped(opened, path)
            press(sheet.name, Qt.Key.Key_Escape)
            assert sheet.isHidden()
            assert not opened.world.paths.user_catalog.exists()

    run_in_window_loop(body)


def test_a_file_without_a_workflow_goes_where_its_kind_goes(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    config, sound = tmp_path / "lens.json", tmp_path / "sound.flac"
    shipped = Path(__file__).parents[3] / "configs" / "interception" / "dada.json"
    config.write_bytes(shipped.read_bytes())
    sound.write_bytes(b"fLaC" + bytes(50))

    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.take_files([str(config)])
            await opened.until(lambda: (opened.world.paths.user_catalog / "configs" / "interception").exists())
            opened.window.take_files([str(sound)])
            await opened.until(lambda: not opened.window.error_card.isHidden())
            assert "sound.flac" in words_of(opened.window.error_card)

    run_in_window_loop(body)


def test_a_workflow_of_the_editor_needs_a_server_and_says_so(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "editor.json"
    path.write_text(json.dumps({"nodes": [{"id": 1, "type": "SaveImage"}], "links": []}), encoding="utf-8")

    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.take_files([str(path)])
            await opened.until(lambda: not opened.window.error_card.isHidden())
            assert "ComfyUI" in words_of(opened.window.error_card)

    run_in_window_loop(body)
