"""Whole runs in the window, over the doubles and over a real server: steps, previews, cancel, a lost socket, an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from PySide6.QtWidgets import QPushButton

from ai4artsed_desktop.adapters.backends.comfyui import ComfyUiBackend
from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient
from ai4artsed_desktop.ui.previews.image import ImagePreview
from tests.conftest import RunInWindowLoop
from tests.support.comfyui_client_kit import SHORT, post_foreign, sampling, saving
from tests.support.comfyui_double import ComfyUiDouble
from tests.support.comfyui_servers import ServerName, on_every_server, serving
from tests.support.comfyui_worker import recorded_preview
from tests.support.fake_models import FakeModels
from tests.support.ui_window import WindowWorld, open_window
from tests.support.user_outputs import add_output

Run = RunInWindowLoop[None]
STEPS_S = 50.0
TOO_LARGE = {"class_type": "OutOfMemory", "inputs": {"samples": ["3", 0]}}


@asynccontextmanager
async def opened_over(server: ServerName, home: Path) -> AsyncGenerator[tuple[WindowWorld, ComfyUiDouble]]:
    """Open the window over a server, with the outputs ``plain`` (no steps) and ``sampled`` (six of them)."""
    async with serving(server) as double:
        backend = ComfyUiBackend(double.url, ComfyUiClient(double.url, limits=SHORT))
        try:
            async with open_window(home, models=FakeModels(()), backends={"comfyui": backend}) as opened:
                add_output(opened.world, "plain", saving())
                add_output(opened.world, "sampled", sampling(steps=6))
                add_output(opened.world, "too_large", sampling() | {"8": TOO_LARGE})
                await opened.world.engine.reload_catalog()
                yield opened, double
        finally:
            await backend.aclose()


@on_every_server
def test_a_run_shows_steps_and_previews_and_then_its_picture(
    server: ServerName, run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with opened_over(server, app_home) as (opened, double):
            double.worker.preview = recorded_preview()
            working = opened.create.result.working
            hold = double.hold("3", step=3)
            await opened.make("A red apple", "as_is", "sampled")
            await opened.until(lambda: "The sampler · step 3 of 6" in working.detail.text(), STEPS_S)
            assert not working.preview.isHidden() and working.preview.picture.width() > 0
            hold.released.set()
            await opened.until(lambda: not opened.shown.is_live, STEPS_S)
            assert opened.shown.state == "finished"
            await opened.until(lambda: isinstance(opened.create.result.preview, ImagePreview))
            medium = opened.create.result.medium
            assert medium is not None
            data = await asyncio.to_thread(Path(opened.create.result.path_of(medium)).read_bytes)
            assert double.is_made(data, sampling(steps=6), "9")

    run_in_window_loop(body)


@on_every_server
def test_a_cancel_while_it_runs_and_while_it_waits_empties_the_queue(
    server: ServerName, run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with opened_over(server, app_home) as (opened, double):
            button = opened.create.choices.medium_box.make_button
            hold = double.hold("3", step=2)
            await opened.make("A red apple", "as_is", "sampled")
            await opened.until(hold.reached.is_set, STEPS_S)
            button.click()
            await opened.until(lambda: not opened.shown.is_live, STEPS_S)
            assert opened.shown.state == "cancelled"
            await opened.until(lambda: not double.worker.remaining, STEPS_S)

            double.worker.holds.clear()
            hold = double.hold("3", step=1)
            foreign = await post_foreign(double, sampling(seed=50))
            await opened.until(hold.reached.is_set, STEPS_S)
            await opened.make("A red pear", "as_is", "plain")
            await opened.until(lambda: "1 before this one" in opened.create.result.working.detail.text(), STEPS_S)
            button.click()
            await opened.until(lambda: not opened.shown.is_live, STEPS_S)
            assert opened.shown.state == "cancelled"
            running = double.worker.running
            assert double.worker.pending == [] and running is not None and running.prompt_id == foreign
            hold.released.set()
            await opened.until(lambda: not double.worker.remaining, STEPS_S)

    run_in_window_loop(body)


@on_every_server
def test_a_socket_lost_in_the_middle_costs_nothing_and_a_server_that_goes_away_is_told_with_a_way_on(
    server: ServerName, run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with opened_over(server, app_home) as (opened, double):
            hold = double.hold("3", step=2)
            await opened.make("A red apple", "as_is", "sampled")
            await opened.until(hold.reached.is_set, STEPS_S)
            double.drop_sockets()
            hold.released.set()
            await opened.until(lambda: not opened.shown.is_live, STEPS_S)
            assert opened.shown.state == "finished"
            assert len(double.posted) == 1

            hold = double.hold("2")
            await opened.make("A red pear", "as_is", "plain")
            await opened.until(hold.reached.is_set, STEPS_S)
            await double.kill()
            await opened.until(lambda: not opened.shown.is_live, STEPS_S)
            assert opened.shown.state == "failed"
            card = opened.create.result.error_card
            await opened.until(card.isVisible)
            assert "ComfyUI" in card.accessibleDescription()
            plain = {card.details_button, card.copy_button}
            ways_on = [b for b in card.findChildren(QPushButton) if b not in plain and b.isVisible()]
            assert ways_on, "a way on"
            hold.released.set()
            await double.start()

    run_in_window_loop(body)


@on_every_server
def test_no_memory_left_is_answered_with_freeing_it_and_another_try(
    server: ServerName, run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with opened_over(server, app_home) as (opened, double):
            await opened.make("A red apple", "as_is", "too_large")
            await opened.until(lambda: not opened.shown.is_live, STEPS_S)
            failed = opened.shown
            assert failed.error is not None and failed.error.code == "error.backend.out_of_memory"
            card = opened.create.result.error_card
            await opened.until(card.isVisible)
            button = next(b for b in card.findChildren(QPushButton) if b.text() == "Free memory and try again")
            button.click()
            await opened.until(lambda: len(double.posted) == 2, STEPS_S)
            await opened.until(lambda: opened.shown is not failed and not opened.shown.is_live, STEPS_S)

    run_in_window_loop(body)
