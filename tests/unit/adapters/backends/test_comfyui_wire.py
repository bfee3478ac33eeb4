"""ComfyUI's wire: frames, outputs and refusals, recorded and hostile."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.backends.comfyui_feed import Feed
from ai4artsed_desktop.adapters.backends.comfyui_frames import (
    Frame,
    ImageFrame,
    NoteFrame,
    is_whole_image,
    parse_message,
)
from ai4artsed_desktop.adapters.backends.comfyui_outputs import OutputFile, OutputText, choose_outputs, read_outputs
from ai4artsed_desktop.adapters.backends.comfyui_refusals import failure, refusal
from ai4artsed_desktop.domain import backend_errors
from ai4artsed_desktop.domain.backend_errors import (
    GenerationRefusedError,
    GraphRefusedError,
    InputFileMissingError,
    ModelFileMissingError,
    NodeFailedError,
    NodeMissingError,
    OutOfMemoryError,
    ValueRefusedError,
)
from ai4artsed_desktop.domain.errors import AppError
from tests.support.comfyui_client_kit import sampling
from tests.support.comfyui_records import GENERATIONS, Generation, exchanges, recorded, recorded_frame

RESOURCES = Path(__file__).resolve().parents[4] / "resources"


@pytest.mark.parametrize(
    ("name", "mime", "node_id"),
    [
        ("event1-37-preview-size-64", "image/jpeg", None),
        ("event1-png", "image/png", None),
        ("event4-38-preview-size-64-metadata", "image/jpeg", "3"),
    ],
)
def test_recorded_pictures_are_read(name: str, mime: str, node_id: str | None) -> None:
    frame = parse_message(recorded_frame("new", name))
    assert isinstance(frame, ImageFrame)
    assert (frame.mime, frame.node_id) == (mime, node_id)
    assert is_whole_image(frame.image, mime)
    assert (frame.prompt_id is None) == (node_id is None)


@pytest.mark.parametrize("cut", [0, 3, 4, 7, 8, 60, -1, -40])
@pytest.mark.parametrize("name", ["event1-37-preview-size-64", "event1-png", "event4-38-preview-size-64-metadata"])
def test_a_cut_picture_is_no_picture(name: str, cut: int) -> None:
    assert parse_message(recorded_frame("new", name)[:cut]) is None


def test_a_recorded_note_is_read() -> None:
    note = parse_message(recorded_frame("new", "event3-text"))
    assert note == NoteFrame("5", "width: 64, height: 64\n batch size: 1")


@given(st.binary(max_size=200) | st.text(max_size=200))
def test_no_message_raises(message: str | bytes) -> None:
    parse_message(message)


@given(
    st.dictionaries(st.text(max_size=3), st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=6)),
    st.sampled_from(["progress", "progress_state", "executing", "execution_cached", "execution_error", "executed"]),
)
def test_no_frame_of_ours_upsets_the_feed(data: dict[str, Any], kind: str) -> None:
    feed = Feed("p", sampling())
    feed.see(Frame(kind, data))
    feed.see(Frame("progress", {"node": "3", "value": 1, "max": 4} | data))
    assert 0.0 <= (feed.progress().fraction or 0.0) <= 1.0


def test_a_picture_without_a_name_belongs_to_the_node_that_works() -> None:
    """Results over the socket come as event 1 to clients that asked for nothing else."""
    graph: dict[str, Any] = {"2": {"class_type": "SaveImageWebsocket", "inputs": {}}}
    graph["3"] = {"class_type": "KSampler", "inputs": {}}
    feed, picture = Feed("p", graph), parse_message(recorded_frame("new", "event1-png"))
    assert isinstance(picture, ImageFrame)
    feed.see(Frame("executing", {"node": "3", "prompt_id": "p"}))
    feed.see_image(picture)
    feed.see(Frame("executing", {"node": "2", "prompt_id": "p"}))
    feed.see_image(picture)
    feed.see_image(picture)
    assert feed.finals == {"2": [picture, picture]}
    assert feed.progress().preview == picture
    assert feed.progress().preview is None


def test_a_very_deep_message_is_ignored() -> None:
    assert parse_message("[" * 100_000) is None


def kinds_of(generation: Generation) -> dict[str, AppError]:
    """Each recorded refusal's note → our error."""
    found: dict[str, AppError] = {}
    for exchange in exchanges(generation, "prompt-errors"):
        answer, asked = exchange["response"], exchange["request"].get("json")
        if answer.get("json") and isinstance(asked, dict) and "note" in exchange:
            said, graph = answer["json"], cast("dict[str, Any]", asked).get("prompt", {})
            if answer["status"] == 400 or said["node_errors"]:
                found[exchange["note"]] = refusal(said, graph, "ComfyUI")
    return found


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("note", "kind", "params"),
    [
        ("unknown node class", NodeMissingError, {"node": "NoSuchSampler"}),
        ("unknown node class, node has a title", NodeMissingError, {"node": "NoSuchSampler"}),
        ("node without class_type", NodeMissingError, {"node": "3"}),
        ("required input missing (widget)", ValueRefusedError, {"node": "KSampler", "input": "seed"}),
        ("required input missing (link)", ValueRefusedError, {"node": "VAEDecode", "input": "vae"}),
        ("value not in list: model file missing", ModelFileMissingError, {"file": "missing-model.safetensors"}),
        ("value not in list: lora file missing", ModelFileMissingError, {"file": "nope.safetensors"}),
        (
            "value not in list: long option list (> 20) is not sent back",
            ValueRefusedError,
            {"input": "sampler_name", "value": "no_such_sampler", "allowed": "…"},
        ),
        ("value smaller than min", ValueRefusedError, {"input": "steps", "value": "0", "allowed": "1 … 10000"}),
        ("value bigger than max", ValueRefusedError, {"input": "steps", "value": "20000", "allowed": "1 … 10000"}),
        ("seed negative", ValueRefusedError, {"input": "seed", "allowed": "0 … 18446744073709551615"}),
        ("wrong type: text where INT is due", ValueRefusedError, {"input": "steps", "value": "many"}),
        ("bad link: target node does not exist", GraphRefusedError, {"node": "VAEDecode"}),
        ("bad link: output slot out of range", GraphRefusedError, {"node": "VAEDecode"}),
        ("link of the wrong type", GraphRefusedError, {"node": "VAEDecode"}),
        ("no output node", GraphRefusedError, {"node": "–"}),
        ("empty prompt object", GraphRefusedError, {"node": "–"}),
        ("LoadImage of a missing input file", InputFileMissingError, {"file": "missing.png", "node": "LoadImage"}),
        ("two nodes wrong at once", ModelFileMissingError, {"file": "missing.safetensors"}),
        (
            "one of two outputs invalid: 200, node_errors filled, the good output runs",
            InputFileMissingError,
            {"file": "missing.png"},
        ),
    ],
)
def test_a_recorded_refusal_means_this_error(
    generation: Generation, note: str, kind: type[AppError], params: dict[str, str]
) -> None:
    error = kinds_of(generation)[note]
    assert type(error) is kind
    assert params.items() <= error.params.items()
    assert error.detail


