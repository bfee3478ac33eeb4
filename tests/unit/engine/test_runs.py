"""Runs with a fake model and a fake renderer: order, doing again, pauses, start stages, hostile texts."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.storage.run_folders import read_record, write_record
from ai4artsed_desktop.domain.errors import (
    EmptyTextError,
    ParameterError,
    TextTooLongError,
    UnknownEntryError,
    UnknownParameterError,
)
from ai4artsed_desktop.domain.events import (
    Event,
    MediumSaved,
    RunQueued,
    StageFinished,
    StagePaused,
    StageSkipped,
    StageStarted,
)
from ai4artsed_desktop.domain.runs import OutputRequest, StageName
from tests.support.fake_models import said
from tests.support.world import DRAWING, MUSIC, TestWorld, open_world, request


async def test_stages_come_in_order_and_every_file_is_recorded(world: TestWorld) -> None:
    record = await world.run("A red apple", "bauhaus", DRAWING, MUSIC)
    names = [s.name for s in record.stages]
    assert names == ["translation", "interception", "safety", "output", "output"]
    assert record.state == "finished" and record.error is None
    assert record.stages[1].text == "<A red apple>" and record.stages[1].model == "fake/good"
    assert [s.output_id for s in record.stages[3:]] == [DRAWING, MUSIC]
    kinds = [e.type for e in record.entities]
    assert kinds == ["record", "text", "text", "record", "p5", "image", "tonejs", "audio"]
    world.assert_tidy(record.run_id)
    started = [e.stage for e in world.probe.of(StageStarted)]
    assert started == ["interception", "safety", "output", "output"]


async def test_a_medium_is_on_disk_and_recorded_when_it_is_announced(world: TestWorld) -> None:
    seen: list[tuple[bool, bool]] = []

    def look(event: Event) -> None:
        if isinstance(event, MediumSaved):
            folder = world.folder_of(event.run_id)
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
            texts.append((world.folder_of(event.run_id) / "02_input.txt").read_text("utf-8"))

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
    used = (world.folder_of(record.run_id) / "01_config_used.json").read_text("utf-8")
    assert '"pipeline": "text_transformation"' in used and '"output_code_sketchbook_p5js"' in used


# --- pauses, edits, start stages


async def test_a_pause_waits_for_the_persons_text_which_goes_on_and_is_recorded(world: TestWorld) -> None:
    run_id = world.engine.runs.submit(
        request("apple", "bauhaus", DRAWING, pause_after=frozenset({StageName.INTERCEPTION}))
    )
    paused = await world.probe.next(StagePaused)
    assert paused.text == "<apple>" and read_record(world.folder_of(run_id)).state == "paused"
    world.engine.runs.resume(run_id, "a green\x00 pear\r\n")
    record = await world.engine.runs.wait(run_id)
    assert record.stages[1].text == "a green pear\n" and record.stages[1].edited_from == "<apple>"
    world.assert_tidy(run_id)
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
        ("safety", "done"),
        ("output", "done"),
    ]


async def test_a_later_start_without_the_text_it_needs_is_refused(world: TestWorld) -> None:
    with pytest.raises(EmptyTextError):
        world.engine.runs.submit(request("apple", "bauhaus", DRAWING, start_stage=StageName.OUTPUT))


async def test_continuing_makes_only_what_is_missing(world: TestWorld) -> None:
    record = await world.run("apple", "bauhaus", DRAWING, DRAWING, MUSIC)
    cut = record.model_copy(update={"state": "interrupted", "stages": record.stages[:4]})
    write_record(world.folder_of(record.run_id), cut)
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
    assert (world.folder_of(record.run_id) / "02_input.txt").read_text("utf-8") == kept
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
    ]
    assert [e.stage for e in world.probe.of(StageFinished)] == ["safety", "output"]


def replace_outputs(*outputs: OutputRequest) -> Any:
    return replace(request("x", "as_is"), outputs=outputs)
