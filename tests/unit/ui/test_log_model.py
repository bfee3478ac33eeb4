from __future__ import annotations

import itertools
import time
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.adapters.window_files import free_bytes
from ai4artsed_desktop.domain.services import FoundService, ServiceInstall
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.training.facts import LogLine as TrainingLine
from ai4artsed_desktop.engine.service_choice import is_chosen, place_setting, settings_for
from ai4artsed_desktop.engine.service_log import ServiceLog
from ai4artsed_desktop.engine.training_log import NumberedLine, TrainingLog
from ai4artsed_desktop.ui.kit import Kit
from ai4artsed_desktop.ui.models.log import LogModel
from ai4artsed_desktop.ui.studio.inventory_model import source_address
from ai4artsed_desktop.ui.units import duration_text
from ai4artsed_desktop.ui.widgets.log_view import LogView


def write(log: ServiceLog, first: int, count: int, text: str = "line {}") -> None:
    for number in range(first, first + count):
        log.add(text.format(number))


def training_lines(count: int, start: int = 0) -> list[TrainingLine]:
    """Every tenth one is a warning, every hundredth an error."""
    return [
        TrainingLine("stderr", f"Zeile {n} größer", "ERROR" if n % 100 == 0 else "WARNING" if n % 10 == 0 else "INFO")
        for n in range(start, start + count)
    ]


class SlowLog(TrainingLog):
    def __init__(self, each_s: float) -> None:
        super().__init__()
        self._each_s = each_s

    def since(self, number: int, limit: int = 0) -> list[NumberedLine]:
        time.sleep(self._each_s)
        return super().since(number, limit)


def shown(model: LogModel) -> list[str]:
    return [model.text(row) for row in range(model.rowCount())]


def watched_model(kept_lines: int) -> LogModel:
    model = LogModel(kept_lines)
    # Complains aloud about any row that comes or goes unannounced.
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal, model)
    return model


def settle(qtbot: Any, model: LogModel) -> None:
    """Let the model take what there is."""
    model.look()
    with qtbot.waitSignal(model.grown, timeout=5_000, check_params_cb=lambda: model.is_settled):
        pass


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11, 25, 100])
def test_the_newest_lines_stay_whatever_the_batches_are(qtbot: Any, qapp: Any, size: int) -> None:
    model, log = watched_model(10), ServiceLog(10)
    model.follow(log)
    for first in range(1, 101, size):
        write(log, first, min(size, 101 - first))
        settle(qtbot, model)
    assert shown(model) == [f"line {number}" for number in range(91, 101)] and model.count == 10


@pytest.mark.parametrize("size", [1, 4, 10, 30])
def test_a_filtered_log_loses_the_same_lines(qtbot: Any, qapp: Any, size: int) -> None:
    model, log = watched_model(10), ServiceLog(1_000)
    model.set_filter("EVEN")
    model.follow(log)
    for first in range(1, 61, size):
        for number in range(first, first + size):
            log.add(f"{'even' if number % 2 == 0 else 'odd'} {number}")
        settle(qtbot, model)
    assert shown(model) == ["even 52", "even 54", "even 56", "even 58", "even 60"] and model.count == 10
    model.set_filter("")
    settle(qtbot, model)
    assert model.rowCount() == 10


def test_every_word_of_the_filter_must_be_there_in_any_case_and_order(qtbot: Any, qapp: Any) -> None:
    model, log = watched_model(10), ServiceLog()
    for line in ("Straße GESPERRT", "strasse frei", ""):
        log.add(line)
    model.follow(log)
    model.set_filter("gesperrt STRASSE")
    settle(qtbot, model)
    assert shown(model) == ["Straße GESPERRT"]


def test_characters_that_hide_turn_or_break_text_are_shown_as_signs(qtbot: Any, qapp: Any) -> None:
    model, log = watched_model(10), TrainingLog()
    log.add([TrainingLine("stdout", "a\x00b\x1b]0;t\x07\u2028c\u202ed\u2066e\x9b1m\x7f\n")])
    model.follow(log)
    settle(qtbot, model)
    assert shown(model) == ["a␀b␛]0;t␇�c�d�e�1m␡␊"]


