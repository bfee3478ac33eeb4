"""Pictures in runs: their places, the run's own copies, what reaches the backend, and doing it again without them."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

import pytest
from PIL import Image

from ai4artsed_desktop.domain.code_art import RenderFailure
from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.events import MediumSaved, RunFailed, RunFinished, RunQueued
from ai4artsed_desktop.domain.runs import OutputRequest, RunRequest
from ai4artsed_desktop.engine.input_images import (
    ImageMissingError,
    ImageUnwantedError,
    assign_files,
    picture_places,
    upload_names,
)
from tests.support.fake_backend import FakeBackend
from tests.support.fake_renderer import FakeRenderer
from tests.support.pictures import mask, picture
from tests.support.shipped_graphs import CHUNKS
from tests.support.world import TestWorld, open_world, request

IMG2IMG, INPAINT, EDIT = "sd35_large_img2img", "sd35_large_inpaint", "qwen_image_edit"


def test_a_chunk_tells_its_places_and_which_is_a_mask() -> None:
    assert [(p.key, p.is_required) for p in picture_places(CHUNKS["output_image_qwen_edit"])] == [
        ("image", True),
        ("image2", False),
        ("image3", False),
    ]
    image, of_mask = picture_places(CHUNKS["output_image_sd35_inpaint"])
    assert (image.mask_of, of_mask.key, of_mask.mask_of, of_mask.is_alpha) == (None, "mask", "image", False)
    assert picture_places(CHUNKS["output_image_sd15_text"]) == ()


def test_files_go_to_their_places_in_order_and_the_mask_to_its_own() -> None:
    edit = picture_places(CHUNKS["output_image_qwen_edit"])
    a, b, m = Path("a.png"), Path("b.png"), Path("m.png")
    assert assign_files(edit, [a, b]) == {"image": a, "image2": b}
    inpaint = picture_places(CHUNKS["output_image_sd35_inpaint"])
    assert assign_files(inpaint, [a], m) == assign_files(inpaint, [a, m]) == {"image": a, "mask": m}
    with pytest.raises(ImageUnwantedError):
        assign_files(inpaint, [a, b], m)
    with pytest.raises(ImageUnwantedError):
        assign_files(edit, [a], m)


def test_two_files_of_one_name_are_told_apart() -> None:
    names = upload_names({"image": PurePath("a/x.png"), "image2": PurePath("b/X.png"), "image3": PurePath("y.png")})
    assert names == {"image": "x_image.png", "image2": "X_image2.png", "image3": "y.png"}


def loaded(backend: FakeBackend, number: int = 0) -> list[str]:
    """The names in the graph's picture loaders."""
    graph: Any = backend.requests[number].graph
    return [node["inputs"]["image"] for node in graph.values() if node["class_type"] == "LoadImage"]


async def test_the_run_keeps_its_own_copy_and_the_backend_gets_it(app_home: Path, tmp_path: Path) -> None:
    backend, photo = FakeBackend(), picture(tmp_path / "Äpfel & Birnen.jpg")
    original = photo.read_bytes()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        record = await world.run("An apple", "as_is", IMG2IMG, images={"image": photo})
        assert record.state == "finished"
        assert record.images == {"image": "03_input_image.jpg"}
        world.assert_tidy(record.run_id)
    entity = next(e for e in record.entities if e.type == "input")
    assert (entity.mime, entity.metadata["original"]) == ("image/jpeg", "Äpfel & Birnen.jpg")
    assert (entity.metadata["width_px"], entity.metadata["height_px"]) == (32, 24)
    assert entity.sha256 == hashlib.sha256(original).hexdigest()
    assert backend.read == [{"Äpfel & Birnen.jpg": original}]
    assert loaded(backend) == ["Äpfel & Birnen.jpg"]