@pytest.mark.parametrize("generation", GENERATIONS)
def test_every_recorded_refusal_has_all_words_of_its_text(generation: Generation) -> None:
    texts = json.loads((RESOURCES / "languages" / "en.json").read_text("utf-8"))
    errors = kinds_of(generation)
    assert len(errors) > 18
    for error in errors.values():
        for part in ("what", "why", "next"):
            texts[f"{error.code}.{part}"].format(**error.params)


@pytest.mark.parametrize(
    "hostile", [{}, {"error": None}, {"node_errors": []}, {"node_errors": {"3": None}}, {"error": 5}]
)
def test_a_refusal_of_another_shape_is_still_an_error(hostile: dict[str, Any]) -> None:
    assert type(refusal(hostile, {}, "ComfyUI")) is GraphRefusedError


def test_a_refusal_in_words_keeps_its_words() -> None:
    """SwarmUI refuses prompts so; ComfyUI's own errors are objects."""
    error = refusal({"error": "[SwarmUI] no backend for you"}, {}, "SwarmUI")
    assert type(error) is GenerationRefusedError
    assert error.params["words"] == "[SwarmUI] no backend for you"


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("torch.OutOfMemoryError", "Allocation on device 0 would exceed allowed memory. (out of memory)"),
        ("torch.cuda.OutOfMemoryError", "CUDA out of memory. Tried to allocate 20.00 MiB"),
        ("RuntimeError", "[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
        ("RuntimeError", "MPS backend out of memory (MPS allocated: 17 GB)"),
        ("RuntimeError", "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"),
        ("MemoryError", "std::bad_alloc"),
    ],
)
def test_no_memory_left_is_recognised_in_every_dialect(kind: str, message: str) -> None:
    data = {"exception_type": kind, "exception_message": message, "node_id": "3", "node_type": "KSampler"}
    error = failure(data, sampling(), "ComfyUI")
    assert type(error) is OutOfMemoryError
    assert error.params["node"] == "The sampler"


