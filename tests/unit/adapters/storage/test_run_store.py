"""The store of runs and its index: the folders are the truth, the index follows whatever happens to it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from ai4artsed_desktop.adapters.storage import atomic, run_store
from ai4artsed_desktop.adapters.storage.run_folders import (
    read_record,
    this_process,
    write_record,
)
from ai4artsed_desktop.adapters.storage.run_index import RunIndex
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from ai4artsed_desktop.domain.errors import (
    DiskFullError,
    RunDamagedError,
    StorageError,
    UnknownEntryError,
)
from ai4artsed_desktop.domain.runs import RunRecord, StageName, StageRecord
from tests.support.run_records import DEAD, created, record, run_id, text


def dump(tmp_path: Path) -> list[tuple[object, ...]]:
    index = RunIndex(tmp_path / "runs.sqlite")
    try:
        return index.dump()
    finally:
        index.close()


async def filled(store: DiskRunStore, count: int = 3, **more: Any) -> None:
    for number in range(count):
        folder = await created(store, record(number, **more))
        await folder.add("interception", text(f'Wörter Ärger {number} "quoted" it\'s'), output_id="x")
        stage = StageRecord(name=StageName.INTERCEPTION, state="done", text=f"Straße {number}")
        await folder.save(stages=(stage,), state="finished")


async def test_the_live_index_equals_a_rebuilt_one(store: DiskRunStore, tmp_path: Path) -> None:
    await filled(store)
    assert len(await store.list_runs()) == 3  # whoever asks the index waits for what was put
    live = dump(tmp_path)
    assert await store.rebuild_index() == 3
    assert dump(tmp_path) == live and len(live) == 9


async def test_the_index_learns_the_newest_of_what_was_written_in_quick_succession(
    store: DiskRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = list[tuple[str, str]]()
    learn = RunIndex.put

    def note(index: RunIndex, record: RunRecord, folder: str) -> None:
        put.append((record.run_id, record.state))
        learn(index, record, folder)

    monkeypatch.setattr(RunIndex, "put", note)
    monkeypatch.setattr(run_store, "_GATHERING_S", 60.0)
    folders = [await created(store, record(number)) for number in range(2)]
    for folder in folders:
        await folder.save(state="running")
        await folder.save(state="finished")
    assert [row.state for row in await store.list_runs()] == ["finished", "finished"]
    assert put == [(run_id(0), "finished"), (run_id(1), "finished")]


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
    await created(store, record(1, process=DEAD))
    with monkeypatch.context() as full:
        full.setattr(atomic.os, "fsync", no_space)
        assert [m.run_id for m in await store.mark_interrupted()] == [run_id(1)]
        with pytest.raises(DiskFullError):
            await created(store, record(2))
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
    folder = await created(store, record(9))
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
        folder = await created(store, record(number, state=state, process=DEAD))
        (folder.path / "03_x.txt.part").write_text("half")
        (folder.work_dir() / "scratch.png").write_bytes(b"x")
    await created(store, record(13))  # ours: it lives
    marked = await store.mark_interrupted()
    assert [m.run_id for m in marked] == [run_id(12), run_id(11), run_id(10)]
    for number in (10, 11, 12):
        path = await store.folder_of(run_id(number))
        assert read_record(path).state == "interrupted" and [p.name for p in path.iterdir()] == ["metadata.json"]
    assert await store.mark_interrupted() == []
    live = dump(tmp_path)
    await store.rebuild_index()
    assert dump(tmp_path) == live


async def test_a_folder_whose_program_died_before_it_had_its_name_is_found_at_the_next_start(
    store: DiskRunStore, tmp_path: Path
) -> None:
    day = tmp_path / "runs" / "2026-01-02"
    for number, process in ((20, DEAD), (21, this_process())):
        unnamed = day / f".{run_id(number)}"
        unnamed.mkdir(parents=True)
        write_record(unnamed, record(number, state="queued", process=process))
    old, young = day / f".{run_id(22)}", day / f".{run_id(23)}"
    for unnamed in (old, young):
        unnamed.mkdir()
        (unnamed / "02_input.txt").write_text("half a start")
    os.utime(old, (0, 0))
    assert [marked.run_id for marked in await store.mark_interrupted()] == [run_id(20)]
    assert sorted(path.name for path in day.iterdir()) == [f".{run_id(21)}", f".{run_id(23)}", run_id(20)]
    assert (await store.load(run_id(20))).input_text == "idea 20"


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
        folder = store.create(record)
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


async def test_the_next_start_mends_an_index_that_missed_the_end(store: DiskRunStore, tmp_path: Path) -> None:
    folder = await created(store, record(1, process=DEAD))
    write_record(folder.path, record(1, state="finished", process=DEAD))
    assert await store.mark_interrupted() == []
    live = dump(tmp_path)
    await store.rebuild_index()
    assert dump(tmp_path) == live and "finished" in str(live)
