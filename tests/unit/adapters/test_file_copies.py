"""Copies of large files: gone on with, compared, hashed, stopped, and never over another file."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters import file_copies
from ai4artsed_desktop.adapters.file_copies import CopyStoppedError, copy_resuming
from ai4artsed_desktop.domain.errors import DiskFullError, StorageError
from ai4artsed_desktop.engine.inventory import PlaceTakenError

#: A little more than two of the copy's blocks.
SIZE = 9_000_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "stick" / "Modell ä.safetensors"
    path.parent.mkdir()
    path.write_bytes(os.urandom(1 << 20) * 9)
    path.write_bytes(path.read_bytes()[:SIZE])
    return path


def copy(source: Path, target: Path, stop: threading.Event | None = None) -> tuple[str, list[int]]:
    """Copy and return the digest and the bytes that were reported."""
    seen: list[int] = []
    digest = copy_resuming(source, target, lambda done, total: seen.append(done), stop or threading.Event())
    return digest, seen


def test_a_copy_is_whole_hashed_and_leaves_no_part(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / "vae" / source.name
    digest, seen = copy(source, target)
    assert digest == hashlib.sha256(source.read_bytes()).hexdigest()
    assert target.read_bytes() == source.read_bytes() and [p.name for p in target.parent.iterdir()] == [target.name]
    assert seen == sorted(seen) and seen[-1] == SIZE


def test_a_stopped_copy_keeps_its_part_and_goes_on_there(source: Path, tmp_path: Path) -> None:
    target, stop = tmp_path / "m.safetensors", threading.Event()
    with pytest.raises(CopyStoppedError):
        copy_resuming(source, target, lambda done, total: stop.set(), stop)
    part = target.with_name("m.safetensors.part")
    assert 0 < part.stat().st_size < SIZE and not target.exists()
    copy(source, target)
    assert target.read_bytes() == source.read_bytes() and not part.exists()


@pytest.mark.parametrize("left", [b"", b"another file altogether", os.urandom(5_000_000)])
def test_a_part_of_something_else_does_no_harm(source: Path, tmp_path: Path, left: bytes) -> None:
    target = tmp_path / "m.safetensors"
    target.with_name("m.safetensors.part").write_bytes(left)
    copy(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_a_part_that_is_too_long_is_cut(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"
    target.with_name("m.safetensors.part").write_bytes(source.read_bytes() + b"more")
    copy(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_another_file_of_that_name_is_left_alone(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"
    target.write_bytes(b"mine")
    with pytest.raises(PlaceTakenError):
        copy(source, target)
    assert target.read_bytes() == b"mine"


def test_an_equal_file_is_taken_as_copied(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "m.safetensors"
    target.write_bytes(source.read_bytes())
    digest, seen = copy(source, target)
    assert digest == hashlib.sha256(source.read_bytes()).hexdigest() and seen == []


def test_a_disk_without_room_is_said_before_anything_is_written(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "models" / "m.safetensors"
    with pytest.raises(DiskFullError):
        copy_resuming(source, target, lambda done, total: None, threading.Event(), lambda folder: SIZE)
    assert list(target.parent.iterdir()) == []


def test_a_source_that_is_gone_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        copy(tmp_path / "gone.safetensors", tmp_path / "m.safetensors")


def test_what_the_disk_reads_back_differently_is_no_copy(source: Path, tmp_path: Path) -> None:
    """A disk that lies: the part is changed between writing and reading back, by the last report of progress."""
    target = tmp_path / "m.safetensors"
    part = target.with_name("m.safetensors.part")
    spoil = threading.Event()

    def report(done: int, total: int) -> None:
        if done == total:
            spoil.set()

    real = os.fsync

    def lying_sync(handle: int) -> None:
        real(handle)
        if spoil.is_set():
            os.pwrite(handle, b"\0\0\0\0", 100)

    file_copies.os.fsync, before = lying_sync, file_copies.os.fsync
    try:
        with pytest.raises(file_copies.CopyDamagedError):
            copy_resuming(source, target, report, threading.Event())
    finally:
        file_copies.os.fsync = before
    assert not target.exists() and not part.exists()
