"""What looking at graphics cards costs: figures to read (``pytest -m benchmark -s``), with the limits of the task."""

# ruff: noqa: T201 - printed figures are the point here

from __future__ import annotations

import os
import time

import psutil
import pytest
from PySide6.QtWidgets import QApplication

from ai4artsed_desktop.adapters.gpu.nvml import NvmlSampler
from ai4artsed_desktop.adapters.gpu.process_names import ProcessNames
from ai4artsed_desktop.domain.gpu import Gpu, GpuSnapshot
from ai4artsed_desktop.engine.gpu_history import GpuHistory
from ai4artsed_desktop.engine.gpu_watch import RATE_HZ
from ai4artsed_desktop.ui.gpu.curves import Mark, series_of
from ai4artsed_desktop.ui.gpu.plot_view import PlotView
from tests.support.fake_nvml import GIB, FakeCard, FakeNvml, installed
from tests.support.ui_kit import make_kit

pytestmark = pytest.mark.benchmark
MOST_CPU_PERCENT = 0.5
LONGEST_DRAWING_MS = 16.0


def test_sampling_costs_at_most_half_a_percent_of_one_core() -> None:
    pids = [os.getpid(), *psutil.pids()[:9]]
    cards = [FakeCard(uuid=f"GPU-{n}".encode(), processes=dict.fromkeys(pids, GIB)) for n in range(2)]
    now_s = 0.0  # goes on as at two looks a second, so that what is asked more seldom is asked as often as it will be
    with installed(FakeNvml(*cards)):
        sampler = NvmlSampler(ProcessNames(clock=lambda: now_s), clock=lambda: now_s)
        snapshot = sampler.sample()  # the first one names the processes
        looks = 200
        before_s = time.process_time()
        for _ in range(looks):
            now_s += 1 / RATE_HZ
            snapshot = sampler.sample()
        each_s = (time.process_time() - before_s) / looks
        sampler.close()
    assert len(snapshot.gpus) == 2 and len(snapshot.gpus[0].processes or ()) == len(pids)
    percent = each_s * RATE_HZ * 100
    print(f"\none look at 2 cards with {len(pids)} processes: {each_s * 1000:.3f} ms, {percent:.3f} % at {RATE_HZ} Hz")
    assert percent <= MOST_CPU_PERCENT


def _gpu(card: int, n: int) -> Gpu:
    return Gpu(card, f"card {card}", "NVIDIA", used_bytes=n * (card + 3) % 24 * GIB)


def test_an_hour_is_drawn_within_a_frame(qapp: QApplication) -> None:
    kit = make_kit(qapp)
    view = PlotView(kit.theme)
    view.resize(900, 200)
    view.show()
    history = GpuHistory()
    for n in range(7200):
        history.add(GpuSnapshot(n / 2, tuple(_gpu(card, n) for card in range(2))))
    marks = [Mark(-float(n), n % 2 == 0) for n in range(40)]
    times: list[float] = []
    for _ in range(20):
        started_s = time.process_time()  # what others do on this machine is no matter of ours
        series = [series_of(history.past(f"card {card}", 0), "memory", 3600) for card in range(2)]
        view.show_data(series, marks, 60, 24, "GB", "minutes")
        view.grab()
        times.append((time.process_time() - started_s) * 1000)
    view.close()
    view.deleteLater()
    kit.theme.deleteLater()
    times.sort()
    print(f"\n2 cards, 7200 points each, 40 marks: median {times[10]:.1f} ms, worst {times[-1]:.1f} ms")
    assert times[10] <= LONGEST_DRAWING_MS
