"""From a family, a card and pictures to the trainer's file: steps, saves, disk, and every option with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from ai4artsed_desktop.domain.training.buckets import Bucket, BucketRule, steps_per_epoch
from ai4artsed_desktop.domain.training.dataset import FEW_PICTURES, DatasetReport
from ai4artsed_desktop.domain.training.errors import DatasetError
from ai4artsed_desktop.domain.training.families.base import Options, Preset, TrainerFamily
from ai4artsed_desktop.domain.training.options import OptionSchema, OptionValue
from ai4artsed_desktop.domain.training.rules import check_rules
from ai4artsed_desktop.domain.training.toml_text import toml_text

#: How often each picture is looked at, and how many looks a training has at least and at most (rules of thumb of the
#: field:
#: LoRAs of a subject are good after about 100 looks per picture).
LOOKS_PER_PICTURE = 100
MIN_LOOKS, MAX_LOOKS = 1_500, 8_000
#: Steps are rounded up to a multiple, so that saves fall on round numbers.
STEP_GRAIN = 50
MIN_STEPS = 200
#: Shorter epochs only cost pauses: a small set of pictures is repeated within one.
MIN_EPOCH_STEPS = 50
SAVES_PER_TRAINING = 5
#: Complete states kept for resuming; while a new one is written there is one more, and the trainer writes one at its
#: end.
STATES_KEPT = 2

_BYTES_PER_NUMBER = {"fp16": 2, "bf16": 2, "float": 4}
#: fp32 weights and two moments per number; 8-bit optimizers keep the moments in a byte each, Adafactor almost none.
_STATE_BYTES_PER_PARAMETER = {"adamw8bit": 6, "adafactor": 5}
_FULL_STATE_BYTES = 12
_SAMPLE_BYTES = 2_000_000
_LOG_BYTES = 200_000_000

#: Which table of the file an option stands in; the trainer does not care, people do.
_SECTIONS: dict[str, tuple[str, ...]] = {
    "model": (
        "pretrained_model_name_or_path", "clip_l", "clip_g", "t5xxl", "ae", "vae", "model_type", "tokenizer_cache_dir",
        "t5xxl_max_token_length",
    ),
    "dataset": (
        "train_data_dir", "caption_extension", "resolution", "enable_bucket", "min_bucket_reso", "max_bucket_reso",
        "bucket_reso_steps", "train_batch_size", "max_data_loader_n_workers", "seed",
    ),
    "network": ("network_module", "network_dim", "network_alpha", "network_train_unet_only", "network_args"),
    "optimizer": (
        "optimizer_type", "optimizer_args", "learning_rate", "text_encoder_lr", "lr_scheduler", "lr_warmup_steps",
    ),
    "training": (
        "max_train_steps", "mixed_precision", "guidance_scale", "timestep_sampling", "model_prediction_type",
        "training_shift", "weighting_scheme", "min_snr_gamma",
    ),
    "memory": (
        "sdpa", "gradient_checkpointing", "cache_latents", "cache_latents_to_disk", "vae_batch_size",
        "cache_text_encoder_outputs", "cache_text_encoder_outputs_to_disk", "fp8_base", "fp8_base_unet",
        "blocks_to_swap", "no_half_vae",
    ),
    "saving": (
        "output_dir", "output_name", "save_model_as", "save_precision", "save_every_n_steps", "save_state",
        "save_last_n_steps_state", "resume", "skip_until_initial_step", "training_comment",
    ),
    "sampling": ("sample_prompts", "sample_every_n_steps", "sample_sampler"),
    "logging": ("logging_dir", "log_with"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TrainingPlaces:
    """Where a training reads and writes; paths as the trainer gets them.

    Attributes:
        model_files: The trainer's option → path.
    """

    data_dir: str
    output_dir: str
    logging_dir: str
    sample_prompts: str
    tokenizer_dir: str
    model_files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a person decides.

    Attributes:
        steps: None = as many as the pictures ask for.
        changes: Options of the trainer, over everything else (the expert form).
    """

    project: str
    family: TrainerFamily
    vram_gb: float
    trigger: str = ""
    steps: int | None = None
    seed: int = 42
    precision: str = "bf16"
    changes: Mapping[str, OptionValue] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class DiskNeed:
    """Bytes a training will write, by what they are for."""

    checkpoints: int
    states: int
    caches: int
    samples_and_log: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.checkpoints + self.states + self.caches + self.samples_and_log


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """One training, decided to the last option.

    Attributes:
        repeats: How often each picture stands in one epoch; only keeps epochs from being tiny.
        notes: Language-file keys of what a person should know.
    """

    family: TrainerFamily
    preset: Preset
    project: str
    vram_gb: float
    pictures: int
    repeats: int
    steps: int
    epoch_steps: int
    save_every: int
    buckets: tuple[Bucket, ...]
    sections: Mapping[str, Mapping[str, OptionValue]]
    disk: DiskNeed
    lora_bytes: int
    state_bytes: int
    notes: tuple[str, ...] = ()

    @property
    def options(self) -> dict[str, OptionValue]:
        """All options, as the trainer sees them."""
        return {name: value for section in self.sections.values() for name, value in section.items()}

    @property
    def epochs(self) -> int:
        """How often the pictures are gone through."""
        return math.ceil(self.steps / self.epoch_steps)

    @property
    def batch(self) -> int:
        """Pictures per step."""
        return _whole(self.options, "train_batch_size", 1)

    @property
    def rank(self) -> int:
        """The LoRA's width."""
        return _whole(self.options, "network_dim", 4)

    @property
    def output_name(self) -> str:
        """The LoRA's file name without extension."""
        return str(self.options["output_name"])

    def toml(self) -> str:
        """Return exactly the file that the trainer gets."""
        return toml_text(self.sections)