def test_a_failure_without_any_word_is_still_an_error() -> None:
    assert type(failure({}, {}, "ComfyUI")) is NodeFailedError


def test_every_kind_of_output_is_found_in_the_recordings() -> None:
    found: dict[str, set[str | None]] = {}
    for name, run in recorded("new", "outputs-of-every-kind").items():
        for item in read_outputs(run.get("outputs", {})):
            found.setdefault(name, set()).add("text" if isinstance(item, OutputText) else item.kind)
    assert found["audio-mp3"] == {"audio"}
    assert found["video-webm"] == {"video"}
    assert found["animated-webp"] == {"image"}
    assert found["save-latent"] == {None}
    assert found["save-text"] == {"text"}
    assert found["image-compare"] == {"image"}


@pytest.mark.parametrize(
    "outputs",
    [{"1": None}, {"1": {"images": None}}, {"1": {"images": [None, 5, {}, {"filename": 7}]}}, {"1": {"text": [1]}}],
)
def test_outputs_of_another_shape_are_skipped(outputs: dict[str, Any]) -> None:
    assert list(read_outputs(outputs)) == []


def test_shown_files_count_only_if_nothing_was_saved() -> None:
    shown, saved, said = OutputFile("1", "a.png", type="temp"), OutputFile("2", "b.png"), OutputText("3", "words")
    latent = OutputFile("4", "c.latent")
    assert choose_outputs([shown, saved, said, latent], (), wants_text=False) == [saved]
    assert choose_outputs([shown, said], (), wants_text=False) == [shown]
    assert choose_outputs([said], (), wants_text=False) == [said]
    assert choose_outputs([saved, said], (), wants_text=True) == [saved, said]
    assert choose_outputs([shown, saved, said, latent], ("1", "4"), wants_text=False) == [shown]
    assert choose_outputs([latent], (), wants_text=False) == []


def test_every_error_of_a_backend_has_its_three_texts_in_both_languages() -> None:
    codes = {
        kind.code for kind in vars(backend_errors).values() if isinstance(kind, type) and issubclass(kind, AppError)
    }
    assert len(codes) >= 16
    for language in ("en", "de"):
        texts = json.loads((RESOURCES / "languages" / f"{language}.json").read_text("utf-8"))
        for code in codes:
            assert all(texts.get(f"{code}.{part}") for part in ("what", "why", "next")), code
    german = json.loads((RESOURCES / "languages" / "de.json").read_text("utf-8"))
    english = json.loads((RESOURCES / "languages" / "en.json").read_text("utf-8"))
    for key in (f"{code}.{part}" for code in codes for part in ("what", "why", "next")):
        assert set(re.findall(r"\{\w+\}", german[key])) == set(re.findall(r"\{\w+\}", english[key])), key
