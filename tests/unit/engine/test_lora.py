"""LoRAs in graphs of every kind of loader, in graphs that hold LoRAs already, and of the wrong family."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai4artsed_desktop.domain.configs import LoraUse
from ai4artsed_desktop.domain.graph_links import LOADER_OUTPUTS, lora_points
from ai4artsed_desktop.domain.safetensors import ModelFamily
from ai4artsed_desktop.engine.lora import LoraChoice, LoraFamilyError, NoLoraPlaceError, inject_loras, merge_loras

STYLE = LoraChoice("style.safetensors", 0.6)
GRAIN = LoraChoice("grain.safetensors", 0.3)
Node = dict[str, Any]


def node(class_type: str, **inputs: Any) -> Node:
    return {"class_type": class_type, "inputs": inputs}


def checkpoint_graph(
    loader: str = "4", model: list[Any] | None = None, clip: list[Any] | None = None
) -> dict[str, Node]:
    return {
        loader: node("CheckpointLoaderSimple", ckpt_name="m.safetensors"),
        "6": node("CLIPTextEncode", text="a", clip=clip or [loader, 1]),
        "7": node("CLIPTextEncode", text="b", clip=clip or [loader, 1]),
        "3": node("KSampler", model=model or [loader, 0], positive=["6", 0], negative=["7", 0]),
        "8": node("VAEDecode", samples=["3", 0], vae=[loader, 2]),
    }


def test_a_checkpoint_feeds_the_chain_and_the_chain_feeds_everything_else() -> None:
    graph = inject_loras(checkpoint_graph(), [STYLE, GRAIN]).graph
    assert graph["9"] == node(
        "LoraLoader",
        lora_name="style.safetensors",
        strength_model=0.6,
        model=["4", 0],
        strength_clip=0.6,
        clip=["4", 1],
    )
    assert graph["10"]["inputs"]["model"] == ["9", 0] and graph["10"]["inputs"]["clip"] == ["9", 1]
    assert graph["3"]["inputs"]["model"] == ["10", 0]
    assert graph["6"]["inputs"]["clip"] == graph["7"]["inputs"]["clip"] == ["10", 1]
    assert graph["8"]["inputs"]["vae"] == ["4", 2]


def test_a_model_without_a_text_encoder_gets_model_only_loras() -> None:
    graph = {"1": node("UNETLoader", unet_name="u"), "2": node("BasicGuider", model=["1", 0])}
    built = inject_loras(graph, [STYLE])
    assert built.graph["3"] == node(
        "LoraLoaderModelOnly", lora_name="style.safetensors", strength_model=0.6, model=["1", 0]
    )
    assert built.graph["2"]["inputs"]["model"] == ["3", 0]
    assert built.applied[0].on_text_encoder is False


@pytest.mark.parametrize("loader", ["CLIPLoader", "DualCLIPLoader", "TripleCLIPLoader", "QuadrupleCLIPLoader"])
def test_a_model_and_a_text_encoder_of_two_loaders_share_one_chain(loader: str) -> None:
    graph = {
        "1": node("UNETLoader", unet_name="u"),
        "2": node(loader),
        "3": node("CLIPTextEncode", text="a", clip=["2", 0]),
        "4": node("ModelSamplingSD3", model=["1", 0], shift=3.0),
        "5": node("KSampler", model=["4", 0], positive=["3", 0]),
    }
    built = inject_loras(graph, [STYLE, GRAIN]).graph
    assert built["4"]["inputs"]["model"] == ["7", 0]
    assert built["3"]["inputs"]["clip"] == ["7", 1]
    assert built["5"]["inputs"]["model"] == ["4", 0]


def test_a_checkpoint_whose_text_encoder_is_not_used_takes_the_other_loaders() -> None:
    graph = checkpoint_graph(clip=["5", 0]) | {"5": node("TripleCLIPLoader")}
    built = inject_loras(graph, [STYLE]).graph
    assert built["9"]["inputs"]["model"] == ["4", 0] and built["9"]["inputs"]["clip"] == ["5", 0]
    assert built["6"]["inputs"]["clip"] == ["9", 1]


def test_new_loras_come_behind_those_that_are_there() -> None:
    there = node("LoraLoader", lora_name="old", strength_model=1, strength_clip=1, model=["4", 0], clip=["4", 1])
    graph = checkpoint_graph(model=["12", 0], clip=["12", 1]) | {"12": there}
    built = inject_loras(graph, [STYLE]).graph
    assert built["12"] == there
    assert built["13"]["inputs"]["model"] == ["12", 0] and built["13"]["inputs"]["clip"] == ["12", 1]
    assert built["3"]["inputs"]["model"] == ["13", 0] and built["6"]["inputs"]["clip"] == ["13", 1]


def test_a_model_only_lora_that_is_there_leaves_the_text_encoder_at_its_loader() -> None:
    there = node("LoraLoaderModelOnly", lora_name="old", strength_model=1, model=["4", 0])
    built = inject_loras(checkpoint_graph(model=["12", 0]) | {"12": there}, [STYLE]).graph
    assert built["13"]["inputs"]["model"] == ["12", 0] and built["13"]["inputs"]["clip"] == ["4", 1]
    assert built["3"]["inputs"]["model"] == ["13", 0] and built["7"]["inputs"]["clip"] == ["13", 1]


def test_a_consumer_beside_a_lora_that_is_there_gets_the_new_one_too() -> None:
    there = node("LoraLoaderModelOnly", lora_name="old", strength_model=1, model=["4", 0])
    graph = checkpoint_graph(model=["12", 0]) | {"12": there, "20": node("KSampler", model=["4", 0])}
    built = inject_loras(graph, [STYLE])
    ends = {built.graph[n]["inputs"]["model"][0] for n in ("3", "20")}
    assert ends == set(built.applied[0].node_ids) and len(ends) == 2


def test_two_models_get_the_chain_each_and_the_text_encoder_hangs_on_one() -> None:
    graph = {
        "1": node("UNETLoader", unet_name="high"),
        "2": node("UNETLoader", unet_name="low"),
        "3": node("CLIPLoader"),
        "4": node("CLIPTextEncode", text="a", clip=["3", 0]),
        "5": node("KSamplerAdvanced", model=["1", 0]),
        "6": node("KSamplerAdvanced", model=["2", 0]),
    }
    built = inject_loras(graph, [STYLE, GRAIN])
    assert [lora.node_ids for lora in built.applied] == [("7", "9"), ("8", "10")]
    assert built.graph["5"]["inputs"]["model"] == ["8", 0] and built.graph["6"]["inputs"]["model"] == ["10", 0]
    assert built.graph["4"]["inputs"]["clip"] == ["8", 1]


def test_a_second_text_encoder_borrows_the_model() -> None:
    graph = checkpoint_graph() | {"11": node("CLIPLoader"), "12": node("CLIPTextEncode", text="c", clip=["11", 0])}
    built = inject_loras(graph, [STYLE])
    end = built.graph["12"]["inputs"]["clip"]
    assert end[1] == 1 and built.graph[end[0]]["inputs"]["clip"] == ["11", 0]
    assert built.graph["6"]["inputs"]["clip"] == ["13", 1]


def test_ids_of_subgraphs_stay_and_new_ones_do_not_collide() -> None:
    graph = checkpoint_graph("115:110") | {"110": node("SaveImage", images=["8", 0])}
    built = inject_loras(graph, [STYLE]).graph
    assert set(built) - set(graph) == {"116"}
    assert built["116"]["inputs"]["model"] == ["115:110", 0]


def test_without_loras_nothing_changes() -> None:
    graph = checkpoint_graph()
    built = inject_loras(graph, [])
    assert built.graph == graph and built.applied == ()
    built.graph["3"]["inputs"]["model"] = None
    assert graph["3"]["inputs"]["model"] == ["4", 0]


def test_strength_zero_stays_in_the_graph_as_one_end_of_a_comparison() -> None:
    built = inject_loras(checkpoint_graph(), [LoraChoice("style.safetensors", 0)])
    assert built.graph["9"]["inputs"]["strength_model"] == 0
    assert built.applied[0].strength == 0


def test_a_lora_of_another_family_is_refused_with_both_families() -> None:
    wrong = LoraChoice("f.safetensors", 0.6, ModelFamily.FLUX1)
    with pytest.raises(LoraFamilyError) as caught:
        inject_loras(checkpoint_graph(), [STYLE, wrong], ModelFamily.SDXL)
    assert caught.value.params == {"lora": "f.safetensors", "family": "flux1", "expected": "sdxl"}


def test_what_is_applied_says_whether_it_is_known_to_fit() -> None:
    fits = LoraChoice("x.safetensors", 0.6, ModelFamily.SDXL)
    applied = inject_loras(checkpoint_graph(), [fits, STYLE], ModelFamily.SDXL).applied
    assert [lora.is_verified for lora in applied] == [True, False]
    assert [lora.is_verified for lora in inject_loras(checkpoint_graph(), [fits]).applied] == [False]


def test_a_graph_without_a_known_loader_is_an_error_and_not_silence() -> None:
    graph = {"1": node("MysteryLoader"), "2": node("KSampler", model=["1", 0])}
    with pytest.raises(NoLoraPlaceError):
        inject_loras(graph, [STYLE])


def test_a_circle_of_loras_ends() -> None:
    graph = {
        "1": node("UNETLoader"),
        "2": node("LoraLoaderModelOnly", model=["3", 0]),
        "3": node("LoraLoaderModelOnly", model=["2", 0]),
        "4": node("KSampler", model=["1", 0]),
    }
    assert inject_loras(graph, [STYLE]).graph["4"]["inputs"]["model"] == ["5", 0]


def test_the_strength_of_the_person_counts_for_a_lora_that_the_config_brings_too() -> None:
    merged = merge_loras([LoraUse(name="a", strength=0.6), LoraUse(name="b")], [LoraUse(name="a", strength=0)])
    assert [(lora.name, lora.strength) for lora in merged] == [("a", 0.0), ("b", 0.6)]


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Node]:
    """Loaders of every kind, LoRAs behind some of them, consumers behind anything."""
    graph: dict[str, Node] = {}
    outputs: dict[str, list[list[Any]]] = {"model": [], "clip": []}
    ids = iter(draw(st.lists(st.from_regex(r"\A[0-9]{1,4}(:[0-9]{1,3})?\Z"), min_size=24, max_size=24, unique=True)))
    for loader in draw(st.lists(st.sampled_from(sorted(LOADER_OUTPUTS)), min_size=1, max_size=4)):
        graph[name := next(ids)] = node(loader)
        for kind, slot in LOADER_OUTPUTS[loader].items():
            outputs[kind].append([name, slot])
    for _ in range(draw(st.integers(0, 3))):
        if outputs["model"]:
            graph[name := next(ids)] = node("LoraLoaderModelOnly", model=draw(st.sampled_from(outputs["model"])))
            outputs["model"].append([name, 0])
    for kind in ("model", "clip"):
        for _ in range(draw(st.integers(1, 4))):
            if outputs[kind]:
                graph[next(ids)] = node("Consumer", **{kind: draw(st.sampled_from(outputs[kind]))})
    return graph


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.integers(1, 4))
def test_in_any_graph_every_consumer_hangs_behind_every_lora(graph: dict[str, Node], count: int) -> None:
    before = copy.deepcopy(graph)
    loras = [LoraChoice(f"{n}.safetensors") for n in range(count)]
    if not any(point.kind == "model" for point in lora_points(graph)):
        with pytest.raises(NoLoraPlaceError):
            inject_loras(graph, loras)
        return
    built = inject_loras(graph, loras).graph
    assert graph == before
    for node_id, was in before.items():
        for kind, link in was["inputs"].items():
            if was["class_type"] != "Consumer":
                assert built[node_id] == was
                continue
            at, names = built[node_id]["inputs"][kind], list[str]()
            while at[0] not in before:
                names.append(built[at[0]]["inputs"]["lora_name"])
                at = built[at[0]]["inputs"][kind]
            assert names == [lora.name for lora in reversed(loras)]
            assert at == link
