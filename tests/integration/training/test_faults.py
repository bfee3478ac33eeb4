"""The fault table: whatever the trainer, the disk or the machine does, the cause is named and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from ai4artsed_desktop.domain.errors import DiskFullError
from ai4artsed_desktop.domain.training.errors import (
    LaunchError,
    ModelFileMissingError,
    NoSpaceError,
    NothingToResumeError,
    NotRunningError,
    ProjectNameError,
)
from ai4artsed_desktop.domain.training.events import (
    TrainingWarned,
)
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.training_watch import AttemptWatch
from tests.support.fake_children import until
from tests.support.probe import EventProbe
from tests.support.training_kit import open_studio, processes_of
from tests.support.training_steps import everything, trainer, until_step

FAILURES = [
    ("bad_empty_dataset", "error.training.no_data", 0),
    ("good_nan_loss", "error.training.nan", 0),
    ("bad_disk_full", "error.training.disk_full", 1),
    ("bad_disk_full_checkpoint", "error.training.disk_full", 1),
    ("bad_corrupt_image", "error.training.image", 1),
    ("bad_out_of_ram", "error.training.ram", 1),
    ("bad_unknown_cli_arg", "error.training.arguments", 2),
    ("bad_model_missing", "error.training.exception", 1),
    ("bad_config_missing", "error.training.not_saved", 1),
]


@pytest.mark.parametrize(("name", "code", "exit_code"), FAILURES)
async def test_a_failure_is_named_by_its_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: str, exit_code: int
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play(name)
        await studio.service.start("p")
        verdict = await studio.service.wait("p")
        assert (verdict.state, verdict.code, verdict.exit_code) == ("failed", code, exit_code)
        loras = studio.locations.loras
        assert not loras.exists() or not list(loras.iterdir())


async def test_a_nan_loss_and_a_missing_dataset_are_said_while_it_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_nan_loss", gate={"3/4": str(tmp_path / "go")})
        await studio.service.start("p")
        assert (await studio.probe.next(TrainingWarned, timeout_s=30)).key == "training.warning.nan"
        (tmp_path / "go").touch()
        await studio.service.wait("p")


@pytest.mark.parametrize(("fault", "code"), [("cut_final", "cut_file"), ("no_final", "not_saved")])
async def test_exit_code_zero_without_a_whole_file_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, code: str
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", fault=fault)
        await studio.service.start("p")
        verdict = await studio.service.wait("p")
        assert (verdict.state, verdict.code) == ("failed", f"error.training.{code}")


async def test_a_clock_that_jumps_back_makes_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", fault="old_final")
        await studio.service.start("p")
        assert (await studio.service.wait("p")).state == "finished"


async def test_a_killed_trainer_is_noticed_and_can_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 7/10 ": str(tmp_path / "never")})
        await studio.service.start("p")
        await until_step(studio, 6)
        trainer(studio).kill()
        verdict = await studio.service.wait("p")
        assert (verdict.state, verdict.code, verdict.exit_code) == ("failed", "error.training.killed", -9)
        assert (await studio.service.snapshot("p")).resumable_step == 4


async def test_after_a_power_cut_the_training_is_interrupted_and_goes_on_from_its_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 7/10 ": str(tmp_path / "never")})
        await studio.service.start("p")
        await until_step(studio, 6)
        await studio.service.aclose()
        everybody = processes_of(studio.locations.project("p"))
        everybody.sort(key=lambda process: process == trainer(studio))  # the keeper first: it must not see the end
        for process in everybody:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        attempt = studio.locations.training("p", 1).attempts / "01"
        assert not (attempt / "exit.json").exists()
        async with open_studio(tmp_path, monkeypatch) as again:
            snapshot = await again.service.snapshot("p")
            assert (snapshot.state, snapshot.resumable_step) == ("interrupted", 4)
            again.play("resume_skip")
            await again.service.resume("p")
            assert (await again.service.wait("p")).state == "finished"


async def test_a_trainer_whose_keeper_was_killed_can_still_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 7/10 ": str(tmp_path / "never")})
        await studio.service.start("p")
        await until_step(studio, 6)
        keeper = trainer(studio).parent()
        assert keeper is not None
        keeper.kill()
        await until(lambda: not keeper.is_running() or keeper.status() == psutil.STATUS_ZOMBIE)
        assert (await studio.service.snapshot("p")).state == "running"
        assert (await studio.service.stop("p")).state == "stopped"
        assert not processes_of(studio.locations.project("p"))


async def test_a_trainer_that_cannot_be_started_leaves_no_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        python = Path(studio.environment["KOHYA_DIR"]) / "venv" / "bin" / "python"
        make_unusable(python)
        with pytest.raises(LaunchError):
            await studio.service.start("p")
        assert (await studio.service.snapshot("p")).state == "new"


def make_unusable(program: Path) -> None:
    program.unlink()
    program.write_text("no program")
    program.chmod(0o755)


async def test_a_trainer_that_ignores_term_is_killed_with_its_helpers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", fault="helper", gate={" 3/10 ": str(tmp_path / "never")})
        await studio.service.start("p")
        await until_step(studio, 2)
        helpers = trainer(studio).children(recursive=True)
        assert helpers
        assert (await studio.service.stop("p")).state == "stopped"
        assert not processes_of(studio.locations.project("p"))
        assert not [helper for helper in helpers if helper.is_running() and helper.status() != psutil.STATUS_ZOMBIE]


async def test_a_trainer_that_hangs_is_said_until_it_goes_on_and_can_be_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        gate = tmp_path / "go"
        studio.play("good_python", gate={" 5/10 ": str(gate), " 9/10 ": str(tmp_path / "never")})
        snapshot = await studio.service.start("p")
        assert snapshot.attempt is not None
        await until_step(studio, 4)
        bus = EventBus()
        watch = AttemptWatch(bus, studio.service.workshop, snapshot.attempt, silence_s=0.5)
        # Twenty steps of the recording take a minute: what it told of its speed must not hold up the test.
        async with asyncio.TaskGroup() as group:
            following = group.create_task(watch.follow())
            with EventProbe(bus) as probe:
                await until(lambda: watch.progress.step >= 4)
                watch.progress.seconds_per_step = 0.01
                while (await probe.next(TrainingWarned, timeout_s=30)).key != "training.warning.silent":
                    pass
            assert watch.progress.warnings == ("training.warning.silent",)
            gate.touch()
            await until(lambda: watch.progress.step >= 8)
            assert (await studio.service.stop("p")).state == "stopped"
            await following
        assert watch.progress.warnings == () and not processes_of(studio.locations.project("p"))


async def test_a_watch_that_fails_says_what_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(workshop: object, attempt: object, grace_s: float) -> None:
        raise DiskFullError(path="x")

    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 9/10 ": str(tmp_path / "never")})
        snapshot = await studio.service.start("p")
        assert snapshot.attempt is not None
        watch = AttemptWatch(EventBus(), studio.service.workshop, snapshot.attempt)
        watch.stop_after_save()
        with monkeypatch.context() as disk:
            disk.setattr(type(studio.service.workshop), "ask_to_stop", full)
            with pytest.raises(DiskFullError):
                await watch.follow()
        assert (await studio.service.stop("p")).state == "stopped"


async def test_a_hundred_thousand_lines_are_numbered_searchable_and_lose_no_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        gate = tmp_path / "go"
        studio.play("good_python", fault="flood", lines=100_000, gate={"steps: 100%": str(gate)})
        await studio.service.start("p")
        await until_step(studio, 9, limit_s=60)
        log = studio.service.log("p")
        assert log is not None
        assert log.last > 100_000
        hits = log.search("NOISE 77777 flood")
        assert [hit.line.text for hit in hits] == ["noise 77777 of the flood"]
        assert log.since(hits[0].number, 1)[0].line.text == "noise 77778 of the flood"
        gate.touch()
        assert (await studio.service.wait("p")).state == "finished"
        again = (await studio.service.snapshot("p")).log
        assert again is not None
        assert again.search("noise 77777 flood") == hits, "the log can be read after the end, with the same numbers"


async def test_out_of_graphics_memory_offers_the_next_smaller_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = (tmp_path / "oom.jsonl").absolute()
    said = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 80.00 MiB. GPU 0 has a total capacity of 7.9"
    stream.write_text(
        f'{{"stream": "stderr", "data": "Traceback (most recent call last):\\n{said}\\n"}}\n'
        '{"stream": "meta", "event": "exit", "returncode": 1}\n'
    )
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", recording=str(stream))
        await studio.service.start("p")
        verdict = await studio.service.wait("p")
        assert (verdict.state, verdict.code, verdict.offer_gb) == ("failed", "error.training.oom", 12)
        studio.play("good_python")
        await studio.service.start("p", vram_gb=float(verdict.offer_gb or 0))
        assert (await studio.service.wait("p")).state == "finished"
        attempt = (await studio.service.snapshot("p")).attempt
        assert attempt is not None
        assert (attempt.training, attempt.preset_gb) == (2, 12)


async def test_what_would_fail_after_minutes_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        for path in (studio.home / "data" / "training-models").iterdir():
            path.unlink()
        with pytest.raises(ModelFileMissingError):
            await studio.service.start("p")
        assert not processes_of(studio.locations.project("p"))
        with pytest.raises(NotRunningError):
            await studio.service.stop("p")
        with pytest.raises(NothingToResumeError):
            await studio.service.resume("p")


async def test_a_training_goes_on_only_with_its_files_and_room_for_the_next_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> SimpleNamespace:
        return SimpleNamespace(free=3)

    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 7/10 ": str(tmp_path / "never")})
        await studio.service.start("p")
        await until_step(studio, 6)
        await studio.service.stop("p")
        models = studio.home / "data" / "training-models"
        models.rename(tmp_path / "elsewhere")
        with pytest.raises(ModelFileMissingError):
            await studio.service.resume("p")
        (tmp_path / "elsewhere").rename(models)
        with monkeypatch.context() as disk:
            disk.setattr(shutil, "disk_usage", full)
            for begin in (studio.service.resume, studio.service.start):
                with pytest.raises(NoSpaceError) as refused:
                    await begin("p")
                assert refused.value.params["free_gb"] == "0.0"
        assert not processes_of(studio.locations.project("p"))
        studio.play("resume_skip")
        await studio.service.resume("p")
        assert (await studio.service.wait("p")).state == "finished"


async def test_a_malicious_name_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("precious")
        before = everything(tmp_path)
        service = studio.service
        for name in ("", ".", "..", "/", "../x", "a/b", "a\\b", "a\0b", "CON", "nul.txt", "C:x"):
            with pytest.raises(ProjectNameError):
                await studio.project(name)
            for action in (
                service.start, service.stop, service.resume, service.snapshot, service.delete, service.enqueue
            ):  # fmt: skip
                with pytest.raises(ProjectNameError):
                    await action(name)
        assert everything(tmp_path) == before
