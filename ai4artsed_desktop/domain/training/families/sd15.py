"""Stable Diffusion 1.5. Presets: proposals over the trainer's remark "just about 8 GB" for 512 pixels."""

from __future__ import annotations

from ai4artsed_desktop.domain.training.families.base import (
    ADAMW,
    ADAMW_8BIT,
    CLIP_L_TOKENIZER,
    ModelFile,
    Preset,
    TrainerFamily,
)

_UNET_ONLY = {"network_train_unet_only": True}
_WITH_TEXT_ENCODER = {"text_encoder_lr": (5e-5,)}
_ALPHA_16 = {"network_dim": 32, "network_alpha": 16.0}

FAMILY = TrainerFamily(
    id="sd15",
    name="Stable Diffusion 1.5",
    script="train_network.py",
    output_prefix="sd15",
    options={
        "network_module": "networks.lora",
        "resolution": "512,512",
        "max_bucket_reso": 1024,
        "gradient_checkpointing": True,
        "min_snr_gamma": 5.0,
        "save_precision": "fp16",
        "sample_sampler": "euler_a",
    },
    presets=(
        Preset(8, {**ADAMW_8BIT, **_UNET_ONLY, "train_batch_size": 1, "network_dim": 16, "network_alpha": 8.0}),
        Preset(12, {**ADAMW_8BIT, **_WITH_TEXT_ENCODER, **_ALPHA_16, "train_batch_size": 4}),
        Preset(16, {**ADAMW, **_WITH_TEXT_ENCODER, **_ALPHA_16, "train_batch_size": 8}),
        Preset(
            24, {**ADAMW, **_WITH_TEXT_ENCODER, **_ALPHA_16, "train_batch_size": 8, "gradient_checkpointing": False}
        ),
        Preset(
            48, {**ADAMW, **_WITH_TEXT_ENCODER, **_ALPHA_16, "train_batch_size": 12, "gradient_checkpointing": False}
        ),
        Preset(
            80, {**ADAMW, **_WITH_TEXT_ENCODER, **_ALPHA_16, "train_batch_size": 16, "gradient_checkpointing": False}
        ),
    ),
    files=(ModelFile("pretrained_model_name_or_path", "sd15_model", "v1-5-pruned-emaonly.safetensors"),),
    tokenizers=(CLIP_L_TOKENIZER,),
    parameters_per_rank=423_936,
    text_encoder_parameters_per_rank=165_888,
    cache_suffixes=("_sd", "_te_outputs"),
)
