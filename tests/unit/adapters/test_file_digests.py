"""Digests of model files: right, remembered, and never in the way."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters import file_digests
from ai4artsed_desktop.adapters.file_digests import FileDigests


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "Modell ä.gguf"
    path.write_bytes(b"weights" * 1000)
    return path


async def test_a_digest_is_right_and_computed_once(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = FileDigests(tmp_path / "cache" / "digests.json")
    right = hashlib.sha256(b"weights" * 1000).hexdigest()
    assert await digests.sha256(str(model)) == right
    monkeypatch.setattr(file_digests, "hash_file", None)
    assert await FileDigests(tmp_path / "cache" / "digests.json").sha256(str(model)) == right


async def test_a_file_that_changed_is_hashed_anew(tmp_path: Path, model: Path) -> None:
    digests = FileDigests(tmp_path / "digests.json")
    first = await digests.sha256(str(model))
    await asyncio.to_thread(model.write_bytes, b"other weights")
    assert await digests.sha256(str(model)) == hashlib.sha256(b"other weights").hexdigest() != first


@pytest.mark.parametrize("memory", [b"", b"[]", b"{", b"\xff"])
async def test_a_damaged_memory_is_forgotten(tmp_path: Path, model: Path, memory: bytes) -> None:
    await asyncio.to_thread((tmp_path / "digests.json").write_bytes, memory)
    assert len(await FileDigests(tmp_path / "digests.json").sha256(str(model))) == 64


async def test_no_file_and_no_room_cost_nothing_else(tmp_path: Path, model: Path) -> None:
    digests = FileDigests(model / "under a file" / "digests.json")
    assert await digests.sha256(str(tmp_path / "gone")) == ""
    assert len(await digests.sha256(str(model))) == 64


async def test_cancelling_stops_the_reading(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started, told = threading.Event(), threading.Event()
    real = file_digests.hash_file

    def slow(path: Path, stop: threading.Event) -> str:
        started.set()
        if stop.wait(10):
            told.set()
        return real(path, stop)

    monkeypatch.setattr(file_digests, "hash_file", slow)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(FileDigests(tmp_path / "digests.json").sha256(str(model)))
        await asyncio.to_thread(started.wait, 10)
        task.cancel()
    assert task.cancelled() and await asyncio.to_thread(told.wait, 10)


def test_a_hash_that_is_no_longer_wanted_is_given_up(model: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(InterruptedError):
        file_digests.hash_file(model, stop)
