"""``gpu`` and ``vram`` on the command line, over a fake NVML library behind the real binding, thread and assembly."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest

from ai4artsed_desktop.domain.training.families import discover_families
from tests.support.asking import Ask
from tests.support.fake_nvml import GIB, NOT_SUPPORTED, FakeCard, FakeNvml, installed, no_library

FAMILIES = ("sd15", "sdxl", "sd35_medium", "sd35_large", "flux")


@pytest.fixture
def library() -> Generator[FakeNvml]:
    with installed(FakeNvml(FakeCard(processes={4_000_000_000: GIB}))) as made:
        yield made


@pytest.fixture
def nothing() -> Generator[None]:
    with no_library():
        yield


def test_gpu_gives_an_object_with_every_figure_of_every_card(ask: Ask, library: FakeNvml) -> None:
    library.cards.append(FakeCard(name=b"Second", uuid=b"GPU-2", total=8 * GIB))
    answer = ask("gpu", "--json")
    assert answer.code == 0 and answer.err == ""
    assert answer.json["reason"] is None and answer.json["driver_version"] == "580.65.06"
    first, second = answer.json["gpus"]
    assert first["total_gb"] == 24.0 and first["used_gb"] == 2.0 and first["free_gb"] == 21.5
    assert first["power_w"] == 230.5 and first["utilisation_percent"] == 45 and first["throttle"] == []
    assert first["processes"] == [
        {"pid": 4_000_000_000, "kind": "other", "name": "pid 4000000000", "used_gb": 1.0},
    ]
    assert second["name"] == "Second" and second["index"] == 1


def test_gpu_in_words_names_card_figures_and_who_holds_what(ask: Ask, library: FakeNvml) -> None:
    first, process = ask("gpu").out.splitlines()
    assert first == "0  NVIDIA GeForce RTX 4090: 2.0 of 24.0 GB used · 45 % · 230 W · 61 °C · 2520 MHz"
    assert process.split() == ["1.0", "GB", "4000000000", "pid", "4000000000"]


def test_unknown_figures_are_null_and_a_lost_card_has_its_problem(ask: Ask, library: FakeNvml) -> None:
    library.cards[0].failing = {
        "nvmlDeviceGetPowerUsage": NOT_SUPPORTED,
        "nvmlDeviceGetUtilizationRates": NOT_SUPPORTED,
    }
    library.cards.append(FakeCard(uuid=b"GPU-2", is_lost=True))
    first, second = ask("gpu", "--json").json["gpus"]
    assert first["power_w"] is None and first["utilisation_percent"] is None and first["problem"] is None
    assert "stopped answering" in second["problem"] and second["total_gb"] is None


def test_gpu_without_a_driver_is_an_answer_with_a_reason(ask: Ask, nothing: None) -> None:
    answer = ask("gpu", "--json")
    assert answer.code == 0
    assert answer.json["gpus"] == [] and answer.json["reason"] == "No NVIDIA driver here, so there are no figures."
    assert "No NVIDIA driver" in ask("gpu").out


def test_vram_check_gives_figures_and_what_can_be_trained(ask: Ask, library: FakeNvml) -> None:
    answer = ask("vram", "check", "--json")
    assert answer.code == 0
    told = answer.json
    assert (told["total_gb"], told["used_gb"], told["free_gb"]) == (24.0, 2.0, 21.5)
    assert told["can_train"] is True and told["reason"] is None
    assert told["min_required_gb"] == dict.fromkeys(FAMILIES, 8)
    assert set(discover_families()) == set(FAMILIES)


def test_vram_check_on_a_full_card_says_why_nothing_can_be_trained(ask: Ask, library: FakeNvml) -> None:
    library.cards[0].used = 20 * GIB
    told = ask("vram", "check", "--json").json
    assert told["can_train"] is False and told["reason"] == "Training needs at least 8 GB, 3.5 GB are free."
    assert "cannot be trained now" in ask("vram", "check").out


def test_a_card_sold_as_8_gb_can_train(ask: Ask, library: FakeNvml) -> None:
    library.cards[0] = FakeCard(total=8188 << 20, used=100 << 20, reserved=300 << 20)
    assert ask("vram", "check", "--json").json["can_train"] is True


def test_vram_check_without_a_card_has_null_figures_and_a_reason(ask: Ask, nothing: None) -> None:
    answer = ask("vram", "check", "--json")
    told = answer.json
    assert answer.code == 0 and told["can_train"] is False and "No NVIDIA driver" in told["reason"]
    assert told["total_gb"] is told["used_gb"] is told["free_gb"] is None
    assert told["min_required_gb"]["sdxl"] == 8


def test_vram_plan_tells_need_and_room(ask: Ask, library: FakeNvml) -> None:
    answer = ask("vram", "plan", "sd35_large", "--json")
    assert answer.code == 0
    told = answer.json
    assert (told["needed_gb"], told["basis"], told["available_gb"], told["fits"]) == (18.0, "documented", 21.5, True)
    assert told["unload"] == [] and told["reason"] is None
    library.cards[0].used = 20 * GIB
    told = ask("vram", "plan", "sd35_large", "--json").json
    assert told["fits"] is False and told["fits_after_unloading"] is False
    assert "needs about 18.0 GB (as documented), 3.5 GB are available" in ask("vram", "plan", "sd35_large").out


def test_vram_plan_uses_what_was_measured_here(ask: Ask, library: FakeNvml, app_home: Path) -> None:
    key = "output:sd35_large:output_image_sd35_large"
    file = app_home / "data" / "gpu.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"peaks": {key: {"peak_bytes": 20 * GIB}}}))
    told = ask("vram", "plan", "sd35_large", "--json").json
    assert (told["needed_gb"], told["basis"]) == (20.0, "measured")


@pytest.mark.parametrize("output", ["sketchbook_p5js", "sd35_large"])
def test_every_plan_has_the_same_keys(ask: Ask, library: FakeNvml, output: str) -> None:
    told = ask("vram", "plan", output, "--json").json
    assert set(told) == {
        "output", "model", "needed_gb", "basis", "total_gb", "free_gb", "available_gb", "fits", "unload", "kept",
        "fits_after_unloading", "reason",
    }  # fmt: skip


def test_vram_plan_without_a_card_still_tells_the_need(ask: Ask, nothing: None) -> None:
    answer = ask("vram", "plan", "sd35_large", "--json")
    assert answer.code == 0 and answer.json["needed_gb"] == 18.0
    assert answer.json["fits"] is None and "No NVIDIA driver" in answer.json["reason"]


def test_vram_plan_of_an_unknown_output_fails(ask: Ask, nothing: None) -> None:
    answer = ask("vram", "plan", "nonsense", "--json")
    assert answer.code == 1 and answer.json["error"]["params"]["id"] == "nonsense"


def test_vram_clear_without_anything_loaded_says_so(ask: Ask, library: FakeNvml) -> None:
    answer = ask("vram", "clear", "--json")
    assert answer.code == 0
    assert answer.json["freed"] == [] and answer.json["before_used_gb"] == answer.json["after_used_gb"] == 2.0
    assert "Nothing was loaded" in ask("vram", "clear").out


def test_vram_clear_without_a_card_has_no_figures(ask: Ask, nothing: None) -> None:
    told = ask("vram", "clear", "--json").json
    assert told["before_used_gb"] is None and told["after_used_gb"] is None and "No NVIDIA driver" in told["reason"]


def test_wrong_usage_is_told_as_such(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("vram",), ("vram", "plan"), ("vram", "melt"), ("gpu", "--loud")):
        with pytest.raises(SystemExit) as ended:
            ask(*arguments)
        assert ended.value.code == 2
