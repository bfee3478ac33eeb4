"""What a model file is for, by the names of its tensors: which of a media server's folders it belongs in. Pure.

Source of the names: the published weights of the models that the shipped chunks load, and of their LoRAs; for GGUF the
architectures that the node pack ComfyUI-GGUF writes and reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from ai4artsed_desktop.domain.gguf import GgufHeader
from ai4artsed_desktop.domain.safetensors import SafetensorsHeader, lora_facts


class ModelKind(StrEnum):
    """Kinds of model files; the value is the name of the folder they belong in."""

    CHECKPOINT = "checkpoints"
    DIFFUSION_MODEL = "diffusion_models"
    TEXT_ENCODER = "text_encoders"
    VAE = "vae"
    LORA = "loras"
    CONTROLNET = "controlnet"
    CLIP_VISION = "clip_vision"


_DIFFUSION_PREFIX = "model.diffusion_model."
#: What a checkpoint holds beside its diffusion model: the VAE, the text encoders.
_COMPANIONS = ("first_stage_model.", "vae.", "conditioner.", "cond_stage_model.", "text_encoders.")
#: First match wins: (kind, parts that must all begin or stand in some tensor's name).
_MARKS: tuple[tuple[ModelKind, tuple[str, ...]], ...] = (
    (ModelKind.CONTROLNET, ("control_model.",)),
    (ModelKind.CONTROLNET, ("controlnet_blocks.",)),
    (ModelKind.CONTROLNET, ("controlnet_cond_embedding.",)),
    (ModelKind.CLIP_VISION, ("vision_model.encoder.", "visual_projection")),
    (ModelKind.CLIP_VISION, ("vision_model.encoder.", "vision_model.post_layernorm")),
    (ModelKind.VAE, ("first_stage_model.",)),
    (ModelKind.VAE, ("encoder.conv_in.", "decoder.conv_in.")),
    (ModelKind.VAE, ("encoder.conv1.", "decoder.conv1.")),
    (ModelKind.VAE, ("encoder.down_blocks.", "decoder.up_blocks.")),
    (ModelKind.DIFFUSION_MODEL, ("double_blocks.", "img_in.")),
    (ModelKind.DIFFUSION_MODEL, ("joint_blocks.", "x_embedder.")),
    (ModelKind.DIFFUSION_MODEL, ("transformer_blocks.", "img_in.")),
    (ModelKind.DIFFUSION_MODEL, ("transformer_blocks.", "patchify_proj.")),
    (ModelKind.DIFFUSION_MODEL, ("transformer_blocks.", "x_embedder.")),
    (ModelKind.DIFFUSION_MODEL, ("patch_embedding.", "time_embedding.")),
    (ModelKind.DIFFUSION_MODEL, ("input_blocks.", "output_blocks.", "time_embed.")),
    (ModelKind.DIFFUSION_MODEL, ("down_blocks.", "up_blocks.", "time_embedding.")),
    (ModelKind.TEXT_ENCODER, ("text_model.encoder.",)),
    (ModelKind.TEXT_ENCODER, ("encoder.block.0.layer.0.SelfAttention.",)),
    (ModelKind.TEXT_ENCODER, ("model.layers.0.self_attn.",)),
    (ModelKind.TEXT_ENCODER, ("language_model.layers.0.self_attn.",)),
    (ModelKind.TEXT_ENCODER, ("transformer.resblocks.", "token_embedding.")),
)
_GGUF_DIFFUSION = frozenset(
    {
        "flux",
        "sd1",
        "sdxl",
        "sd3",
        "aura",
        "ltxv",
        "hyvid",
        "wan",
        "hidream",
        "cosmos",
        "qwen_image",
        "lumina2",
        "chroma",
    }
)
_GGUF_TEXT_ENCODERS = frozenset({"t5", "t5encoder"})


def kind_of(header: SafetensorsHeader) -> ModelKind | None:
    """Return what a safetensors file is for, None if its tensors are not known."""
    names = header.tensors
    if not names:
        return None
    if lora_facts(header).is_lora:
        return ModelKind.LORA
    if any(name.startswith(_DIFFUSION_PREFIX) for name in names):
        is_whole = any(name.startswith(_COMPANIONS) for name in names)
        return ModelKind.CHECKPOINT if is_whole else ModelKind.DIFFUSION_MODEL
    return next((kind for kind, marks in _MARKS if all(_stands_in(mark, names) for mark in marks)), None)


def kind_of_gguf(header: GgufHeader) -> ModelKind | None:
    """Return what a GGUF file is for on a media server; None for text models and what is not known."""
    if header.architecture in _GGUF_DIFFUSION:
        return ModelKind.DIFFUSION_MODEL
    return ModelKind.TEXT_ENCODER if header.architecture in _GGUF_TEXT_ENCODERS else None


def _stands_in(mark: str, names: Iterable[str]) -> bool:
    """Tell whether a name begins with the mark, also behind one part such as ``diffusion_model.`` or ``model.``."""
    return any(name.startswith(mark) or f".{mark}" in name for name in names)