async def test_a_run_is_done_again_exactly_after_the_original_was_deleted(app_home: Path, tmp_path: Path) -> None:
    backend, photo = FakeBackend(), picture(tmp_path / "photo.png")
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        first = await world.run("An apple", "as_is", IMG2IMG, images={"image": photo})
        photo.unlink()
        again = await world.engine.runs.request_of(first.run_id)
        second = await world.engine.runs.wait(world.engine.runs.submit(again))
        shutil.rmtree(world.folder_of(first.run_id))
        third = await world.engine.runs.wait(
            world.engine.runs.submit(await world.engine.runs.continue_request(second.run_id))
        )
    assert (second.state, third.state) == ("finished", "finished")
    assert backend.read[0] == backend.read[1] == backend.read[2]
    graphs = [json.dumps(r.graph) for r in backend.requests]
    assert (
        len({g.replace(r, "") for g, r in zip(graphs, (first.run_id, second.run_id, third.run_id), strict=True)}) == 1
    )


async def test_one_to_three_pictures_are_edited_and_absent_ones_leave_the_graph(app_home: Path, tmp_path: Path) -> None:
    backend = FakeBackend()
    files = [picture(tmp_path / f"{name}.png", colour=name) for name in ("red", "green", "blue")]
    keys = ("image", "image2", "image3")
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        for count in (1, 2, 3):
            record = await world.run("x", "as_is", EDIT, images=dict(zip(keys, files[:count], strict=False)))
            assert record.state == "finished"
    assert [len(loaded(backend, number)) for number in range(3)] == [1, 2, 3]
    assert [len(read) for read in backend.read] == [1, 2, 3]


async def test_a_mask_goes_beside_its_picture(app_home: Path, tmp_path: Path) -> None:
    backend = FakeBackend()
    files = {"image": picture(tmp_path / "a.png"), "mask": mask(tmp_path / "m.png")}
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        record = await world.run("x", "as_is", INPAINT, images=files)
    assert record.state == "finished" and loaded(backend) == ["a.png", "m.png"]
    assert set(backend.read[0]) == {"a.png", "m.png"}


def alpha_entries(world: TestWorld) -> None:
    """A person's own output whose graph takes the mask from the picture's alpha channel."""
    chunk = {
        "name": "output_alpha",
        "type": "output_chunk",
        "backend_type": "comfyui",
        "media_type": "image",
        "workflow": {
            "1": {"class_type": "LoadImage", "inputs": {"image": ""}},
            "2": {"class_type": "InvertMask", "inputs": {"mask": ["1", 1]}},
            "3": {"class_type": "JoinImageWithAlpha", "inputs": {"image": ["1", 0], "alpha": ["2", 0]}},
            "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
        },
        "input_mappings": {"image": {"node_id": "1", "field": "inputs.image", "type": "image", "required": True}},
    }
    config = {
        "pipeline": "image_transformation",
        "name": "Alpha",
        "description": "Alpha",
        "parameters": {"OUTPUT_CHUNK": "output_alpha"},
    }
    world.entry("chunks/output_alpha.json", chunk)
    world.entry("configs/output/alpha.json", config)


async def test_where_the_graph_reads_alpha_the_mask_becomes_the_pictures_own(app_home: Path, tmp_path: Path) -> None:
    backend = FakeBackend()
    files = {"image": picture(tmp_path / "a.jpg", (32, 24)), "mask": mask(tmp_path / "m.png", (64, 48))}
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        alpha_entries(world)
        await world.engine.reload_catalog()
        record = await world.run("x", "as_is", "alpha", images=files)
        again = await world.engine.runs.request_of(record.run_id)
        assert set(again.images) == {"image", "mask"}
        second = await world.engine.runs.wait(world.engine.runs.submit(again))
    assert record.state == second.state == "finished"
    assert loaded(backend) == loaded(backend, 1) == ["a_masked.png"]
    assert backend.read[0] == backend.read[1]
    sent = Image.open(io.BytesIO(backend.read[0]["a_masked.png"]))
    assert sent.mode == "RGBA" and sent.size == (32, 24)
    alpha = sent.getchannel("A")
    assert alpha.getpixel((2, 12)) == 0, "white is painted anew: transparent"
    assert alpha.getpixel((29, 12)) == 255


