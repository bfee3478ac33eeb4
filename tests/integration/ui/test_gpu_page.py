"""The graphics card in the window: page, status bar, questions, settings; over a fake NVML library."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QAbstractButton

from ai4artsed_desktop.adapters.gpu.meter import GpuMeterThread
from ai4artsed_desktop.adapters.gpu.nvml import NvmlSampler
from ai4artsed_desktop.domain.events import RunFinished, RunStarted
from ai4artsed_desktop.domain.gpu import ProcessKind
from ai4artsed_desktop.domain.vram import VramNeed, VramQuestionClosed, VramRefusedError
from ai4artsed_desktop.engine.tasks import TaskScope
from ai4artsed_desktop.ui.gpu.panel import GpuPanel
from ai4artsed_desktop.ui.settings.rows import SettingRow
from ai4artsed_desktop.ui.theme import ThemeChoice
from ai4artsed_desktop.ui.widgets.banner import Banner
from ai4artsed_desktop.ui.widgets.basics import Label
from ai4artsed_desktop.ui.widgets.fields import ChoiceField
from tests.conftest import RunInWindowLoop
from tests.support.fake_nvml import DRIVER_NOT_LOADED, GIB, NOT_SUPPORTED, FakeCard, FakeNvml, installed, no_library
from tests.support.ui_kit import nameless
from tests.support.ui_window import WindowWorld, open_window
from tests.support.vram_world import FakeProgram, TestNames
from tests.support.world import request

Run = RunInWindowLoop[None]
NEED = VramNeed("generation", "output:x:y", "Model X", "comfyui", 18 * GIB, "documented")


@dataclass
class GpuWindow:
    """A window with a card."""

    opened: WindowWorld
    library: FakeNvml

    @property
    def panel(self) -> GpuPanel:
        panel = self.opened.window.pages["studio"].findChild(GpuPanel)
        assert panel is not None
        return panel

    def points(self) -> int:
        card = self.library.cards[0].uuid.decode()
        return len(self.opened.world.engine.gpu.history.past(card).taken_s)

    def words(self) -> str:
        return "\n".join(label.text() for label in self.panel.findChildren(Label) if label.isVisible())

    async def shows(self, text: str) -> None:
        await self.opened.until(lambda: text in self.words(), 20)

    def question(self) -> Banner:
        (banner,) = self.opened.window.vram_questions.open.values()
        return banner

    async def press(self, words: str) -> None:
        def found() -> list[QAbstractButton]:
            buttons = self.opened.window.findChildren(QAbstractButton)
            return [b for b in buttons if words in (b.text(), b.accessibleName()) and b.isVisible() and b.isEnabled()]

        await self.opened.until(lambda: bool(found()), 20)
        found()[0].click()


@asynccontextmanager
async def gpu_window(
    home: Path, *cards: FakeCard, sources: Sequence[FakeProgram] = (), page: str = "studio", **settings: Any
) -> AsyncGenerator[GpuWindow]:
    library = FakeNvml(*cards)
    kinds: dict[int, ProcessKind] = {program.pid: program.process for program in sources}
    with installed(library):
        meter = GpuMeterThread(lambda: NvmlSampler(TestNames(kinds)))
        async with open_window(home, gpu_meter=meter, vram_sources=sources, **settings) as opened:
            opened.window.show_page(page, "gpu")
            yield GpuWindow(opened, library)


def qwen_on(card: FakeCard) -> FakeProgram:
    made = FakeProgram(card, 501, "ollama/qwen3:14b", "ollama", "qwen3:14b")
    made.load(8 * GIB)
    return made


def test_the_page_shows_figures_and_follows_them_in_both_languages(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        card = FakeCard(used=0, reasons=0x20)
        async with gpu_window(app_home, card, sources=[qwen_on(card)]) as gpu:
            await gpu.shows("8.0 of 24.0 GB used")
            for words in ("230 W of 450 W", "45 %", "61 °C", "2,520 MHz", "slowed: too hot", "process 501"):
                assert words in gpu.words()
            card.hold(501, 12 * GIB)
            await gpu.shows("12.0 of 24.0 GB used")
            gpu.opened.kit.translator.set_language("de")
            await gpu.shows("12,0 von 24,0 GB belegt")
            assert "gebremst: zu heiß" in gpu.words() and "used" not in gpu.words()
            assert nameless(gpu.panel) == []

    run_in_window_loop(body)


def test_figures_a_card_does_not_give_are_called_unknown(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        failing = {"nvmlDeviceGetPowerUsage": NOT_SUPPORTED, "nvmlDeviceGetUtilizationRates": NOT_SUPPORTED}
        lost = FakeCard(name=b"Second", uuid=b"GPU-2")
        async with gpu_window(app_home, FakeCard(failing=failing), lost) as gpu:
            await gpu.shows("unknown")
            assert gpu.panel.cards[0].values["power"].text() == "unknown"
            lost.is_lost = True
            await gpu.shows("This card stopped answering")
            assert not gpu.panel.cards[1].bar.isVisible() and gpu.panel.cards[0].bar.isVisible()

    run_in_window_loop(body)


def test_without_a_driver_the_page_says_why_and_the_status_bar_stays_quiet(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        with no_library():
            meter = GpuMeterThread(NvmlSampler)
            async with open_window(app_home, gpu_meter=meter) as opened:
                opened.window.show_page("studio", "gpu")
                gpu = GpuWindow(opened, FakeNvml())
                await gpu.shows("No NVIDIA driver here")
                assert not gpu.panel.plot.isVisible() and not opened.window.status_bar.vram_bar.isVisible()
                assert gpu.panel.holdings.isVisible(), "models can be unloaded all the same"

    run_in_window_loop(body)


def test_the_status_bar_shows_the_fullest_card_and_hides_when_the_driver_is_lost(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        small = FakeCard(name=b"Small", uuid=b"GPU-2", total=8 * GIB, used=6 * GIB, reserved=0)
        async with gpu_window(app_home, FakeCard(), small, page="create") as gpu:
            bar = gpu.opened.window.status_bar
            await gpu.opened.until(bar.vram_bar.isVisible, 20)
            assert bar.vram_words.text() == "VRAM 6.0/8.0 GB" and bar.vram_bar.share == 0.75
            assert "NVIDIA GeForce RTX 4090: 2.0 of 24.0 GB used" in bar.vram_words.toolTip()
            bar.vram_words.click()
            await gpu.opened.until(lambda: bool(gpu.panel.isVisible()), 20)
            gpu.library.global_error = gpu.library.init_error = DRIVER_NOT_LOADED
            await gpu.opened.until(lambda: not bar.vram_bar.isVisible(), 20)

    run_in_window_loop(body)


def test_the_plot_has_curves_with_gaps_and_marks_of_runs(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with gpu_window(app_home, FakeCard()) as gpu:
            plot = gpu.panel.plot
            await gpu.opened.until(lambda: plot.view is not None, 20)
            bus = gpu.opened.world.engine.bus
            bus.publish(RunStarted("r"))
            bus.publish(RunFinished("r"))
            await gpu.opened.until(lambda: gpu.points() > 1, 20)
            plot.draw()
            for name in ("utilisation", "power", "temperature", "memory"):
                plot.figure.set_value(name)
                plot.draw()
            plot.span.set_value("hour")
            plot.draw()
            assert plot.view is not None and plot.view.accessibleName() == "Memory over time"
            assert plot.view.curve_lengths() == [gpu.points()]
            assert plot.view.visible_marks() == 2
            gpu.opened.kit.theme.configure(choice=ThemeChoice.DARK)
            assert plot.view.isVisible()

    run_in_window_loop(body)


def test_the_newest_runs_energy_is_said_and_none_where_it_was_not_measured(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        card = FakeCard()
        async with gpu_window(app_home, card) as gpu:
            await gpu.shows("24.0 GB used")
            run = gpu.opened.world.engine.runs.submit(request("A red apple", "as_is"))
            await gpu.opened.world.engine.runs.wait(run)
            await gpu.shows("Latest run: 0.00 Wh")  # this card's counter stands still: measured, not supposed
            card.failing |= {
                "nvmlDeviceGetTotalEnergyConsumption": NOT_SUPPORTED,
                "nvmlDeviceGetPowerUsage": NOT_SUPPORTED,
            }
            run = gpu.opened.world.engine.runs.submit(request("A red apple", "as_is"))
            await gpu.opened.world.engine.runs.wait(run)
            await gpu.opened.until(lambda: "Latest run" not in gpu.words(), 20)

    run_in_window_loop(body)


def test_clear_frees_and_tells_before_and_after(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        card = FakeCard(used=0)
        qwen = qwen_on(card)
        async with gpu_window(app_home, card, sources=[qwen]) as gpu:
            await gpu.shows("qwen3:14b · 8.0 GB")
            await gpu.press("Clear VRAM")
            await gpu.shows("Before 8.0 GB, now 0.0 GB used.")
            assert qwen.freed == 1 and "Unloaded: qwen3:14b." in gpu.words()
            await gpu.shows("Nothing that could be unloaded is loaded.")

    run_in_window_loop(body)


def test_what_is_pinned_is_remembered_and_stays(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        card = FakeCard(used=0)
        qwen = qwen_on(card)
        async with gpu_window(app_home, card, sources=[qwen]) as gpu:
            await gpu.press("Keep qwen3:14b loaded")
            await gpu.opened.until(lambda: gpu.opened.world.engine.settings.vram_pinned == (qwen.id,), 20)
            await gpu.press("Clear VRAM")
            await gpu.shows("qwen3:14b is pinned and stays.")
            await gpu.press("Keep qwen3:14b loaded")
            await gpu.opened.until(lambda: gpu.opened.world.engine.settings.vram_pinned == (), 20)
            await gpu.press("Unload qwen3:14b")
            await gpu.opened.until(lambda: qwen.freed == 1, 20)

    run_in_window_loop(body)


@pytest.mark.parametrize(("button", "freed"), [("Unload", 1), ("Start anyway", 0)])
def test_a_question_stands_above_everything_until_it_is_answered(
    run_in_window_loop: Run, app_home: Path, button: str, freed: int
) -> None:
    async def body() -> None:
        card = FakeCard(used=0, reserved=0)
        qwen = qwen_on(card)
        async with gpu_window(app_home, card, sources=[qwen], page="create") as gpu:
            window, arbiter, began = gpu.opened.window, gpu.opened.world.engine.vram, list[bool]()

            async def start() -> None:
                async with arbiter.lease(NEED):
                    began.append(True)

            scope = TaskScope("test")
            scope.spawn(start(), name="start")
            await gpu.opened.until(lambda: bool(window.vram_questions.open), 20)
            banner = gpu.question()
            words = "Model X needs about 18.0 GB (as documented), 16.0 GB are available. Unload qwen3:14b (8.0 GB)?"
            assert banner.words.text() == words and not banner.close_button.isVisible()
            assert banner.isVisible() and began == [] and nameless(banner) == []
            next(b for b in banner.findChildren(QAbstractButton) if b.text() == button).click()
            await gpu.opened.until(lambda: began == [True], 20)
            assert qwen.freed == freed and window.vram_questions.open == {}
            await scope.aclose()

    run_in_window_loop(body)


def test_no_ends_the_start_and_a_cancelled_start_takes_its_question_away(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        card = FakeCard(used=0, reserved=0)
        async with gpu_window(app_home, card, sources=[qwen_on(card)], page="create") as gpu:
            window, arbiter, errors = gpu.opened.window, gpu.opened.world.engine.vram, list[BaseException | None]()

            async def start() -> None:
                async with arbiter.lease(NEED):
                    raise AssertionError("it began")

            scope = TaskScope("test")
            scope.spawn(start(), name="no", on_done=lambda task: errors.append(task.exception()))
            await gpu.opened.until(lambda: bool(window.vram_questions.open), 20)
            next(b for b in gpu.question().findChildren(QAbstractButton) if b.text() == "Do not start").click()
            await gpu.opened.until(lambda: bool(errors), 20)
            assert isinstance(errors[0], VramRefusedError)
            task = scope.spawn(start(), name="cancelled", on_done=lambda task: None)
            await gpu.opened.until(lambda: bool(window.vram_questions.open), 20)
            task.cancel()
            await gpu.opened.until(lambda: window.vram_questions.open == {}, 20)
            assert len(gpu.opened.world.probe.of(VramQuestionClosed)) == 2
            await scope.aclose()

    run_in_window_loop(body)


def test_the_policy_is_a_setting(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("settings")
            words = opened.kit.text("settings.vram_policy")
            row = next(r for r in opened.settings.findChildren(SettingRow) if r.title.text() == words)
            assert isinstance(row.field, ChoiceField) and row.field.value == "ask"
            row.field.setCurrentIndex(row.field.findData("workshop"))
            row.field.activated.emit(row.field.currentIndex())
            assert opened.world.engine.settings.vram_policy == "workshop"

    run_in_window_loop(body)


def test_the_window_starts_without_pyqtgraph_and_numpy() -> None:
    code = "import sys; import ai4artsed_desktop.app.window, ai4artsed_desktop.ui.pages.studio; "
    code += "from ai4artsed_desktop.ui.paging import discover_pages; discover_pages(); "
    code += "print([m for m in ('pyqtgraph', 'numpy', 'pynvml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
