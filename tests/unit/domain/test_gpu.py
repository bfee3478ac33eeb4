"""Energy, throttling and which card counts: pure functions over looks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai4artsed_desktop.domain.gpu import EnergyMeter, Gpu, GpuProcess, GpuSnapshot, throttle_words
from ai4artsed_desktop.domain.reasons import Reason


def look(taken_s: float, *gpus: Gpu) -> GpuSnapshot:
    return GpuSnapshot(taken_s, gpus)


def card(power_w: float | None = None, energy_j: float | None = None, uuid: str = "a") -> Gpu:
    return Gpu(0, uuid, "card", power_w=power_w, energy_j=energy_j)


def measured(*looks: GpuSnapshot) -> EnergyMeter:
    meter = EnergyMeter()
    for snapshot in looks:
        meter.add(snapshot)
    return meter


def test_the_cards_own_counter_counts() -> None:
    meter = measured(look(0, card(100, 5000)), look(1800, card(900, 12_200)))
    assert meter.watt_hours == 2.0 and meter.measured_s == 1800


def test_without_a_counter_measured_power_over_time_counts() -> None:
    assert measured(look(0, card(100)), look(2, card(200)), look(4, card(200))).joules == pytest.approx(700)


def test_all_cards_count_together() -> None:
    assert measured(look(0, card(100), card(50, uuid="b")), look(1, card(100), card(50, uuid="b"))).joules == 150


@pytest.mark.parametrize(
    "looks",
    [
        (),
        (look(0, card(100)),),
        (look(0, card()), look(1, card())),
        (look(0), look(1)),
        (look(0, card(100)), look(1), look(2, card(100)), look(3, card(100))),
        (look(0, card(100)), look(60, card(100))),
        (look(0, card(100), card(50, uuid="b")), look(1, card(100))),
        (look(5, card(100)), look(5, card(100))),
    ],
    ids=["nothing", "one look", "no power", "no card", "lost for a while", "too far apart", "a card lost", "no time"],
)
def test_what_was_not_measured_all_the_time_is_absent(looks: tuple[GpuSnapshot, ...]) -> None:
    assert measured(*looks).watt_hours is None


def test_a_counter_that_was_reset_falls_back_to_power() -> None:
    meter = measured(look(0, card(100, 9_000_000)), look(2, card(100, 10)))
    assert meter.joules == 200 and not meter.has_gap


@given(st.lists(st.floats(0, 700), min_size=2, max_size=50))
def test_energy_lies_between_the_least_and_the_most_power(powers: list[float]) -> None:
    meter = measured(*(look(i * 0.5, card(power)) for i, power in enumerate(powers)))
    seconds = (len(powers) - 1) * 0.5
    assert min(powers) * seconds - 1e-6 <= meter.joules <= max(powers) * seconds + 1e-6


def test_throttling_is_named_once_and_idling_is_none() -> None:
    assert throttle_words(0x01 | 0x02 | 0x10 | 0x100) == ()
    assert throttle_words(0x04) == ("power_cap",)
    assert throttle_words((1 << 64) - 1) == ("power_cap", "hardware", "heat", "power_supply")


def test_the_main_card_is_the_largest_that_answers() -> None:
    small, big = Gpu(0, "s", "small", total_bytes=8), Gpu(1, "b", "big", total_bytes=24)
    lost = Gpu(2, "l", "lost", problem=Reason("gpu.reason.lost"))
    assert look(0, small, big, lost).main is big
    assert look(0, lost).main is None and GpuSnapshot().main is None


def test_a_program_counts_on_the_card_where_it_holds_most() -> None:
    def holding(index: int, size: int | None) -> Gpu:
        process = GpuProcess(1, "comfyui", "ComfyUI", size)
        return Gpu(index, str(index), "card", total_bytes=24 - index, processes=(process,))

    snapshot = look(0, holding(0, 1), holding(1, 5))
    assert snapshot.card_of("comfyui") is snapshot.gpus[1]
    assert snapshot.card_of("ollama") is snapshot.gpus[0]
    assert holding(0, None).bytes_of("comfyui") is None and holding(0, 3).bytes_of("ollama") == 0
