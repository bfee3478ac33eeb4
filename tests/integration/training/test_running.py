"""Trainings with a real process that replays the real trainer: watched, found again, stopped, resumed, queued."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.assembly import assemble
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.domain.safetensors import ModelFamily
from ai4artsed_desktop.domain.training.errors import (
    DatasetError,
    TrainerBusyError,
)
from ai4artsed_desktop.domain.training.events import (
    CheckpointWritten,
    LossMeasured,
    SampleMade,
    TrainingPhaseChanged,
    TrainingProgressed,
    TrainingStarted,
)
from tests.support.fake_children import until
from tests.support.training_kit import draw_pictures, open_studio, processes_of
from tests.support.training_steps import digests, end_of, everything, until_step


async def test_a_training_is_followed_from_first_phase_to_the_lora_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("Übung 1")
        studio.play("good_python")
        before = await studio.service.start("Übung 1")
        assert before.state == "running"
        verdict = (await end_of(studio, "Übung 1")).verdict
        assert (verdict.state, verdict.code, verdict.exit_code) == ("finished", "", 0)
        lora = Path(verdict.lora)
        assert lora == studio.locations.loras / "sd15_Übung 1.safetensors"
        assert list(studio.locations.loras.glob("*")) == [lora]
        phases = [event.phase for event in studio.probe.of(TrainingPhaseChanged)]
        assert phases[-1] == "done"
        assert {event.step for event in studio.probe.of(TrainingProgressed)} >= {10}
        assert [event.step for event in studio.probe.of(CheckpointWritten)][-1] == 10
        samples = [event.sample for event in studio.probe.of(SampleMade)]
        assert [(sample.number, sample.prompt) for sample in samples] == [(5, 0), (10, 0)]
        made = (studio.locations.training("Übung 1", 1).output / "sample").glob("*")
        assert sorted(sample.path for sample in samples) == sorted(map(str, made))
        points = [point for event in studio.probe.of(LossMeasured) for point in event.points]
        assert [point.step for point in points] == list(range(1, 11))
        after = await studio.service.snapshot("Übung 1")
        assert (after.state, after.resumable_step) == ("finished", None)
        assert after.progress is not None
        assert after.progress.learning_rate == pytest.approx(1e-4)


async def test_the_check_asks_for_the_size_that_is_really_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("usual")
        usual = await studio.service.scan_project("usual")
        assert {finding.kind for finding in usual.findings} == {"small"}, "512 pixels are asked for, they have 96 × 64"
        await studio.project("tiny", changes={"resolution": "64,64", "min_bucket_reso": 64})
        assert (await studio.service.scan_project("tiny")).findings == ()


async def test_originals_are_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        before = digests(studio.pictures)
        await studio.project("p")
        studio.play("good_python")
        await studio.service.start("p")
        await studio.service.wait("p")
        await studio.service.delete("p")
        assert digests(studio.pictures) == before
        assert not studio.locations.project("p").exists()


async def test_a_second_lora_of_the_same_name_never_replaces_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.locations.loras.mkdir(parents=True)
        first = studio.locations.loras / "sd15_p.safetensors"
        first.write_bytes(b"somebody else's")
        studio.play("good_python")
        await studio.service.start("p")
        verdict = await studio.service.wait("p")
        assert first.read_bytes() == b"somebody else's"
        assert Path(verdict.lora).name == "sd15_p_2.safetensors"


async def test_a_running_training_is_found_again_by_the_next_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "go"
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 7/10 ": str(gate)})
        await studio.service.start("p")
        await until_step(studio, 6)
        await studio.service.aclose()  # the window closes
        assert processes_of(studio.locations.project("p")), "the trainer goes on"
        assert studio.ledger.list_leftovers() == [], "and is nobody's leftover"
        assert "trainer" in studio.ledger.names().values()
        async with open_studio(tmp_path, monkeypatch) as again:
            await again.service.attach()
            started = await again.probe.next(TrainingStarted)
            assert (started.project, started.is_found) == ("p", True)
            await until_step(again, 6)
            assert [p.step for e in again.probe.of(LossMeasured) for p in e.points][:6] == [1, 2, 3, 4, 5, 6]
            gate.touch()
            assert (await end_of(again, "p")).verdict.state == "finished"


async def test_a_training_that_ended_while_nobody_looked_is_judged_by_the_next_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "go"
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 7/10 ": str(gate)})
        await studio.service.start("p")
        await until_step(studio, 6)
        await studio.service.aclose()
        gate.touch()
        await until(lambda: not processes_of(studio.locations.project("p")), 30)
        async with open_studio(tmp_path, monkeypatch) as again:
            await again.service.attach()
            assert (await end_of(again, "p")).verdict.state == "finished"
            assert (await again.service.snapshot("p")).state == "finished"


async def test_stop_now_tells_what_is_lost_and_leaves_a_state_to_go_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 7/10 ": str(tmp_path / "never")})
        await studio.service.start("p")
        await until_step(studio, 6)
        progress = (await studio.service.snapshot("p")).progress
        assert progress is not None
        assert progress.unsaved_steps == 2
        assert progress.unsaved_s == pytest.approx(2 * 3, rel=0.5)
        stopped = await studio.service.stop("p")
        assert (stopped.state, stopped.resumable_step) == ("stopped", 4)
        assert not processes_of(studio.locations.project("p"))
        studio.play("resume_skip")
        await studio.service.resume("p")
        verdict = await studio.service.wait("p")
        assert verdict.state == "finished"
        attempt = (await studio.service.snapshot("p")).attempt
        assert attempt is not None
        assert (attempt.training, attempt.attempt, attempt.base_step) == (1, 2, 4)
        toml = (studio.locations.training("p", 1).attempts / "02" / "job.toml").read_text("utf-8")
        assert "skip_until_initial_step = true" in toml
        assert "step00000004-state" in toml
        steps = [event.step for event in studio.probe.of(TrainingProgressed)]
        assert steps[-1] == 10, "steps count on from the state"


async def test_stop_after_the_next_save_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        gate, later = tmp_path / "go", tmp_path / "never"
        studio.play("good_python", gate={" 3/10 ": str(gate), "step00000004-state/random_states_0.pkl": str(later)})
        await studio.service.start("p")
        await until_step(studio, 2)
        await studio.service.stop("p", after_save=True)
        gate.touch()
        verdict = await studio.service.wait("p")
        assert verdict.state == "stopped"
        snapshot = await studio.service.snapshot("p")
        assert snapshot.resumable_step == 4
        assert snapshot.progress is not None
        assert snapshot.progress.unsaved_steps == 0


async def test_only_one_training_runs_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("one")
        await studio.project("two")
        studio.play("good_python", gate={" 3/10 ": str(tmp_path / "never")})
        results = await asyncio.gather(studio.service.start("one"), studio.service.start("two"), return_exceptions=True)
        errors = [result for result in results if isinstance(result, BaseException)]
        assert [type(error) for error in errors] == [TrainerBusyError]
        names = [event.project for event in studio.probe.of(TrainingStarted)]
        assert len(names) == 1
        with pytest.raises(TrainerBusyError):
            await studio.service.delete(names[0])
        await studio.service.stop(names[0])


async def test_the_queue_starts_the_next_when_one_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("one")
        await studio.project("two")
        studio.play("good_python")
        assert await studio.service.enqueue("one") == 1
        assert await studio.service.enqueue("two") in (1, 2)
        assert (await end_of(studio, "one")).verdict.state == "finished"
        assert (await end_of(studio, "two")).verdict.state == "finished"
        assert await studio.service.queue() == []


async def test_an_entry_for_the_night_waits_for_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("late")
        await studio.project("now")
        studio.play("good_python")
        await studio.service.enqueue("late", not_before_s=4e9)
        await studio.service.enqueue("now")
        assert (await end_of(studio, "now")).verdict.state == "finished"
        assert [entry.project for entry in await studio.service.queue()] == ["late"]
        assert (await studio.service.snapshot("late")).state == "queued"


async def test_a_lora_that_was_finished_while_nobody_looked_is_kept_when_the_next_training_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python", gate={" 7/10 ": str(tmp_path / "go")})
        await studio.service.start("p")
        await studio.service.aclose()
        (tmp_path / "go").touch()
        await until(lambda: not processes_of(studio.locations.project("p")), 30)
    async with open_studio(tmp_path, monkeypatch) as again:
        again.play("good_python")
        await again.service.start("p")
        await again.service.wait("p")
        assert sorted(path.name for path in again.locations.loras.glob("*")) == [
            "sd15_p.safetensors",
            "sd15_p_2.safetensors",
        ]


async def test_logs_outside_the_project_go_with_it_and_what_lies_beside_them_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "Protokolle"
    monkeypatch.setenv("TRAINING_LOG_DIR", str(logs))
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python")
        await studio.service.start("p")
        await studio.service.wait("p")
        assert list((logs / "p" / "001").rglob("events.out.tfevents.*"))
        (logs / "p" / "mine.txt").write_text("not of the program")
        await studio.service.delete("p")
        assert everything(logs) == [str(logs / "p"), str(logs / "p" / "mine.txt")]


async def test_pictures_and_captions_of_a_project_change_and_originals_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        originals = digests(studio.pictures)
        more = draw_pictures(tmp_path / "more", 2, captions=False)
        (more / "broken.png").write_bytes(b"no picture")
        names = await studio.service.add_pictures("p", sorted(more.iterdir()))
        assert names == ["0007.png", "0008.png"]
        await studio.service.set_captions("p", {"0007.png": " two\nlines ", "0008.png": ""})
        await studio.service.remove_pictures("p", ["0001.png"])
        report = await studio.service.scan_project("p")
        captions = {picture.name: picture.caption for picture in report.pictures}
        assert captions["0007.png"] == "two lines"
        assert captions["0008.png"] == "sks form", "never empty: the trainer would die of it"
        assert "0001.png" not in captions
        assert len(captions) == 7
        for name in ("../project.json", "0001.png", ""):
            with pytest.raises(DatasetError):
                await studio.service.remove_pictures("p", [name])
            with pytest.raises(DatasetError):
                await studio.service.set_captions("p", {name: "x"})
        assert digests(studio.pictures) == originals


async def test_a_changed_caption_or_picture_drops_its_stale_caches_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        project = await studio.project("p")
        studio.play("good_python")
        await studio.service.start("p")
        await studio.service.wait("p")
        (folder,) = (studio.locations.project(project.name) / "dataset").glob("*_sks form")
        caches = [
            folder / f"{stem}{end}.npz" for stem in ("0001", "0002", "0003") for end in ("_te_outputs", "_0064x0064_sd")
        ]
        for cache in caches:
            cache.write_bytes(b"cache")
        (folder / "0001.txt").write_text("another caption")
        (folder / "0002.png").write_bytes((folder / "0003.png").read_bytes())
        studio.play("good_python")
        await studio.service.start("p")
        await studio.service.wait("p")
        (folder,) = (studio.locations.project(project.name) / "dataset").glob("*_sks form")
        left = sorted(path.name for path in folder.glob("*.npz"))
        assert left == ["0001_0064x0064_sd.npz", "0002_te_outputs.npz", "0003_0064x0064_sd.npz", "0003_te_outputs.npz"]


async def test_a_finished_lora_stands_in_the_library_with_its_family(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_studio(tmp_path, monkeypatch) as studio:
        await studio.project("p")
        studio.play("good_python")
        await studio.service.start("p")
        await studio.service.wait("p")
        assembly = assemble(find_paths())
        try:
            found = [lora for lora in await assembly.engine.loras.list() if "sd15_p" in lora.name]
        finally:
            await assembly.aclose()
        assert len(found) == 1
        assert found[0].family == ModelFamily.SD15
