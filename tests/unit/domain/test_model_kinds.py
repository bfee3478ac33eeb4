"""Model files told by their tensors' names: what each kind looks like in published weights."""

from __future__ import annotations

import pytest

from ai4artsed_desktop.domain.gguf import GgufHeader
from ai4artsed_desktop.domain.model_kinds import ModelKind, kind_of, kind_of_gguf
from ai4artsed_desktop.domain.safetensors import SafetensorsHeader, TensorInfo


def header(*names: str) -> SafetensorsHeader:
    return SafetensorsHeader({name: TensorInfo("F16", (4, 4)) for name in names}, {}, 0)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (
            ModelKind.CHECKPOINT,
            ("model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.encoder.conv_in.weight"),
        ),
        (
            ModelKind.CHECKPOINT,
            ("model.diffusion_model.joint_blocks.0.x_block.attn.qkv.weight", "first_stage_model.decoder.conv_in.bias"),
        ),
        (ModelKind.DIFFUSION_MODEL, ("model.diffusion_model.double_blocks.0.img_attn.qkv.weight",)),
        (ModelKind.DIFFUSION_MODEL, ("double_blocks.0.img_attn.qkv.weight", "img_in.weight")),
        (ModelKind.DIFFUSION_MODEL, ("transformer_blocks.0.img_mlp.net.0.proj.weight", "img_in.weight")),
        (
            ModelKind.DIFFUSION_MODEL,
            ("blocks.0.cross_attn.k.weight", "patch_embedding.weight", "time_embedding.0.bias"),
        ),
        (ModelKind.TEXT_ENCODER, ("text_model.encoder.layers.0.mlp.fc1.weight", "logit_scale")),
        (ModelKind.TEXT_ENCODER, ("encoder.block.0.layer.0.SelfAttention.q.weight", "shared.weight")),
        (ModelKind.TEXT_ENCODER, ("model.layers.0.self_attn.q_proj.weight", "model.embed_tokens.weight")),
        (ModelKind.VAE, ("encoder.conv_in.weight", "decoder.conv_in.weight", "quant_conv.weight")),
        (ModelKind.VAE, ("encoder.conv1.weight", "decoder.conv1.weight", "conv2.weight")),
        (ModelKind.VAE, ("first_stage_model.encoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight")),
        (ModelKind.LORA, ("lora_unet_down_blocks_0.lora_down.weight", "lora_unet_down_blocks_0.lora_up.weight")),
        (ModelKind.LORA, ("transformer.double_blocks.0.img_attn.lora_A.weight", "img_in.lora_B.weight")),
        (ModelKind.CONTROLNET, ("control_model.input_blocks.0.0.weight",)),
        (ModelKind.CLIP_VISION, ("vision_model.encoder.layers.0.mlp.fc1.weight", "visual_projection.weight")),
        (None, ("something.else.weight",)),
        (None, ()),
    ],
)
def test_a_file_is_told_by_its_tensors(kind: ModelKind | None, names: tuple[str, ...]) -> None:
    assert kind_of(header(*names)) is kind


@pytest.mark.parametrize(
    ("architecture", "kind"),
    [
        ("flux", ModelKind.DIFFUSION_MODEL),
        ("qwen_image", ModelKind.DIFFUSION_MODEL),
        ("t5encoder", ModelKind.TEXT_ENCODER),
        ("llama", None),
        ("clip", None),
    ],
)
def test_a_gguf_file_is_told_by_its_architecture(architecture: str, kind: ModelKind | None) -> None:
    head = GgufHeader(architecture, None, None, None, 0, False, (), None, 0)
    assert kind_of_gguf(head) is kind
