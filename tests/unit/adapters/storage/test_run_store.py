"""Run folders and their index: the folders are the truth, the index follows whatever happens to it."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.storage import atomic
from ai4artsed_desktop.adapters.storage.run_folders import (
    DiskRunFolder,
    read_record,
    this_process,
    write_record,
)
from ai4artsed_desktop.adapters.storage.run_index import RunIndex
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from ai4artsed_desktop.adapters.storage.sniffing import check_content
from ai4artsed_desktop.domain.errors import (
    DiskFullError,
    MediumMismatchError,
    RunDamagedError,
    StorageError,
    UnknownEntryError,
)
from ai4artsed_desktop.domain.runs import RunRecord, StageName, StageRecord
from ai4artsed_desktop.engine.python_chunks import ProducedMedium

DEAD = {"pid": 2**22 + 7, "started": 1.0}


def run_id(number: int) -> str:
    return f"run_{1_700_000_000_000 + number}_{number:06x}"


def record(number: int, **more: Any) -> RunRecord:
    facts = {
        "run_id": run_id(number),
        "created": f"2026-01-02T03:04:{number % 60:02d}.000+00:00",
        "state": "running",
        "interception_id": "dada",
        "input_text": f"idea {number}",
        "process": this_process(),
    }
    return RunRecord.model_validate(facts | more)


def text(words: str) -> ProducedMedium:
    return ProducedMedium("text", "text/plain", "txt", data=words.encode())


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    store = DiskRunStore(tmp_path / "runs", tmp_path / "runs.sqlite")
    yield store
    await store.aclose()


def dump(tmp_path: Path) -> list[tuple[object, ...]]:
    index = RunIndex(tmp_path / "runs.sqlite")
    try:
        return index.dump()
    finally:
        index.close()


async def filled(store: DiskRunStore, count: int = 3, **more: Any) -> None:
    for number in range(count):
        folder = await store.create(record(number, **more))
        await folder.add("interception", text(f'Wörter Ärger {number} "quoted" it\'s'), output_id="x")
        stage = StageRecord(name=StageName.INTERCEPTION, state="done", text=f"Straße {number}")
        await folder.save(stages=(stage,), state="finished")


async def test_a_folder_holds_what_was_added_and_a_save_keeps_it(store: DiskRunStore) -> None:
    folder = await store.create(record(1))
    first = folder.note("Safety Pre/Output..", text("a"))
    second = await folder.add(
        "x", ProducedMedium("image", "image/png", "../PNG", data=b"\x89PNG\r\n\x1a\n"), output_id="x"
    )
    assert (first.filename, second.filename) == ("01_safety_pre_output_.txt", "02_x.png")
    await folder.save(state="finished")
    assert [e.sequence for e in read_record(folder.path).entities] == [1, 2]


async def test_a_file_from_the_work_folder_is_moved_and_the_folder_goes(store: DiskRunStore) -> None:
    folder = await store.create(record(1))
    work = folder.work_dir()
    (work / "a.wav").write_bytes(b"RIFF0000WAVEdata")
    medium = ProducedMedium("audio", "audio/wav", "wav", path=work / "a.wav")
    entity = await folder.add("output_audio", medium, output_id="x")
    assert entity.bytes == 16 and not (work / "a.wav").exists()
    await folder.close()
    assert not work.exists()


@pytest.mark.parametrize(
    ("head", "mime", "fits"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png", True),
        (b"\x89PNG\r\n\x1a\n", "image/apng", True),
        (b"\x89PNG\r\n\x1a\n", "audio/wav", False),
        (b"RIFF....WAVE", "image/webp", False),
        (b"RIFF....WEBP", "image/webp", True),
        (b"OggS", "video/ogg", True),
        (b"....ftypM4A ", "audio/mp4", True),
        (b"....ftypisom", "image/png", False),
        (b"function setup() {", "text/javascript", True),
        (b"\x89PNG\r\n\x1a\n", "text/plain", False),
        (b"", "text/plain", True),
    ],
)
def test_content_is_compared_with_what_it_claims_to_be(head: bytes, mime: str, fits: bool) -> None:
    if fits:
        check_content(head, mime)
    else:
        with pytest.raises(MediumMismatchError):
            check_content(head, mime)


async def test_a_medium_that_is_something_else_leaves_no_file(store: DiskRunStore) -> None:
    folder = await store.create(record(1))
    with pytest.raises(MediumMismatchError):
        medium = ProducedMedium("image", "image/png", "png", data=b"RIFF0000WAVE")
        await folder.add("output_image", medium, output_id="x")
    assert [p.name for p in folder.path.iterdir()] == ["metadata.json"] and folder.record.entities == ()


async def test_the_live_index_equals_a_rebuilt_one(store: DiskRunStore, tmp_path: Path) -> None:
    await filled(store)
    live = dump(tmp_path)
    assert await store.rebuild_index() == 3
    assert dump(tmp_path) == live and len(live) == 9


async def test_search_takes_umlauts_quotes_and_parts_of_words(store: DiskRunStore) -> None:
    await filled(store)

    async def found(words: str) -> list[str]:
        return [row.run_id for row in await store.list_runs(search=words)]

    assert await found("strass") == [] and len(await found("straße")) == 3
    assert await found("STRAẞE 1") == [run_id(1)] or await found("straße 1") == [run_id(1)]
    assert await found("idea 2") == [run_id(2)]
    for hostile in ('"', '""', "'", 'idea"', "NEAR(", "*", "a OR", "words:x", "(", "\x00", "- ^", "{", "idea AND 9"):
        assert len(await found(hostile)) <= 3, hostile
    assert len(await found('"idea"')) == 3
    assert len(await found("   ")) == 3


async def test_runs_are_listed_newest_first_and_limited(store: DiskRunStore) -> None:
    await filled(store, 5)
    assert [row.run_id for row in await store.list_runs(2)] == [run_id(4), run_id(3)]


@pytest.mark.parametrize("damage", ["deleted", "zeros", "text", "cut", "other database"])
async def test_a_damaged_index_is_made_anew_from_the_folders(store: DiskRunStore, tmp_path: Path, damage: str) -> None:
    await filled(store)
    await store.aclose()
    index = tmp_path / "runs.sqlite"
    spoil(index, damage)
    assert len(await store.list_runs()) == 3
    assert len(dump(tmp_path)) == 9


def spoil(index: Path, damage: str) -> None:
    data = index.read_bytes()
    for path in index.parent.glob("runs.sqlite*"):
        path.unlink()
    match damage:
        case "zeros":
            index.write_bytes(b"\x00" * len(data))
        case "text":
            index.write_text("no database " * 1000)
        case "cut":
            index.write_bytes(data[: len(data) // 2])
        case "other database":
            with sqlite3.connect(index) as connection:
                connection.execute("CREATE TABLE other (x)")
                connection.execute("PRAGMA user_version = 1")
            connection.close()
        case _:
            pass


async def test_without_any_index_runs_are_found_in_their_folders(store: DiskRunStore, tmp_path: Path) -> None:
    await filled(store, 4)
    indexed = await store.list_runs(), await store.list_runs(2), await store.list_runs(search="idea 2")
    await store.aclose()
    put_folder_in_place(tmp_path / "runs.sqlite")
    assert (await store.list_runs(), await store.list_runs(2), await store.list_runs(search="idea 2")) == tuple(
        list(rows) for rows in indexed
    )
    assert (await store.load(run_id(1))).input_text == "idea 1"
    with pytest.raises(StorageError):
        await store.rebuild_index()


def put_folder_in_place(path: Path) -> None:
    for old in path.parent.glob(f"{path.name}*"):
        old.unlink()
    path.mkdir()


async def test_a_full_disk_does_not_keep_the_next_start_from_telling_what_was_interrupted(
    store: DiskRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.create(record(1, process=DEAD))
    with monkeypatch.context() as full:
        full.setattr(atomic.os, "fsync", no_space)
        assert [m.run_id for m in await store.mark_interrupted()] == [run_id(1)]
        with pytest.raises(DiskFullError):
            await store.create(record(2))
    assert [m.run_id for m in await store.mark_interrupted()] == [run_id(1)]
    assert await store.mark_interrupted() == []
    with pytest.raises(UnknownEntryError):
        await store.folder_of(run_id(2))


def no_space(handle: int) -> None:
    raise OSError(28, "No space left on device")


def overwrite_index(folder: Path) -> None:
    for path in folder.glob("runs.sqlite*"):
        path.write_bytes(b"spoiled " * 2000)


async def test_an_index_spoiled_while_it_is_open_does_not_stop_runs(store: DiskRunStore, tmp_path: Path) -> None:
    await filled(store)
    overwrite_index(tmp_path)
    folder = await store.create(record(9))
    folder.note("input", text("nine"))
    assert len(await store.list_runs()) == 4


async def test_an_index_of_a_later_version_is_replaced(store: DiskRunStore, tmp_path: Path) -> None:
    await filled(store)
    await store.aclose()
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert len(await store.list_runs()) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"run_id": 5}', b"\xff\x00", None])
async def test_a_damaged_record_is_said_and_the_others_are_found(store: DiskRunStore, content: bytes | None) -> None:
    await filled(store)
    metadata = await store.folder_of(run_id(1)) / "metadata.json"
    metadata.unlink() if content is None else metadata.write_bytes(content)
    assert await store.rebuild_index() == 2
    with pytest.raises(RunDamagedError):
        await store.load(run_id(1))
    assert [row.run_id for row in await store.list_runs()] == [run_id(2), run_id(0)]
    assert await store.mark_interrupted() == []


@pytest.mark.parametrize(
    "name", ["", "run_1_zzzzzz", "../../etc", "run_1_abcdef/..", "run_99_abcdef", "run_1_abcdef\n"]
)
async def test_an_unknown_run_is_said_whatever_its_name(store: DiskRunStore, name: str) -> None:
    with pytest.raises(UnknownEntryError):
        await store.load(name)


async def test_a_run_of_a_dead_program_is_marked_and_tidied(store: DiskRunStore, tmp_path: Path) -> None:
    await filled(store, 2)
    for number, state in ((10, "queued"), (11, "running"), (12, "paused")):
        folder = await store.create(record(number, state=state, process=DEAD))
        (folder.path / "03_x.txt.part").write_text("half")
        (folder.work_dir() / "scratch.png").write_bytes(b"x")
    await store.create(record(13))  # ours: it lives
    marked = await store.mark_interrupted()
    assert [m.run_id for m in marked] == [run_id(12), run_id(11), run_id(10)]
    for number in (10, 11, 12):
        path = await store.folder_of(run_id(number))
        assert read_record(path).state == "interrupted" and [p.name for p in path.iterdir()] == ["metadata.json"]
    assert await store.mark_interrupted() == []
    live = dump(tmp_path)
    await store.rebuild_index()
    assert dump(tmp_path) == live


async def test_the_next_start_teaches_the_index_what_it_missed(store: DiskRunStore, tmp_path: Path) -> None:
    await filled(store, 3)
    await store.aclose()
    with sqlite3.connect(tmp_path / "runs.sqlite") as connection:
        for table in ("runs", "entities", "run_words"):
            connection.execute(f"DELETE FROM {table} WHERE run_id = ?", (run_id(1),))
    connection.close()
    gone = await store.folder_of(run_id(2))
    (gone / "metadata.json").unlink()
    for path in gone.iterdir():
        path.unlink()
    gone.rmdir()
    await store.mark_interrupted()
    live = dump(tmp_path)
    assert [row[0] for row in live[:2]] == [run_id(0), run_id(1)]
    await store.rebuild_index()
    assert dump(tmp_path) == live


async def test_ended_runs_are_not_read_again_at_every_start(
    store: DiskRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(store, 5)
    read: list[Path] = []

    def noted(folder: Path) -> RunRecord:
        read.append(folder)
        return read_record(folder)

    monkeypatch.setattr("ai4artsed_desktop.adapters.storage.run_store.read_record", noted)
    await store.mark_interrupted()
    assert read == []


WRITER = """
import asyncio, sys
from pathlib import Path
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from ai4artsed_desktop.domain.runs import RunRecord

