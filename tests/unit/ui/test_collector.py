"""Cycles are collected on the GUI thread and nowhere else."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest
from pytestqt.qtbot import QtBot

from ai4artsed_desktop.app import collector
from ai4artsed_desktop.app.collector import Collector


class Knot:
    """Garbage that only the collector finds; notes the thread that destroys it."""

    ended_on: threading.Thread | None = None

    def __init__(self) -> None:
        self.me = self
        weakref.finalize(self, self._note)

    @staticmethod
    def _note() -> None:
        Knot.ended_on = threading.current_thread()


def allocate_much() -> None:
    kept = [[number] for number in range(20_000)]  # far beyond the first threshold
    assert len(kept) == 20_000


def test_a_worker_that_allocates_collects_nothing_and_the_gui_thread_does(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "INTERVAL_MS", 10)
    Knot.ended_on = None
    made = Collector()
    try:
        Knot()
        worker = threading.Thread(target=allocate_much)
        worker.start()
        worker.join()
        assert Knot.ended_on is None
        allocate_much()  # its own garbage makes the collection due
        knots = [Knot() for _ in range(2000)]
        del knots
        qtbot.waitUntil(lambda: Knot.ended_on is threading.main_thread(), timeout=5000)
    finally:
        made.stop()
        assert not gc.isenabled(), "the test ground had switched it off"


def test_in_a_program_that_collects_it_is_left_to_python_again(qtbot: QtBot) -> None:
    gc.enable()
    try:
        made = Collector()
        assert not gc.isenabled()
        made.stop()
        assert gc.isenabled()
    finally:
        gc.disable()  # as the test ground has it
