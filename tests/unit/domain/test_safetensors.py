"""Headers of safetensors files: honest ones of several trainers, cut ones, and hostile ones."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.safetensors import (
    MAX_HEADER_BYTES,
    ModelFamily,
    SafetensorsError,
    SafetensorsIncompleteError,
    lora_facts,
    parse_safetensors_header,
)


def file_of(header: Any, data: bytes = b"") -> bytes:
    """A safetensors file with this header."""
    body = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(body)) + body + data


def tensor(*shape: int, begin: int = 0) -> dict[str, Any]:
    count = 2
    for size in shape:
        count *= size
    return {"dtype": "F16", "shape": list(shape), "data_offsets": [begin, begin + count]}


def facts(tensors: dict[str, Any], **metadata: str) -> Any:
    return lora_facts(parse_safetensors_header(file_of({"__metadata__": metadata, **tensors})))


def test_a_header_gives_tensors_metadata_and_the_length_of_the_file() -> None:
    whole = file_of({"__metadata__": {"a": "b"}, "w": tensor(2, 3)}, bytes(12))
    header = parse_safetensors_header(whole)
    assert header.tensors["w"].shape == (2, 3) and header.tensors["w"].dtype == "F16"
    assert header.metadata["a"] == "b"
    assert header.file_bytes == len(whole)


def test_too_few_bytes_say_how_many_are_needed() -> None:
    whole = file_of({"w": tensor(2)})
    for cut in (0, 7, 8, 9, len(whole) - 1):
        with pytest.raises(SafetensorsIncompleteError) as caught:
            parse_safetensors_header(whole[:cut])
        assert caught.value.needed_bytes == (8 if cut < 8 else len(whole))


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<Q", MAX_HEADER_BYTES + 1) + b"{",
        struct.pack("<Q", 2**64 - 1) + b"{",
        struct.pack("<Q", 0) + b"{}",
        b"GGUF\0\0\0\0" + bytes(64),
        b"<!DOCTYPE html><html><body>Not found</body></html>",
        file_of(b"[1, 2]"),
        file_of(b"{"),
        file_of(b'{"a": \xff\xfe}'),
        file_of(b"{" + b'"a":{' * 100_000),
        file_of(b'{"a": ' + b"9" * 10_000 + b"}"),
        file_of({"w": []}),
        file_of({"w": {"dtype": "F16", "shape": [2]}}),
        file_of({"w": {"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]}}),
        file_of({"w": {"dtype": "F16", "shape": [2], "data_offsets": [4, 0]}}),
        file_of({"w": {"dtype": "F16", "shape": [2], "data_offsets": [0, 1.5]}}),
        file_of({"w": {"dtype": "F16", "shape": [True], "data_offsets": [0, 2]}}),
        file_of({"w": {"dtype": 7, "shape": [2], "data_offsets": [0, 4]}}),
    ],
)
def test_what_is_no_header_is_an_error(data: bytes) -> None:
    with pytest.raises(SafetensorsError):
        parse_safetensors_header(data)


@given(st.binary(max_size=400))
def test_any_bytes_give_a_header_or_the_error(data: bytes) -> None:
    for candidate in (data, file_of(data), file_of(b"{" + data)):
        try:
            lora_facts(parse_safetensors_header(candidate))
        except SafetensorsError:
            continue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = ["ss_tag_frequency", "ss_network_dim", "ss_network_alpha", "modelspec.thumbnail", "ss_base_model_version"]


@given(st.dictionaries(st.sampled_from(KEYS), json_values.map(json.dumps) | st.text(max_size=30) | json_values))
def test_any_metadata_gives_facts(metadata: dict[str, Any]) -> None:
    lora_facts(parse_safetensors_header(file_of({"__metadata__": metadata, "a.lora_down.weight": tensor(4, 8)})))


@pytest.mark.parametrize(
    ("said", "family"),
    [
        ({"ss_base_model_version": "sd_v1"}, ModelFamily.SD15),
        ({"ss_base_model_version": "sd_v2_v"}, ModelFamily.SD2),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, ModelFamily.SDXL),
        ({"ss_base_model_version": "flux1"}, ModelFamily.FLUX1),
        ({"ss_base_model_version": "qwen_image_edit"}, ModelFamily.QWEN_IMAGE),
        ({"ss_base_model_version": "wan_2.2_14b"}, ModelFamily.WAN_14B),
        ({"ss_base_model_version": "flux2_klein_4b"}, ModelFamily.FLUX2_KLEIN),
        ({"ss_base_model_version": "zimage"}, ModelFamily.Z_IMAGE),
        ({"ss_base_model_version": "ltx2"}, ModelFamily.LTX2),
        ({"ss_base_model_version": "m", "modelspec.architecture": "stable-diffusion-3-m/lora"}, ModelFamily.SD3),
        ({"modelspec.architecture": "stable-diffusion-3-5-medium/lora"}, ModelFamily.SD35_MEDIUM),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, ModelFamily.SDXL),
        ({"modelspec.architecture": "stable-diffusion-3.5-large/lora"}, ModelFamily.SD35_LARGE),
        ({"modelspec.architecture": "flux-1-dev/lora"}, ModelFamily.FLUX1),
        ({"ss_base_model_version": "", "modelspec.architecture": "stable-diffusion-v1/lora"}, ModelFamily.SD15),
        ({"ss_base_model_version": "something new"}, None),
    ],
)
def test_the_family_is_what_the_trainer_wrote(said: dict[str, str], family: ModelFamily | None) -> None:
    assert facts({"x.lora_down.weight": tensor(4, 8)}, **said).family is family


@pytest.mark.parametrize(
    ("name", "width", "family"),
    [
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", 768, "sd15"),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", 1024, "sd2"),
        ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", 2048, "sdxl"),
        ("lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", 3072, "flux1"),
        ("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", 3072, "flux1"),
        ("diffusion_model.double_blocks.0.img_attn.proj.lora_A.weight", 6144, "flux2"),
        ("lora_unet_joint_blocks_0_x_block_attn_proj.lora_down.weight", 2432, "sd35_large"),
        ("lora_unet_joint_blocks_0_x_block_attn_proj.lora_down.weight", 1536, "sd35_medium"),
        ("transformer_blocks.0.img_mlp.net.0.proj.lora_A.default.weight", 3072, "qwen_image"),
        ("diffusion_model.blocks.0.cross_attn.k.lora_A.weight", 5120, "wan_14b"),
        ("diffusion_model.blocks.0.cross_attn.k.lora_A.weight", 3072, "wan_5b"),
        ("something.else.lora_down.weight", 123, None),
    ],
)
def test_without_a_word_of_the_trainer_the_layers_tell_the_family(name: str, width: int, family: str | None) -> None:
    found = facts({name: tensor(16, width)})
    assert found.family == family and found.rank == 16 and found.is_lora


def test_rank_alpha_triggers_and_tags_come_from_the_header() -> None:
    tags = {"10_zbx cat": {"cat": 20, " red ": 3}, "5_reg": {"cat": 5}}
    found = facts(
        {"a.lora_down.weight": tensor(8, 4), "b.lora_down.weight": tensor(8, 4), "c.lora_down.weight": tensor(4, 4)},
        **{
            "ss_network_alpha": "4.0",
            "ss_network_dim": "99",
            "modelspec.trigger_phrase": "zbx, in zbx style",
            "ss_tag_frequency": json.dumps(tags),
            "modelspec.title": "Cats",
        },
    )
    assert (found.rank, found.alpha, found.title) == (8, 4.0, "Cats")
    assert found.trigger_words == ("zbx", "in zbx style", "zbx cat", "reg")
    assert found.frequent_tags == ("cat", "red")


PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.mark.parametrize(
    ("start", "mime"),
    [(PNG, "image/png"), (b"\xff\xd8\xff\xe0" + bytes(9), "image/jpeg"), (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp")],
)
def test_a_thumbnail_is_what_its_bytes_are(start: bytes, mime: str) -> None:
    uri = "data:image/jpeg;base64," + base64.b64encode(start).decode()
    preview = facts({}, **{"modelspec.thumbnail": uri}).preview
    assert preview is not None and (preview.mime, preview.data) == (mime, start)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "data:image/png;base64,!!!!",
        "data:text/html;base64," + base64.b64encode(PNG).decode(),
        "data:image/svg+xml;base64," + base64.b64encode(b"<svg onload='x'/>").decode(),
        "data:image/wav;base64," + base64.b64encode(b"RIFF\0\0\0\0WAVEfmt ").decode(),
        "data:image/png;base64," + base64.b64encode(PNG + bytes(5_000_000)).decode(),
        "https://example.org/x.png",
    ],
)
def test_what_is_no_small_picture_is_no_preview(uri: str) -> None:
    assert facts({}, **{"modelspec.thumbnail": uri}).preview is None


def test_a_checkpoint_is_no_lora() -> None:
    assert facts({"model.diffusion_model.input_blocks.0.0.weight": tensor(320, 4, 3, 3)}).is_lora is False