def make_plan(
    request: PlanRequest, dataset: DatasetReport, places: TrainingPlaces, schema: OptionSchema
) -> TrainingPlan:
    """Decide a training.

    Raises:
        VramTooSmallError: No preset of the family fits.
        DatasetError: There is no usable picture.
        OptionError, OptionRuleError: A changed option is unknown, of a wrong type, or clashes with another.
    """
    family = request.family
    preset = family.preset_for(request.vram_gb)
    if not dataset.usable:
        raise DatasetError(folder=dataset.folder, reason="training.dataset.empty")
    schema.check(request.changes)
    options = _base_options(request, preset, places) | dict(request.changes)
    check_rules(options, family)
    rule = bucket_rule(options, family)
    buckets = dataset.buckets(rule)
    batch = _whole(options, "train_batch_size", 1)
    repeats = max(1, math.ceil(MIN_EPOCH_STEPS * batch / len(dataset.usable)))
    epoch_steps = steps_per_epoch(buckets, repeats, batch)
    steps = _steps(request, epoch_steps, target_steps(len(dataset.usable), batch))
    save_every = _whole(request.changes, "save_every_n_steps", save_interval(steps))
    saving = {"max_train_steps": steps, "save_every_n_steps": save_every, "save_last_n_steps_state": save_every}
    if options.get("sample_prompts"):
        saving["sample_every_n_steps"] = save_every
    if "lr_warmup_steps" not in request.changes:
        saving["lr_warmup_steps"] = min(100, steps // 20)
    options = {**options, **saving, **request.changes}
    schema.check(options)
    check_rules(options, family)
    lora_bytes, state_bytes = lora_sizes(family, options)
    return TrainingPlan(
        family=family,
        preset=preset,
        project=request.project,
        vram_gb=request.vram_gb,
        pictures=len(dataset.usable),
        repeats=repeats,
        steps=steps,
        epoch_steps=epoch_steps,
        save_every=save_every,
        buckets=tuple(buckets),
        sections=_in_sections(options),
        disk=_disk_need(family, options, rule, len(dataset.usable), steps, save_every),
        lora_bytes=lora_bytes,
        state_bytes=state_bytes,
        notes=_notes(request, preset, dataset, options),
    )


def target_steps(pictures: int, batch: int) -> int:
    """Return how many steps so many pictures ask for."""
    looks = min(max(pictures * LOOKS_PER_PICTURE, MIN_LOOKS), MAX_LOOKS)
    return max(MIN_STEPS, math.ceil(looks / batch / STEP_GRAIN) * STEP_GRAIN)


def _steps(request: PlanRequest, epoch_steps: int, wanted: int) -> int:
    """Return the steps in force: the trainer lets epochs win over steps."""
    if "max_train_epochs" in request.changes:
        return epoch_steps * _whole(request.changes, "max_train_epochs", 1)
    return max(1, _whole(request.changes, "max_train_steps", request.steps or wanted))


def save_interval(steps: int) -> int:
    """Return after how many steps a training saves."""
    grain = STEP_GRAIN if steps >= SAVES_PER_TRAINING * STEP_GRAIN else 1
    return max(1, math.ceil(steps / SAVES_PER_TRAINING / grain) * grain)


def lora_sizes(family: TrainerFamily, options: Mapping[str, OptionValue]) -> tuple[int, int]:
    """Return the bytes of the LoRA file and of one state folder."""
    per_rank = family.parameters_per_rank
    if not options.get("network_train_unet_only"):
        per_rank += family.text_encoder_parameters_per_rank
    parameters = per_rank * _whole(options, "network_dim", 4)
    number_bytes = _BYTES_PER_NUMBER.get(str(options.get("save_precision", "float")), 4)
    optimizer = str(options.get("optimizer_type", "")).lower()
    return parameters * number_bytes, parameters * _STATE_BYTES_PER_PARAMETER.get(optimizer, _FULL_STATE_BYTES)


def picture_options(
    family: TrainerFamily, vram_gb: float | None = None, changes: Mapping[str, OptionValue] = MappingProxyType({})
) -> dict[str, OptionValue]:
    """Return the options that decide at which sizes pictures are trained.

    Args:
        vram_gb: Chooses the preset; None = the card is not known yet.
        changes: The person's own options.
    """
    preset: Options = {}
    if vram_gb is not None:
        preset = family.preset_for(max(vram_gb, family.min_vram_gb)).options
    return {"enable_bucket": True, **family.options, **preset, **changes}


def smallest_side_px(options: Mapping[str, OptionValue]) -> int:
    """Return the side of the square that pictures are trained on, in pixels."""
    return min(int(side) for side in str(options["resolution"]).split(","))


def bucket_rule(options: Mapping[str, OptionValue], family: TrainerFamily) -> BucketRule:
    """Return how a file's options group pictures."""
    sides = [int(part) for part in str(options["resolution"]).split(",")]
    size = (sides[0], sides[-1])
    step = _whole(options, "bucket_reso_steps", 64)
    if not options.get("enable_bucket"):
        return BucketRule(size, min(size), max(size), math.gcd(*size))
    return BucketRule(size, _whole(options, "min_bucket_reso", 256), _whole(options, "max_bucket_reso", 1024), step)


def _base_options(request: PlanRequest, preset: Preset, places: TrainingPlaces) -> dict[str, OptionValue]:
    family = request.family
    common: dict[str, OptionValue] = {
        **places.model_files,
        "tokenizer_cache_dir": places.tokenizer_dir,
        "train_data_dir": places.data_dir,
        "caption_extension": ".txt",
        "enable_bucket": True,
        "min_bucket_reso": 256,
        "bucket_reso_steps": 64,
        "max_data_loader_n_workers": 0,
        "seed": request.seed,
        "learning_rate": 1e-4,
        "lr_scheduler": "constant_with_warmup",
        "mixed_precision": request.precision,
        "sdpa": True,
        "cache_latents": True,
        "cache_latents_to_disk": True,
        "vae_batch_size": 1,
        "output_dir": places.output_dir,
        "output_name": f"{family.output_prefix}_{request.project}",
        "save_model_as": "safetensors",
        "save_state": True,
        "sample_prompts": places.sample_prompts,
        "logging_dir": places.logging_dir,
        "log_with": "tensorboard",
    }
    if request.trigger:
        common["training_comment"] = f"trigger words: {request.trigger}"
    options = {**common, **family.options, **preset.options}
    if request.precision == "no":
        options = {name: value for name, value in options.items() if name not in ("fp8_base", "fp8_base_unet")}
    if request.precision == "fp16":
        options["no_half_vae"] = True  # its VAE overflows in fp16 on SDXL, and costs nothing elsewhere
    return options


def _in_sections(options: Mapping[str, OptionValue]) -> dict[str, dict[str, OptionValue]]:
    sections = {
        section: {name: options[name] for name in names if name in options} for section, names in _SECTIONS.items()
    }
    placed = {name for names in _SECTIONS.values() for name in names}
    further = {name: value for name, value in options.items() if name not in placed}
    return {**sections, "further": further} if further else sections


def _disk_need(
    family: TrainerFamily, options: Mapping[str, OptionValue], rule: BucketRule, pictures: int, steps: int, every: int
) -> DiskNeed:
    lora, state = lora_sizes(family, options)
    saves = steps // every
    width, height = rule.resolution_px
    latent = width // 8 * (height // 8) * family.latent_channels * 4
    has_text_cache = bool(options.get("cache_text_encoder_outputs_to_disk"))
    text = family.text_cache_bytes if has_text_cache else 0
    # The final LoRA stays beside the checkpoints until it stands in the LoRA folder.
    return DiskNeed(
        checkpoints=lora * (saves + 2),
        states=state * (min(saves, STATES_KEPT) + 2),
        caches=pictures * (latent + text) if options.get("cache_latents_to_disk") else 0,
        samples_and_log=(saves * 2 * _SAMPLE_BYTES if options.get("sample_prompts") else 0) + _LOG_BYTES,
    )


def _notes(
    request: PlanRequest, preset: Preset, dataset: DatasetReport, options: Mapping[str, OptionValue]
) -> tuple[str, ...]:
    usable = len(dataset.usable)
    trains_small_size = options.get("resolution") != request.family.options.get("resolution")
    candidates = (
        ("training.note.proposal", not preset.is_documented),
        ("training.note.fp8_t5", preset.needs_fp8_t5),
        ("training.note.smaller_pictures", trains_small_size),
        ("training.note.few_pictures", usable < FEW_PICTURES),
        ("training.note.captions", dataset.captioned < usable),
        ("training.note.left_out", usable < len(dataset.pictures)),
        ("training.note.duplicates", dataset.count("duplicate") > 0),
        ("training.note.blurred", dataset.count("blurred") > 0),
        ("training.note.bitsandbytes", str(options.get("optimizer_type", "")).lower().endswith("8bit")),
    )
    return tuple(key for key, is_so in candidates if is_so)


def _whole(options: Mapping[str, OptionValue], name: str, default: int) -> int:
    value = options.get(name, default)
    assert isinstance(value, int), f"{name} is checked against the schema before"
    return value
