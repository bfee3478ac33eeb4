"""Runs that fail: a clear error, what was made is kept, nothing is substituted, and the next run works."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.storage import run_store
from ai4artsed_desktop.adapters.storage.run_folders import read_record
from ai4artsed_desktop.domain.code_art import RenderFailure
from ai4artsed_desktop.domain.errors import (
    DiskFullError,
    ModelStoppedError,
    ReadOnlyError,
    StorageError,
    UnknownEntryError,
)
from ai4artsed_desktop.domain.events import (
    RunFailed,
    StagePaused,
)
from ai4artsed_desktop.domain.runs import StageName
from ai4artsed_desktop.domain.settings import StageModels
from tests.support.fake_models import CLOUD, GOOD, TINY, FakeModels
from tests.support.world import CODE, DRAWING, MUSIC, TestWorld, open_world, request


async def test_a_model_that_stops_fails_the_run_and_keeps_the_folder(world: TestWorld) -> None:
    world.models.error = ModelStoppedError("exit 9", model="Good")
    run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
    end = await world.end_of(run_id)
    assert isinstance(end, RunFailed) and end.error.code == "error.model.stopped"
    record = read_record(world.folder_of(run_id))
    assert record.state == "failed" and record.error is not None and record.error.detail == "exit 9"
    assert record.ended is not None and record.input_text == "apple"
    world.assert_tidy(run_id)


async def test_a_sketch_that_fails_keeps_its_code(world: TestWorld) -> None:
    world.renderer.failure = RenderFailure.HANG
    record = await world.run("apple", "as_is", CODE)
    assert record.state == "failed" and record.error is not None
    assert record.error.params["reason"] == "code_art.failure.hang" and record.error.params["line"] == "3"
    assert [e.type for e in record.entities if e.output_id] == ["p5"]


async def test_coding_with_only_a_tiny_model_is_refused_before_any_work(app_home: Path) -> None:
    async with open_world(app_home, models=FakeModels([TINY])) as world:
        record = await world.run("A red apple", "bauhaus", CODE)
        assert record.error is not None and record.error.code == "error.catalog.not_runnable"
        assert record.error.params == {"id": CODE, "reason": "reason.tiny_model"}
        assert world.models.requests == []


async def test_no_other_model_runs_than_the_one_chosen(app_home: Path) -> None:
    chosen = StageModels(interception="fake/gone")
    async with open_world(app_home, stage_models=chosen) as world:
        record = await world.run("A red apple", "bauhaus")
        config = world.engine.catalog.interception("bauhaus").value
        problem = await world.engine.interception_problem(config, await world.engine.models.list_models())
    assert record.error is not None and record.error.code == "error.model.missing"
    assert record.error.params == {"model": "fake/gone"} and world.models.requests == []
    assert problem is not None and problem.key == "reason.model_missing"


async def test_auto_never_takes_a_model_outside_this_computer(app_home: Path) -> None:
    async with open_world(app_home, models=FakeModels([CLOUD])) as world:
        record = await world.run("A red apple", "bauhaus")
    assert record.error is not None and record.error.params["reason"] == "reason.no_model"


@pytest.mark.parametrize("where", ["settings", "config"])
async def test_local_only_lets_no_text_out(app_home: Path, where: str) -> None:
    models = FakeModels([CLOUD, GOOD])
    async with open_world(app_home, models=models, local_only=where == "settings") as world:
        if where == "config":
            world.entry(
                "configs/interception/mine.json",
                {
                    "pipeline": "text_transformation",
                    "name": "Mine",
                    "description": "d",
                    "context": "Rewrite it.",
                    "meta": {"force_local": True},
                },
            )
            await world.engine.reload_catalog()
        name = "mine" if where == "config" else "bauhaus"
        record = await world.run("apple", name, model_ids={StageName.INTERCEPTION: CLOUD.id})
    assert record.error is not None and record.error.code == "error.local_only" and models.requests == []


@pytest.mark.parametrize("level", ["kids", "youth"])
@pytest.mark.parametrize("start", list(StageName))
async def test_without_lists_a_level_that_demands_a_check_lets_nothing_through(
    app_home: Path, level: str, start: StageName
) -> None:
    async with open_world(app_home, safety_files=None) as world:
        record = await world.run(
            "apple",
            "bauhaus",
            DRAWING,
            safety_level=level,
            start_stage=start,
            stage_texts={StageName.INTERCEPTION: "a text nobody has checked"},
        )
        assert record.state == "failed" and record.error is not None
        assert record.error.code == "error.safety.unavailable"
        assert world.models.requests == [] and world.renderer.jobs == []


async def test_a_chunk_that_makes_another_medium_than_it_declares_saves_nothing(app_home: Path) -> None:
    async with open_world(app_home, foreign_python_chunks=True) as world:
        world.entry("chunks/liar.py", LIAR)
        world.entry("configs/output/liar.json", output_config("liar"))
        await world.engine.reload_catalog()
        record = await world.run("apple", "as_is", "liar")
    assert record.error is not None and record.error.code == "error.backend.mismatch"
    assert [e for e in record.entities if e.output_id] == []


@pytest.mark.parametrize("body", ["raise ValueError('no')", "import sys; sys.exit(3)", "return 5", "return ['x']"])
async def test_a_chunk_of_the_person_that_misbehaves_fails_its_run_only(app_home: Path, body: str) -> None:
    async with open_world(app_home, foreign_python_chunks=True) as world:
        world.entry("chunks/bad.py", chunk_file(body))
        world.entry("configs/output/bad.json", output_config("bad"))
        await world.engine.reload_catalog()
        record = await world.run("apple", "as_is", "bad")
        assert record.error is not None and record.error.code == "error.backend.failed"
        assert (await world.run("apple", "as_is", DRAWING)).state == "finished"


async def test_a_chunk_of_the_person_does_not_run_before_it_is_allowed(world: TestWorld, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    world.entry("chunks/bad.py", f"open({str(mark)!r}, 'w').close()\n{chunk_file('return []')}")
    world.entry("configs/output/bad.json", output_config("bad"))
    await world.engine.reload_catalog()
    record = await world.run("apple", "as_is", "bad")
    assert record.error is not None and record.error.params["reason"] == "reason.foreign_python"
    assert not mark.exists()


async def test_a_config_deleted_and_reloaded_during_its_run_does_not_matter(world: TestWorld) -> None:
    path = world.entry(
        "configs/interception/mine.json",
        {"pipeline": "text_transformation", "name": "Mine", "description": "d", "context": "Rewrite it."},
    )
    await world.engine.reload_catalog()
    world.models.going_on.clear()
    run_id = world.engine.runs.submit(request("red apple", "mine", DRAWING))
    await world.models.streaming.wait()
    path.unlink()
    assert await world.engine.reload_catalog(only_if_changed=True)
    with pytest.raises(UnknownEntryError):
        world.engine.runs.submit(request("apple", "mine"))
    world.models.going_on.set()
    assert (await world.engine.runs.wait(run_id)).state == "finished"


# --- storage trouble


def block(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("a file in the folder's place")


def unblock(path: Path) -> None:
    path.unlink()


async def test_a_data_folder_that_cannot_be_made_is_said_and_the_engine_goes_on(app_home: Path) -> None:
    block(app_home / "data")
    async with open_world(app_home) as world:
        run_id = world.engine.runs.submit(request("apple", "as_is"))
        with pytest.raises(StorageError):
            await world.engine.runs.wait(run_id)
        assert (await world.probe.next(RunFailed)).error.code == "error.storage.failed"
        unblock(app_home / "data")
        assert (await world.run("apple", "as_is")).state == "finished"


async def test_a_failed_first_run_does_not_hold_up_the_one_behind_it(app_home: Path, monkeypatch: Any) -> None:
    async with open_world(app_home) as world:
        make, count = run_store.make_folder, 0

        def fail_first(*arguments: Any) -> None:
            nonlocal count
            count += 1
            if count == 1:
                time.sleep(0.05)
                raise DiskFullError(path="x")
            make(*arguments)

        monkeypatch.setattr(run_store, "make_folder", fail_first)
        first = world.engine.runs.submit(request("one", "as_is"))
        second = world.engine.runs.submit(request("two", "as_is"))
        with pytest.raises(DiskFullError):
            await world.engine.runs.wait(first)
        async with asyncio.timeout(5):
            assert (await world.engine.runs.wait(second)).state == "finished"


async def test_a_disk_that_fills_up_fails_the_run_with_a_clear_error(world: TestWorld, monkeypatch: Any) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    real, calls = os.fsync, 0

    def fill_up(handle: int) -> None:
        nonlocal calls
        calls += 1
        (full if 12 < calls < 18 else real)(handle)

    monkeypatch.setattr("ai4artsed_desktop.adapters.storage.atomic.os.fsync", fill_up)
    run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
    end = await world.end_of(run_id)
    assert isinstance(end, RunFailed) and end.error.code == "error.storage.full"
    assert read_record(world.folder_of(run_id)).input_text == "apple"
    world.assert_tidy(run_id)


async def test_a_read_only_folder_is_called_by_its_name(world: TestWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    run_id = world.engine.runs.submit(request("apple", "as_is"))
    with pytest.raises(ReadOnlyError):
        await world.engine.runs.wait(run_id)
    assert (await world.probe.next(RunFailed)).error.code == "error.storage.read_only"


async def test_the_time_of_a_pause_is_not_the_models(world: TestWorld) -> None:
    run_id = world.engine.runs.submit(request("apple", "bauhaus", pause_after=frozenset({StageName.INTERCEPTION})))
    await world.probe.next(StagePaused)
    await asyncio.sleep(0.5)  # a person reads
    world.engine.runs.resume(run_id, "pear")
    assert (await world.engine.runs.wait(run_id)).stages[1].ms < 400


async def test_a_lost_index_costs_nothing_but_a_rebuild(world: TestWorld) -> None:
    first = await world.run("apple", "as_is")
    for path in world.paths.data.glob("runs.sqlite*"):
        path.write_bytes(b"no database at all" * 400)
    second = await world.run("pear", "as_is")
    runs = await world.engine.runs.list_runs()
    assert [r.run_id for r in runs] == [second.run_id, first.run_id]


def output_config(chunk: str) -> dict[str, Any]:
    return {
        "pipeline": "single_text_media_generation",
        "name": chunk,
        "description": "d",
        "parameters": {"OUTPUT_CHUNK": chunk},
    }


def chunk_file(body: str) -> str:
    return f'CHUNK = {{"type": "python_chunk", "media_type": "image"}}\n\n\nasync def execute(context):\n    {body}\n'


LIAR = "from ai4artsed_desktop.engine.python_chunks import ProducedMedium\n\n" + chunk_file(
    'return [ProducedMedium("audio", "audio/wav", "wav", data=b"RIFF0000WAVE")]'
)


@pytest.mark.parametrize(("output", "kind"), [(DRAWING, "p5"), (MUSIC, "tonejs")])
async def test_a_sketchbook_code_that_fails_is_kept_as_the_error_says(world: TestWorld, output: str, kind: str) -> None:
    world.renderer.failure = RenderFailure.RUNTIME
    record = await world.run("A red apple", "as_is", output)
    assert record.state == "failed"
    (code,) = [entity for entity in record.entities if entity.output_id and entity.type == kind]
    assert (world.folder_of(record.run_id) / code.filename).read_text(encoding="utf-8") == world.renderer.jobs[0].code
    world.assert_tidy(record.run_id)