async def test_a_missing_picture_is_refused_before_anything_is_queued(app_home: Path, tmp_path: Path) -> None:
    async with open_world(app_home, backends={"comfyui": FakeBackend()}) as world:
        with pytest.raises(ImageMissingError) as caught:
            world.engine.runs.submit(request("x", "as_is", IMG2IMG))
        assert caught.value.params == {"output": IMG2IMG, "image": "image"}
        with pytest.raises(ImageUnwantedError):
            world.engine.runs.submit(request("x", "as_is", "sd15", images={"image": tmp_path / "a.png"}))
        assert await world.engine.runs.list_runs() == []


async def test_a_name_on_the_server_needs_no_file(app_home: Path) -> None:
    backend = FakeBackend()
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        asked = RunRequest("x", "as_is", (OutputRequest(IMG2IMG, {"IMAGE": "there.png"}),), seed=7)
        record = await world.engine.runs.wait(world.engine.runs.submit(asked))
    assert record.state == "finished" and loaded(backend) == ["there.png"] and backend.read == [{}]


def half_jpeg(path: Path) -> None:
    picture(path, (640, 480))
    path.write_bytes(path.read_bytes()[:700])


def bomb(path: Path) -> None:
    """A few bytes that claim to be 65,500 × 65,500 pixels."""
    head = picture(path.with_suffix(".png")).read_bytes()
    path.write_bytes(head[:16] + (65_500).to_bytes(4) * 2 + head[24:])


def svg(path: Path) -> None:
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>", encoding="utf-8")


def remove(path: Path) -> None:
    path.unlink(missing_ok=True)


@pytest.mark.parametrize(
    "spoil",
    [
        remove,
        half_jpeg,
        bomb,
        Path.touch,
        svg,
        Path.mkdir,
    ],
    ids=["gone", "half", "bomb", "empty", "svg", "folder"],
)
async def test_what_is_no_picture_fails_with_its_name_and_never_reaches_the_queue(
    app_home: Path, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    backend, file = FakeBackend(), tmp_path / "photo.jpg"
    spoil(file)
    async with open_world(app_home, backends={"comfyui": backend}) as world:
        run_id = world.engine.runs.submit(request("x", "as_is", IMG2IMG, images={"image": file}))
        end = await world.end_of(run_id)
        assert isinstance(end, RunFailed)
        assert (end.error.code, end.error.params) == ("error.input.image_file", {"file": "photo.jpg"})
        assert world.probe.of(RunQueued) == [] and backend.requests == []
        world.assert_tidy(run_id)
        after = await world.run("x", "as_is")
        assert after.state == "finished", "the runs behind it go on"


async def test_inputs_are_not_shown_as_results(app_home: Path, tmp_path: Path) -> None:
    async with open_world(app_home, backends={"comfyui": FakeBackend()}) as world:
        record = await world.run("x", "as_is", IMG2IMG, images={"image": picture(tmp_path / "a.webp")})
        assert [saved.medium.type for saved in world.probe.of(MediumSaved)] == ["image"]
        (summary,) = await world.engine.runs.list_runs()
        assert len(summary.media) == sum(e.output_id != "" for e in record.entities)
        assert len(world.probe.of(RunFinished)) == 1


async def test_going_on_takes_only_what_the_outputs_that_are_left_want(app_home: Path, tmp_path: Path) -> None:
    renderer = FakeRenderer()
    renderer.failure = next(iter(RenderFailure))
    more: dict[str, Any] = {"images": {"image": picture(tmp_path / "a.png")}, "loras": (LoraUse(name="x.safetensors"),)}
    async with open_world(app_home, backends={"comfyui": FakeBackend()}, renderer=renderer) as world:
        record = await world.run("An apple", "as_is", IMG2IMG, "sketchbook_p5js", **more)
        assert record.state == "failed"
        rest = await world.engine.runs.continue_request(record.run_id)
        assert [output.output_id for output in rest.outputs] == ["sketchbook_p5js"]
        assert (rest.images, rest.loras) == ({}, ())
        renderer.failure = None
        rest_record = await world.engine.runs.wait(world.engine.runs.submit(rest))
        assert rest_record.state == "finished"
