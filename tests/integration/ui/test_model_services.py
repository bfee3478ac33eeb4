"""Settings of the text models: services with their keys and notes, and proposals by graphics memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLineEdit

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.secrets import Secrets
from ai4artsed_desktop.adapters.text_models.ollama_library import OllamaLibrary
from ai4artsed_desktop.adapters.text_models.ollama_store import list_store
from ai4artsed_desktop.domain.events import DownloadEnded, ModelStateChanged
from ai4artsed_desktop.domain.gpu import VRAM_GB, Gpu, GpuSnapshot
from ai4artsed_desktop.domain.settings import StageModels
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.engine.model_services import ModelService, ModelServices
from ai4artsed_desktop.engine.served_models import ServedModels
from ai4artsed_desktop.ui.cards import model_name
from ai4artsed_desktop.ui.settings.providers import ServiceRow
from ai4artsed_desktop.ui.settings.stage_models import Presets
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import CLOUD as CLOUD_MODEL
from tests.support.fake_models import GOOD, FakeModels
from tests.support.ollama_double import OllamaDouble, lines, make_store, shaped
from tests.support.ui_window import WindowWorld, open_window, type_into
from tests.support.world import TestWorld

Run = RunInWindowLoop[None]
KEY = "sk-very-secret-0123456789"
CLOUD = ModelService(
    id="cloud",
    name="Cloud",
    address="https://cloud.invalid/v1",
    needs_key=True,
    key_variable="CLOUD_KEY",
    key_url="https://cloud.invalid/keys",
    data_protection={"de": "Geht weit weg.", "en": "Goes far away."},
    is_local=False,
    checked=date(2026, 11, 29),
)


def with_services(home: Path) -> Callable[[TestWorld], None]:
    def prepare(world: TestWorld) -> None:
        secrets = Secrets(home / "keys.json", {})
        world.engine.model_services = ModelServices(world.engine.bus, (CLOUD,), secrets)

    return prepare


def service_row(opened: WindowWorld) -> ServiceRow:
    (found,) = opened.settings.findChildren(ServiceRow)
    return found


def files_with(word: str, folder: Path) -> list[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.name for path in paths if word.encode() in path.read_bytes())


def test_a_service_is_off_until_it_is_switched_on_and_says_where_data_go(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        async with open_window(app_home, prepare=with_services(app_home)) as opened:
            opened.window.show_page("settings")
            row = service_row(opened)
            assert row.note.text() == "Goes far away. (As of 11/29/26)"
            assert not row.switch.isChecked()
            assert not row.address.isVisibleTo(row)
            row.switch.click()
            assert opened.world.engine.settings.providers == {"cloud": ""}
            assert row.address.isVisibleTo(row)
            assert row.key.state.text() == "A key is missing."
            type_into(row.address, "ftp://x")
            row.address.editingFinished.emit()
            assert opened.settings.error_card.isVisible()
            row.address.clear()
            type_into(row.address, "https://proxy.invalid/v1")
            row.address.editingFinished.emit()
            assert opened.world.engine.settings.providers == {"cloud": "https://proxy.invalid/v1"}
            row.switch.click()
            assert opened.world.engine.settings.providers == {}

    run_in_window_loop(body)


def test_a_key_can_be_given_and_forgotten_but_never_read_again(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, prepare=with_services(app_home)) as opened:
            opened.window.show_page("settings")
            row = service_row(opened)
            row.switch.click()
            field = row.key.field
            assert field.echoMode() is QLineEdit.EchoMode.Password
            type_into(field, KEY)
            row.key.save_button.click()
            assert field.text() == ""
            await opened.until(lambda: row.key.place == "file")
            assert "file" in row.key.state.text()
            assert files_with(KEY, app_home) == ["keys.json"]
            row.key.forget_button.click()
            await opened.until(lambda: row.key.place is None)
            assert files_with(KEY, app_home) == []

    run_in_window_loop(body)


def with_ollama(address: str) -> Callable[[TestWorld], None]:
    def prepare(world: TestWorld) -> None:
        library = OllamaLibrary(lambda: address, NetworkGuard(lambda: False))
        world.engine.served_models = ServedModels(world.engine.bus, library)

    return prepare


def test_a_proposal_fits_the_card_and_sets_every_stage_at_once(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home) as opened:
            opened.window.show_page("settings")
            (presets,) = opened.settings.findChildren(Presets)
            presets.suggest(GpuSnapshot(gpus=(Gpu(0, "uuid", "RTX", total_bytes=24 * VRAM_GB),)))
            assert presets.tier.currentText() == "24 GB of graphics memory"
            assert presets.preset is not None
            assert "gemma4:26b" in presets.names.text()
            assert presets.missing.isVisibleTo(presets)
            presets.use_button.click()
            assert opened.world.engine.settings.stage_models == presets.preset.stage_models
            assert opened.world.engine.settings.stage_models != StageModels()
            presets.suggest(GpuSnapshot())
            assert presets.tier.value == 24, "an unknown card suggests nothing"

    run_in_window_loop(body)


def test_what_a_proposal_lacks_is_downloaded_with_progress_and_can_be_stopped(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        double = OllamaDouble()
        half = {"status": "pulling x", "digest": "sha256:x", "total": 2_000_000_000, "completed": 1_000_000_000}
        double.then("/api/pull", replace(lines(half), hangs=True))
        async with double.serving() as url, open_window(app_home, prepare=with_ollama(url)) as opened:
            opened.window.show_page("settings")
            (presets,) = opened.settings.findChildren(Presets)
            row = presets.pull_rows[0]
            row.button.click()
            await opened.until(lambda: row.bar.value() > 0)
            assert "GB" in row.state.text() and row.layers.text() == "Layer x: 1.0 GB of 2.0 GB"
            row.button.click()
            await opened.until(lambda: not row.is_loading and row.button.text().startswith("Resume"))
            await double.until(lambda: double.left == 1)
            double.then("/api/pull", shaped("pull without network"))
            row.button.click()
            await opened.until(lambda: row.error_card.isVisibleTo(row))
            assert opened.world.engine.served_models is not None
            await opened.world.engine.served_models.aclose()

    run_in_window_loop(body)


def test_models_of_ollama_are_deleted_after_a_question_and_brought_from_a_stick(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_store(tmp_path / "stick")
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "own"))
    here = TextModelInfo("ollama/llama3.2:latest", "llama3.2:latest", "ollama", size_bytes=2_000_000_000)

    async def body() -> None:
        double = OllamaDouble()
        async with (
            double.serving() as url,
            open_window(app_home, models=FakeModels((here,)), prepare=with_ollama(url)) as opened,
        ):
            opened.window.show_page("settings")
            models = opened.settings.model_list
            (row,) = models.rows
            row.remove_button.click()
            assert double.of("/api/delete") == [], "it asks first"
            row.yes_button.click()
            await opened.until(lambda: bool(double.of("/api/delete")))
            assert double.of("/api/delete")[0].json == {"model": "llama3.2:latest"}
            models.copy_in(tmp_path / "stick")
            await opened.until(lambda: bool(opened.world.probe.of(DownloadEnded)))
            assert opened.world.engine.served_models is not None
            await opened.world.engine.served_models.aclose()

    run_in_window_loop(body)
    assert [(model.name, model.problem) for model in list_store(tmp_path / "own")] == [("qwen3:8b", "")]


def test_a_run_says_that_its_model_is_being_loaded(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        models = FakeModels((GOOD,))
        models.going_on.clear()
        async with open_window(app_home, models=models) as opened:
            await opened.make("A red apple", "dada")
            await opened.until(models.streaming.is_set)
            facts = opened.shown
            opened.world.engine.bus.publish(ModelStateChanged(GOOD.id, "loading"))
            await opened.until(lambda: facts.message == "working.loading_model")
            opened.world.engine.bus.publish(ModelStateChanged("other/model", "ready"))
            opened.world.engine.bus.publish(ModelStateChanged(GOOD.id, "ready"))
            await opened.until(lambda: facts.message == "")
            models.going_on.set()
            await opened.ended()

    run_in_window_loop(body)


def test_a_model_that_is_not_on_this_machine_is_named_so(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with open_window(app_home, models=FakeModels((GOOD, CLOUD_MODEL))) as opened:
            assert model_name(opened.kit, GOOD) == "Good"
            assert model_name(opened.kit, CLOUD_MODEL) == "Cloud (internet)"

    run_in_window_loop(body)
