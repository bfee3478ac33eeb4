"""Projects on disk.

Each one folder with its own copies of the pictures. Nothing outside that folder is ever changed.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically
from ai4artsed_desktop.adapters.training.pictures import copy_picture, find_pictures, read_caption, read_facts
from ai4artsed_desktop.adapters.training.places import TrainingLocations
from ai4artsed_desktop.domain.training.dataset import DatasetReport, judge
from ai4artsed_desktop.domain.training.errors import (
    DatasetError,
    ProjectDamagedError,
    ProjectExistsError,
    ProjectMissingError,
)
from ai4artsed_desktop.domain.training.names import check_project_name
from ai4artsed_desktop.domain.training.records import TrainingProject

logger = logging.getLogger(__name__)

PROJECT_FILE = "project.json"
#: What a picture shows when nobody said it.
SUBJECT = "subject"
#: The trainer's folder with pictures: repeats, then words that it writes into the LoRA's metadata.
_PICTURES_FOLDER = re.compile(r"\d+_.+")
_MAX_FOLDER_WORDS = 60
_MANIFEST = TypeAdapter(dict[str, str])


class ProjectStore:
    """Makes, reads and removes projects. All calls block."""

    def __init__(self, locations: TrainingLocations) -> None:
        self._locations = locations

    def list_all(self) -> list[TrainingProject]:
        """Return the projects by name; damaged ones are left out with a warning in the log."""
        found: list[TrainingProject] = []
        root = self._locations.projects
        for folder in sorted(root.iterdir()) if root.is_dir() else ():
            try:
                if (folder / PROJECT_FILE).is_file():
                    found.append(self.load(folder.name))
            except (ProjectDamagedError, ProjectMissingError) as exc:
                logger.warning("a training project is left out: %s", exc)
        return found

    def load(self, name: str) -> TrainingProject:
        """Return a project. Raises ProjectNameError, ProjectMissingError, ProjectDamagedError."""
        clean = check_project_name(name)
        path = self._locations.project(clean) / PROJECT_FILE
        try:
            project = TrainingProject.model_validate_json(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError) as exc:
            raise ProjectMissingError(project=clean, folder=str(self._locations.projects)) from exc
        except (OSError, ValidationError) as exc:
            raise ProjectDamagedError(str(exc), project=clean, path=str(path)) from exc
        if project.name != clean:
            # A renamed folder: paths are made of the name, so what the file says must not count.
            return project.model_copy(update={"name": clean})
        return project

    def save(self, project: TrainingProject) -> None:
        """Write a project's file. Raises StorageError."""
        folder = self._locations.project(check_project_name(project.name))
        write_atomically(folder / PROJECT_FILE, project.model_dump_json(indent=1, exclude_defaults=True).encode())

    def create(self, project: TrainingProject, source: Path | None) -> TrainingProject:
        """Make a project with copies of a folder's pictures; None = it begins without any.

        Raises:
            ProjectExistsError, DatasetError, StorageError. What was copied by then is removed again.
        """
        folder = self._locations.project(check_project_name(project.name))
        pictures = find_pictures(source) if source is not None else []
        if source is not None and not pictures:
            raise DatasetError(folder=str(source), reason="training.dataset.empty")
        with translated_errors(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                folder.mkdir()
            except FileExistsError as exc:
                raise ProjectExistsError(project=project.name) from exc
        try:
            self._copy_all(pictures, folder / "dataset" / f"1_{folder_words(project.trigger)}", project.trigger)
            stamped = project.model_copy(update={"created": datetime.now(UTC).isoformat(timespec="seconds")})
            self.save(stamped)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return stamped

    def _copy_all(self, pictures: list[Path], target: Path, trigger: str) -> None:
        with translated_errors(target):
            target.mkdir(parents=True)
        if pictures and not self._copy_into(pictures, target, trigger):
            raise DatasetError(folder=str(target), reason="training.dataset.all_corrupt")

    def _copy_into(self, pictures: Sequence[Path], target: Path, trigger: str) -> list[str]:
        """Copy what can be read behind what is there; return the names of the copies."""
        numbers = (int(path.stem) for path in target.iterdir() if path.stem.isdecimal())
        number = max(numbers, default=0)
        names: list[str] = []
        for picture in pictures:
            number += 1
            try:
                copy = copy_picture(picture, target / f"{number:04d}")
            except DatasetError as exc:
                logger.warning("a picture was left out: %s", exc)
                continue
            write_atomically(copy.with_suffix(".txt"), caption_for(read_caption(picture), trigger).encode())
            names.append(copy.name)
        return names

    def add_pictures(self, project: TrainingProject, pictures: Sequence[Path]) -> list[str]:
        """Copy further pictures into a project; return the copies' names. Raises DatasetError, StorageError."""
        return self._copy_into(pictures, self.pictures_folder(project.name), project.trigger)

    def remove_pictures(self, name: str, pictures: Sequence[str]) -> None:
        """Remove copies with their captions and caches. Raises DatasetError for a name that is none of them."""
        folder = self.pictures_folder(name)
        known = {path.name: path for path in find_pictures(folder)}
        for picture in pictures:
            path = _known(known, picture, folder)
            with translated_errors(path):
                for made in (path, path.with_suffix(".txt"), *folder.glob(f"{glob.escape(path.stem)}_*.npz")):
                    made.unlink(missing_ok=True)

    def set_captions(self, project: TrainingProject, captions: Mapping[str, str]) -> None:
        """Write captions of copies, by the copies' names. Raises DatasetError, StorageError."""
        folder = self.pictures_folder(project.name)
        known = {path.name: path for path in find_pictures(folder)}
        for picture, caption in captions.items():
            path = _known(known, picture, folder)
            # Never empty, and in one line: the trainer dies of the one and reads no further than the other.
            text = " ".join(caption.split()) or caption_for(None, project.trigger)
            write_atomically(path.with_suffix(".txt"), text.encode())

    def pictures_folder(self, name: str) -> Path:
        """Return the folder with a project's copies. Raises DatasetError if it is gone."""
        data = self._locations.project(name) / "dataset"
        folders = (path for path in data.iterdir() if path.is_dir()) if data.is_dir() else ()
        found = sorted(path for path in folders if _PICTURES_FOLDER.fullmatch(path.name))
        if not found:
            raise DatasetError(folder=str(data), reason="training.dataset.no_folder")
        return found[0]

    def scan(self, project: TrainingProject, smallest_side_px: int) -> DatasetReport:
        """Look through a project's own copies. Raises DatasetError."""
        folder = self.pictures_folder(project.name)
        return judge(str(folder), [read_facts(path, folder) for path in find_pictures(folder)], smallest_side_px)

    def prepare_pictures(self, project: TrainingProject, repeats: int, cache_suffixes: tuple[str, str]) -> list[Path]:
        """Make the copies ready for a start: the folder's name says repeats and trigger words, stale caches go.

        Returns:
            The caches that went.

        The trainer never compares its caches with captions or pictures, only with sizes: it would train on the old
            ones.

        Raises:
            DatasetError, StorageError.
        """
        folder = self.pictures_folder(project.name)
        with translated_errors(folder):
            removed = _drop_stale_caches(folder, cache_suffixes)
            target = folder.with_name(f"{repeats}_{folder_words(project.trigger)}")
            if target != folder:
                folder.rename(target)
        return removed

    def belongings(self, name: str) -> list[Path]:
        """Return every file and folder that deleting a project removes. Raises as ``load``."""
        project = self.load(name)
        places = [self._locations.project(project.name), *self._logs_of(project.name)]
        loras = self._locations.loras.resolve()
        # The file may have been written by hand: only LoRAs in the LoRA folder are ours to remove.
        places += [
            path
            for path in map(Path, project.loras)
            if path.resolve().parent == loras and path.suffix == ".safetensors" and path.is_file()
        ]
        return places

    def delete(self, name: str) -> list[Path]:
        """Remove a project with everything it made; return what was removed. Raises StorageError."""
        places = self.belongings(name)
        for place in reversed(places):  # the project itself last: until then it can be asked for again
            with translated_errors(place):
                if place.is_symlink() or place.is_file():
                    place.unlink(missing_ok=True)
                else:
                    shutil.rmtree(place)
        if (logs := self._locations.logs_of(check_project_name(name))) is not None and logs.is_dir():
            with contextlib.suppress(OSError):  # something else lies in it: that stays
                logs.rmdir()
        return places

    def _logs_of(self, name: str) -> list[Path]:
        """Return the log folders of a project's trainings outside the project; others beside them are not ours."""
        logs = self._locations.logs_of(name)
        trainings = self._locations.project(name) / "trainings"
        if logs is None or not trainings.is_dir():
            return []
        return [logs / folder.name for folder in sorted(trainings.iterdir()) if (logs / folder.name).is_dir()]


def caption_for(caption: str | None, trigger: str) -> str:
    """Return the caption of a copy: never empty (the trainer dies of that), and with the trigger words in it."""
    text = (caption or "").strip()
    trigger = " ".join(trigger.split())
    if trigger and trigger.casefold() not in text.casefold():
        text = f"{trigger}, {text}" if text else trigger
    return text or SUBJECT


def _known(known: Mapping[str, Path], picture: str, folder: Path) -> Path:
    if picture not in known:
        raise DatasetError(folder=str(folder / Path(picture).name), reason="training.dataset.no_picture")
    return known[picture]


def folder_words(trigger: str) -> str:
    """Return trigger words as they may stand in a folder's name on every system."""
    kept = "".join(char if char.isalnum() or char in " -" else " " for char in trigger)
    return " ".join(kept.split())[:_MAX_FOLDER_WORDS].strip(" -") or SUBJECT


def _drop_stale_caches(folder: Path, suffixes: tuple[str, str]) -> list[Path]:
    """Remove caches of pictures and captions that changed since the last start, and remember how they are now."""
    latents, texts = suffixes
    manifest_path = folder.parent / "caches.json"
    try:
        before = _MANIFEST.validate_json(manifest_path.read_bytes())
    except (FileNotFoundError, ValidationError):
        before = {}
    now: dict[str, str] = {}
    removed: list[Path] = []
    for picture in find_pictures(folder):
        caption = picture.with_suffix(".txt")
        now[picture.name] = _digest(picture)
        now[caption.name] = _digest(caption)
        stem = glob.escape(picture.stem)
        if before.get(picture.name) != now[picture.name]:
            removed += [*folder.glob(f"{stem}_*x*{latents}.npz"), *folder.glob(f"{stem}.npz")]
        if before.get(caption.name) != now[caption.name]:
            removed += folder.glob(f"{stem}{texts}.npz")
    for path in removed:
        path.unlink(missing_ok=True)
    write_atomically(manifest_path, _MANIFEST.dump_json(now, indent=1))
    return removed


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
