"""Models in the Studio: those of a double of Ollama, and those of outputs in real folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest

from ai4artsed_desktop.domain.services import (
    ServiceState,
)
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.engine.ports import Server
from ai4artsed_desktop.engine.service_ports import Health
from ai4artsed_desktop.ui.studio.import_sheet import ImportSheet
from ai4artsed_desktop.ui.studio.inventory_section import InventorySection
from ai4artsed_desktop.ui.studio.ollama_section import OllamaSection
from tests.conftest import RunInWindowLoop
from tests.support.fake_models import GOOD, FakeModels
from tests.support.gguf_files import write_model
from tests.support.ollama_double import OllamaDouble, lines, shaped
from tests.support.pictures import lora_file, safetensors_file
from tests.support.studio_kit import open_studio
from tests.support.ui_kit import nameless
from tests.support.ui_window import press, type_into

Run = RunInWindowLoop[None]
VAE = {
    "encoder.conv_in.weight": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
    "decoder.conv_in.weight": {"dtype": "F16", "shape": [2, 2], "data_offsets": [8, 16]},
}
QWEN_VAE, CLIP_L = "qwen_image_vae.safetensors", "clip_l.safetensors"
HERE = TextModelInfo(
    "ollama/qwen3:14b",
    "qwen3:14b",
    "ollama",
    size_bytes=9_300_000_000,
    quantisation="Q4_K_M",
    context_tokens=40_960,
    is_loaded=True,
    loaded_bytes=10_000_000_000,
    size_vram_bytes=7_500_000_000,
)


class ServedFakeModels(FakeModels):
    """Asks first whether the server answers, as the provider of Ollama's models does, and then has one more."""

    server: Server | None = None

    async def list_models(self) -> Sequence[TextModelInfo]:
        is_there = self.server is not None and await self.server.running() is not None
        return (*self.models, HERE) if is_there else self.models


# ---- language models ----


