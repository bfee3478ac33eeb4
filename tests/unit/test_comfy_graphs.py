"""Every shipped ComfyUI graph against what two real servers say about their nodes, and with LoRAs."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ai4artsed_desktop.domain.chunks import OutputChunk, mappings_of
from ai4artsed_desktop.domain.graph_links import LORA_OUTPUTS, Output, as_link
from ai4artsed_desktop.domain.object_info import check_graph
from ai4artsed_desktop.domain.safetensors import ModelFamily
from ai4artsed_desktop.engine.graphs import family_of
from ai4artsed_desktop.engine.lora import LoraChoice
from tests.support.object_info import GENERATIONS, Generation, object_info
from tests.support.shipped_graphs import CHUNKS, configs, graph_of

INFO = {generation: object_info(generation) for generation in GENERATIONS}
#: Chunks whose nodes the server of October 2025 does not have yet.
NEEDS_NEWER_SERVER = {"output_image_flux2_dev"}
#: Sent for one generation, ignored by the other.
FOR_ONE_GENERATION = {("resolution_steps", "old")}
LORAS = [LoraChoice(f"styles/{n}.safetensors", 0.2 * n) for n in range(1, 5)]

every_chunk = pytest.mark.parametrize("chunk", CHUNKS.values(), ids=CHUNKS)
every_server = pytest.mark.parametrize("server", GENERATIONS)


def test_the_models_of_the_brief_have_chunks_and_configs() -> None:
    models = {config.meta.model for config in configs().values()}
    wanted = ["Stable Diffusion 1.5", "Stable Diffusion XL", "3.5 Large", "Large Turbo", "3.5 Medium", "FLUX.1 [dev]"]
    wanted += ["FLUX.1 [schnell]", "FLUX.2 [dev]", "Qwen-Image", "Qwen-Image-Edit", "Stable Audio Open", "ACE-Step"]
    wanted += ["Wan 2.2 T2V", "Wan 2.2 I2V", "Wan 2.2 TI2V", "LTX-Video"]
    assert [name for name in wanted if not any(name in model for model in models)] == []


@every_server
@every_chunk
def test_a_server_takes_the_graph(chunk: OutputChunk, server: Generation) -> None:
    issues = [i for i in check_graph(graph_of(chunk).graph, INFO[server]) if i.code != "graph.problem.no_file"]
    if server == "old" and chunk.name in NEEDS_NEWER_SERVER:
        assert {i.params.get("name") for i in issues} >= {"Flux2Scheduler", "EmptyFlux2LatentImage"}
        return
    assert [i for i in issues if i.severity == "error"] == []
    assert {(i.params["field"], server) for i in issues} <= FOR_ONE_GENERATION


@every_server
@pytest.mark.parametrize("given", [{}, {"image2": "b.png"}, {"image2": "b.png", "image3": "c.png"}])
def test_one_to_three_pictures_give_a_graph_that_a_server_takes(given: dict[str, str], server: Generation) -> None:
    graph = graph_of(CHUNKS["output_image_qwen_edit"], given).graph
    errors = [
        i for i in check_graph(graph, INFO[server]) if i.severity == "error" and i.code != "graph.problem.no_file"
    ]
    assert errors == []
    assert sum(node["class_type"] == "LoadImage" for node in graph.values()) == 1 + len(given)


@every_chunk
def test_every_parameter_reaches_its_node(chunk: OutputChunk) -> None:
    graph = graph_of(chunk).graph
    for name, places in mappings_of(chunk).items():
        for place in places:
            if place.type == "image" and not place.required:
                continue  # not given here
            if place.node_id is None and chunk.backend_type == "swarmui":
                continue  # of SwarmUI's own call; see the tests of that
            assert place.node_id is not None and place.field is not None
            value = graph[place.node_id]["inputs"][place.field.removeprefix("inputs.")]
            expected: Any = {"filename_prefix": "ai4artsed/run_1", "prompt": "<{{PREVIOUS_OUTPUT}}>"}.get(name)
            if place.type == "seed":
                expected = 7
            elif place.type == "image":
                expected = "example.png"
            elif expected is None:
                source = places[0].source
                expected = places[0].default if source is None else f"<{source}>"
            assert value == expected, name


@every_chunk
def test_every_chunk_can_be_driven_and_says_what_it_is(chunk: OutputChunk) -> None:
    mappings = mappings_of(chunk)
    assert {"prompt", "seed", "steps", "filename_prefix"} <= set(mappings)
    assert mappings["seed"][0].default == -1
    assert family_of(chunk) is not None
    assert set(chunk.output_mapping.node_ids) <= set(chunk.workflow)
    for name, places in mappings.items():
        if name != "filename_prefix":
            for text in (places[0].name, places[0].description):
                assert isinstance(text, dict) and set(text) == {"de", "en"}, name


@pytest.mark.parametrize(("name", "config"), configs().items(), ids=configs())
def test_a_config_tells_everything_about_its_model(name: str, config: Any) -> None:
    assert config.meta.model and config.meta.licence and config.meta.sources and config.meta.requires_gpu
    in_graph = {
        value
        for node in CHUNKS[config.chunk].workflow.values()
        for value in node.inputs.values()
        if isinstance(value, str) and value.endswith(".safetensors")
    }
    assert {file.name for file in config.meta.model_files} == in_graph
    for file in config.meta.model_files:
        assert file.size_gb and file.source and file.licence
        assert file.folder in {"checkpoints", "diffusion_models", "text_encoders", "vae"}
    assert set(config.name) == set(config.description) == set(config.tags) == {"de", "en"}
    assert config.media_preferences.default_output == CHUNKS[config.chunk].media_type
    graph_of(CHUNKS[config.chunk], config=config.overrides)  # every override meets a parameter and fits


def test_drafts_are_quicker_than_what_they_are_drafts_of() -> None:
    every = configs()
    for name in every:
        base = name.removesuffix("_draft")
        if base != name:
            steps = mappings_of(CHUNKS[every[base].chunk])["steps"][0].default
            assert isinstance(steps, int)
            assert every[name].overrides["STEPS"] < every[base].overrides.get("STEPS", steps)


def typed_links(graph: dict[str, Any], kind: str) -> dict[tuple[str, str], tuple[str, int]]:
    """Every input that takes ``kind`` (as the server types outputs), and where it takes it from."""
    found: dict[tuple[str, str], tuple[str, int]] = {}
    for node_id, node in graph.items():
        for name, value in node["inputs"].items():
            link = as_link(value)
            if link is not None and output_type(graph, link) == kind:
                found[node_id, name] = (link.node_id, link.slot)
    return found


def output_type(graph: dict[str, Any], output: Output) -> str:
    """What a server says that an output gives."""
    return INFO["new"][graph[output.node_id]["class_type"]]["output"][output.slot]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@every_chunk
def test_every_consumer_hangs_on_the_end_of_the_chain(chunk: OutputChunk, count: int) -> None:
    before = graph_of(chunk).graph
    after = graph_of(chunk, loras=LORAS[:count]).graph
    new = [node_id for node_id in after if node_id not in before]
    assert new and all(after[node_id]["class_type"] in LORA_OUTPUTS for node_id in new)
    for kind, slot in (("MODEL", 0), ("CLIP", 1)):
        links = typed_links(after, kind)
        for consumer, source in typed_links(before, kind).items():
            is_loaded = not any(k == "MODEL" for k in kinds_into(before, source[0]))
            if not is_loaded:
                assert links[consumer] == source  # behind a patch of the model: that patch hangs on the chain
                continue
            chain: list[str] = []
            at = links[consumer]
            while at[0] in new:
                assert at[1] == slot
                chain.append(after[at[0]]["inputs"]["lora_name"])
                at = links[at[0], kind.lower()]
            assert at == source
            assert chain == [lora.name for lora in reversed(LORAS[:count])]


def kinds_into(graph: dict[str, Any], node_id: str) -> set[str]:
    """The types of the links into a node."""
    return {
        output_type(graph, link) for value in graph[node_id]["inputs"].values() if (link := as_link(value)) is not None
    }


@pytest.mark.parametrize("count", [1, 4])
@every_chunk
def test_loras_change_nothing_else(chunk: OutputChunk, count: int) -> None:
    before = graph_of(chunk).graph
    untouched = copy.deepcopy(before)
    built = graph_of(chunk, loras=LORAS[:count])
    assert before == untouched
    moved = {**typed_links(before, "MODEL"), **typed_links(before, "CLIP")}
    for node_id, node in before.items():
        assert built.graph[node_id]["class_type"] == node["class_type"]
        assert set(built.graph[node_id]["inputs"]) == set(node["inputs"])
        for name, value in node["inputs"].items():
            assert (node_id, name) in moved or built.graph[node_id]["inputs"][name] == value
    assert [(lora.name, lora.strength) for lora in built.applied] == [(x.name, x.strength) for x in LORAS[:count]]
    assert sum(len(lora.node_ids) for lora in built.applied) == len(built.graph) - len(before)


@pytest.mark.parametrize(
    ("name", "server"), [(n, s) for n in CHUNKS for s in GENERATIONS if s == "new" or n not in NEEDS_NEWER_SERVER]
)
def test_a_server_takes_the_graph_with_four_loras(name: str, server: Generation) -> None:
    chunk = CHUNKS[name]
    issues = check_graph(graph_of(chunk, loras=LORAS).graph, INFO[server])
    assert [i for i in issues if i.severity == "error" and i.code != "graph.problem.no_file"] == []


def test_both_experts_of_wan_get_the_loras() -> None:
    built = graph_of(CHUNKS["output_video_wan22_t2v14b"], loras=LORAS[:2])
    assert [len(lora.node_ids) for lora in built.applied] == [2, 2]
    assert family_of(CHUNKS["output_video_wan22_t2v14b"]) is ModelFamily.WAN_14B
