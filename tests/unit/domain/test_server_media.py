"""What a graph or a request would load that is not the run's own."""

from __future__ import annotations

from typing import Any

import pytest

from ai4artsed_desktop.domain.chunks import mappings_of
from ai4artsed_desktop.domain.server_media import media_in_body, media_in_graph
from tests.support.shipped_graphs import CHUNKS, graph_of

BASE64_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4"


def node(kind: str, **inputs: Any) -> dict[str, dict[str, Any]]:
    return {"7": {"class_type": kind, "inputs": inputs}}


@pytest.mark.parametrize(
    "graph",
    [
        node("LoadImage", image="there.png", upload="image"),
        node("LoadImage", image="children/there.PNG"),
        node("LoadImage", image="a/b/there.webp [output]"),
        node("LoadImage", image="without_an_ending"),
        node("LoadImage", image=["8", 0]),
        node("LoadImageMask", image="there.png [temp]", channel="alpha"),
        node("LoadImageOutput", image="ComfyUI_00001_.png"),
        node("LoadLatent", latent="a.latent"),
        node("LoadVideo", file="clip.mp4 [input]"),
        node("LoadAudio", audio="song.flac"),
        node("Load3D", model_file="figure.glb", image={"mask": "x"}),
        node("LoadImageDataSetFromFolder", folder="all_of_them"),
        node("WebcamCapture", image="", width=64),
        node("RecordAudio", audio=""),
        node("Painter", mask="painted-17.png", width=64),
        node("VHS_LoadVideoPath", video="D:\\films\\a.mkv"),
        node("SomebodysOwnNode", deep={"layers": [{"file": "layer.png"}]}),
        node("SomebodysOwnNode", source="https://example.org/picture"),
        node("SomebodysOwnNode", data=f"data:image/png;base64,{BASE64_PNG}"),
        node("PrimitiveString", value=BASE64_PNG),
        node("SDPromptReader", image="ComfyUI_00012_.png [output]"),
        node("LoadImageFromPromptFolder", folder="all_of_them"),
        node("PromptImageLoaderURL", address="https://example.org/picture"),
        node("PrimitiveString", value="there.jpg"),
    ],
)
def test_every_way_to_a_medium_on_the_server_is_noticed(graph: dict[str, dict[str, Any]]) -> None:
    assert list(media_in_graph(graph, set()))
    assert list(media_in_graph(graph, {"mine.png"})), "a file of ours elsewhere is no excuse"


def test_the_runs_own_files_pass() -> None:
    film: dict[str, Any] = {"class_type": "VHS_LoadVideo", "inputs": {"video": "mine.mp4", "meta_batch": ["9", 0]}}
    graph = {**node("LoadImage", image="mine.png", upload="image"), "8": film}
    assert list(media_in_graph(graph, {"mine.png", "mine.mp4"})) == []
    assert list(media_in_graph(node("VHS_LoadVideo", video="mine.mp4", mask="theirs.png"), {"mine.mp4"})) == [
        "theirs.png"
    ]


@pytest.mark.parametrize(
    "graph",
    [
        node("CLIPTextEncode", text="hund.png"),
        node("PromptStyler", text="hund.png"),
        node("CheckpointLoaderSimple", ckpt_name="sd/a.safetensors"),
        node("ImageOnlyCheckpointLoader", ckpt_name="svd.safetensors"),
        node("UpscaleModelLoader", model_name="x4.pth"),
        node("WanCameraImageToVideo", width=64, start_image=["1", 0]),
        node("SaveImage", filename_prefix="a.png", images=["1", 0]),
        node("EmptyLatentImage", width=64),
    ],
)
def test_words_models_and_results_are_no_media(graph: dict[str, dict[str, Any]]) -> None:
    assert list(media_in_graph(graph, set())) == []


@pytest.mark.parametrize("name", sorted(CHUNKS))
def test_shipped_graphs_load_what_is_given_and_nothing_else(name: str) -> None:
    chunk = CHUNKS[name]
    given = {key: f"{key}_mine.png" for key, places in mappings_of(chunk).items() if places[0].type == "image"}
    assert list(media_in_graph(graph_of(chunk, given).graph, set(given.values()))) == []


def test_inputs_that_are_filled_later_are_not_judged_now() -> None:
    graph = {**node("LoadImage", image="example.png"), "8": {"class_type": "LoadImage", "inputs": {"image": "b.png"}}}
    assert list(media_in_graph(graph, set(), {("7", "image")})) == ["b.png"]


def test_a_requests_body_brings_no_address() -> None:
    body = {"input": {"prompt": "a cat", "image": "https://example.org/cat"}, "n": 1}
    assert list(media_in_body(body)) == ["https://example.org/cat"]
    assert list(media_in_body({"prompt": "look at https://example.org", "modalities": ["image", "text"]})) == []


@pytest.mark.parametrize("text", [".png" * 30_000, "a" * 100_000 + ".png", "iVBORw0KGgo" + "A" * 100_000 + "!"])
def test_no_text_makes_the_look_slow(text: str) -> None:
    list(media_in_body([text] * 5))