async def main(base, first):
    store = DiskRunStore(base / "runs", base / "runs.sqlite")
    for number in range(first, first + 25):
        record = RunRecord(run_id=f"run_{number}_{number:06x}", created="2026-01-02T03:04:05+00:00", state="finished",
                           interception_id="x", input_text=f"idea {number}")
        folder = await store.create(record)
        await folder.save(state="finished")
        if number % 10 == 0:
            await store.rebuild_index()
    await store.aclose()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_two_programs_share_one_index(store: DiskRunStore, tmp_path: Path) -> None:
    programs = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", WRITER, str(tmp_path), str(first), stderr=asyncio.subprocess.PIPE
        )
        for first in (100, 200)
    ]
    for program in programs:
        _, errors = await program.communicate()
        assert program.returncode == 0 and errors == b"", errors.decode()
    assert len(await store.list_runs()) == 50
    live = dump(tmp_path)
    await store.rebuild_index()
    assert dump(tmp_path) == live


async def test_a_record_reads_as_json_by_anyone(store: DiskRunStore) -> None:
    folder = await store.create(record(1, input_text="Ä 🍎"))
    raw = json.loads((folder.path / "metadata.json").read_text("utf-8"))
    assert raw["input_text"] == "Ä 🍎" and raw["record_version"] == 1