def test_a_log_is_shown_filtered_and_shown_again(qtbot: Any, qapp: Any) -> None:
    log = TrainingLog()
    model = watched_model(100_000)
    log.add(training_lines(5_000))
    model.follow(log)
    qtbot.waitUntil(lambda: model.is_settled and model.rowCount() == 5_000)
    model.set_filter("nowhere")
    qtbot.waitUntil(lambda: model.is_settled)
    assert shown(model) == []
    model.set_filter("GRÖSSER zeile 4999")
    qtbot.waitUntil(lambda: model.is_settled)
    assert shown(model) == ["Zeile 4999 größer"] and model.line(0).number == 5_000
    model.set_filter("", "WARNING")
    qtbot.waitUntil(lambda: model.is_settled and model.rowCount() == 500)
    model.set_filter("", "ERROR")
    qtbot.waitUntil(lambda: model.is_settled and model.rowCount() == 50)
    log.add(training_lines(200, start=5_000))
    model.look()
    qtbot.waitUntil(lambda: model.count == 5_200 and model.is_settled)
    assert shown(model)[-1] == "Zeile 5100 größer"


def test_another_log_takes_the_place_of_the_first_and_none_leaves_nothing(qtbot: Any, qapp: Any) -> None:
    first, second = TrainingLog(), TrainingLog()
    model = watched_model(100_000)
    first.add(training_lines(3_000))
    second.add(training_lines(3))
    model.follow(first)
    model.follow(second)
    qtbot.waitUntil(lambda: model.is_settled and model.count == 3)
    assert shown(model) == [f"Zeile {n} größer" for n in range(3)]
    model.follow(None)
    qtbot.waitUntil(lambda: model.is_settled and model.count == 0)


def test_a_log_that_forgot_its_oldest_lines_is_shown_from_what_is_left(qtbot: Any, qapp: Any) -> None:
    log = TrainingLog(limit=100)
    model = watched_model(100_000)
    log.add(training_lines(1_000))
    model.follow(log)
    qtbot.waitUntil(lambda: model.is_settled and model.count == 100)
    assert model.line(0).number == 901


def test_a_flood_comes_in_order_and_leaves_the_window_time_to_paint_in_between(qtbot: Any, qapp: Any) -> None:
    log = SlowLog(0.0005)  # on no machine are a few slices enough
    log.add(training_lines(20_000))
    model, came_s = LogModel(100_000), list[float]()
    model.rowsInserted.connect(lambda: came_s.append(time.perf_counter()))
    model.follow(log)
    qtbot.waitUntil(lambda: model.is_settled and model.count == 20_000)
    assert [model.line(row).number for row in range(model.rowCount())] == list(range(1, 20_001))
    pauses_s = [later - earlier for earlier, later in itertools.pairwise(came_s)]
    assert len(pauses_s) > 3 and min(pauses_s) > 0.01


def test_a_slow_log_holds_up_the_window_for_one_batch_at_a_time(qtbot: Any, qapp: Any) -> None:
    log, model, sizes = SlowLog(0.005), LogModel(100_000), list[int]()
    log.add(training_lines(2_000))

    def on_rows_inserted(_: object, first: int, last: int) -> None:
        sizes.append(last - first + 1)

    model.rowsInserted.connect(on_rows_inserted)
    model.follow(log)
    qtbot.waitUntil(lambda: model.is_settled and model.count == 2_000)
    assert sum(sizes) == 2_000 and max(sizes) <= 250


def test_a_view_that_gets_lower_goes_on_following_its_end_and_keeps_any_other_place(kit: Kit, qtbot: QtBot) -> None:
    log, view = TrainingLog(), LogView(kit, 1_000)
    qtbot.addWidget(view)
    log.add(training_lines(200))
    view.resize(600, 600)
    view.show()
    view.follow("Übung", log)
    qtbot.waitUntil(lambda: view.model.is_settled and view.model.rowCount() == 200)
    bar = view.lines.verticalScrollBar()
    assert view.lines.is_at_end and bar.maximum() > 0
    view.resize(600, 300)
    qtbot.waitUntil(lambda: view.lines.height() < 300)
    assert view.lines.is_at_end and not view.end_button.isEnabled()
    bar.setValue(10)
    view.resize(600, 250)
    qtbot.waitUntil(lambda: view.lines.height() < 250)
    assert bar.value() == 10


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
