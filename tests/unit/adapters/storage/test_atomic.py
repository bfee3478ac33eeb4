"""Atomic writing: after a failure at any step the old file or the new one is there, and nothing else."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import threading
from pathlib import Path

import pytest

from ai4artsed_desktop.adapters.storage import atomic
from ai4artsed_desktop.adapters.storage.atomic import move_durably, to_the_end, write_atomically
from ai4artsed_desktop.domain.errors import DiskFullError, ReadOnlyError, StorageError

STEPS = ("os.fsync", "Path.open", "Path.replace", "Path.mkdir")


def break_step(monkeypatch: pytest.MonkeyPatch, step: str, number: int) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    owner: object = os if step.startswith("os.") else Path
    monkeypatch.setattr(owner, step.partition(".")[2], fail)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EROFS, ReadOnlyError),
        (errno.EACCES, ReadOnlyError),
        (errno.EIO, StorageError),
    ],
)
def test_a_failure_at_any_step_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, kind: type[StorageError]
) -> None:
    path = tmp_path / "ä file.json"
    write_atomically(path, b"old")
    with monkeypatch.context() as broken:
        break_step(broken, step, number)
        with pytest.raises(kind) as caught:
            write_atomically(path, b"new" * 10_000)
    assert type(caught.value) is kind and caught.value.params["path"] == str(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_name_that_is_in_use_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a reader or a scanner keeps a file from getting its name."""
    path, tries, replace = tmp_path / "file", list[Path](), Path.replace

    def in_use(source: Path, target: Path) -> Path:
        tries.append(source)
        if len(tries) < 3:
            raise PermissionError(13, "in use")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", in_use)
    monkeypatch.setattr(atomic, "_RENAME_PAUSE_S", 0.0)
    monkeypatch.setattr(atomic, "_RENAME_TRIES", 3)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new" and len(tries) == 3
    tries.clear()
    monkeypatch.setattr(atomic, "_RENAME_TRIES", 2)
    with pytest.raises(ReadOnlyError):
        write_atomically(path, b"newer")
    assert path.read_bytes() == b"new" and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
def test_a_full_disk_in_the_middle_of_a_file_keeps_the_old_one(tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands for the disk: the kernel itself refuses the bytes beyond it."""
    import subprocess

    path = tmp_path / "file"
    write_atomically(path, b"old")
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from ai4artsed_desktop.adapters.storage.atomic import write_atomically\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: write_atomically(Path(sys.argv[1]), b'x' * 100_000)\n"
        "except Exception as exc: print(type(exc).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "StorageError", done.stderr
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync
    folder = os.open(tmp_path, os.O_RDONLY)
    os.close(folder)

    def no_folders(handle: int) -> None:
        if os.fstat(handle).st_mode & 0o170000 == 0o040000:
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr(atomic.os, "fsync", no_folders)
    write_atomically(tmp_path / "x", b"1")
    assert (tmp_path / "x").read_bytes() == b"1"


def test_moving_to_another_file_system_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"content")
    replace = Path.replace

    def cross_device(self: Path, other: Path) -> Path:
        if self == source:
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return replace(self, other)

    monkeypatch.setattr(Path, "replace", cross_device)
    move_durably(source, target)
    assert target.read_bytes() == b"content" and not source.exists()


async def test_cancelling_waits_until_the_thread_has_written() -> None:
    started, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        assert may_end.wait(10)
        ended.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(to_the_end(work))
        await asyncio.to_thread(started.wait)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()  # impatient people press twice
        await asyncio.sleep(0)
        assert not task.done()
        may_end.set()
    assert task.cancelled() and ended.is_set()


async def test_to_the_end_passes_results_and_errors_on() -> None:
    assert await to_the_end(int, "7") == 7
    with pytest.raises(ValueError, match="invalid literal"):
        await to_the_end(int, "x")
