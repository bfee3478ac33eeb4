"""Plans: every family on every card gives a file that the trainer's own parser takes, and nothing it would ignore."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.adapters.training.schemas import RecordedSchemas
from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.domain.training.dataset import DatasetReport, PictureFacts, judge
from ai4artsed_desktop.domain.training.errors import (
    DatasetError,
    OptionError,
    OptionRuleError,
    VramTooSmallError,
)
from ai4artsed_desktop.domain.training.families import discover_families, family_of
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.options import OptionValue
from ai4artsed_desktop.domain.training.plan import (
    PlanRequest,
    TrainingPlaces,
    TrainingPlan,
    lora_sizes,
    make_plan,
    save_interval,
    target_steps,
)
from ai4artsed_desktop.domain.training.toml_text import toml_text
from tests.support.training_kit import SCHEMAS

TIERS = (8, 12, 16, 24, 48, 80)
FAMILIES = ("sd15", "sdxl", "sd35_medium", "sd35_large", "flux")
SCHEMA = RecordedSchemas(SCHEMAS)


def pictures(count: int = 12, size: tuple[int, int] = (1000, 800)) -> DatasetReport:
    facts = [PictureFacts(f"{n}.png", 1, str(n), *size, sharpness=500.0, caption="a form") for n in range(count)]
    return judge("folder", facts)


def places(family: TrainerFamily) -> TrainingPlaces:
    files = {file.option: f"/models/{file.usual_name}" for file in family.files}
    return TrainingPlaces("/p/dataset", "/p/out", "/p/logs", "/p/prompts.txt", "/p/tokenizers", files)


def plan(family_id: str, vram_gb: float, dataset: DatasetReport | None = None, **more: Any) -> TrainingPlan:
    family = family_of(family_id)
    request = PlanRequest("Übung 1", family, vram_gb, **more)
    return make_plan(request, dataset or pictures(), places(family), SCHEMA.schema_of(family.script))


def test_the_five_families_are_found() -> None:
    assert set(discover_families()) == set(FAMILIES)
    with pytest.raises(UnknownEntryError):
        family_of("sd99")


@pytest.mark.parametrize("family_id", FAMILIES)
@pytest.mark.parametrize("vram_gb", TIERS)
def test_every_key_of_every_file_is_known_to_its_script_with_type_and_choice(family_id: str, vram_gb: int) -> None:
    made = plan(family_id, vram_gb)
    assert made.preset.vram_gb == vram_gb
    tables = tomllib.loads(made.toml())
    flat = {name: value for table in tables.values() for name, value in table.items()}
    assert len(flat) == sum(map(len, tables.values())), "a key in two tables: the later would win silently"
    schema = SCHEMA.schema_of(made.family.script)
    for name, value in flat.items():
        spec = schema[name]
        assert isinstance(value, list) == spec.is_list, name
        items: list[object] = [*value] if spec.is_list else [value]
        for item in items:
            kinds = {"int": int, "bool": bool, "str": str, "path": str, "float": float, "int_or_float": (int, float)}
            assert isinstance(item, kinds[spec.type]), name
            assert isinstance(item, bool) == (spec.type == "bool"), name
            assert not spec.choices or item in spec.choices, name


@pytest.mark.parametrize("family_id", FAMILIES)
@pytest.mark.parametrize("vram_gb", TIERS)
def test_the_recorded_traps_are_avoided(family_id: str, vram_gb: int) -> None:
    options: dict[str, Any] = plan(family_id, vram_gb).options
    assert isinstance(options["resolution"], str)
    assert options["learning_rate"] == 1e-4
    assert options["caption_extension"] == ".txt"
    assert options["lr_scheduler"] == "constant_with_warmup"
    assert isinstance(options["lr_warmup_steps"], int)
    assert 0 < options["lr_warmup_steps"] < options["max_train_steps"]
    assert options["max_train_steps"] != 1600
    assert options["mixed_precision"] == "bf16"
    assert options["cache_latents"] is True
    assert options["save_state"] is True
    assert options["sample_prompts"]
    assert options["tokenizer_cache_dir"]
    assert options["logging_dir"]
    sides = [int(side) for side in options["resolution"].split(",")]
    assert options["min_bucket_reso"] <= min(sides)
    assert max(sides) <= options["max_bucket_reso"]
    if options["optimizer_type"] == "Adafactor":
        assert "relative_step=False" in options["optimizer_args"]
    if "cache_text_encoder_outputs" in options:
        assert options["network_train_unet_only"] is True
        assert "shuffle_caption" not in options


@pytest.mark.parametrize("family_id", FAMILIES)
def test_the_output_name_begins_with_the_family(family_id: str) -> None:
    prefixes = {"sd15": "sd15_", "sdxl": "sdxl_", "sd35_medium": "sd35_", "sd35_large": "sd35_", "flux": "flux_"}
    assert plan(family_id, 24).output_name.startswith(prefixes[family_id])
    assert plan(family_id, 24).output_name.endswith("_Übung 1")


@pytest.mark.parametrize("family_id", FAMILIES)
def test_a_card_below_the_least_is_refused_with_the_figure(family_id: str) -> None:
    with pytest.raises(VramTooSmallError) as caught:
        plan(family_id, 6)
    assert caught.value.params["needed_gb"] == "8"


def test_a_card_that_reports_a_little_less_than_it_is_sold_for_counts_as_what_it_is() -> None:
    assert plan("flux", 23.6).preset.vram_gb == 24
    assert plan("flux", 23.0).preset.vram_gb == 16
    assert plan("flux", 200).preset.vram_gb == 80


def test_more_memory_never_means_a_smaller_lora_or_more_swapping() -> None:
    for family in discover_families().values():
        plans = [plan(family.id, preset.vram_gb) for preset in family.presets]
        ranks = [made.rank for made in plans]
        swapped = [int(str(made.options.get("blocks_to_swap", 0))) for made in plans]
        assert ranks == sorted(ranks)
        assert swapped == sorted(swapped, reverse=True)


def test_the_next_smaller_preset_is_offered_until_there_is_none() -> None:
    family = family_of("sdxl")
    smaller = family.smaller_than(24)
    assert smaller is not None
    assert smaller.vram_gb == 16
    assert family.smaller_than(8) is None


@given(count=st.integers(1, 3000), batch=st.integers(1, 16))
def test_the_target_is_in_steps_and_follows_the_pictures(count: int, batch: int) -> None:
    steps = target_steps(count, batch)
    assert 200 <= steps <= 8000
    assert steps % 50 == 0
    assert steps == target_steps(count, batch)
    assert target_steps(count + 1, batch) >= steps


@given(st.integers(1, 100_000))
def test_a_training_saves_about_five_times_and_not_more(steps: int) -> None:
    every = save_interval(steps)
    assert 1 <= every <= steps or steps < every <= 50
    assert math.floor(steps / every) <= 5


def test_repeats_only_keep_epochs_from_being_tiny() -> None:
    small, large = plan("sd15", 12, pictures(4)), plan("sd15", 12, pictures(900))
    assert small.repeats > 1
    assert small.epoch_steps >= 50
    assert large.repeats == 1


def test_wished_steps_epochs_and_options_win() -> None:
    assert plan("sd15", 8, steps=77).steps == 77
    assert plan("sd15", 8, steps=77, changes={"max_train_steps": 11}).options["max_train_steps"] == 11
    made = plan("sd15", 8, changes={"max_train_epochs": 2})
    assert made.steps == made.epoch_steps * 2
    assert plan("sd15", 8, changes={"network_dim": 7}).options["network_dim"] == 7


WRONG: list[tuple[dict[str, OptionValue], type[Exception], str]] = [
    ({"netwrok_dim": 8}, OptionError, "network_dim"),
    ({"network_dim": "8"}, OptionError, "int"),
    ({"network_dim": True}, OptionError, "int"),
    ({"sdpa": "false"}, OptionError, "bool"),
    ({"mixed_precision": "fp8"}, OptionError, "bf16"),
    ({"optimizer_args": "weight_decay=0.01"}, OptionError, "str"),
    ({"text_encoder_lr1": 1e-5}, OptionError, "text_encoder_lr"),
    ({"learning_rate": float("inf")}, OptionError, "float"),
    ({"lr_scheduler": "constant"}, OptionRuleError, "warmup_constant"),
    ({"lr_warmup_steps": 100.0}, OptionRuleError, "warmup_share"),
    ({"resolution": "5x"}, OptionRuleError, "resolution"),
    ({"resolution": "4096"}, OptionRuleError, "bucket_range"),
    ({"bucket_reso_steps": 40}, OptionRuleError, "bucket_steps"),
    ({"random_crop": True}, OptionRuleError, "cache_crop"),
    ({"mixed_precision": "no", "fp8_base": True}, OptionRuleError, "fp8_precision"),
    ({"full_fp16": True}, OptionRuleError, "full_precision"),
    ({"sample_prompts": "", "sample_every_n_steps": 5}, OptionRuleError, "sample_prompts"),
    ({"logging_dir": ""}, OptionRuleError, "log_folder"),
    ({"resume": "/x-state"}, OptionRuleError, "resume_skip"),
    ({"caption_extension": ".caption"}, OptionRuleError, "caption_extension"),
    ({"console_log_simple": True}, OptionRuleError, "log_kept"),
    ({"persistent_data_loader_workers": True}, OptionRuleError, "workers"),
    ({"optimizer_type": "Adafactor"}, OptionRuleError, "adafactor"),
]


@pytest.mark.parametrize(("changes", "kind", "said"), WRONG)
def test_what_the_trainer_would_ignore_or_die_of_later_is_refused(
    changes: dict[str, OptionValue], kind: type[Exception], said: str
) -> None:
    with pytest.raises(kind) as caught:
        plan("sd15", 16, changes=changes)
    assert isinstance(caught.value, OptionError | OptionRuleError)
    assert said in caught.value.params.get("expected", "") + caught.value.params.get("rule", "")


@pytest.mark.parametrize(
    ("family_id", "changes", "rule"),
    [
        ("flux", {"blocks_to_swap": 36}, "swap"),
        ("sd35_medium", {"blocks_to_swap": 23}, "swap"),
        ("flux", {"blocks_to_swap": 8, "cpu_offload_checkpointing": True}, "swap_offload"),
        ("sdxl", {"shuffle_caption": True}, "cache_changed_texts"),
        ("sdxl", {"network_train_unet_only": False}, "cache_trained_texts"),
        ("flux", {"network_args": ("train_t5xxl=True",)}, "cache_trained_texts"),
    ],
)
def test_rules_of_single_families_hold(family_id: str, changes: dict[str, OptionValue], rule: str) -> None:
    with pytest.raises(OptionRuleError) as caught:
        plan(family_id, 24, changes=changes)
    assert caught.value.params["rule"] == f"training.rule.{rule}"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("network_dim", "8", 8),
        ("network_alpha", "8", 8.0),
        ("sdpa", "False", False),
        ("optimizer_args", "decouple=True; weight_decay=0.01", ("decouple=True", "weight_decay=0.01")),
        ("text_encoder_lr", "5e-5", (5e-5,)),
        ("lr_warmup_steps", "0.1", 0.1),
    ],
)
def test_typed_values_become_what_the_trainer_wants(name: str, text: str, value: object) -> None:
    assert SCHEMA.schema_of("train_network.py").parse(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"), [("network_dim", "8.5"), ("sdpa", "yes"), ("network_dim", "True"), ("x", "")]
)
def test_typed_nonsense_is_refused(name: str, text: str) -> None:
    with pytest.raises(OptionError):
        SCHEMA.schema_of("train_network.py").parse(name, text)


def test_no_picture_is_an_error_and_not_an_empty_training() -> None:
    broken = judge("folder", [PictureFacts("a.png", 1, "x", problem="cut")])
    with pytest.raises(DatasetError):
        plan("sd15", 8, broken)


def test_sizes_of_files_and_states_are_those_recorded_and_calculated() -> None:
    sdxl = {"network_dim": 32, "save_precision": "fp16", "optimizer_type": "AdamW", "network_train_unet_only": True}
    lora, state = lora_sizes(family_of("sdxl"), sdxl)
    assert lora == pytest.approx(170e6, rel=0.01)
    assert state == pytest.approx(1.0e9, rel=0.03)
    flux = {"network_dim": 16, "save_precision": "bf16", "optimizer_type": "AdamW", "network_train_unet_only": True}
    lora, state = lora_sizes(family_of("flux"), flux)
    assert (lora, state) == (pytest.approx(153e6, rel=0.01), pytest.approx(0.92e9, rel=0.02))
    # Recorded: 3,476,944 bytes of a SD 1.5 LoRA of rank 4 in fp16, U-Net only; 7.2 KB per tensor of header.
    lora, _ = lora_sizes(
        family_of("sd15"), {"network_dim": 4, "save_precision": "fp16", "network_train_unet_only": True}
    )
    assert lora == pytest.approx(3_476_944, rel=0.03)


def test_disk_need_grows_with_rank_and_number_of_saves() -> None:
    few = plan("sdxl", 16, changes={"save_every_n_steps": 1000}).disk.total
    many = plan("sdxl", 16, changes={"save_every_n_steps": 50}).disk.total
    wide = plan("sdxl", 16, changes={"save_every_n_steps": 50, "network_dim": 64}).disk.total
    assert few < many < wide


STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(
    st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), STRINGS | st.integers() | st.booleans(), max_size=6)
)
def test_any_value_survives_the_file(values: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text({"one": values})) == ({"one": values} if values else {})


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_survives_the_file(value: float) -> None:
    assert tomllib.loads(toml_text({"t": {"x": value, "y": (value, "a")}})) == {"t": {"x": value, "y": [value, "a"]}}
