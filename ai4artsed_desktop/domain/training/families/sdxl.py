"""Stable Diffusion XL.

8 GB as the trainer's document says: U-Net only, all caches, rank 4 to 8; the others are proposals.
"""

from __future__ import annotations

from ai4artsed_desktop.domain.training.families.base import (
    ADAMW,
    ADAMW_8BIT,
    CLIP_G_TOKENIZER,
    CLIP_L_TOKENIZER,
    ModelFile,
    Preset,
    TrainerFamily,
)

_RANK_8 = {"network_dim": 8, "network_alpha": 4.0}
_RANK_16 = {"network_dim": 16, "network_alpha": 8.0}
_RANK_32 = {"network_dim": 32, "network_alpha": 16.0}

FAMILY = TrainerFamily(
    id="sdxl",
    name="Stable Diffusion XL",
    script="sdxl_train_network.py",
    output_prefix="sdxl",
    options={
        "network_module": "networks.lora",
        "resolution": "1024,1024",
        "max_bucket_reso": 2048,
        "gradient_checkpointing": True,
        "network_train_unet_only": True,
        "cache_text_encoder_outputs": True,
        "cache_text_encoder_outputs_to_disk": True,
        "no_half_vae": True,
        "min_snr_gamma": 5.0,
        "save_precision": "fp16",
        "sample_sampler": "euler_a",
    },
    presets=(
        Preset(8, {**ADAMW_8BIT, **_RANK_8, "train_batch_size": 1, "fp8_base_unet": True}, is_documented=True),
        Preset(12, {**ADAMW_8BIT, **_RANK_16, "train_batch_size": 1}),
        Preset(16, {**ADAMW_8BIT, **_RANK_32, "train_batch_size": 2}),
        Preset(24, {**ADAMW, **_RANK_32, "train_batch_size": 4}),
        Preset(48, {**ADAMW, **_RANK_32, "train_batch_size": 8}),
        Preset(80, {**ADAMW, **_RANK_32, "train_batch_size": 12}),
    ),
    files=(ModelFile("pretrained_model_name_or_path", "sdxl_model", "sd_xl_base_1.0.safetensors"),),
    tokenizers=(CLIP_L_TOKENIZER, CLIP_G_TOKENIZER),
    parameters_per_rank=2_659_840,
    bucket_divisor=32,
    text_cache_bytes=640_000,  # (77 × 768 + 77 × 1280 + 1280) numbers of 4 bytes
    cache_suffixes=("_sdxl", "_te_outputs"),
)
