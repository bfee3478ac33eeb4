from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtTest import QAbstractItemModelTester

from ai4artsed_desktop.adapters.window_files import free_bytes
from ai4artsed_desktop.domain.services import FoundService, LogLine, ServiceInstall
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.service_choice import is_chosen, place_setting, settings_for
from ai4artsed_desktop.ui.models.log import LogModel
from ai4artsed_desktop.ui.studio.inventory_model import source_address
from ai4artsed_desktop.ui.units import duration_text


def batch(first: int, count: int, text: str = "line") -> list[LogLine]:
    return [LogLine(number, f"{text} {number}") for number in range(first, first + count)]


def shown(model: LogModel) -> list[str]:
    return [model.text(row) for row in range(model.rowCount())]


def watched_model(kept_lines: int) -> LogModel:
    model = LogModel(kept_lines)
    # Complains aloud about any row that comes or goes unannounced.
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    return model


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11, 25, 100])
def test_the_newest_lines_stay_whatever_the_batches_are(size: int) -> None:
    model = watched_model(10)
    for first in range(1, 101, size):
        model.append(batch(first, min(size, 101 - first)))
    assert shown(model) == [f"line {number}" for number in range(91, 101)]


@pytest.mark.parametrize("size", [1, 4, 10, 30])
def test_a_filtered_log_loses_the_same_lines_and_says_how_many_rows_went(size: int) -> None:
    model, rows = watched_model(10), 0
    model.set_filter("EVEN")
    for first in range(1, 61, size):
        new = [LogLine(n, f"{'even' if n % 2 == 0 else 'odd'} {n}") for n in range(first, first + size)]
        before = model.rowCount()
        gone = model.append(new)
        rows += gone
        assert 0 <= gone <= before
    assert shown(model) == ["even 52", "even 54", "even 56", "even 58", "even 60"] and model.count == 10
    model.set_filter("")
    assert model.rowCount() == 10


def test_lines_that_are_there_already_are_passed_over() -> None:
    model = watched_model(10)
    model.reset(batch(1, 5))
    assert model.append(batch(3, 4)) == 0 and shown(model)[-1] == "line 6" and model.rowCount() == 6
    assert model.append(batch(1, 6)) == 0 and model.append([]) == 0 and model.rowCount() == 6


def test_every_word_of_the_filter_must_be_there_in_any_case_and_order() -> None:
    model = watched_model(10)
    model.reset([LogLine(1, "Straße GESPERRT"), LogLine(2, "strasse frei"), LogLine(3, "")])
    model.set_filter("gesperrt STRASSE")
    assert shown(model) == ["Straße GESPERRT"]


def test_characters_that_hide_turn_or_break_text_are_shown_as_signs() -> None:
    model = watched_model(10)
    model.reset([LogLine(1, "a\x00b\x1b]0;t\x07\u2028c\u202ed\u2066e\x9b1m\x7f\n")])
    assert shown(model) == ["a␀b␛]0;t␇�c�d�e�1m␡␊"]


def test_settings_choose_exactly_what_was_found() -> None:
    install = FoundService("comfyui", "ComfyUI", ServiceInstall("/a", "/a/python"))
    assert settings_for(install) == {"comfyui_folder": Path("/a")}
    ollama = FoundService("ollama", "Ollama", ServiceInstall("/bin", "/bin/ollama"))
    assert settings_for(ollama) == {"ollama_program": Path("/bin/ollama")}
    running = FoundService("swarmui", "SwarmUI", address="http://127.0.0.1:7802")
    assert settings_for(running) == {"swarmui_address": "http://127.0.0.1:7802"}
    assert not is_chosen(install, Settings()) and is_chosen(install, Settings(comfyui_folder=Path("/a")))
    assert settings_for(FoundService("unknown", "?", ServiceInstall("/a", "/b"))) == {}
    assert not is_chosen(FoundService("unknown", "?", ServiceInstall("/a", "/b")), Settings())
    assert [place_setting(name) for name in ("comfyui", "swarmui", "ollama", "unknown")] == [
        "comfyui_folder",
        "swarmui_folder",
        "ollama_program",
        "",
    ]


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("Comfy-Org/flux2-dev", "https://huggingface.co/Comfy-Org/flux2-dev"),
        ("https://example.org/x", "https://example.org/x"),
        ("", ""),
        ("javascript:alert(1)/x", ""),
        ("file:///etc/passwd", ""),
        ("../../x", ""),
        ("a/b/c", ""),
    ],
)
def test_a_source_is_a_page_or_nothing(source: str, address: str) -> None:
    assert source_address(source) == address


def test_room_is_told_for_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "yet") > 0


def test_hours_are_said_as_hours() -> None:
    assert duration_text(3 * 3_600_000 + 5 * 60_000, "de", is_running=True) == "3 h 5 min"
