"""What a trainer family is: the contract of this package's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ai4artsed_desktop.domain.training.errors import VramTooSmallError
from ai4artsed_desktop.domain.training.options import OptionValue

Options = Mapping[str, OptionValue]

#: A card that is sold as 8 GB reports a little less; this much may be missing.
_VRAM_TOLERANCE_GB = 0.75

#: Adafactor's own steps would ignore the learning rate and force another scheduler.
ADAFACTOR: Options = MappingProxyType(
    {
        "optimizer_type": "Adafactor",
        "optimizer_args": ("relative_step=False", "scale_parameter=False", "warmup_init=False"),
    }
)
ADAMW_8BIT: Options = MappingProxyType({"optimizer_type": "AdamW8bit"})
ADAMW: Options = MappingProxyType({"optimizer_type": "AdamW"})


@dataclass(frozen=True, slots=True)
class Preset:
    """What fits into so much graphics memory.

    Attributes:
        vram_gb: From this much on.
        options: Over the family's own.
        is_documented: The trainer's documents vouch for it; else it is a proposal built on them, to be confirmed on
            real cards.
        needs_fp8_t5: The T5 text encoder must be an fp8 file: the fp16 one alone needs about 10 GB while its outputs
            are cached.
    """

    vram_gb: int
    options: Options
    is_documented: bool = False
    needs_fp8_t5: bool = False


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of the base model.

    Attributes:
        option: The trainer's option that names it.
        setting: Field of the training settings that holds its path.
        variable: Environment variable that names it before the setting; ``""`` if there is none by tradition.
        usual_name: As it is published.
    """

    option: str
    setting: str
    usual_name: str
    variable: str = ""


@dataclass(frozen=True, slots=True)
class TrainerFamily:
    """One family of models that LoRAs are trained for.

    Attributes:
        script: The trainer's program.
        output_prefix: Begins the LoRA's file name, so that its family is seen.
        options: Common to all presets.
        presets: Smallest first.
        files: The base model's files; the first is the model itself.
        tokenizers: Folders below ``tokenizer_cache_dir``: the hub's ids with ``/`` as ``_``.
        parameters_per_rank: Of the LoRA, without and with text encoders. Source: counted over the linear layers.
        max_blocks_to_swap: None = the family has no block swap.
        bucket_divisor: ``bucket_reso_steps`` must be a multiple of it.
        latent_channels: Of the cached latents, 1/8 of the picture's sides each.
        text_cache_bytes: Cached text outputs per picture, about; 0 = none.
        cache_suffixes: How the trainer ends its cache files: of latents, of texts.
    """

    id: str
    name: str
    script: str
    output_prefix: str
    options: Options
    presets: tuple[Preset, ...]
    files: tuple[ModelFile, ...]
    tokenizers: tuple[str, ...]
    parameters_per_rank: int
    text_encoder_parameters_per_rank: int = 0
    max_blocks_to_swap: int | None = None
    bucket_divisor: int = 64
    latent_channels: int = 4
    text_cache_bytes: int = 0
    cache_suffixes: tuple[str, str] = ("", "")

    @property
    def min_vram_gb(self) -> int:
        """The least graphics memory that a training of this family needs."""
        return self.presets[0].vram_gb

    def preset_for(self, vram_gb: float) -> Preset:
        """Return the largest preset that fits. Raises VramTooSmallError."""
        fitting = [preset for preset in self.presets if preset.vram_gb <= vram_gb + _VRAM_TOLERANCE_GB]
        if not fitting:
            raise VramTooSmallError(family=self.name, vram_gb=f"{vram_gb:g}", needed_gb=str(self.min_vram_gb))
        return fitting[-1]

    def smaller_than(self, preset_gb: int) -> Preset | None:
        """Return the next smaller preset, or None."""
        smaller = [preset for preset in self.presets if preset.vram_gb < preset_gb]
        return smaller[-1] if smaller else None


CLIP_L_TOKENIZER = "openai_clip-vit-large-patch14"
CLIP_G_TOKENIZER = "laion_CLIP-ViT-bigG-14-laion2B-39B-b160k"
T5_TOKENIZER = "google_t5-v1_1-xxl"

CLIP_L = ModelFile("clip_l", "clip_l", "clip_l.safetensors", "CLIP_L_PATH")
CLIP_G = ModelFile("clip_g", "clip_g", "clip_g.safetensors", "CLIP_G_PATH")
T5XXL = ModelFile("t5xxl", "t5xxl", "t5xxl_fp16.safetensors", "T5XXL_PATH")
