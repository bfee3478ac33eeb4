"""Stable Diffusion 3.5 Large. Only 16 GB is documented (fp8, rank 4, 8-bit AdamW); the others are proposals."""

from __future__ import annotations

from ai4artsed_desktop.domain.training.families.base import (
    ADAFACTOR,
    ADAMW,
    ADAMW_8BIT,
    CLIP_G,
    CLIP_L,
    T5XXL,
    ModelFile,
    Preset,
    TrainerFamily,
)
from ai4artsed_desktop.domain.training.families.sd35_medium import (
    SD35_OPTIONS,
    SD35_TEXT_CACHE_BYTES,
    SD35_TOKENIZERS,
)

_FP8 = {"fp8_base": True}
_RANK_4 = {"network_dim": 4, "network_alpha": 4.0}
_RANK_16 = {"network_dim": 16, "network_alpha": 8.0}
_RANK_32 = {"network_dim": 32, "network_alpha": 16.0}

FAMILY = TrainerFamily(
    id="sd35_large",
    name="Stable Diffusion 3.5 Large",
    script="sd3_train_network.py",
    output_prefix="sd35",
    options=SD35_OPTIONS,
    presets=(
        Preset(
            8,
            {**ADAFACTOR, **_FP8, **_RANK_4, "blocks_to_swap": 34, "train_batch_size": 1, "resolution": "768,768"},
            needs_fp8_t5=True,
        ),
        Preset(12, {**ADAMW_8BIT, **_FP8, **_RANK_4, "blocks_to_swap": 22, "train_batch_size": 1}, needs_fp8_t5=True),
        Preset(16, {**ADAMW_8BIT, **_FP8, **_RANK_4, "train_batch_size": 1}, is_documented=True),
        Preset(24, {**ADAMW_8BIT, **_FP8, **_RANK_16, "train_batch_size": 4}),
        Preset(48, {**ADAMW_8BIT, **_RANK_16, "train_batch_size": 2}),
        Preset(80, {**ADAMW, **_RANK_32, "train_batch_size": 4}),
    ),
    files=(
        ModelFile(
            "pretrained_model_name_or_path", "sd35_large_model", "sd3.5_large.safetensors", "SD35_LARGE_MODEL_PATH"
        ),
        CLIP_L,
        CLIP_G,
        T5XXL,
    ),
    tokenizers=SD35_TOKENIZERS,
    parameters_per_rank=4_212_224,
    max_blocks_to_swap=36,
    bucket_divisor=32,
    latent_channels=16,
    text_cache_bytes=SD35_TEXT_CACHE_BYTES,
    cache_suffixes=("_sd3", "_sd3_te"),
)
