"""FLUX.1 dev. 8 to 24 GB as the trainer's document says (fp8, block swap); 48 and 80 GB are proposals without fp8."""

from __future__ import annotations

from ai4artsed_desktop.domain.training.families.base import (
    ADAFACTOR,
    ADAMW,
    ADAMW_8BIT,
    CLIP_L,
    CLIP_L_TOKENIZER,
    T5_TOKENIZER,
    T5XXL,
    ModelFile,
    Preset,
    TrainerFamily,
)

_FP8 = {"fp8_base": True}
_RANK_4 = {"network_dim": 4, "network_alpha": 4.0}
_RANK_16 = {"network_dim": 16, "network_alpha": 8.0}
_RANK_32 = {"network_dim": 32, "network_alpha": 16.0}

FAMILY = TrainerFamily(
    id="flux",
    name="FLUX.1 dev",
    script="flux_train_network.py",
    output_prefix="flux",
    options={
        "network_module": "networks.lora_flux",
        "model_type": "flux",
        "resolution": "1024,1024",
        "max_bucket_reso": 2048,
        "gradient_checkpointing": True,
        "network_train_unet_only": True,
        "cache_text_encoder_outputs": True,
        "cache_text_encoder_outputs_to_disk": True,
        "t5xxl_max_token_length": 512,
        # The parser's own defaults (3.5, sigma, sigma_scaled) are not the ones its document recommends.
        "guidance_scale": 1.0,
        "timestep_sampling": "flux_shift",
        "model_prediction_type": "raw",
        "save_precision": "bf16",
    },
    presets=(
        Preset(
            8,
            {**ADAFACTOR, **_FP8, **_RANK_4, "blocks_to_swap": 28, "train_batch_size": 1},
            is_documented=True,
            needs_fp8_t5=True,
        ),
        Preset(
            12,
            {**ADAMW_8BIT, **_FP8, **_RANK_16, "blocks_to_swap": 16, "train_batch_size": 1},
            is_documented=True,
            needs_fp8_t5=True,
        ),
        Preset(16, {**ADAMW_8BIT, **_FP8, **_RANK_16, "blocks_to_swap": 8, "train_batch_size": 1}, is_documented=True),
        Preset(24, {**ADAMW_8BIT, **_FP8, **_RANK_16, "train_batch_size": 2}, is_documented=True),
        Preset(48, {**ADAMW_8BIT, **_RANK_16, "train_batch_size": 2}),
        Preset(80, {**ADAMW, **_RANK_32, "train_batch_size": 4}),
    ),
    files=(
        ModelFile("pretrained_model_name_or_path", "flux_model", "flux1-dev.safetensors"),
        CLIP_L,
        T5XXL,
        ModelFile("ae", "flux_ae", "ae.safetensors"),
    ),
    tokenizers=(CLIP_L_TOKENIZER, T5_TOKENIZER),
    parameters_per_rank=4_786_176,
    max_blocks_to_swap=35,
    latent_channels=16,
    text_cache_bytes=8_500_000,  # 512 tokens of 4,096 numbers of 4 bytes, ids and masks
    cache_suffixes=("_flux", "_flux_te"),
)
