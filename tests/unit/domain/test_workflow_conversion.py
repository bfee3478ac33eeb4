"""UI-format workflows into API format, with the recorded description of a server's nodes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.object_info import check_graph
from ai4artsed_desktop.domain.workflow_conversion import ConversionError, to_api
from tests.support.object_info import object_info

INFO = object_info("new")


def ui_node(
    node_id: int, kind: str, inputs: dict[str, tuple[str, int | None]], values: Any = None, **more: Any
) -> dict[str, Any]:
    """A node as the frontend saves it; inputs: name → (type, link)."""
    listed = [{"name": name, "type": t, "link": link} for name, (t, link) in inputs.items()]
    return {"id": node_id, "type": kind, "mode": 0, "inputs": listed, "widgets_values": values, **more}


def workflow(*nodes: dict[str, Any], links: list[list[Any]], **more: Any) -> dict[str, Any]:
    return {"nodes": list(nodes), "links": links, "version": 0.4, **more}


def text_to_image(**changes: dict[str, Any]) -> dict[str, Any]:
    nodes = {
        "ckpt": ui_node(4, "CheckpointLoaderSimple", {}, ["full-sd15-random.safetensors"]),
        "size": ui_node(5, "EmptyLatentImage", {}, [512, 768, 1]),
        "good": ui_node(6, "CLIPTextEncode", {"clip": ("CLIP", 3)}, ["a cat"]),
        "bad": ui_node(7, "CLIPTextEncode", {"clip": ("CLIP", 4)}, ["blurry"]),
        "ks": ui_node(3, "KSampler",
                      {"model": ("MODEL", 1), "positive": ("CONDITIONING", 5), "negative": ("CONDITIONING", 6),
                       "latent_image": ("LATENT", 2)},
                      [42, "randomize", 20, 7.5, "euler", "normal", 1.0], title="Sampler"),
        "vae": ui_node(8, "VAEDecode", {"samples": ("LATENT", 7), "vae": ("VAE", 8)}),
        "save": ui_node(9, "SaveImage", {"images": ("IMAGE", 9)}, ["ComfyUI"]),
        "note": ui_node(99, "MarkdownNote", {}, ["hello"]),
    } | changes  # fmt: skip
    links = [
        [1, 4, 0, 3, 0, "MODEL"], [2, 5, 0, 3, 3, "LATENT"], [3, 4, 1, 6, 0, "CLIP"], [4, 4, 1, 7, 0, "CLIP"],
        [5, 6, 0, 3, 1, "CONDITIONING"], [6, 7, 0, 3, 2, "CONDITIONING"], [7, 3, 0, 8, 0, "LATENT"],
        [8, 4, 2, 8, 1, "VAE"], [9, 8, 0, 9, 0, "IMAGE"],
    ]  # fmt: skip
    return workflow(*nodes.values(), links=links)


def test_an_ordinary_workflow_becomes_a_graph_that_the_server_takes() -> None:
    graph = to_api(text_to_image(), INFO)
    assert check_graph(graph, INFO) == []
    assert graph["3"] == {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42, "steps": 20, "cfg": 7.5, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
        "_meta": {"title": "Sampler"},
    }  # fmt: skip
    assert "99" not in graph


def test_a_muted_node_is_left_out_and_a_bypassed_one_is_bridged() -> None:
    lora = ui_node(20, "LoraLoader", {"model": ("MODEL", 21), "clip": ("CLIP", 22)}, ["x", 1, 1], mode=4)
    ui = text_to_image(lora=lora, other=ui_node(30, "SaveImage", {"images": ("IMAGE", 9)}, ["B"], mode=2))
    ui["links"] += [[21, 4, 0, 20, 0, "MODEL"], [22, 4, 1, 20, 1, "CLIP"]]
    ui["links"][0] = [1, 20, 0, 3, 0, "MODEL"]
    ui["links"][2] = [3, 20, 1, 6, 0, "CLIP"]
    graph = to_api(ui, INFO)
    assert "20" not in graph and "30" not in graph
    assert graph["3"]["inputs"]["model"] == ["4", 0] and graph["6"]["inputs"]["clip"] == ["4", 1]


def test_reroutes_vanish_and_values_of_primitives_are_filled_in() -> None:
    ui = text_to_image(
        route=ui_node(40, "Reroute", {"": ("*", 41)}),
        value=ui_node(50, "PrimitiveNode", {}, [777, "fixed"]),
    )
    ui["links"] += [[41, 8, 0, 40, 0, "IMAGE"], [51, 50, 0, 3, 4, "INT"]]
    ui["links"][8] = [9, 40, 0, 9, 0, "IMAGE"]
    sampler = next(node for node in ui["nodes"] if node["id"] == 3)
    sampler["inputs"].append({"name": "seed", "type": "INT", "link": 51, "widget": {"name": "seed"}})
    graph = to_api(ui, INFO)
    assert graph["9"]["inputs"]["images"] == ["8", 0]
    assert graph["3"]["inputs"]["seed"] == 777 and graph["3"]["inputs"]["steps"] == 20


def test_a_picture_and_values_by_name_are_read() -> None:
    ui = workflow(
        ui_node(1, "LoadImage", {}, ["example.png", "image"]),
        ui_node(2, "ImageInvert", {"image": ("IMAGE", 1)}),
        ui_node(3, "SaveImage", {"images": ("IMAGE", 2)}, {"filename_prefix": "by name", "preview": {"a": 1}}),
        links=[[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
    )
    graph = to_api(ui, INFO)
    assert graph["1"]["inputs"] == {"image": "example.png"}
    assert graph["3"]["inputs"] == {"filename_prefix": "by name", "images": ["2", 0]}


def test_values_that_an_option_brings_along_follow_it() -> None:
    ui = workflow(
        ui_node(1, "EmptyImage", {}, [64, 64, 1, 0]),
        ui_node(2, "CreateVideo", {"images": ("IMAGE", 1)}, [24]),
        ui_node(3, "SaveVideo", {"video": ("VIDEO", 2)}, ["v", "mp4", "h264"]),
        links=[[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "VIDEO"]],
    )
    graph = to_api(ui, INFO)
    assert graph["3"]["inputs"]["format"] == "mp4" and graph["3"]["inputs"]["format.codec"] == "h264"
    assert [i for i in check_graph(graph, INFO) if i.severity == "error"] == []


def subgraph(*nodes: dict[str, Any], links: list[list[Any]], inputs: list[str]) -> dict[str, Any]:
    keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
    return {
        "id": "8f2c-sub",
        "nodes": list(nodes),
        "links": [dict(zip(keys, link, strict=True)) for link in links],
        "inputs": [{"name": name, "type": "IMAGE"} for name in inputs],
        "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
    }


def test_a_subgraph_used_twice_becomes_its_nodes_twice() -> None:
    inner = subgraph(
        ui_node(110, "ImageInvert", {"image": ("IMAGE", 1)}),
        links=[[1, -10, 0, 110, 0, "IMAGE"], [2, 110, 0, -20, 0, "IMAGE"]],
        inputs=["picture"],
    )
    ui = workflow(
        ui_node(1, "EmptyImage", {}, [64, 64, 1, 0]),
        ui_node(115, "8f2c-sub", {"picture": ("IMAGE", 1)}),
        ui_node(116, "8f2c-sub", {"picture": ("IMAGE", 2)}),
        ui_node(3, "SaveImage", {"images": ("IMAGE", 3)}, ["x"]),
        links=[[1, 1, 0, 115, 0, "IMAGE"], [2, 115, 0, 116, 0, "IMAGE"], [3, 116, 0, 3, 0, "IMAGE"]],
        definitions={"subgraphs": [inner]},
    )
    graph = to_api(ui, INFO)
    assert check_graph(graph, INFO) == []
    assert graph["115:110"]["inputs"]["image"] == ["1", 0]
    assert graph["116:110"]["inputs"]["image"] == ["115:110", 0]
    assert graph["3"]["inputs"]["images"] == ["116:110", 0]


def test_a_node_that_the_server_does_not_know_is_named() -> None:
    ui = workflow(ui_node(7, "FancyPackNode", {}, []), links=[])
    with pytest.raises(ConversionError) as caught:
        to_api(ui, INFO)
    assert caught.value.params == {"node": "7", "name": "FancyPackNode", "reason": "reason.node_unknown"}


def test_circles_of_reroutes_and_of_subgraphs_end() -> None:
    around = workflow(
        ui_node(1, "Reroute", {"": ("*", 1)}),
        ui_node(2, "SaveImage", {"images": ("IMAGE", 2)}, ["x"]),
        links=[[1, 1, 0, 1, 0, "IMAGE"], [2, 1, 0, 2, 0, "IMAGE"]],
    )
    itself = workflow(
        ui_node(1, "8f2c-sub", {}),
        links=[],
        definitions={"subgraphs": [subgraph(ui_node(5, "8f2c-sub", {}), links=[], inputs=[])]},
    )
    for ui in (around, itself):
        with pytest.raises(ConversionError) as caught:
            to_api(ui, INFO)
        assert caught.value.params["reason"] == "reason.workflow_circle"


def test_subgraphs_that_multiply_without_end_are_refused_quickly() -> None:
    levels = [
        {**subgraph(ui_node(1, f"s{n + 1}", {}), ui_node(2, f"s{n + 1}", {}), links=[], inputs=[]), "id": f"s{n}"}
        for n in range(40)
    ]
    last = {**subgraph(links=[], inputs=[]), "id": "s40"}
    ui = workflow(ui_node(1, "s0", {}), links=[], definitions={"subgraphs": [*levels, last]})
    with pytest.raises(ConversionError):
        to_api(ui, INFO)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["nodes", "links", "definitions"]), json_values), st.data())
def test_any_structure_is_converted_or_refused(extra: dict[str, Any], data: st.DataObject) -> None:
    ui = text_to_image()
    node = data.draw(st.sampled_from(ui["nodes"]))
    node[data.draw(st.sampled_from(["inputs", "widgets_values", "mode", "type", "id"]))] = data.draw(json_values)
    for candidate in (ui, ui | extra):
        try:
            to_api(candidate, INFO)
        except ConversionError:
            continue
