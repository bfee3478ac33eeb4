"""What a stranger's graph can be driven by; our own graphs are strangers here, too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.chunks import OutputChunk, chunk_reader, mappings_of
from ai4artsed_desktop.domain.configs import OutputConfig
from ai4artsed_desktop.domain.graph_links import Input
from ai4artsed_desktop.domain.object_info import check_graph
from ai4artsed_desktop.domain.parameters import resolve
from ai4artsed_desktop.domain.workflow_import import chunk_of, config_of, find_roles, without
from ai4artsed_desktop.engine.graphs import build_graph
from tests.support.object_info import object_info
from tests.support.shipped_graphs import CHUNKS, graph_of

every_chunk = pytest.mark.parametrize("chunk", CHUNKS.values(), ids=CHUNKS)
#: What graphs alone cannot tell: that a picture is a mask, which step changes the model, what is left out.
NOT_TOLD = {"mask", "switch_step", "cfg_low", "shift", "weight_dtype", "batch_size", "lyrics_strength", "ckpt_name"}


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def sampler_graph(**changes: Any) -> dict[str, Any]:
    graph = {
        "4": node("CheckpointLoaderSimple", ckpt_name="m.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "6": node("CLIPTextEncode", text="a cat", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="blurry", clip=["4", 1]),
        "3": node("KSampler", model=["4", 0], seed=5, steps=20, cfg=7, sampler_name="euler", scheduler="normal",
                  positive=["6", 0], negative=["7", 0], latent_image=["5", 0], denoise=1),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
    }  # fmt: skip
    return graph | changes


def places(graph: dict[str, Any], name: str) -> list[tuple[str, str]]:
    role = find_roles(graph).role(name)
    return [] if role is None else [(place.node_id, place.name) for place in role.places]


def test_an_ordinary_graph_is_understood() -> None:
    roles = find_roles(sampler_graph())
    found = {role.name: (role.places, role.value) for role in roles.roles}
    assert found["prompt"] == ((Input("6", "text"),), "a cat")
    assert found["negative_prompt"] == ((Input("7", "text"),), "blurry")
    assert found["seed"] == ((Input("3", "seed"),), 5)
    assert found["width"] == ((Input("5", "width"),), 512) and found["height"][1] == 768
    assert found["steps"][1] == 20 and found["cfg"][1] == 7 and found["denoise"][1] == 1
    assert found["sampler_name"][1] == "euler" and found["scheduler"][1] == "normal"
    assert roles.media_type == "image" and roles.output_nodes == ("9",)
    assert {point.kind for point in roles.lora_points} == {"model", "clip"}


@every_chunk
def test_in_our_own_graphs_everything_is_found_where_the_chunk_says(chunk: OutputChunk) -> None:
    graph = graph_of(chunk).graph
    roles = find_roles(graph)
    for name, mapped in mappings_of(chunk).items():
        wanted = {(p.node_id, (p.field or "").removeprefix("inputs.")) for p in mapped if p.node_id in graph}
        if name in NOT_TOLD or not wanted:
            continue
        role = roles.role(name)
        assert role is not None, name
        assert {tuple(place) for place in role.places} >= wanted, name
    assert roles.output_nodes == chunk.output_mapping.node_ids
    assert roles.media_type == {"music": "audio"}.get(chunk.media_type, chunk.media_type)


@every_chunk
def test_an_imported_graph_becomes_a_chunk_that_the_program_can_fill(chunk: OutputChunk) -> None:
    graph = graph_of(chunk).graph
    content = chunk_of(graph, find_roles(graph), "output_image_mine_imported")
    imported = chunk_reader.validate_json(json.dumps(content))
    assert isinstance(imported, OutputChunk)
    config = OutputConfig.model_validate({"id": "mine", **config_of(content, "Mine")})
    assert config.chunk == imported.name
    mappings = mappings_of(imported)
    pictures: dict[str, Any] = {name: "p.png" for name, m in mappings.items() if m[0].type == "image"}
    values = resolve(mappings, pictures, config.overrides, lambda _source: "a dog", lambda: 11)
    filled = build_graph(imported, values, {}, job_name="r").graph
    issues = check_graph(filled, object_info("new"))
    assert [i for i in issues if i.severity == "error" and i.code != "graph.problem.no_file"] == []
    assert "a dog" in json.dumps(filled) and "11" in json.dumps(filled)
    assert all(
        n["inputs"]["filename_prefix"] == "ai4artsed/r" for n in filled.values() if "filename_prefix" in n["inputs"]
    )


def test_texts_behind_other_nodes_are_found() -> None:
    graph = sampler_graph(**{
        "20": node("ControlNetApplyAdvanced", positive=["6", 0], negative=["7", 0], strength=1.0),
        "21": node("FluxGuidance", conditioning=["20", 0], guidance=3.5),
        "3": node("KSampler", positive=["21", 0], negative=["20", 1], seed=1, steps=4, cfg=1.0),
    })  # fmt: skip
    assert places(graph, "prompt") == [("6", "text")]
    assert places(graph, "negative_prompt") == [("7", "text")]


def test_a_text_seed_or_size_in_a_node_of_its_own_is_found_there() -> None:
    graph = sampler_graph(**{
        "30": node("PrimitiveStringMultiline", value="a cat"),
        "31": node("PrimitiveInt", value=99),
        "6": node("CLIPTextEncode", text=["30", 0], clip=["4", 1]),
        "3": node("KSampler", positive=["6", 0], negative=["7", 0], seed=["31", 0], steps=4, cfg=1.0),
        "5": node("EmptyLatentImage", width=["31", 0], height=768, batch_size=1),
    })  # fmt: skip
    assert places(graph, "prompt") == [("30", "value")]
    assert places(graph, "seed") == [("31", "value")]
    assert places(graph, "width") == [("31", "value")]


def test_one_text_for_both_sides_is_the_prompt_only() -> None:
    graph = sampler_graph(**{"3": node("KSampler", positive=["6", 0], negative=["6", 0], seed=1, steps=4, cfg=1.0)})
    assert places(graph, "prompt") == [("6", "text")] and places(graph, "negative_prompt") == []


def test_a_prompt_that_is_zeroed_out_is_no_negative_prompt() -> None:
    graph = sampler_graph(**{
        "10": node("ConditioningZeroOut", conditioning=["6", 0]),
        "3": node("KSampler", positive=["6", 0], negative=["10", 0], seed=1, steps=4, cfg=1.0),
    })  # fmt: skip
    assert places(graph, "negative_prompt") == []


def test_a_second_pass_shares_the_seed_but_keeps_its_own_steps() -> None:
    second = node("KSampler", positive=["6", 0], negative=["7", 0], seed=8, steps=10, cfg=7, denoise=0.5)
    graph = sampler_graph(**{"12": second})
    assert places(graph, "seed") == [("3", "seed"), ("12", "seed")]
    assert places(graph, "steps") == [("3", "steps")] and places(graph, "denoise") == [("3", "denoise")]


def test_pictures_and_masks_are_counted() -> None:
    graph = sampler_graph(**{
        "40": node("LoadImage", image="a.png"),
        "41": node("LoadImage", image="b.png"),
        "42": node("LoadImageMask", image="m.png", channel="red"),
    })  # fmt: skip
    roles = find_roles(graph)
    assert [role.name for role in roles.roles if role.name.startswith(("image", "mask"))] == ["image", "image2", "mask"]
    content = chunk_of(graph, roles, "output_image_x_y")
    assert config_of(content, "X")["pipeline"] == "multi_image_transformation"


def test_what_is_saved_counts_more_than_what_is_only_shown() -> None:
    graph = sampler_graph(**{
        "50": node("PreviewImage", images=["8", 0]),
        "9": node("VHS_VideoCombine", images=["8", 0], filename_prefix="v"),
    })  # fmt: skip
    roles = find_roles(graph)
    assert roles.media_type == "video" and roles.output_nodes == ("9",)


def test_what_was_not_confirmed_stays_as_it_is() -> None:
    roles = without(find_roles(sampler_graph()), ["steps", "cfg"])
    assert not {"steps", "cfg"} & set(chunk_of(sampler_graph(), roles, "output_image_x_y")["input_mappings"])


def test_the_graphs_own_value_fits_its_limits_even_if_it_is_unusual() -> None:
    graph = sampler_graph()
    graph["3"]["inputs"]["steps"] = 900
    mapping = chunk_of(graph, find_roles(graph), "output_image_x_y")["input_mappings"]["steps"]
    assert mapping["default"] == 900 and mapping["max"] == 900


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
INPUTS = [
    "text",
    "prompt",
    "seed",
    "steps",
    "width",
    "height",
    "image",
    "positive",
    "negative",
    "model",
    "clip",
    "value",
]
CLASSES = ["KSampler", "CLIPTextEncode", "EmptyLatentImage", "LoadImage", "PrimitiveInt", "SaveImage", "LoraLoader"]


@given(
    st.dictionaries(
        st.sampled_from(["1", "2", "3", "4:5"]),
        st.fixed_dictionaries(
            {
                "class_type": st.sampled_from(CLASSES),
                "inputs": st.dictionaries(
                    st.sampled_from(INPUTS),
                    json_values | st.tuples(st.sampled_from(["1", "2", "3", "9"]), st.integers(0, 2)).map(list),
                ),
            }
        ),
        min_size=1,
    )
)
def test_any_graph_becomes_a_chunk_or_stays_undriven_but_never_fails(graph: dict[str, Any]) -> None:
    chunk_reader.validate_json(json.dumps(chunk_of(graph, find_roles(graph), "output_image_x_y")))
