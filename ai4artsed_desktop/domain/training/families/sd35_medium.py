"""Stable Diffusion 3.5 Medium. No documented table: proposals from its size beside SD 3.5 Large."""

from __future__ import annotations

from ai4artsed_desktop.domain.training.families.base import (
    ADAMW,
    ADAMW_8BIT,
    CLIP_G,
    CLIP_G_TOKENIZER,
    CLIP_L,
    CLIP_L_TOKENIZER,
    T5_TOKENIZER,
    T5XXL,
    ModelFile,
    Preset,
    TrainerFamily,
)

_FP8 = {"fp8_base": True}
_RANK_8 = {"network_dim": 8, "network_alpha": 4.0}
_RANK_16 = {"network_dim": 16, "network_alpha": 8.0}
_RANK_32 = {"network_dim": 32, "network_alpha": 16.0}

#: Common to both sizes of SD 3.5.
SD35_OPTIONS = {
    "network_module": "networks.lora_sd3",
    "resolution": "1024,1024",
    "max_bucket_reso": 2048,
    "gradient_checkpointing": True,
    "network_train_unet_only": True,
    "cache_text_encoder_outputs": True,
    "cache_text_encoder_outputs_to_disk": True,
    "t5xxl_max_token_length": 256,
    "training_shift": 1.0,
    "weighting_scheme": "uniform",
    "save_precision": "bf16",
}
SD35_TOKENIZERS = (CLIP_L_TOKENIZER, CLIP_G_TOKENIZER, T5_TOKENIZER)
#: 333 tokens of 4,096 numbers and 2,048 pooled ones of 4 bytes, and both masks.
SD35_TEXT_CACHE_BYTES = 5_600_000

FAMILY = TrainerFamily(
    id="sd35_medium",
    name="Stable Diffusion 3.5 Medium",
    script="sd3_train_network.py",
    output_prefix="sd35_medium",
    options=SD35_OPTIONS,
    presets=(
        Preset(8, {**ADAMW_8BIT, **_FP8, **_RANK_8, "blocks_to_swap": 18, "train_batch_size": 1}, needs_fp8_t5=True),
        Preset(12, {**ADAMW_8BIT, **_FP8, **_RANK_16, "blocks_to_swap": 8, "train_batch_size": 1}, needs_fp8_t5=True),
        Preset(16, {**ADAMW_8BIT, **_RANK_16, "train_batch_size": 1}),
        Preset(24, {**ADAMW_8BIT, **_RANK_32, "train_batch_size": 4}),
        Preset(48, {**ADAMW, **_RANK_32, "train_batch_size": 8}),
        Preset(80, {**ADAMW, **_RANK_32, "train_batch_size": 12}),
    ),
    files=(
        ModelFile("pretrained_model_name_or_path", "sd35_medium_model", "sd3.5_medium.safetensors"),
        CLIP_L,
        CLIP_G,
        T5XXL,
    ),
    tokenizers=SD35_TOKENIZERS,
    parameters_per_rank=1_850_880,
    max_blocks_to_swap=22,
    bucket_divisor=32,
    latent_channels=16,
    text_cache_bytes=SD35_TEXT_CACHE_BYTES,
    cache_suffixes=("_sd3", "_sd3_te"),
)
