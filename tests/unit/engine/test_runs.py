"""Runs with a fake model and a fake renderer: order, pauses, cancelling, doing again, errors, hostile texts."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.storage.run_folders import read_record, write_record
from ai4artsed_desktop.domain.code_art import RenderFailure
from ai4artsed_desktop.domain.errors import (
    DiskFullError,
    EmptyTextError,
    ModelStoppedError,
    ParameterError,
    StorageError,
    TextTooLongError,
    UnknownEntryError,
    UnknownParameterError,
)
from ai4artsed_desktop.domain.events import (
    Event,
    MediumSaved,
    RunCancelled,
    RunEvent,
    RunFailed,
    RunFinished,
    RunQueued,
    RunStarted,
    StageFinished,
    StagePaused,
    StageSkipped,
    StageStarted,
)
from ai4artsed_desktop.domain.runs import OutputRequest, StageName
from ai4artsed_desktop.domain.settings import StageModels
from tests.support.fake_models import CLOUD, GOOD, TINY, FakeModels, said
from tests.support.world import TestWorld, open_world, request

DRAWING, MUSIC, CODE = "sketchbook_p5js", "sketchbook_tonejs", "p5js_code"


@pytest.fixture
async def world(app_home: Path) -> AsyncGenerator[TestWorld, None]:
    async with open_world(app_home) as opened:
        yield opened


def folder_of(world: TestWorld, run_id: str) -> Path:
    return next(world.paths.runs.glob(f"*/{run_id}"))


def assert_tidy(world: TestWorld, run_id: str) -> None:
    """Nothing half-written, nothing unrecorded, and the index knows what the folder knows."""
    folder = folder_of(world, run_id)
    record = read_record(folder)
    assert sorted(p.name for p in folder.iterdir()) == sorted(["metadata.json", *(e.filename for e in record.entities)])
    for entity in record.entities:
        assert hashlib.sha256((folder / entity.filename).read_bytes()).hexdigest() == entity.sha256


async def test_stages_come_in_order_and_every_file_is_recorded(world: TestWorld) -> None:
    record = await world.run("A red apple", "bauhaus", DRAWING, MUSIC)
    names = [s.name for s in record.stages]
    assert names == ["translation", "interception", "safety", "output", "output"]
    assert record.state == "finished" and record.error is None
    assert record.stages[1].text == "<A red apple>" and record.stages[1].model == "fake/good"
    assert [s.output_id for s in record.stages[3:]] == [DRAWING, MUSIC]
    kinds = [e.type for e in record.entities]
    assert kinds == ["record", "text", "text", "record", "p5", "image", "tonejs", "audio"]
    assert_tidy(world, record.run_id)
    started = [e.stage for e in world.probe.of(StageStarted)]
    assert started == ["interception", "safety", "output", "output"]


async def test_a_medium_is_on_disk_and_recorded_when_it_is_announced(world: TestWorld) -> None:
    seen: list[tuple[bool, bool]] = []

    def look(event: Event) -> None:
        if isinstance(event, MediumSaved):
            folder = folder_of(world, event.run_id)
            data = (folder / event.medium.filename).read_bytes()
            recorded = read_record(folder).entities
            seen.append((hashlib.sha256(data).hexdigest() == event.medium.sha256, event.medium in recorded))

    world.engine.bus.subscribe(look)
    await world.run("apple", "as_is", DRAWING, MUSIC)
    assert seen == [(True, True)] * 4


async def test_a_run_is_queued_only_when_its_input_is_on_disk(world: TestWorld) -> None:
    texts: list[str] = []

    def look(event: Event) -> None:
        if isinstance(event, RunQueued):
            texts.append((folder_of(world, event.run_id) / "02_input.txt").read_text("utf-8"))

    world.engine.bus.subscribe(look)
    await world.run("Ein Apfel", "as_is")
    assert texts == ["Ein Apfel"]


async def test_same_seed_gives_the_same_text_and_the_same_media(world: TestWorld) -> None:
    first = await world.run("Ein roter Apfel auf einem Tisch", "procedure_cut_up", DRAWING, seed=11)
    second = await world.run("Ein roter Apfel auf einem Tisch", "procedure_cut_up", DRAWING, seed=11)
    other = await world.run("Ein roter Apfel auf einem Tisch", "procedure_cut_up", DRAWING, seed=12)
    hashes = [[e.sha256 for e in r.entities if e.output_id] for r in (first, second, other)]
    assert hashes[0] == hashes[1] != hashes[2]
    assert first.stages[1].text == second.stages[1].text


async def test_seed_zero_is_a_seed(world: TestWorld) -> None:
    record = await world.run("apple", "bauhaus", DRAWING, seed=0)
    assert record.seed == 0
    assert world.models.requests[0][1].seed == 0 and world.renderer.jobs[0].seed == 0


async def test_a_drawn_seed_is_recorded_and_reaches_model_and_renderer(world: TestWorld) -> None:
    record = await world.run("apple", "bauhaus", DRAWING, seed=None)
    assert world.models.requests[0][1].seed == record.seed == world.renderer.jobs[0].seed


async def test_replay_does_the_same_again(world: TestWorld) -> None:
    first = await world.run("A red apple", "bauhaus", DRAWING, rules="Say it backwards", seed=None)
    again = await world.engine.runs.request_of(first.run_id)
    second = await world.engine.runs.wait(world.engine.runs.submit(again))
    assert second.parent_run_id == first.run_id and second.rules == "Say it backwards"
    assert [s.text for s in second.stages] == [s.text for s in first.stages]
    assert [e.sha256 for e in second.entities if e.output_id] == [e.sha256 for e in first.entities if e.output_id]
    assert world.models.requests[0] == world.models.requests[1]


async def test_the_configs_used_are_kept_with_the_run(world: TestWorld) -> None:
    record = await world.run("apple", "bauhaus", DRAWING)
    used = (folder_of(world, record.run_id) / "01_config_used.json").read_text("utf-8")
    assert '"pipeline": "text_transformation"' in used and '"output_code_sketchbook_p5js"' in used


# --- pauses, edits, start stages


async def test_a_pause_waits_for_the_persons_text_which_goes_on_and_is_recorded(world: TestWorld) -> None:
    run_id = world.engine.runs.submit(
        request("apple", "bauhaus", DRAWING, pause_after=frozenset({StageName.INTERCEPTION}))
    )
    paused = await world.probe.next(StagePaused)
    assert paused.text == "<apple>" and read_record(folder_of(world, run_id)).state == "paused"
    world.engine.runs.resume(run_id, "a green\x00 pear\r\n")
    record = await world.engine.runs.wait(run_id)
    assert record.stages[1].text == "a green pear\n" and record.stages[1].edited_from == "<apple>"
    assert_tidy(world, run_id)
    again = await world.engine.runs.request_of(run_id)
    assert again.edits == {StageName.INTERCEPTION: "a green pear\n"} and not again.pause_after


async def test_resume_refuses_empty_text_and_goes_on_waiting(world: TestWorld) -> None:
    run_id = world.engine.runs.submit(request("apple", "bauhaus", pause_after=frozenset({StageName.INTERCEPTION})))
    await world.probe.next(StagePaused)
    with pytest.raises(EmptyTextError):
        world.engine.runs.resume(run_id, " \x00 ")
    world.engine.runs.resume(run_id, "pear")
    with pytest.raises(UnknownEntryError):
        world.engine.runs.resume(run_id, "twice")
    assert (await world.engine.runs.wait(run_id)).state == "finished"


async def test_a_run_from_a_later_stage_uses_the_given_text_and_asks_no_model(world: TestWorld) -> None:
    record = await world.run(
        "apple",
        "bauhaus",
        DRAWING,
        start_stage=StageName.OUTPUT,
        stage_texts={StageName.INTERCEPTION: "a given text"},
        parent_run_id="run_1_abcdef",
    )
    assert world.models.requests == [] and record.parent_run_id == "run_1_abcdef"
    assert [(s.name, s.state) for s in record.stages] == [
        ("interception", "reused"),
        ("safety", "skipped"),
        ("output", "done"),
    ]


async def test_a_later_start_without_the_text_it_needs_is_refused(world: TestWorld) -> None:
    with pytest.raises(EmptyTextError):
        world.engine.runs.submit(request("apple", "bauhaus", DRAWING, start_stage=StageName.OUTPUT))


async def test_continuing_makes_only_what_is_missing(world: TestWorld) -> None:
    record = await world.run("apple", "bauhaus", DRAWING, DRAWING, MUSIC)
    cut = record.model_copy(update={"state": "interrupted", "stages": record.stages[:4]})
    write_record(folder_of(world, record.run_id), cut)
    onward = await world.engine.runs.continue_request(record.run_id)
    assert [o.output_id for o in onward.outputs] == [DRAWING, MUSIC]
    world.models.requests.clear()
    rest = await world.engine.runs.wait(world.engine.runs.submit(onward))
    assert rest.state == "finished" and world.models.requests == []
    assert rest.stages[-1].output_id == MUSIC and rest.parent_run_id == record.run_id


async def test_translation_runs_only_when_wanted_and_needed(app_home: Path) -> None:
    async with open_world(app_home, translate_to_english=True) as world:
        german = await world.run("Ein roter Apfel liegt auf dem Tisch", "as_is")
        english = await world.run("The red apple is on the table", "as_is")
    assert german.stages[0].state == "done" and german.stages[0].model == "fake/good"
    assert english.stages[0].reason == "stage.skipped.already_english"


# --- cancelling


async def check_cancelled(world: TestWorld, run_id: str) -> None:
    """The run is recorded as cancelled, told once, tidy; and the next run works."""
    assert isinstance(await world.end_of(run_id), RunCancelled)
    assert read_record(folder_of(world, run_id)).state == "cancelled"
    assert_tidy(world, run_id)
    world.models.going_on.set()
    world.renderer.going_on.set()
    assert (await world.run("next", "bauhaus", DRAWING)).state == "finished"
    assert len([e for e in world.probe.of(RunCancelled) if e.run_id == run_id]) == 1


async def test_cancel_right_after_submit(world: TestWorld) -> None:
    run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
    world.engine.runs.cancel(run_id)
    await check_cancelled(world, run_id)
    assert [m for m, r in world.models.requests if said(r) == "apple"] == []


async def test_cancel_as_soon_as_queued_and_as_soon_as_started(world: TestWorld) -> None:
    for moment in (RunQueued, RunStarted):

        def cancel_at(event: Event, moment: type[RunEvent] = moment) -> None:
            if isinstance(event, moment):
                world.engine.runs.cancel(event.run_id)

        unsubscribe = world.engine.bus.subscribe(cancel_at)
        run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
        await world.end_of(run_id)
        unsubscribe()
        await check_cancelled(world, run_id)


async def test_cancel_during_streaming_closes_the_stream(world: TestWorld) -> None:
    world.models.going_on.clear()
    run_id = world.engine.runs.submit(request("apple tree", "bauhaus", DRAWING))
    await world.models.streaming.wait()
    world.engine.runs.cancel(run_id)
    await check_cancelled(world, run_id)
    assert world.models.left_early == 1


async def test_cancel_in_a_pause(world: TestWorld) -> None:
    run_id = world.engine.runs.submit(
        request("apple", "bauhaus", DRAWING, pause_after=frozenset({StageName.INTERCEPTION}))
    )
    await world.probe.next(StagePaused)
    world.engine.runs.cancel(run_id)
    await check_cancelled(world, run_id)
    with pytest.raises(UnknownEntryError):
        world.engine.runs.resume(run_id, "too late")


async def test_cancel_while_rendering_ends_the_renderer_and_keeps_what_was_made(world: TestWorld) -> None:
    world.renderer.going_on.clear()
    run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
    await world.renderer.rendering.wait()
    world.engine.runs.cancel(run_id)
    await check_cancelled(world, run_id)
    assert world.renderer.cancelled == 1
    assert read_record(folder_of(world, run_id)).stages[1].text == "<apple>"


async def test_cancel_of_a_waiting_run_leaves_the_running_one_alone(world: TestWorld) -> None:
    world.models.going_on.clear()
    running = world.engine.runs.submit(request("first one", "bauhaus"))
    waiting = world.engine.runs.submit(request("second one", "bauhaus"))
    await world.models.streaming.wait()
    world.engine.runs.cancel(waiting)
    world.models.going_on.set()
    assert isinstance(await world.end_of(running), RunFinished)
    await check_cancelled(world, waiting)


async def test_cancel_at_any_event_leaves_a_tidy_folder(world: TestWorld) -> None:
    events = 0

    def count(event: Event) -> None:
        nonlocal events
        events += 1

    world.engine.bus.subscribe(count)
    await world.run("apple", "bauhaus", DRAWING)
    for number in range(1, events):
        left = number

        def cancel_at(event: Event) -> None:
            nonlocal left
            left -= 1
            if left == 0 and isinstance(event, RunEvent):
                world.engine.runs.cancel(event.run_id)

        unsubscribe = world.engine.bus.subscribe(cancel_at)
        run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
        await world.end_of(run_id)
        unsubscribe()
        assert read_record(folder_of(world, run_id)).state == "cancelled", number
        assert_tidy(world, run_id)


async def test_closing_the_engine_cancels_everything_and_records_it(app_home: Path) -> None:
    async with open_world(app_home) as world:
        world.models.going_on.clear()
        ids = [world.engine.runs.submit(request("apple tree", "bauhaus")) for _ in range(3)]
        await world.models.streaming.wait()
    assert [read_record(folder_of(world, i)).state for i in ids] == ["cancelled"] * 3
    assert world.models.is_closed


# --- errors


async def test_a_model_that_stops_fails_the_run_and_keeps_the_folder(world: TestWorld) -> None:
    world.models.error = ModelStoppedError("exit 9", model="Good")
    run_id = world.engine.runs.submit(request("apple", "bauhaus", DRAWING))
    end = await world.end_of(run_id)
    assert isinstance(end, RunFailed) and end.error.code == "error.model.stopped"
    record = read_record(folder_of(world, run_id))
    assert record.state == "failed" and record.error is not None and record.error.detail == "exit 9"
    assert record.ended is not None and record.input_text == "apple"
    assert_tidy(world, run_id)


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
async def test_a_level_that_demands_a_check_lets_nothing_through(app_home: Path, level: str, start: StageName) -> None:
    async with open_world(app_home) as world:
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
        create, count = world.store.create, 0

        async def fail_first(record: Any) -> Any:
            nonlocal count
            count += 1
            if count == 1:
                await asyncio.sleep(0.05)
                raise DiskFullError(path="x")
            return await create(record)

        monkeypatch.setattr(world.store, "create", fail_first)
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
    assert read_record(folder_of(world, run_id)).input_text == "apple"
    assert_tidy(world, run_id)


async def test_a_lost_index_costs_nothing_but_a_rebuild(world: TestWorld) -> None:
    first = await world.run("apple", "as_is")
    for path in world.paths.data.glob("runs.sqlite*"):
        path.write_bytes(b"no database at all" * 400)
    second = await world.run("pear", "as_is")
    runs = await world.engine.runs.list_runs()
    assert [r.run_id for r in runs] == [second.run_id, first.run_id]


# --- what people type


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("nul\x00byte", "nulbyte"),
        ("שלום עולם ‏ مرحبا", "שלום עולם ‏ مرحبا"),
        ("🍎👩‍🎨🏳️‍🌈", "🍎👩‍🎨🏳️‍🌈"),
        ("lone \ud800 half", "lone  half"),
        ('{"a": "{{INPUT_TEXT}}"} \\" \'; DROP TABLE runs; --', '{"a": "{{INPUT_TEXT}}"} \\" \'; DROP TABLE runs; --'),
        ("../../../etc/passwd %s {0} {name}", "../../../etc/passwd %s {0} {name}"),
        ("e\u0301", "é"),
    ],
)
async def test_any_text_goes_through_to_model_disk_and_index(world: TestWorld, text: str, kept: str) -> None:
    record = await world.run(text, "bauhaus", DRAWING, rules=text, participant=text)
    assert record.state == "finished" and record.input_text == kept
    assert said(world.models.requests[0][1]) == kept
    assert (folder_of(world, record.run_id) / "02_input.txt").read_text("utf-8") == kept
    assert (await world.engine.runs.list_runs())[0].text == kept


@pytest.mark.parametrize("text", ["", "  \n\t ", "\x00\x01", "\ud800"])
async def test_a_text_of_nothing_is_refused(world: TestWorld, text: str) -> None:
    with pytest.raises(EmptyTextError):
        world.engine.runs.submit(request(text, "as_is"))


async def test_a_megabyte_is_refused_with_its_length(world: TestWorld) -> None:
    with pytest.raises(TextTooLongError) as caught:
        world.engine.runs.submit(request("x" * 1_000_000, "as_is"))
    assert caught.value.params == {"length": "1,000,000", "limit": "200,000"}
    assert not world.paths.runs.exists()


@pytest.mark.parametrize("seed", [-1, 2**32, 10**30])
async def test_a_seed_out_of_range_is_refused(world: TestWorld, seed: int) -> None:
    with pytest.raises(ParameterError) as caught:
        world.engine.runs.submit(request("x", "as_is", seed=seed))
    assert caught.value.params["name"] == "seed"


async def test_bad_parameters_and_unknown_entries_are_refused_at_once(world: TestWorld) -> None:
    def submit(output: str, **parameters: Any) -> None:
        world.engine.runs.submit(replace_outputs(OutputRequest(output, parameters)))

    with pytest.raises(UnknownParameterError):
        submit(DRAWING, colour=3)
    with pytest.raises(ParameterError):
        submit(DRAWING, width=0)
    with pytest.raises(UnknownEntryError):
        submit("nothing")
    with pytest.raises(UnknownEntryError):
        world.engine.runs.submit(request("x", "nothing"))
    assert world.engine.runs.active() == ()


async def test_skipped_stages_say_why(world: TestWorld) -> None:
    await world.run("apple", "as_is", DRAWING)
    assert [(e.stage, e.reason) for e in world.probe.of(StageSkipped)] == [
        ("translation", "stage.skipped.translation_off"),
        ("interception", "stage.skipped.as_is"),
        ("safety", "safety.no_checker"),
    ]
    assert [e.stage for e in world.probe.of(StageFinished)] == ["output"]


def replace_outputs(*outputs: OutputRequest) -> Any:
    return replace(request("x", "as_is"), outputs=outputs)


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
