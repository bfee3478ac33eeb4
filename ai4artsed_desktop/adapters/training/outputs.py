"""What a training leaves in its output folder: LoRA files, states, samples."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

from ai4artsed_desktop.adapters.file_copies import copy_whole
from ai4artsed_desktop.adapters.storage.atomic import sync_folder, translated_errors
from ai4artsed_desktop.domain.safetensors import SafetensorsError, SafetensorsIncompleteError, parse_safetensors_header
from ai4artsed_desktop.domain.training.progress import SAMPLE_NAME, SamplePicture
from ai4artsed_desktop.domain.training.verdict import FileState
from ai4artsed_desktop.engine.training_ports import SavedState

#: The last file the trainer writes into a state folder.
_LAST_STATE_FILE = "random_states_0.pkl"
_FIRST_READ_BYTES = 1_000_000
_PNG_END = b"IEND\xaeB`\x82"


def state_of_file(path: Path) -> FileState:
    """Tell whether a LoRA file is there and whole. That it is new needs no clock: older ones were moved aside."""
    try:
        size_bytes = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(_FIRST_READ_BYTES)
            try:
                header = parse_safetensors_header(start)
            except SafetensorsIncompleteError as exc:
                header = parse_safetensors_header(start + file.read(exc.needed_bytes - len(start)))
    except FileNotFoundError:
        return "absent"
    except SafetensorsError:
        return "cut"
    return "complete" if size_bytes == header.file_bytes and header.tensors else "cut"


def complete_states(output: Path) -> list[SavedState]:
    """Return the complete state folders, by step. A cut one lacks the file that is written last, or its step."""
    found: list[SavedState] = []
    for last in output.glob(f"*-state/{_LAST_STATE_FILE}") if output.is_dir() else ():
        try:
            step = json.loads((last.parent / "train_state.json").read_text("utf-8"))["current_step"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(step, int) and last.stat().st_size > 0:
            found.append(SavedState(last.parent, step))
    return sorted(found, key=lambda state: (state.step, state.path.name))


class SampleFolder:
    """Finds sample pictures as they appear: the trainer logs no line when it has written one, and writes in place."""

    def __init__(self, output: Path) -> None:
        self._folder = output / "sample"
        self._seen: set[str] = set()

    def read(self) -> list[SamplePicture]:
        """Return the pictures that have become complete since the last call."""
        found: list[SamplePicture] = []
        for path in sorted(self._folder.glob("*.png")) if self._folder.is_dir() else ():
            match = SAMPLE_NAME.match(path.name)
            if match is None or path.name in self._seen or not _is_whole_png(path):
                continue
            self._seen.add(path.name)
            found.append(
                SamplePicture(str(path), int(match["number"]), match["epoch"] is not None, int(match["prompt"]))
            )
        return found


def _is_whole_png(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - len(_PNG_END)))
            return file.read() == _PNG_END
    except OSError:
        return False


def move_without_overwriting(source: Path, folder: Path) -> Path:
    """Move a finished LoRA into ``folder`` under its own name, or the next free one (``name_2``), and return its path.

    Raises:
        StorageError, DiskFullError, ReadOnlyError. Then the source is still there.
    """
    target = copy_without_overwriting(source, folder)
    with translated_errors(source):
        source.unlink()
    return target


def copy_without_overwriting(source: Path, folder: Path) -> Path:
    """Put a LoRA into ``folder`` as well (without a second copy of its bytes where the file system can).

    Raises and returns as ``move_without_overwriting``.
    """
    with translated_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            target = folder / (source.name if number == 1 else f"{source.stem}_{number}{source.suffix}")
            try:
                _claim(source, target)
            except FileExistsError:
                number += 1
                continue
            sync_folder(folder)
            return target


def _claim(source: Path, target: Path) -> None:
    """Make ``target`` from ``source`` so that it appears whole or not at all. Raises FileExistsError."""
    try:
        os.link(source, target)  # never replaces
    except OSError as exc:
        if isinstance(exc, FileExistsError):
            raise
        if exc.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EACCES, errno.ENOSYS):
            raise
        _copy_claim(source, target)


def _copy_claim(source: Path, target: Path) -> None:
    """For another file system, or one without hard links: reserve the name, copy beside it, rename over our own."""
    target.open("x").close()
    try:
        copy_whole(source, target)
    except OSError:
        target.unlink(missing_ok=True)
        raise
