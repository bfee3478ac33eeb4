"""Where the trainer, its models and its results lie, as a person set it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict


class TrainingSettings(BaseModel):
    """Places of the LoRA studio; None = the usual place. Traditional environment variables (``KOHYA_DIR`` …) come
    first.

    Attributes:
        kohya_dir: Checkout of sd-scripts (or of a program that holds it as ``sd-scripts/``).
        kohya_python: Its Python; None = its ``venv`` or ``.venv``.
        lora_dir: Where finished LoRAs go.
        dataset_dir: Where projects lie.
        log_dir: Where training logs go; None = into the project.
        tokenizer_dir: Tokenizers that the trainer would otherwise ask the hub for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kohya_dir: Path | None = None
    kohya_python: Path | None = None
    lora_dir: Path | None = None
    dataset_dir: Path | None = None
    log_dir: Path | None = None
    tokenizer_dir: Path | None = None
    sd15_model: Path | None = None
    sdxl_model: Path | None = None
    sd35_medium_model: Path | None = None
    sd35_large_model: Path | None = None
    flux_model: Path | None = None
    flux_ae: Path | None = None
    clip_l: Path | None = None
    clip_g: Path | None = None
    t5xxl: Path | None = None
