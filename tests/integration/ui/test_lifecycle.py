"""The window's process: started as a person starts it, asked to end, started twice, and hit by an unexpected error."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from ai4artsed_desktop.adapters.assembly import assemble
from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, find_paths
from ai4artsed_desktop.app.hooks import Hooks
from ai4artsed_desktop.app.session import Session
from ai4artsed_desktop.app.single_instance import SingleInstance
from tests.conftest import RunInWindowLoop
from tests.support.fake_children import until
from tests.support.programs import ask, left_after, program

Run = RunInWindowLoop[None]
OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}


async def until_open(home: Path, limit_s: float = 30.0) -> None:
    """Wait until the window has remembered its place: then it is shown and hears signals."""
    give_up_s = time.monotonic() + limit_s
    while not await asyncio.to_thread((home / "config" / "window.json").is_file):
        assert time.monotonic() < give_up_s, "the window never opened"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals between processes")
async def test_a_signal_closes_the_window_cleanly(app_home: Path, number: signal.Signals) -> None:
    async with program(app_home, QT_QPA_PLATFORM="offscreen") as process:
        await until_open(app_home)
        process.send_signal(number)
        async with asyncio.timeout(10):
            out, err = await process.communicate()
        assert process.returncode == 0
        assert out == b""
        assert err.replace(b"This plugin does not support propagateSizeHints()\n", b"") == b""
        assert await left_after(app_home) == []


async def test_a_second_start_ends_at_once_and_the_first_window_stays(app_home: Path) -> None:
    async with program(app_home, QT_QPA_PLATFORM="offscreen") as first:
        await until_open(app_home)
        code, _, _ = await ask(app_home, limit_s=15, **OFFSCREEN)
        assert code == 0
        assert first.returncode is None
        first.terminate()
        async with asyncio.timeout(10):
            await first.communicate()
    assert first.returncode == 0


async def test_a_program_that_was_killed_leaves_no_lock_behind(app_home: Path) -> None:
    async with program(app_home, QT_QPA_PLATFORM="offscreen") as first:
        await until_open(app_home)
        first.kill()
        await first.communicate()
    async with program(app_home, QT_QPA_PLATFORM="offscreen") as second:
        await asyncio.sleep(0)
        window_file = app_home / "config" / "window.json"
        await asyncio.to_thread(window_file.unlink)
        await until_open(app_home)
        second.terminate()
        async with asyncio.timeout(10):
            await second.communicate()
    assert second.returncode == 0


def test_the_first_instance_is_shown_when_somebody_starts_again(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        first, second = SingleInstance(app_home), SingleInstance(app_home)
        shown: list[bool] = []
        first.shown.connect(lambda: shown.append(True))
        assert first.claim()
        assert not await asyncio.to_thread(second.claim)
        await until(lambda: bool(shown))
        first.release()

    run_in_window_loop(body)


def test_an_exception_in_a_slot_is_reported_in_the_window_and_the_program_goes_on(
    run_in_window_loop: Run, app_home: Path
) -> None:
    def boom() -> None:
        raise ValueError("nobody expected this")

    async def body() -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        session = Session(app, assemble(find_paths({HOME_VARIABLE: str(app_home)})))
        hooks = Hooks()
        hooks.reported.connect(session.report)
        hooks.install(asyncio.get_running_loop())
        try:
            session.show()
            QTimer.singleShot(0, boom)
            card = session.window.error_card
            await until(lambda: card.isVisible() and session.window.facts.is_known, limit_s=10)
            assert "nobody expected this" in card.details.toPlainText()
            assert card.accessibleName() == "The step was not finished."
            session.quit_at_once()
            async with asyncio.timeout(5):
                await session.wait_until_closed()
        finally:
            hooks.remove()
            await session.aclose()

    run_in_window_loop(body)


async def test_the_first_paint_needs_no_heavy_package(app_home: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.window_probe",
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={**os.environ, **OFFSCREEN, HOME_VARIABLE: str(app_home)},
    )
    async with asyncio.timeout(60):
        out, _ = await process.communicate()
    assert process.returncode == 0
    facts = json.loads(out)
    assert facts["heavy_at_paint"] == []
    assert facts["heavy_when_usable"] == []
