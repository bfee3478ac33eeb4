"""The Train page over a fake trainer: a training at work, and what comes after it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer

from ai4artsed_desktop.adapters.gpu.meter import GpuMeterThread
from ai4artsed_desktop.adapters.gpu.nvml import NvmlSampler
from ai4artsed_desktop.adapters.lora_files import DiskLoraFiles
from ai4artsed_desktop.adapters.model_folders import MediaModelFolders
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.training.events import TrainingEnded
from ai4artsed_desktop.ui.train.notices import TrainingNotices
from tests.conftest import RunInWindowLoop
from tests.support.fake_backend import FakeBackend
from tests.support.fake_nvml import GIB, FakeCard, FakeNvml, installed
from tests.support.pictures import no_places
from tests.support.train_window import choose, digests, train_window
from tests.support.training_kit import processes_of
from tests.support.ui_kit import nameless
from tests.support.ui_window import press
from tests.support.vram_world import FakeProgram, TestNames

Run = RunInWindowLoop[None]


# ---- a training at work


def test_a_training_is_followed_to_its_lora(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        gate = tmp_path / "gate"
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play("good_python", gate={"steps:  60%": str(gate)})
            page, run = train.page, train.page.run
            page.show_tab("plan")
            await train.opened.until(lambda: page.plan.can_start)
            train.opened.window.actions_list.do("make")
            await train.opened.until(lambda: train.state() == "running")
            await train.opened.until(lambda: page.stack.currentWidget() is run)
            await train.shows("running · training")
            await train.shows("of 10 · epoch 1 of 2")
            for words in ("Disk: ", "steps/s", "left", "loss", "learning rate 0.0001"):
                await train.shows(words)
            await train.opened.until(lambda: run.plot is not None and run.plot.lengths()[0] >= 5)
            await train.opened.until(lambda: len(run.samples.items) == 1)
            assert run.samples.items[0].caption == "step 5 · prompt 1"
            await train.opened.until(lambda: run.log.model.is_settled and run.log.model.rowCount() > 50)
            await train.opened.until(lambda: "5/10" in str(page.list.projects.words(page.list.projects.project(0))))
            await train.opened.until(lambda: not page.delete_button.isEnabled())
            assert not page.pictures.remove_button.isEnabled()
            gate.write_text("")
            await train.opened.until(lambda: train.state() == "finished")
            assert (train.locations.loras / "sd15_Übung 1.safetensors").is_file()
            assert not run.stop_button.isVisible() and not run.error_card.isVisible()
            assert nameless(page) == []
            lines = run.log.model.rowCount()
            run.log.filter.setText("saving checkpoint")
            await train.opened.until(lambda: 0 < run.log.model.rowCount() < lines)

    run_in_window_loop(body)


def test_stop_says_what_is_lost_and_the_training_goes_on_from_its_last_state(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play("good_python", gate={"steps:  60%": str(tmp_path / "never")})
            page = train.page
            page.show_tab("plan")
            await train.press("Start training")
            await train.shows("step 5 of 10")
            await train.press("Stop now")
            await train.shows("Lost by stopping now: one step.")
            page.run.confirm.no_button.click()
            assert train.state() == "running"
            page.run.ask_to_stop()
            page.run.confirm.yes_button.click()
            await train.opened.until(lambda: train.state() == "stopped")
            await train.shows("stopped")
            await train.opened.until(lambda: processes_of(tmp_path) == [])
            train.play("resume_skip")
            await train.press("Go on from step 4")
            await train.opened.until(lambda: train.state() == "finished", 30)

    run_in_window_loop(body)


def test_pause_waits_for_the_next_save(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        gate = tmp_path / "gate"
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play("good_python", gate={"steps:  20%": str(gate), "steps:  60%": str(tmp_path / "never")})
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.shows("step 1 of 10")
            await train.press("Pause after the next save")
            gate.write_text("")
            await train.opened.until(lambda: train.state() == "stopped", 30)
            snapshot = train.page.link.snapshot
            assert snapshot is not None and snapshot.resumable_step in (2, 4)
            train.page.show_tab("result")
            await train.shows("Saved LoRA files")
            result = train.page.result
            assert result.output.value in ("sd15", "sd15_draft"), "its saves are shown by its own family, too"

    run_in_window_loop(body)


def test_memory_that_ran_out_is_said_and_the_smaller_preset_is_one_button_away(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        recording = tmp_path / "oom.jsonl"
        recording.write_text(
            '{"stream": "stderr", "data": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.\\n"}\n'
            '{"stream": "meta", "event": "exit", "returncode": 1}\n'
        )
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project(vram_gb=16.0)
            train.play("good_python", recording=str(recording))
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.shows("The graphics memory ran out.")
            train.play("good_python")
            await train.press("Start with the preset for 12 GB")
            await train.opened.until(lambda: train.state() == "finished", 30)
            assert train.page.link.project.vram_gb == 12.0

    run_in_window_loop(body)


def test_a_loss_that_is_no_number_is_said_while_it_happens(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play("good_nan_loss")
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.shows("The loss is not a number any more")
            await train.opened.until(lambda: train.state() == "failed", 30)
            await train.shows("The LoRA is useless.")
            assert not any(train.locations.loras.glob("*.safetensors"))

    run_in_window_loop(body)


def test_a_training_survives_the_window_and_is_found_again_without_visiting_the_page(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        gate = tmp_path / "gate"
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play("good_python", gate={"steps:  60%": str(gate)})
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.shows("step 5 of 10")
            window_pids = {process.pid for process in processes_of(tmp_path)}
            train.leave_running = True
        assert {process.pid for process in processes_of(tmp_path)} == window_pids != set()
        async with train_window(tmp_path, monkeypatch) as train:
            await train.opened.until(lambda: train.state() == "running", 30)
            await train.shows("step 5 of 10")
            await train.opened.until(lambda: train.page.run.log.model.count > 50)
            assert train.page.run.isVisible()
            gate.write_text("")
            await train.opened.until(lambda: train.state() == "finished", 30)
            assert len(train.opened.world.probe.of(TrainingEnded)) == 1

    run_in_window_loop(body)


def test_trainings_wait_for_each_other_and_can_leave_the_queue(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        gate = tmp_path / "gate"
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project("Erste")
            train.play("good_python", gate={"steps:  60%": str(gate)})
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.opened.until(lambda: train.state() == "running")
            for name in ("Zweite", "Dritte"):
                await train.project(name)
                train.page.show_tab("plan")
                await train.press("Start training")
                await train.shows("Erste is being trained.")
                await train.press("Queue")
                await train.opened.until(lambda: train.state() == "queued")
            await train.shows("Waits as number 2 of 2.")
            for timer in train.page.run.findChildren(QTimer):  # the figures of the one that works are due
                timer.timeout.emit()
            assert "Waits as number 2 of 2." in train.words()
            await train.press("Do not wait")
            await train.opened.until(lambda: train.state() == "new")
            train.page.list.show_project("Zweite")
            gate.write_text("")
            await train.opened.until(lambda: train.page.link.name == "Zweite" and train.state() == "finished", 60)

    run_in_window_loop(body)


@pytest.mark.parametrize(
    ("recording", "words"),
    [
        ("bad_disk_full", "The disk is full."),
        ("bad_corrupt_image_nocache", "A picture ended the training."),
        ("bad_empty_dataset", "Nothing was trained."),
    ],
)
def test_what_ended_a_training_is_said_in_words_and_the_log_stays(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recording: str, words: str
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play(recording)
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.shows(words)
            log = train.page.run.log
            await train.opened.until(lambda: log.model.is_settled and log.model.count > 0)
            assert train.state() == "failed" and not train.page.run.stop_button.isVisible()
            assert not any(train.locations.loras.glob("*.safetensors"))

    run_in_window_loop(body)


def test_a_trainer_killed_from_outside_is_said_and_can_go_on(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play("good_python", gate={"steps:  60%": str(tmp_path / "never")})
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.shows("step 5 of 10")
            for process in processes_of(tmp_path):
                if "train_network.py" in " ".join(process.cmdline()):
                    process.kill()
            await train.shows("The trainer was ended from outside.")
            await train.opened.until(lambda: bool(train.buttons("Go on from step 4")))
            await train.opened.until(lambda: processes_of(tmp_path) == [])

    run_in_window_loop(body)


def test_a_missing_base_model_is_named_before_anything_starts(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project(family="sdxl")
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.shows("A model file is missing: pretrained_model_name_or_path.")
            assert train.state() == "new" and processes_of(tmp_path) == []
            assert train.page.plan.can_start, "after the file is there it can be tried again"

    run_in_window_loop(body)


def test_a_start_that_waited_and_could_not_be_is_said(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch, has_trainer=False) as train:
            await train.project()
            train.page.show_tab("plan")
            await train.press("Queue")
            notices = train.opened.window.training_notices
            assert isinstance(notices, TrainingNotices)
            await train.opened.until(lambda: "Übung 1" in notices.cards)
            assert notices.cards["Übung 1"].isVisible()
            assert notices.cards["Übung 1"].accessibleName() == "Übung 1: No trainer was found."
            await train.opened.until(lambda: train.state() == "new")

    run_in_window_loop(body)


def test_idle_models_leave_the_card_before_a_training_starts(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        card = FakeCard(total=16 * GIB, used=0)
        model = FakeProgram(card, 501, "ollama:qwen3:14b", "ollama", "qwen3:14b")
        model.load(9 * GIB)
        with installed(FakeNvml(card)):
            meter = GpuMeterThread(lambda: NvmlSampler(TestNames({501: "ollama"})))
            async with train_window(
                tmp_path, monkeypatch, gpu_meter=meter, vram_sources=[model], vram_policy="ask"
            ) as train:
                await train.project(vram_gb=None)
                train.play("good_python")
                page = train.page
                page.show_tab("plan")
                await train.shows("Stable Diffusion 1.5 with 16 GB")
                await train.press("Start training")
                await train.opened.until(lambda: bool(train.opened.window.vram_questions.open), 20)
                (banner,) = train.opened.window.vram_questions.open.values()
                assert "Unload qwen3:14b" in banner.words.text() and train.state() == "new"
                train.opened.world.engine.vram.answer(next(iter(train.opened.window.vram_questions.open)), "free")
                await train.opened.until(lambda: train.state() == "finished", 30)
                assert model.freed == 1

    run_in_window_loop(body)


def test_a_sample_is_shown_large(run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play("good_python")
            train.page.show_tab("plan")
            await train.press("Start training")
            run = train.page.run
            await train.opened.until(lambda: train.state() == "finished" and bool(run.samples.items), 30)
            train.page.show_tab("run")
            run.sample_grid.activated.emit(run.samples.index(0))
            sheet = run.sample_sheet
            assert sheet is not None and sheet.words.text() == "step 5 · prompt 1"
            await train.opened.until(lambda: not sheet.picture.image.isNull())
            press(sheet.close_button, Qt.Key.Key_Escape)
            assert not sheet.isVisible()

    run_in_window_loop(body)


# ---- after


def test_saves_and_strengths_are_compared_on_one_seed_and_an_interception_takes_the_lora(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        loras = tmp_path / "Ordner mit Umlaut ä" / "loras"
        settings = Settings(lora_folders=(loras,), comfyui_address="http://127.0.0.1:9")
        files = DiskLoraFiles(MediaModelFolders(lambda: settings, no_places))
        backend = FakeBackend()
        async with train_window(
            tmp_path, monkeypatch, backends={"comfyui": backend}, lora_files=files, lora_folders=(loras,)
        ) as train:
            await train.project()
            train.play("good_python")
            page, result = train.page, train.page.result
            page.show_tab("plan")
            await train.press("Start training")
            await train.opened.until(lambda: train.state() == "finished", 30)
            page.show_tab("result")
            await train.shows("Stable Diffusion 1.5 · rank 4")
            assert result.output.value in ("sd15", "sd15_draft"), "the first one offered can show it"
            await train.press("Compare strengths")
            await train.opened.until(lambda: all(item.path for item in result.model.items) and bool(result.model.items))
            assert [item.caption for item in result.model.items] == ["0.0", "0.4", "0.6", "0.8", "1.0"]
            await train.press("Compare saves")
            await train.opened.until(lambda: len(backend.requests) > 5 and len(result.model.items) < 5, 30)
            await train.opened.until(lambda: all(item.path for item in result.model.items), 30)
            words = [item.caption for item in result.model.items]
            assert words[0].startswith("step ") and len(words) == len(set(words))
            seeds = {facts.request.seed for facts in train.opened.window.runs.all()}
            assert seeds == {42}
            choose(result.interception, "dada")
            await train.press("Save a copy with this LoRA")
            await train.shows("Saved as")
            catalog = train.opened.world.engine.catalog
            (own,) = [entry for entry in catalog.interceptions.values() if entry.origin == "user"]
            assert [use.name for use in own.value.meta.loras] == ["sd15_Übung 1.safetensors"]

    run_in_window_loop(body)


def test_deleting_lists_everything_first_asks_and_proves_it(
    run_in_window_loop: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with train_window(tmp_path, monkeypatch) as train:
            await train.project()
            train.play("good_python")
            train.page.show_tab("plan")
            await train.press("Start training")
            await train.opened.until(lambda: train.state() == "finished", 30)
            before = digests(train.pictures)
            project, lora = train.locations.project("Übung 1"), train.locations.loras / "sd15_Übung 1.safetensors"
            train.page.delete_project()
            sheet = train.page.delete_sheet
            await train.opened.until(lambda: sheet.yes_button.isEnabled())
            assert str(project) in sheet.places.toPlainText() and str(lora) in sheet.places.toPlainText()
            sheet.no_button.click()
            assert project.is_dir() and lora.is_file() and not sheet.isVisible()
            train.page.delete_project()
            await train.opened.until(lambda: sheet.yes_button.isEnabled())
            sheet.yes_button.click()
            await train.shows("Übung 1 is gone: 2 places were removed")
            assert not project.exists() and not lora.exists() and digests(train.pictures) == before
            sheet.no_button.click()
            await train.shows("Teach a model something of one's own")

    run_in_window_loop(body)
