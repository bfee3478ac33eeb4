"""The inventory: what outputs need, where it is, moving what lies wrong, importing what is missing."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.model_folders import MediaModelFolders
from ai4artsed_desktop.adapters.model_inventory import DiskModelShelf
from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.inventory import InventoryReport, NoModelFolderError, PlaceTakenError
from ai4artsed_desktop.headless.cli import run_command
from tests.support.comfyui_double import running
from tests.support.gguf_files import write_model
from tests.support.pictures import lora_file, no_places, safetensors_file
from tests.support.world import TestWorld, open_world

NOWHERE = "http://127.0.0.1:9"
VAE = {
    "encoder.conv_in.weight": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
    "decoder.conv_in.weight": {"dtype": "F16", "shape": [2, 2], "data_offsets": [8, 16]},
}
QWEN_VAE, CLIP_L = "qwen_image_vae.safetensors", "clip_l.safetensors"


def shelf_of(*roots: Path, address: str = NOWHERE) -> DiskModelShelf:
    settings = Settings(media_model_folders=roots, comfyui_address=address)
    return DiskModelShelf(MediaModelFolders(lambda: settings, no_places))


@asynccontextmanager
async def open_inventory(home: Path, *roots: Path, address: str = NOWHERE) -> AsyncGenerator[TestWorld]:
    for root in roots:
        root.mkdir(parents=True, exist_ok=True)
    async with open_world(home, model_shelf=shelf_of(*roots, address=address)) as world:
        yield world


def state_of(report: InventoryReport, name: str) -> str:
    return next(need.state for need in report.needs if need.file.name == name)


async def test_every_file_of_every_output_is_there_once_with_size_and_source(app_home: Path, tmp_path: Path) -> None:
    async with open_inventory(app_home, tmp_path / "models") as world:
        report = await world.engine.inventory.look()
        wanted = {(f.folder, f.name) for c in world.engine.catalog.sorted_outputs() for f in c.meta.model_files}
        assert len(report.needs) == len({(n.file.folder, n.file.name) for n in report.needs}) == len(wanted)
        assert {need.state for need in report.needs} == {"missing"}
        assert all(need.file.size_gb and need.file.source for need in report.needs)
        clip = next(need for need in report.needs if need.file.name == CLIP_L)
        assert {"sd35_large", "flux1_dev"} <= set(clip.outputs)
        assert CLIP_L in {need.file.name for need in report.of_output("flux1_dev")}
        assert report.missing_gb == pytest.approx(sum(need.file.size_gb or 0 for need in report.needs))


async def test_what_lies_in_its_folder_under_any_of_its_names_is_here(app_home: Path, tmp_path: Path) -> None:
    root = tmp_path / "models"
    safetensors_file(root / "clip" / CLIP_L, {}, 0)
    safetensors_file(root / "VAE" / QWEN_VAE, VAE, 16)
    async with open_inventory(app_home, root) as world:
        report = await world.engine.inventory.look()
    assert state_of(report, CLIP_L) == state_of(report, QWEN_VAE) == "here" and report.misplaced == ()


async def test_what_a_server_lists_is_here_though_nobody_sees_its_disk(app_home: Path) -> None:
    async with running("new") as double, open_inventory(app_home, address=double.url) as world:
        report = await world.engine.inventory.look()
        lists = await shelf_of(address=double.url).look(["checkpoints"])
    assert report.has_server and report.roots == ()
    listed = set((lists.server or {})["checkpoints"])
    here = {need.file.name for need in report.needs if need.state == "here" and need.file.folder == "checkpoints"}
    assert here == listed & {need.file.name for need in report.needs}


@pytest.mark.parametrize("listed", ["{}", "SDXL/base/{}", "SDXL\\{}"])
async def test_what_a_server_lists_in_a_subfolder_is_here_too(app_home: Path, listed: str) -> None:
    name = "sd_xl_base_1.0.safetensors"
    async with running("new") as double, open_inventory(app_home, address=double.url) as world:
        assert state_of(await world.engine.inventory.look(), name) == "missing"
        double.more_checkpoints = [listed.format(name)]
        assert state_of(await world.engine.inventory.look(), name) == "here"


async def test_a_file_in_a_subfolder_is_where_the_server_lists_it(app_home: Path, tmp_path: Path) -> None:
    root, name = tmp_path / "models", "sd_xl_base_1.0.safetensors"
    deep = safetensors_file(root / "checkpoints" / "SDXL" / name, {}, 0)
    async with running("new") as double, open_inventory(app_home, root, address=double.url) as world:
        double.more_checkpoints = [f"SDXL\\{name}"]
        need = next(n for n in (await world.engine.inventory.look()).needs if n.file.name == name)
    assert (need.state, need.path) == ("here", deep)


async def test_a_file_in_the_wrong_folder_is_seen_and_moved(app_home: Path, tmp_path: Path) -> None:
    root = tmp_path / "models"
    (root / "vae").mkdir(parents=True)
    stray = safetensors_file(root / "checkpoints" / QWEN_VAE, VAE, 16)
    lora = lora_file(root / "checkpoints" / "Stil ä.safetensors")
    gguf = write_model(root / "checkpoints" / "flux-q4.gguf", "flux")
    async with open_inventory(app_home, root) as world:
        report = await world.engine.inventory.look()
        assert state_of(report, QWEN_VAE) == "misplaced"
        assert {file.path: file.kind for file in report.misplaced} == {
            stray: "vae",
            lora: "loras",
            gguf: "diffusion_models",
        }
        assert await world.engine.inventory.move(stray) == root / "vae" / QWEN_VAE
        assert await world.engine.inventory.move(lora) == root / "loras" / "Stil ä.safetensors"
        assert await world.engine.inventory.move(gguf) == root / "diffusion_models" / "flux-q4.gguf"
        report = await world.engine.inventory.look()
    assert state_of(report, QWEN_VAE) == "here" and report.misplaced == ()
    assert list((root / "checkpoints").iterdir()) == []


async def test_a_needed_file_in_a_subfolder_of_its_folder_is_here(app_home: Path, tmp_path: Path) -> None:
    """It goes out under the name that the server lists, so nobody has to move it."""
    root = tmp_path / "models"
    deep = safetensors_file(root / "text_encoders" / "SD3" / CLIP_L, {}, 0)
    async with open_inventory(app_home, root) as world:
        need = next(n for n in (await world.engine.inventory.look()).needs if n.file.name == CLIP_L)
        assert (need.state, need.path) == ("here", deep)
        with pytest.raises(UnknownEntryError):
            await world.engine.inventory.move(deep)


async def test_nothing_is_moved_over_another_file_or_without_need(app_home: Path, tmp_path: Path) -> None:
    root = tmp_path / "models"
    lora = lora_file(root / "checkpoints" / "x.safetensors")
    other = lora_file(root / "loras" / "x.safetensors", rank=8)
    before = lora.read_bytes(), other.read_bytes()
    outside = lora_file(tmp_path / "elsewhere" / "y.safetensors")
    async with open_inventory(app_home, root) as world:
        with pytest.raises(PlaceTakenError):
            await world.engine.inventory.move(lora)
        for path in (other, outside, root / "gone.safetensors"):
            with pytest.raises(UnknownEntryError):
                await world.engine.inventory.move(path)
    assert (lora.read_bytes(), other.read_bytes()) == before


async def imported(world: TestWorld, name: str) -> DownloadEnded:
    ended = await world.probe.next(DownloadEnded)
    assert ended.name == name
    return ended


async def test_what_is_missing_comes_from_a_stick(app_home: Path, tmp_path: Path) -> None:
    root, stick = tmp_path / "models", tmp_path / "stick"
    vae = safetensors_file(stick / "KI" / QWEN_VAE, VAE, 16)
    lora = lora_file(stick / "Stil.safetensors")
    safetensors_file(stick / "nobody knows.safetensors", {}, 0)
    (stick / "readme.txt").write_text("x")
    async with open_inventory(app_home, root) as world:
        inventory = world.engine.inventory
        found = await inventory.candidates(stick)
        assert [(c.path, c.folder, c.is_needed) for c in found] == [(vae, "vae", True), (lora, "loras", False)]
        for candidate in found:
            await inventory.start_import(candidate)
            assert (await imported(world, candidate.name)).error is None
        assert state_of(await inventory.look(), QWEN_VAE) == "here"
        last = [event for event in world.probe.of(DownloadProgressed) if event.name == QWEN_VAE][-1]
        assert last.done_bytes == last.total_bytes == vae.stat().st_size
        assert inventory.active_imports() == frozenset()
    assert (root / "vae" / QWEN_VAE).read_bytes() == vae.read_bytes() and vae.exists()


async def test_a_cancelled_import_says_so_and_goes_on_later(app_home: Path, tmp_path: Path) -> None:
    root, stick = tmp_path / "models", tmp_path / "stick"
    stick.mkdir()
    big = stick / QWEN_VAE
    safetensors_file(big, VAE, 16)
    with big.open("ab") as file:
        file.write(os.urandom(30_000_000))
    async with open_inventory(app_home, root) as world:
        inventory = world.engine.inventory
        (candidate,) = await inventory.candidates(big)
        await inventory.start_import(candidate)
        await world.probe.next(DownloadProgressed)
        inventory.cancel_import(candidate.name)
        first = await imported(world, candidate.name)
        if first.is_cancelled:
            assert not (root / "vae" / QWEN_VAE).exists() and (root / "vae" / f"{QWEN_VAE}.part").exists()
            await inventory.start_import(candidate)
            assert (await imported(world, candidate.name)).error is None
    assert (root / "vae" / QWEN_VAE).read_bytes() == big.read_bytes()


async def test_without_a_folder_nothing_can_be_brought_in(app_home: Path, tmp_path: Path) -> None:
    stick = safetensors_file(tmp_path / "stick" / QWEN_VAE, VAE, 16)
    async with open_inventory(app_home) as world:
        (candidate,) = await world.engine.inventory.candidates(stick.parent)
        with pytest.raises(NoModelFolderError):
            await world.engine.inventory.start_import(candidate)
    async with open_world(app_home) as world:
        with pytest.raises(NoModelFolderError):
            await world.engine.inventory.candidates(stick)
        assert {need.state for need in (await world.engine.inventory.look()).needs} == {"missing"}


Ask = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Return a function that carries out ``ai4artsed inventory --json`` with ``models`` as the only folder."""
    monkeypatch.setenv("AI4ARTSED_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("AI4ARTSED_MEDIA_MODEL_FOLDERS", json.dumps([str(tmp_path / "models")]))
    monkeypatch.setenv("AI4ARTSED_COMFYUI_ADDRESS", NOWHERE)
    (tmp_path / "models").mkdir()

    def run(*arguments: str) -> tuple[int, Any, str]:
        capsys.readouterr()
        code = run_command(("inventory", *arguments, "--json"))
        said = capsys.readouterr()
        return code, json.loads(said.out), said.err

    return run


def test_the_command_lists_moves_and_imports(ask: Ask, tmp_path: Path) -> None:
    stray = safetensors_file(tmp_path / "models" / "checkpoints" / QWEN_VAE, VAE, 16)
    safetensors_file(tmp_path / "stick" / CLIP_L, {}, 0)
    code, said, _ = ask("qwen_image")
    assert code == 0 and said["folders"] == [str(tmp_path / "models")] and said["server"] is False
    states = {file["name"]: file["state"] for file in said["files"]}
    assert states[QWEN_VAE] == "misplaced" and set(states.values()) == {"misplaced", "missing"}
    assert said["misplaced"] == [
        {"path": str(stray), "folder": "checkpoints", "belongs_in": "vae", "size_bytes": stray.stat().st_size}
    ]
    code, said, _ = ask("--move", str(stray))
    assert code == 0 and said["moved"] == str(tmp_path / "models" / "vae" / QWEN_VAE)
    code, said, _ = ask("--import", str(tmp_path / "stick"))
    assert code == 0 and said["imported"] == [CLIP_L]
    assert (tmp_path / "models" / "text_encoders" / CLIP_L).is_file()
    code, said, err = ask("--import", str(tmp_path / "stick"))
    assert code == 0 and said["imported"] == [] and "stick" in err


@pytest.mark.parametrize("arguments", [("nowhere",), ("--move", "gone.safetensors"), ("--import", "gone")])
def test_the_command_says_what_cannot_be(ask: Ask, arguments: tuple[str, ...]) -> None:
    code, said, err = ask(*arguments)
    assert code == 1 and arguments[-1] in json.dumps(said["error"]) and err
