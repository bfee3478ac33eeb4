"""What a service's log costs on the Studio page: a flood until it can be searched, and how late the window is."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from pathlib import Path
from typing import cast

import pytest

from ai4artsed_desktop.ui.studio.services_section import ServicesSection
from tests.conftest import RunInWindowLoop
from tests.support.studio_kit import open_studio

pytestmark = pytest.mark.benchmark
Run = RunInWindowLoop[None]

LINES = 100_000
SEARCHABLE_LIMIT_S = 10.0
LATENESS_LIMIT_S = 0.016


def test_a_service_that_writes_a_hundred_thousand_lines_leaves_the_window_in_time(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_studio(app_home, services_health_interval_s=5.0) as studio:
            section = cast("ServicesSection", studio.page.sections["services"])
            log, card, late = section.log, section.cards["comfyui"], list[float]()
            await studio.press("Start", card)
            await studio.shows("ready", card)
            words = tuple(f"line {number} of the flood, with some words behind it" for number in range(LINES))
            began_s = time.perf_counter()
            studio.comfyui.host.current.say(*words)
            while not (log.model.is_settled and log.model.rowCount() and log.model.text(-1) == words[-1]):
                due = time.perf_counter() + 0.002
                await asyncio.sleep(0.002)
                late.append(max(0.0, time.perf_counter() - due))
            shown_s = time.perf_counter() - began_s
            log.filter.setText(f"FLOOD {LINES - 2}")
            await studio.opened.until(lambda: log.model.rowCount() == 1 and log.model.is_settled)
            found_s = time.perf_counter() - began_s
            p99 = statistics.quantiles(late, n=100)[98]
            sys.stdout.write(
                f"\nStudio: {LINES:,} lines shown after {shown_s:.1f} s, one found after {found_s:.1f} s; window late: "
                f"p50 {statistics.median(late) * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms, most {max(late) * 1e3:.0f} ms\n"
            )
            await studio.press("Stop", card)
            await studio.shows("stopped", card)
            assert found_s <= SEARCHABLE_LIMIT_S
            assert p99 <= LATENESS_LIMIT_S

    run_in_window_loop(body)