class Syncs:
    """Which files and folders were synced, by name, since the last look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seen: list[str] = []
        real = os.fsync

        def watched(descriptor: int) -> None:
            self._seen.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
            real(descriptor)

        monkeypatch.setattr(os, "fsync", watched)

    def look(self) -> list[str]:
        seen, self._seen = self._seen, []
        return seen


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="names of descriptors")
async def test_what_is_announced_has_reached_the_disk_and_the_rest_follows_at_the_end(
    store: DiskRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = Syncs(monkeypatch)
    folder = await store.create(record(1, state="queued"))
    name = folder.path.name
    assert syncs.look() == ["metadata.json.part", f".{name}", folder.path.parent.name]
    folder.note("input", text("typed"))
    await folder.save(state="running")
    assert syncs.look() == ["metadata.json.part"]  # a note waits for the record that names it, which is never half
    await folder.add("output_text", text("made"), output_id="x")
    assert syncs.look() == ["02_output_text.txt.part", "metadata.json.part", name]
    work = folder.work_dir()
    (work / "a.wav").write_bytes(b"RIFF0000WAVEdata")
    await folder.add("output_audio", ProducedMedium("audio", "audio/wav", "wav", path=work / "a.wav"), output_id="x")
    assert syncs.look() == ["a.wav", name, "metadata.json.part", name]
    await folder.save(state="finished", ended="2026-01-01T00:00:00+00:00")
    assert syncs.look() == ["01_input.txt", "metadata.json.part", name]
    await folder.save(state="finished", ended="2026-01-01T00:00:00+00:00")
    assert "01_input.txt" not in syncs.look()


async def test_a_file_that_somebody_deleted_does_not_spoil_the_end(store: DiskRunStore) -> None:
    folder = await store.create(record(1))
    entity = folder.note("input", text("typed"))
    await folder.flush()
    (folder.path / entity.filename).unlink()
    await folder.save(state="finished", ended="2026-01-01T00:00:00+00:00")
    assert read_record(folder.path).state == "finished"


async def test_a_file_whose_record_cannot_be_written_does_not_stay(
    store: DiskRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await store.create(record(1))
    real = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "metadata.json":
            raise OSError(errno.ENOSPC, "no space left on device")
        return real(self, target)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", full)
        with pytest.raises(DiskFullError):
            await folder.add("output_text", text("made"), output_id="x")
    assert [path.name for path in folder.path.iterdir()] == ["metadata.json"] and folder.record.entities == ()
    assert (await folder.add("output_text", text("made"), output_id="x")).filename == "01_output_text.txt"


async def test_a_file_whose_record_is_there_stays_though_the_sync_failed(
    store: DiskRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await store.create(record(1))

    def full(_: Path) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(atomic, "sync_folder", full)
        with pytest.raises(DiskFullError):
            await folder.add("output_text", text("made"), output_id="x")
    assert {path.name for path in folder.path.iterdir()} == {"metadata.json", "01_output_text.txt"}
    assert read_record(folder.path).entities == folder.record.entities


async def test_a_new_run_has_its_first_files_and_syncs_them_at_its_end(store: DiskRunStore) -> None:
    notes = (("config_used", text("{}")), ("input", text("typed")))
    folder = await store.create(record(1, state="queued"), notes)
    names = ["01_config_used.txt", "02_input.txt"]
    assert [entity.filename for entity in read_record(folder.path).entities] == names
    assert [entity.filename for entity in folder.record.entities] == names
    assert folder.note("x", text("a")).filename == "03_x.txt"


async def test_notes_and_amendments_are_told_by_the_next_written_record(store: DiskRunStore) -> None:
    folder = await store.create(record(1, state="queued"))
    folder.note("input", text("typed"))
    folder.amend(state="running")
    assert folder.record.state == "running" and read_record(folder.path) == record(1, state="queued")
    assert [path.name for path in folder.path.iterdir()] == ["metadata.json"]
    await folder.flush()
    assert read_record(folder.path) == folder.record and [e.filename for e in folder.record.entities] == [
        "01_input.txt"
    ]


async def test_a_flush_with_nothing_new_leaves_the_file_alone(store: DiskRunStore) -> None:
    folder = await store.create(record(1))
    (folder.path / "metadata.json").unlink()
    await folder.flush()
    assert not (folder.path / "metadata.json").exists()


async def test_amendments_made_while_files_are_written_lose_nothing(store: DiskRunStore) -> None:
    folder = await store.create(record(1))
    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(folder.add("text", text(str(number)), output_id="x"))
        for number in range(200):
            folder.amend(seed=number)
            await asyncio.sleep(0)
    await folder.flush()
    assert folder.record.seed == 199 and len(read_record(folder.path).entities) == 20


async def test_the_index_hears_of_what_lists_show_and_of_no_other_record(tmp_path: Path) -> None:
    heard: list[str] = []
    store = DiskRunStore(tmp_path / "runs", tmp_path / "runs.sqlite")
    path = (await store.create(record(1, state="queued"))).path
    folder = DiskRunFolder(path, record(1, state="queued"), lambda written, _: heard.append(written.state))
    folder.note("note", text("a"))
    skipped = StageRecord(name=StageName.TRANSLATION, state="skipped", text=folder.record.input_text)
    await folder.save(state="queued", stages=(skipped,))
    assert heard == []
    await folder.save(state="running", stages=(skipped,))
    stage = StageRecord(name=StageName.INTERCEPTION, state="done", text="words to be found")
    await folder.save(state="running", stages=(skipped, stage))
    await folder.add("output_text", text("made"), output_id="x")
    assert heard == ["running"] * 3
    await store.aclose()


async def test_the_next_start_mends_an_index_that_missed_the_end(store: DiskRunStore, tmp_path: Path) -> None:
    folder = await store.create(record(1, process=DEAD))
    write_record(folder.path, record(1, state="finished", process=DEAD))
    assert await store.mark_interrupted() == []
    live = dump(tmp_path)
    await store.rebuild_index()
    assert dump(tmp_path) == live and "finished" in str(live)
