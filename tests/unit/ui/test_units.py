from __future__ import annotations

import pytest

from ai4artsed_desktop.ui.units import clock_text, duration_text, gigabytes_text, size_text


@pytest.mark.parametrize(
    ("elapsed_ms", "language", "text"),
    [
        (0, "en", "<\N{NO-BREAK SPACE}0.1\N{NO-BREAK SPACE}s"),
        (1300, "en", "1.3 s"),
        (1300, "de", "1,3 s"),
        (42_400, "de", "42 s"),
        (59_700, "en", "1 min 0 s"),
        (80_000, "en", "1 min 20 s"),
    ],
)
def test_times_carry_units_in_the_persons_language(elapsed_ms: float, language: str, text: str) -> None:
    assert duration_text(elapsed_ms, language) == text


def test_a_running_clock_shows_no_tenths_and_never_runs_ahead() -> None:
    assert duration_text(1990, "en", is_running=True) == "1 s"
    assert duration_text(59_990, "en", is_running=True) == "59 s"


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0 MB"), (93_000_000, "93 MB"), (100_000_000, "0,1 GB"), (16_500_000_000, "16,5 GB")]
)
def test_sizes_have_one_digit(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes, "de") == text


def test_gigabytes_without_unit_and_places_in_a_recording() -> None:
    assert gigabytes_text(9_100_000_000, "en") == "9.1"
    assert [clock_text(ms) for ms in (0, 65_000, 3_600_000)] == ["0:00", "1:05", "60:00"]
