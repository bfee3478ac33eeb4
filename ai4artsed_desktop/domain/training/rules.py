"""What the trainer's options demand of each other. It finds most of this out only after minutes of loading, or never.

Source: the trainer's behaviour as recorded (contract of sd-scripts 0.10.1); each rule names what happens otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ai4artsed_desktop.domain.training.errors import OptionRuleError
from ai4artsed_desktop.domain.training.families.base import TrainerFamily

Options = Mapping[str, Any]
_Broken = Callable[[Options, TrainerFamily], bool]

#: Schedulers that die with a warm-up, after the model is loaded. Unset means constant.
_WITHOUT_WARMUP = {"", "constant", "adafactor"}

#: They move or change the lines that say whether a training succeeded.
_LOG_CHANGES = ("console_log_simple", "console_log_file", "console_log_level")


@dataclass(frozen=True, slots=True)
class _Rule:
    option: str
    key: str
    is_broken: _Broken


def _sides(options: Options) -> list[int]:
    parts = str(options.get("resolution", "")).split(",")
    return [int(part) if part.strip().isdecimal() else 0 for part in parts]


def _has_bad_sides(options: Options, family: TrainerFamily) -> bool:
    sides = _sides(options)
    return len(sides) > 2 or min(sides) < 64


def _leaves_buckets(options: Options, family: TrainerFamily) -> bool:
    sides = _sides(options)
    low, high = options.get("min_bucket_reso", 256), options.get("max_bucket_reso", 1024)
    return bool(options.get("enable_bucket")) and not (low <= min(sides) and max(sides) <= high)


def _is_bad_step(options: Options, family: TrainerFamily) -> bool:
    return bool(options.get("enable_bucket")) and options.get("bucket_reso_steps", 64) % family.bucket_divisor != 0


def _swaps_too_many(options: Options, family: TrainerFamily) -> bool:
    return options.get("blocks_to_swap", 0) > (family.max_blocks_to_swap or 0)


def _warms_up_wrongly(options: Options, family: TrainerFamily) -> bool:
    return bool(options.get("lr_warmup_steps")) and options.get("lr_scheduler", "") in _WITHOUT_WARMUP


def _has_huge_warmup(options: Options, family: TrainerFamily) -> bool:
    warmup = options.get("lr_warmup_steps", 0)
    return isinstance(warmup, float) and warmup > 1.0


def _is_relative_adafactor(options: Options, family: TrainerFamily) -> bool:
    is_adafactor = str(options.get("optimizer_type", "")).lower() == "adafactor"
    return is_adafactor and "relative_step=False" not in options.get("optimizer_args", ())


def _caches_texts_it_changes(options: Options, family: TrainerFamily) -> bool:
    changes = ("shuffle_caption", "caption_dropout_rate", "caption_tag_dropout_rate", "token_warmup_step")
    return bool(options.get("cache_text_encoder_outputs")) and any(options.get(name) for name in changes)


def _caches_texts_it_trains(options: Options, family: TrainerFamily) -> bool:
    if not options.get("cache_text_encoder_outputs"):
        return False
    trains_t5 = "train_t5xxl=True" in options.get("network_args", ())
    return trains_t5 or (family.id == "sdxl" and not options.get("network_train_unet_only"))


def _swaps_and_offloads(options: Options, family: TrainerFamily) -> bool:
    return bool(options.get("blocks_to_swap") and options.get("cpu_offload_checkpointing"))


def _caches_what_it_crops(options: Options, family: TrainerFamily) -> bool:
    return bool(options.get("cache_latents") and (options.get("color_aug") or options.get("random_crop")))


def _lacks_precision_for_fp8(options: Options, family: TrainerFamily) -> bool:
    is_fp8 = options.get("fp8_base") or options.get("fp8_base_unet")
    return bool(is_fp8 and options.get("mixed_precision", "no") == "no")


def _mixes_precisions(options: Options, family: TrainerFamily) -> bool:
    return any(options.get(f"full_{kind}") and options.get("mixed_precision") != kind for kind in ("bf16", "fp16"))


def _samples_without_prompts(options: Options, family: TrainerFamily) -> bool:
    is_on = options.get("sample_every_n_steps") or options.get("sample_every_n_epochs")
    return bool(is_on and not options.get("sample_prompts"))


def _logs_nowhere(options: Options, family: TrainerFamily) -> bool:
    return bool(options.get("log_with") and not options.get("logging_dir"))


def _changes_the_log(options: Options, family: TrainerFamily) -> bool:
    return any(options.get(name) for name in _LOG_CHANGES)


def _resumes_from_zero(options: Options, family: TrainerFamily) -> bool:
    return bool(options.get("resume") and not options.get("skip_until_initial_step"))


def _lacks_learning_rate(options: Options, family: TrainerFamily) -> bool:
    return "learning_rate" not in options


def _has_no_extension(options: Options, family: TrainerFamily) -> bool:
    return options.get("caption_extension") != ".txt"


def _keeps_no_workers(options: Options, family: TrainerFamily) -> bool:
    return bool(options.get("persistent_data_loader_workers") and not options.get("max_data_loader_n_workers", 8))


_RULES = (
    _Rule("resolution", "resolution", _has_bad_sides),
    _Rule("resolution", "bucket_range", _leaves_buckets),
    _Rule("bucket_reso_steps", "bucket_steps", _is_bad_step),
    _Rule("blocks_to_swap", "swap", _swaps_too_many),
    _Rule("blocks_to_swap", "swap_offload", _swaps_and_offloads),
    _Rule("cache_latents", "cache_crop", _caches_what_it_crops),
    _Rule("cache_text_encoder_outputs", "cache_changed_texts", _caches_texts_it_changes),
    _Rule("cache_text_encoder_outputs", "cache_trained_texts", _caches_texts_it_trains),
    _Rule("fp8_base", "fp8_precision", _lacks_precision_for_fp8),
    _Rule("mixed_precision", "full_precision", _mixes_precisions),
    _Rule("lr_warmup_steps", "warmup_constant", _warms_up_wrongly),
    _Rule("lr_warmup_steps", "warmup_share", _has_huge_warmup),
    _Rule("learning_rate", "learning_rate", _lacks_learning_rate),
    _Rule("optimizer_args", "adafactor", _is_relative_adafactor),
    _Rule("sample_prompts", "sample_prompts", _samples_without_prompts),
    _Rule("log_with", "log_folder", _logs_nowhere),
    _Rule("console_log_simple", "log_kept", _changes_the_log),
    _Rule("resume", "resume_skip", _resumes_from_zero),
    _Rule("caption_extension", "caption_extension", _has_no_extension),
    _Rule("persistent_data_loader_workers", "workers", _keeps_no_workers),
)


def check_rules(options: Options, family: TrainerFamily) -> None:
    """Raise OptionRuleError for the first rule that the options break."""
    for rule in _RULES:
        if rule.is_broken(options, family):
            raise OptionRuleError(name=rule.option, rule=f"training.rule.{rule.key}")
