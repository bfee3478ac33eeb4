"""Run folders: what is in them, and when it has reached the disk."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.storage import atomic, run_folders
from ai4artsed_desktop.adapters.storage.run_folders import (
    DiskRunFolder,
    read_record,
)
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from ai4artsed_desktop.adapters.storage.sniffing import check_content
from ai4artsed_desktop.domain.errors import (
    DiskFullError,
    MediumMismatchError,
)
from ai4artsed_desktop.domain.runs import StageName, StageRecord
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from tests.support.run_records import created, record, text


async def test_a_folder_holds_what_was_added_and_a_save_keeps_it(store: DiskRunStore) -> None:
    folder = await created(store, record(1))
    first = folder.note("Safety Pre/Output..", text("a"))
    second = await folder.add(
        "x", ProducedMedium("image", "image/png", "../PNG", data=b"\x89PNG\r\n\x1a\n"), output_id="x"
    )
    assert (first.filename, second.filename) == ("01_safety_pre_output_.txt", "02_x.png")
    await folder.save(state="finished")
    assert [e.sequence for e in read_record(folder.path).entities] == [1, 2]


async def test_a_file_from_the_work_folder_is_moved_and_the_folder_goes(store: DiskRunStore) -> None:
    folder = await created(store, record(1))
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
    folder = await created(store, record(1))
    with pytest.raises(MediumMismatchError):
        medium = ProducedMedium("image", "image/png", "png", data=b"RIFF0000WAVE")
        await folder.add("output_image", medium, output_id="x")
    assert [p.name for p in folder.path.iterdir()] == ["metadata.json"] and folder.record.entities == ()


async def test_a_record_reads_as_json_by_anyone(store: DiskRunStore) -> None:
    folder = await created(store, record(1, input_text="Ä 🍎"))
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
    folder = await created(store, record(1, state="queued"))
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
    folder = await created(store, record(1))
    entity = folder.note("input", text("typed"))
    await folder.flush()
    (folder.path / entity.filename).unlink()
    await folder.save(state="finished", ended="2026-01-01T00:00:00+00:00")
    assert read_record(folder.path).state == "finished"


async def test_a_file_that_somebody_has_locked_does_not_spoil_the_end(
    store: DiskRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(path: Path) -> None:
        raise PermissionError(13, "The process cannot access the file", str(path))

    folder = await created(store, record(1))
    folder.note("input", text("typed"))
    await folder.flush()
    monkeypatch.setattr(run_folders, "sync_file", locked)
    await folder.save(state="finished", ended="2026-01-01T00:00:00+00:00")
    assert read_record(folder.path).state == "finished"


async def test_a_file_whose_record_cannot_be_written_does_not_stay(
    store: DiskRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await created(store, record(1))
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
    folder = await created(store, record(1))

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
    folder = await created(store, record(1, state="queued"), notes)
    names = ["01_config_used.txt", "02_input.txt"]
    assert [entity.filename for entity in read_record(folder.path).entities] == names
    assert [entity.filename for entity in folder.record.entities] == names
    assert folder.note("x", text("a")).filename == "03_x.txt"


async def test_notes_and_amendments_are_told_by_the_next_written_record(store: DiskRunStore) -> None:
    folder = await created(store, record(1, state="queued"))
    folder.note("input", text("typed"))
    folder.amend(state="running")
    assert folder.record.state == "running" and read_record(folder.path) == record(1, state="queued")
    assert [path.name for path in folder.path.iterdir()] == ["metadata.json"]
    await folder.flush()
    assert read_record(folder.path) == folder.record and [e.filename for e in folder.record.entities] == [
        "01_input.txt"
    ]


async def test_a_flush_with_nothing_new_leaves_the_file_alone(store: DiskRunStore) -> None:
    folder = await created(store, record(1))
    (folder.path / "metadata.json").unlink()
    await folder.flush()
    assert not (folder.path / "metadata.json").exists()


async def test_amendments_made_while_files_are_written_lose_nothing(store: DiskRunStore) -> None:
    folder = await created(store, record(1))
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
    path = (await created(store, record(1, state="queued"))).path
    made = asyncio.get_running_loop().create_future()
    made.set_result(None)
    folder = DiskRunFolder(path, record(1, state="queued"), made, lambda written, _: heard.append(written.state))
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
