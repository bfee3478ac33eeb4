"""LoRA files on disk and in a server's list: names, headers, damage, changes; folders of media servers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.lora_files import DiskLoraFiles, server_name
from ai4artsed_desktop.adapters.model_folders import MediaModelFolders, base_folder, model_files, places
from ai4artsed_desktop.domain.safetensors import ModelFamily
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.lora import LoraFileError
from tests.support.comfyui_double import ComfyUiDouble, running
from tests.support.pictures import lora_file, no_places, safetensors_file

#: Nothing listens there.
NOWHERE = "http://127.0.0.1:9"


def files_of(*roots: Path, loras: tuple[Path, ...] = (), address: str = NOWHERE) -> DiskLoraFiles:
    settings = Settings(media_model_folders=roots, lora_folders=loras, comfyui_address=address)
    return DiskLoraFiles(MediaModelFolders(lambda: settings, no_places))


async def test_a_lora_is_listed_with_what_its_header_says(tmp_path: Path) -> None:
    path = lora_file(
        tmp_path / "loras" / "Stil & Form" / "Bäume.safetensors",
        {"modelspec.title": "Trees", "modelspec.trigger_phrase": "linocut, trees"},
        rank=16,
        ss_base_model_version="sdxl_base_v1-0",
    )
    (lora,) = await files_of(tmp_path).files()
    assert lora.name == str(Path("Stil & Form", "Bäume.safetensors"))
    assert (lora.path, lora.family, lora.title, lora.problem) == (path, ModelFamily.SDXL, "Trees", None)
    assert lora.facts is not None and lora.facts.rank == 16 and lora.facts.trigger_words == ("linocut", "trees")
    assert lora.size_bytes == path.stat().st_size


async def test_old_formats_are_listed_without_facts_and_other_files_are_not(tmp_path: Path) -> None:
    (tmp_path / "loras").mkdir()
    (tmp_path / "loras" / "old.pt").write_bytes(b"x")
    (tmp_path / "loras" / "readme.txt").write_bytes(b"x")
    (tmp_path / "loras" / "preview.png").write_bytes(b"x")
    (lora,) = await files_of(tmp_path).files()
    assert (lora.name, lora.facts, lora.problem) == ("old.pt", None, None)


async def test_damaged_files_are_listed_with_their_reason_and_hide_no_others(tmp_path: Path) -> None:
    lora_file(tmp_path / "loras" / "whole.safetensors")
    lora_file(tmp_path / "loras" / "cut.safetensors", cut=True)
    (tmp_path / "loras" / "html.safetensors").write_bytes(b"<!DOCTYPE html><html>404</html>")
    (tmp_path / "loras" / "empty.safetensors").write_bytes(b"")
    files = files_of(tmp_path)
    problems = {lora.name: lora.problem.key if lora.problem else None for lora in await files.files()}
    assert problems == {
        "cut.safetensors": "reason.lora_cut",
        "empty.safetensors": "reason.lora_unreadable",
        "html.safetensors": "reason.lora_unreadable",
        "whole.safetensors": None,
    }
    with pytest.raises(LoraFileError):
        await files.find("cut.safetensors")
    with pytest.raises(LoraFileError):
        await files.find(str(tmp_path / "loras" / "html.safetensors"))


async def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    files = files_of(tmp_path)
    path = lora_file(tmp_path / "loras" / "x.safetensors", ss_base_model_version="sd_v1")
    found = await files.find("x.safetensors")
    assert found is not None and found.family is ModelFamily.SD15
    lora_file(path, rank=8, ss_base_model_version="flux1")
    found = await files.find("x.safetensors")
    assert found is not None and found.family is ModelFamily.FLUX1


async def test_one_is_found_by_name_by_either_slash_and_by_path(tmp_path: Path) -> None:
    path = lora_file(tmp_path / "loras" / "art" / "x.safetensors")
    outside = lora_file(tmp_path / "downloads" / "y.safetensors")
    files = files_of(tmp_path)
    for name in ("art/x.safetensors", "art\\x.safetensors", str(path)):
        found = await files.find(name)
        assert found is not None and found.name == str(Path("art", "x.safetensors"))
    found = await files.find(str(outside))
    assert found is not None and found.name == "y.safetensors"
    assert await files.find("nowhere.safetensors") is None
    assert await files.find("C:\\loras\\x.safetensors") is None


def test_a_name_is_the_place_below_the_lora_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My Loras"
    assert server_name(folder / "a" / "x.safetensors", [folder]) == str(Path("a", "x.safetensors"))
    assert server_name(tmp_path / "loras" / "a" / "x.safetensors") == str(Path("a", "x.safetensors"))
    assert server_name(tmp_path / "x.safetensors") == "x.safetensors"


async def test_what_only_the_server_knows_is_listed_too(tmp_path: Path) -> None:
    lora_file(tmp_path / "loras" / "here.safetensors")
    async with running("new") as double:
        listed = await listed_loras(double)
        loras = await files_of(tmp_path, address=double.url).files()
    assert listed, "the recorded server has LoRAs"
    here = next(lora for lora in loras if lora.name == "here.safetensors")
    assert here.problem is not None and here.problem.key == "reason.lora_not_listed", "the server would refuse it"
    assert {lora.name for lora in loras} == {"here.safetensors", *listed}
    by_name = {lora.name: lora for lora in loras if lora.name in listed}
    assert {lora.path for lora in by_name.values()} == {None}
    told = by_name["tiny-sd15-lora.safetensors"]
    assert told.family is ModelFamily.SD15 and told.facts is not None and told.facts.trigger_words == ("testtoken",)
    assert by_name["mismatched-lora.safetensors"].facts is None, "it has no metadata"


async def test_the_server_tells_the_family_of_a_lora_that_is_out_of_reach(tmp_path: Path) -> None:
    async with running("new") as double:
        files = files_of(tmp_path, address=double.url)
        found = await files.find("tiny-sd15-lora.safetensors")
        assert found is not None and found.family is ModelFamily.SD15
        assert await files.find("mismatched-lora.safetensors") is None
        double.faults.statuses["/view_metadata"] = [500] * 20
        assert await files.find("tiny-sd15-lora.safetensors") is None
        double.faults.garbage["/view_metadata"] = 20
        assert await files.find("tiny-sd15-lora.safetensors") is None


async def listed_loras(double: ComfyUiDouble) -> set[str]:
    """What the double says it has."""
    lists = await MediaModelFolders(lambda: Settings(comfyui_address=double.url), no_places).server_lists("loras")
    assert lists is not None
    return set(lists["loras"])


async def test_a_server_that_is_not_there_or_on_another_machine_is_not_asked(tmp_path: Path) -> None:
    folders = MediaModelFolders(lambda: Settings(comfyui_address=NOWHERE), no_places)
    assert await folders.server_lists("loras") is None
    away = Settings(comfyui_address="http://192.0.2.1:8188", local_only=True)
    assert await MediaModelFolders(lambda: away, no_places).server_lists("loras") is None


async def test_two_roots_of_one_folder_count_once_and_swarms_names_are_known(tmp_path: Path) -> None:
    lora_file(tmp_path / "Models" / "Lora" / "x.safetensors")
    (tmp_path / "link").symlink_to(tmp_path / "Models", target_is_directory=True)
    files = files_of(tmp_path / "Models", tmp_path / "link", loras=(tmp_path / "Models" / "Lora", tmp_path / "gone"))
    assert [lora.name for lora in await files.files()] == ["x.safetensors"]


async def test_an_installed_server_is_found_in_a_usual_place(tmp_path: Path) -> None:
    (tmp_path / "ComfyUI" / "models" / "loras").mkdir(parents=True)
    folders = MediaModelFolders(lambda: Settings(comfyui_address=NOWHERE), lambda _: [tmp_path / "ComfyUI"])
    assert await folders.roots() == [tmp_path / "ComfyUI" / "models"]
    assert await folders.lora_folders() == [tmp_path / "ComfyUI" / "models" / "loras"]


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["/opt/ComfyUI/main.py"], "/opt/ComfyUI"),
        (["/opt/ComfyUI/main.py", "--base-directory", "/data/c", "--cpu"], "/data/c"),
        (["main.py", "--base-directory", "/data/c"], "/data/c"),
        (["main.py"], None),
        (["/opt/ComfyUI/main.py", "--base-directory"], "/opt/ComfyUI"),
        ([], None),
        ("main.py", None),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="paths of the other kind")
def test_a_running_server_tells_its_folder(argv: object, expected: str | None) -> None:
    found = base_folder({"system": {"argv": argv}})
    assert found == (Path(expected) if expected else None)
    assert base_folder({}) is None and base_folder(None) is None


def test_a_link_that_leads_up_ends(tmp_path: Path) -> None:
    folder = tmp_path / "loras"
    safetensors_file(folder / "a" / "x.safetensors", {}, 0)
    (folder / "a" / "up").symlink_to(folder, target_is_directory=True)
    found = list(model_files(folder))
    assert folder / "a" / "x.safetensors" in found and len(found) < 20


def test_places_are_known_under_all_their_names(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "diffusion_models").mkdir()
    assert places(tmp_path, "diffusion_models") == [tmp_path / "diffusion_models", tmp_path / "unet"]
    assert places(tmp_path, "vae") == []
