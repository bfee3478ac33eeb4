"""Workflows out of files: JSON, pictures and sounds as ComfyUI saves them, damaged and hostile ones."""

from __future__ import annotations

import io
import json
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from ai4artsed_desktop.domain.workflow_files import WorkflowFileError, read_workflow

GRAPH: dict[str, Any] = {
    "3": {"inputs": {"text": 'Käse, "quoted" {brace} ü', "clip": ["115:110", 1]}, "class_type": "CLIPTextEncode"},
    "115:110": {"inputs": {"ckpt_name": "m.safetensors"}, "class_type": "CheckpointLoaderSimple"},
}
UI: dict[str, Any] = {
    "id": "a",
    "revision": 0,
    "last_node_id": 3,
    "last_link_id": 1,
    "nodes": [{"id": 3, "type": "SaveImage", "inputs": []}],
    "links": [],
    "version": 0.4,
}


def png(**texts: str) -> bytes:
    """A PNG as ComfyUI's SaveImage writes it."""
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def webp(graph: Any) -> bytes:
    """A WebP as ComfyUI writes it: EXIF tag 0x0110 holds ``prompt:`` and the graph."""
    picture = Image.new("RGB", (4, 4))
    exif = picture.getexif()
    exif[0x0110] = "prompt:" + json.dumps(graph)
    exif[0x010F] = "workflow:" + json.dumps(UI)
    out = io.BytesIO()
    picture.save(out, "WEBP", exif=exif)
    return out.getvalue()


def flac(graph: Any) -> bytes:
    comment = b"prompt=" + json.dumps(graph, ensure_ascii=False).encode()
    body = struct.pack("<I", 3) + b"fly" + struct.pack("<I", 1) + struct.pack("<I", len(comment)) + comment
    return b"fLaC" + bytes([0x84]) + len(body).to_bytes(3) + body + b"\xff\xf8" + bytes(range(256)) * 4


def ogg(graph: Any) -> bytes:
    """An Opus file whose comment is longer than a page: the page's head cuts the JSON in two."""
    payload = b"OpusTags" + struct.pack("<I", 0) + b"prompt=" + json.dumps(graph).encode()
    pages = b""
    for start in range(0, len(payload), 50):
        part = payload[start : start + 50]
        pages += b"OggS" + bytes(22) + bytes([1, len(part)]) + part
    return pages


def test_json_in_api_format_is_a_graph() -> None:
    assert read_workflow(json.dumps(GRAPH).encode()).api == GRAPH
    assert read_workflow(b"\n " + json.dumps(GRAPH, indent=2).encode() + b"\n").api == GRAPH


def test_a_whole_request_to_the_server_is_a_graph_too() -> None:
    assert read_workflow(json.dumps({"prompt": GRAPH, "client_id": "x"}).encode()).api == GRAPH


def test_json_in_ui_format_is_told_apart() -> None:
    found = read_workflow(json.dumps(UI).encode())
    assert found.api is None and found.ui == UI


def test_a_png_of_comfyui_holds_both() -> None:
    found = read_workflow(png(prompt=json.dumps(GRAPH), workflow=json.dumps(UI)))
    assert found.api == GRAPH and found.ui == UI


def test_a_png_of_another_program_that_writes_plain_utf8_is_read() -> None:
    assert read_workflow(png(prompt=json.dumps(GRAPH, ensure_ascii=False))).api == GRAPH


def test_compressed_and_international_texts_of_a_png_are_read() -> None:
    for compressed in (False, True):
        info = PngImagePlugin.PngInfo()
        info.add_itxt("prompt", json.dumps(GRAPH, ensure_ascii=False), lang="de", tkey="Prompt", zip=compressed)
        info.add_text("workflow", json.dumps(UI), zip=True)
        out = io.BytesIO()
        Image.new("RGB", (4, 4)).save(out, "PNG", pnginfo=info)
        found = read_workflow(out.getvalue())
        assert found.api == GRAPH and found.ui == UI


@pytest.mark.parametrize("wrap", [webp, flac, ogg], ids=["webp", "flac", "ogg"])
def test_other_media_of_comfyui_hold_the_graph(wrap: Any) -> None:
    assert read_workflow(wrap(GRAPH)).api == GRAPH


def test_the_graph_is_found_in_the_middle_of_any_container() -> None:
    noise = bytes(range(256)) * 20
    data = noise + b"moov\0meta prompt\0" + json.dumps(GRAPH, ensure_ascii=False).encode() + noise + b"}]"
    assert read_workflow(data).api == GRAPH


def test_a_png_without_a_workflow_says_so() -> None:
    with pytest.raises(WorkflowFileError) as caught:
        read_workflow(png(parameters="a cat, steps: 20", Title="x"), "cat.png")
    assert caught.value.params == {"name": "cat.png", "reason": "reason.no_workflow"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"a": 1}',
        b'{"prompt": "text"}',
        b'{"1": {"class_type": 7, "inputs": {}}}',
        b'{"1": {"class_type": "A", "inputs": {}',
        b'{"nodes": {}, "links": []}',
        b"{" * 100_000,
        b'{"1": {"inputs": {"a": ' + b"[" * 100_000,
        b'{"x": {"inputs": ' * 5_000,
        b'"nodes": [' * 5_000,
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 2**32 - 1, b"tEXt") + b"prompt\0{}",
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 11, b"zTXt") + b"prompt\0\0abc" + bytes(4),
        b"OggS" + bytes(22) + b"\xff",
        b"RIFF\xff\xff\xff\xffWEBP" + bytes(40),
    ],
)
def test_what_holds_no_workflow_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(WorkflowFileError):
        read_workflow(data)


def test_a_text_that_unpacks_beyond_all_bounds_is_left_out() -> None:
    bomb = b"prompt\0\0" + zlib.compress(b'{"1": {"class_type": "' + b"A" * 40_000_000 + b'", "inputs": {}}}', 9)
    chunk = struct.pack(">I4s", len(bomb), b"zTXt") + bomb + bytes(4)
    with pytest.raises(WorkflowFileError):
        read_workflow(b"\x89PNG\r\n\x1a\n" + chunk)


def test_a_cut_png_still_gives_what_it_holds() -> None:
    data = png(prompt=json.dumps(GRAPH))
    assert read_workflow(data[: data.index(b"IDAT")]).api == GRAPH


@given(st.binary(max_size=200), st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"OggS"]))
def test_any_bytes_give_a_workflow_or_the_error(before: bytes, after: bytes, magic: bytes) -> None:
    for data in (magic + before, magic + before + json.dumps(GRAPH).encode() + after):
        try:
            read_workflow(data)
        except WorkflowFileError:
            continue