def test_models_show_what_they_are_and_are_deleted_only_after_a_question(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        double = OllamaDouble("qwen3:14b")
        hostile = replace(HERE, id="ollama/x", name="<b>\u202eevil</b>", is_loaded=False, size_vram_bytes=None)
        models = FakeModels((GOOD, HERE, hostile))
        async with (
            double.serving() as url,
            open_studio(app_home, "language_models", ollama_url=url, models=models) as studio,
        ):
            part: OllamaSection = await studio.part(OllamaSection)
            await studio.shows("Models: 2, 18.6 GB", part)
            first, second = part.rows
            for words in ("9.3 GB", "Q4_K_M", "context 40960 tokens", "loaded", "75 % on the graphics card"):
                assert words in studio.words(first)
            assert "<b>\u202eevil</b>" in studio.words(second) and "Good" not in studio.words(part)
            first.remove_button.click()
            assert double.of("/api/delete") == [], "it asks first"
            first.yes_button.click()
            await studio.opened.until(lambda: bool(double.of("/api/delete")))
            assert double.of("/api/delete")[0].json == {"model": "qwen3:14b"}
            assert nameless(studio.page) == []

    run_in_window_loop(body)


def test_a_download_shows_its_progress_is_stopped_and_fails_with_reason(
    run_in_window_loop: Run, app_home: Path
) -> None:
    async def body() -> None:
        double = OllamaDouble()
        half = {"status": "pulling x", "digest": "sha256:x", "total": 2_000_000_000, "completed": 1_000_000_000}
        double.then("/api/pull", replace(lines(half), hangs=True))
        async with double.serving() as url, open_studio(app_home, "language_models", ollama_url=url) as studio:
            part: OllamaSection = await studio.part(OllamaSection)
            await studio.shows("No models: Ollama does not run", part)
            assert not part.pull_button.isEnabled()
            type_into(part.name, "qwen3:8b")
            press(part.name, Qt.Key.Key_Return)
            await studio.shows("1.0 GB of 2.0 GB", part)
            assert part.works.rows["qwen3:8b"].layers.text() == "Layer x: 1.0 GB of 2.0 GB"
            assert part.works.rows["qwen3:8b"].bar.value() == 500 and part.name.text() == ""
            await studio.press("Stop", part.works)
            await studio.shows("qwen3:8b was stopped. What came is kept", part)
            assert part.works.rows == {}
            double.then("/api/pull", shaped("pull without network"))
            type_into(part.name, "qwen3:8b")
            part.pull_button.click()
            await studio.opened.until(lambda: "qwen3:8b" in part.works.rows)
            row = part.works.rows["qwen3:8b"]
            await studio.opened.until(row.error_card.isVisible)
            row.error_card.close_button.click()
            assert part.works.rows == {}
            assert studio.opened.world.engine.served_models is not None
            await studio.opened.world.engine.served_models.aclose()

    run_in_window_loop(body)


def test_a_gguf_file_comes_in_under_the_name_that_was_given(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        double = OllamaDouble()
        path = write_model(tmp_path / "Mein Modell.gguf", "llama")
        async with double.serving() as url, open_studio(app_home, "language_models", ollama_url=url) as studio:
            part: OllamaSection = await studio.part(OllamaSection)
            part.offer_import(path)
            await studio.shows("Under which name shall Mein Modell.gguf come in?", part)
            assert part.import_name.text() == "mein-modell"
            type_into(part.import_name, "atelier")
            await studio.press("Bring in", part)
            await studio.opened.until(lambda: bool(double.of("/api/create")))
            assert cast("dict[str, object]", double.of("/api/create")[0].json)["model"] == "atelier:latest"
            await studio.opened.until(lambda: part.works.rows == {})
            assert not part.import_yes.isVisible()

    run_in_window_loop(body)


def test_ollama_is_started_from_its_own_section(run_in_window_loop: Run, app_home: Path) -> None:
    async def body() -> None:
        async with OllamaDouble().serving() as url, open_studio(app_home, "language_models", ollama_url=url) as studio:
            part: OllamaSection = await studio.part(OllamaSection)
            await studio.press("Start", part)
            await studio.shows("ready", part)
            assert studio.opened.world.engine.services.view("ollama").state is ServiceState.READY
            assert not part.start_button.isVisible()
        async with open_studio(app_home, "language_models", installed=False, ollama_url=url) as studio:
            part = await studio.part(OllamaSection)
            await studio.shows("not found on this computer", part)
            await studio.press("Set up …", part)
            await studio.shows("Install ComfyUI")

    run_in_window_loop(body)


def test_an_ollama_that_came_up_meanwhile_is_shown_as_running(run_in_window_loop: Run, app_home: Path) -> None:
    """It was started beside the program, and what lists models is not "not found on this computer"."""

    async def body() -> None:
        models = ServedFakeModels((GOOD,))
        async with (
            OllamaDouble().serving() as url,
            open_studio(app_home, "language_models", installed=False, ollama_url=url, models=models) as studio,
        ):
            services = studio.opened.world.engine.services
            part: OllamaSection = await studio.part(OllamaSection)
            await studio.shows("not found on this computer", part)
            await services.refresh()  # the first look has ended
            assert services.view("ollama").state is ServiceState.STOPPED
            studio.ollama.external = Health("ready", facts={"version": "0.12.6"})
            models.server = services.server("ollama")
            studio.opened.window.facts.refresh()
            await studio.opened.until(lambda: services.view("ollama").state is ServiceState.EXTERNAL)
            await studio.shows("qwen3:14b", part)
            assert "not found on this computer" not in studio.words(part)
            assert not part.setup_button.isVisible() and not part.start_button.isVisible()

    run_in_window_loop(body)


# ---- media models ----


def test_the_table_says_what_is_here_missing_and_misplaced_and_moves_on_request(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "models"
    (root / "vae").mkdir(parents=True)
    stray = safetensors_file(root / "checkpoints" / QWEN_VAE, VAE, 16)
    safetensors_file(root / "clip" / CLIP_L, {}, 0)
    lora = lora_file(root / "checkpoints" / "<i>\u202eStil ä.safetensors")
    opened_urls: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", opened_urls.append)

    async def body() -> None:
        async with open_studio(app_home, "media_models", roots=(root,)) as studio:
            part: InventorySection = await studio.part(InventorySection)
            await studio.shows("Here: 1 of", part)
            assert "Missing: 28," in studio.words(part) and part.model.rowCount() > 10
            rows = {part.model.item(row).name: row for row in range(part.model.rowCount())}
            assert rows[QWEN_VAE] < 2 and part.model.item(rows[lora.name]).outputs == ()
            assert part.model.index(rows[lora.name], 1).data() == lora.name
            assert part.model.index(rows[CLIP_L], 0).data() == "here"
            part.table.selectRow(rows[QWEN_VAE])
            await studio.press("Open its source", part)
            assert opened_urls == [QUrl("https://huggingface.co/Comfy-Org/Qwen-Image_ComfyUI")]
            await studio.press("Move to its place", part)
            await studio.opened.until(lambda: part.model.item(part.model.row_of(QWEN_VAE) or 0).state == "here")
            assert (root / "vae" / QWEN_VAE).exists() and not stray.exists()
            assert part.table.currentIndex().row() == part.model.row_of(QWEN_VAE), "what was chosen stays chosen"
            part.which.set_value("misplaced")
            part.which.chosen.emit("misplaced")
            assert [part.model.item(row).name for row in range(part.model.rowCount())] == [lora.name]
            part.which.chosen.emit(part.which.set_value("all"))
            part.output.set_value("sd35_large")
            part.output.chosen.emit("sd35_large")
            needed = {part.model.item(row).name for row in range(part.model.rowCount())}
            assert CLIP_L in needed and QWEN_VAE not in needed
            type_into(part.filter, "clip_l TEXT")
            assert [part.model.item(row).name for row in range(part.model.rowCount())] == [CLIP_L]
            assert nameless(studio.page) == []

    run_in_window_loop(body)


def test_the_table_is_sorted_by_the_head_that_is_clicked(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    async def body() -> None:
        async with open_studio(app_home, "media_models", roots=(tmp_path,)) as studio:
            part: InventorySection = await studio.part(InventorySection)
            await studio.opened.until(lambda: part.model.rowCount() > 0)
            header = part.table.horizontalHeader()
            middle = QPoint(header.sectionViewportPosition(4) + 20, header.height() // 2)
            for is_falling in (False, True):
                QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=middle)
                sizes = [part.model.item(row).size_bytes or 0 for row in range(part.model.rowCount())]
                assert sizes == sorted(sizes, reverse=is_falling) and len(set(sizes)) > 5
            studio.opened.kit.translator.set_language("de")
            again = [part.model.item(row).size_bytes or 0 for row in range(part.model.rowCount())]
            assert again == sizes, "another language sorts nothing anew"

    run_in_window_loop(body)


def test_ticked_files_come_from_a_stick_and_nothing_is_replaced(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    root, stick = tmp_path / "models", tmp_path / "stick ä"
    root.mkdir()
    vae = safetensors_file(stick / QWEN_VAE, VAE, 16)
    lora_file(stick / "Stil.safetensors")
    other = lora_file(root / "loras" / "Stil.safetensors", rank=8)
    before = other.read_bytes()

    async def body() -> None:
        async with open_studio(app_home, "media_models", roots=(root,)) as studio:
            part: InventorySection = await studio.part(InventorySection)
            part.read_source(stick)
            await studio.opened.until(lambda: part.sheet is not None and part.sheet.isVisible())
            sheet: ImportSheet = await studio.part(ImportSheet)
            assert [candidate.name for candidate in sheet.chosen()] == [QWEN_VAE], "what is missing is ticked"
            press(sheet.list, Qt.Key.Key_End)
            press(sheet.list, Qt.Key.Key_Space)
            assert len(sheet.chosen()) == 2
            assert nameless(sheet) == []
            await studio.press("Copy the ticked files", sheet)
            await studio.opened.until(lambda: (root / "vae" / QWEN_VAE).exists())
            await studio.shows("Another file is called", part.works)
            await studio.opened.until(lambda: part.model.item(part.model.row_of(QWEN_VAE) or 0).state == "here")
            assert list(part.works.rows) == ["Stil.safetensors"]

    run_in_window_loop(body)
    assert other.read_bytes() == before
    assert (root / "vae" / QWEN_VAE).read_bytes() == vae.read_bytes()


def test_a_copy_from_a_stick_shows_its_progress_and_is_stopped(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    root, stick = tmp_path / "models", tmp_path / "stick"
    root.mkdir()
    safetensors_file(stick / QWEN_VAE, VAE, 16)

    async def body() -> None:
        async with open_studio(app_home, "media_models", roots=(root,), slow_imports=True) as studio:
            part: InventorySection = await studio.part(InventorySection)
            part.read_source(stick)
            await studio.press("Copy the ticked files")
            await studio.shows("1.0 GB of 4.0 GB", part.works)
            assert part.works.rows[QWEN_VAE].bar.value() == 250
            await studio.press("Stop", part.works)
            await studio.shows(f"{QWEN_VAE} was stopped. What came is kept", part.works)
            assert studio.opened.world.engine.inventory.active_imports() == frozenset()

    run_in_window_loop(body)


def test_without_a_model_folder_it_says_so_and_an_import_says_why_not(
    run_in_window_loop: Run, app_home: Path, tmp_path: Path
) -> None:
    safetensors_file(tmp_path / "stick" / QWEN_VAE, VAE, 16)
    (tmp_path / "empty").mkdir()

    async def body() -> None:
        async with open_studio(app_home, "media_models") as studio:
            part: InventorySection = await studio.part(InventorySection)
            await studio.shows("No model folder is known", part)
            part.read_source(tmp_path / "empty")
            await studio.shows("No model files in", part)
            assert part.sheet is not None and not part.sheet.copy_button.isEnabled()
            part.sheet.close_sheet()
            part.read_source(tmp_path / "stick")
            await studio.opened.until(lambda: part.sheet is not None and len(part.sheet.chosen()) == 1)
            await studio.press("Copy the ticked files", part.sheet)
            await studio.shows("No folder of a media server is known.", part.works)
            part.read_source(tmp_path / "gone")
            await studio.opened.until(part.error_card.isVisible)

    run_in_window_loop(body)
