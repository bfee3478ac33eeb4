"""What the studio shows of a project's files; fits ``engine.training_studio.StudioFiles``."""

from __future__ import annotations

import asyncio
import filecmp
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ai4artsed_desktop.adapters.storage.atomic import to_the_end, translated_errors
from ai4artsed_desktop.adapters.training.attempts import AttemptStore
from ai4artsed_desktop.adapters.training.outputs import copy_without_overwriting, state_of_file
from ai4artsed_desktop.adapters.training.pictures import find_pictures, read_caption, small_png
from ai4artsed_desktop.adapters.training.places import TrainingLocations
from ai4artsed_desktop.adapters.training.project_store import ProjectStore
from ai4artsed_desktop.domain.training.dataset import PICTURE_EXTENSIONS
from ai4artsed_desktop.domain.training.records import AttemptRecord, TrainingProject
from ai4artsed_desktop.engine.training_studio import ProjectPicture, SavedLora

#: ``<name>-step00000400`` of a checkpoint. Source: the trainer's naming.
_STEP_NAME = re.compile(r"-step(\d{8})$")


@dataclass(frozen=True, slots=True)
class DiskStudioFiles:
    """Looks at projects on disk."""

    locations: TrainingLocations
    projects: ProjectStore
    attempts: AttemptStore

    async def pictures(self, project: str) -> Sequence[ProjectPicture]:
        """Return a project's copies with their captions, by name. Raises DatasetError."""
        return await asyncio.to_thread(self._pictures, project)

    def _pictures(self, project: str) -> list[ProjectPicture]:
        folder = self.projects.pictures_folder(project)
        with translated_errors(folder):
            return [ProjectPicture(path, read_caption(path) or "") for path in find_pictures(folder)]

    async def pictures_at(self, places: Sequence[Path]) -> Sequence[Path]:
        """Return the pictures among files, and in folders. Raises DatasetError."""
        return await asyncio.to_thread(_pictures_at, places)

    async def picture_for_model(self, path: Path, longest_px: int) -> bytes:
        """Return a picture as PNG. Raises DatasetError, StorageError."""
        return await asyncio.to_thread(small_png, path, longest_px)

    async def free_bytes(self, project: str) -> int:
        """Return the free space where a project lies."""
        return await asyncio.to_thread(lambda: shutil.disk_usage(self.locations.project(project)).free)

    async def existing(self, places: Sequence[Path]) -> Sequence[Path]:
        """Return those of the files and folders that are there."""
        return await asyncio.to_thread(lambda: [place for place in places if place.exists() or place.is_symlink()])

    async def saved_loras(self, project: TrainingProject, attempt: AttemptRecord) -> Sequence[SavedLora]:
        """Return the complete LoRA files of an attempt's training, by step, the final one last."""
        return await asyncio.to_thread(self._saved_loras, project, attempt)

    def _saved_loras(self, project: TrainingProject, attempt: AttemptRecord) -> list[SavedLora]:
        output = self.attempts.folders(attempt).output
        steps = [
            SavedLora(path, int(match[1]))
            for path in sorted(output.glob("*.safetensors"))
            if (match := _STEP_NAME.search(path.stem)) and state_of_file(path) == "complete"
        ]
        verdict = self.attempts.verdict_of(attempt)
        final = Path(verdict.lora) if verdict is not None and verdict.lora else None
        if final is not None and str(final) in project.loras and final.is_file():
            # The trainer's last checkpoint may be the same file as its final one: one of them is enough.
            steps = [lora for lora in steps if not filecmp.cmp(lora.path, final, shallow=False)]
            steps.append(SavedLora(final))
        return steps

    async def offer_lora(self, project: str, lora: SavedLora) -> Path:
        """Put a LoRA into the LoRA folder and record it. Raises StorageError."""
        return await to_the_end(self._offer, project, lora)

    def _offer(self, project: str, lora: SavedLora) -> Path:
        record = self.projects.load(project)
        with translated_errors(lora.path):
            for known in map(Path, record.loras):
                if known.is_file() and filecmp.cmp(lora.path, known, shallow=False):
                    return known
        target = copy_without_overwriting(lora.path, self.locations.loras)
        self.projects.save(record.model_copy(update={"loras": (*record.loras, str(target))}))
        return target


def _pictures_at(places: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            found += find_pictures(place)
        elif place.suffix.lower() in PICTURE_EXTENSIONS:
            found.append(place)
    return found
