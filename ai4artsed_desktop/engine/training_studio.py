"""What people look at and decide around trainings: pictures, captions by a model, epochs to compare, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ai4artsed_desktop.domain.errors import NotRunnableError
from ai4artsed_desktop.domain.text_models import ChatMessage, TextModelInfo, TextRequest
from ai4artsed_desktop.domain.training.errors import DatasetError
from ai4artsed_desktop.domain.training.options import OptionSchema
from ai4artsed_desktop.domain.training.records import AttemptRecord, TrainingProject
from ai4artsed_desktop.engine.text_models import TextModels
from ai4artsed_desktop.engine.training import TrainingService, TrainingState
from ai4artsed_desktop.engine.training_ports import TrainerInfo

#: What a caption model is told. Captions are English: the text encoders that read them were trained on English.
_CAPTION_RULES = (
    "You describe pictures for the training of an image model. Answer with one line of plain English, at most 40 "
    "words: what is seen, how it is arranged, colours, light, technique. No opinion, no names of persons, no "
    "introduction."
)
_CAPTION_TOKENS = 120
_PICTURE_PX = 768


@dataclass(frozen=True, slots=True)
class ProjectPicture:
    """One of a project's own copies."""

    path: Path
    caption: str

    @property
    def name(self) -> str:
        """What the project calls it."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class ProjectOverview:
    """A line of the list of projects; ``step`` and ``total_steps`` are 0 before the first training."""

    project: TrainingProject
    state: TrainingState
    step: int = 0
    total_steps: int = 0


@dataclass(frozen=True, slots=True)
class SavedLora:
    """A complete LoRA file of a training; ``step`` None = the one at its end."""

    path: Path
    step: int | None = None


class StudioFiles(Protocol):
    """What a studio shows of a project's files."""

    async def pictures(self, project: str) -> Sequence[ProjectPicture]:
        """Return a project's copies with their captions, by name; none is decoded. Raises DatasetError."""
        ...

    async def pictures_at(self, places: Sequence[Path]) -> Sequence[Path]:
        """Return the pictures among files, and in folders. Raises DatasetError."""
        ...

    async def picture_for_model(self, path: Path, longest_px: int) -> bytes:
        """Return a picture as PNG, no larger than ``longest_px``. Raises DatasetError, StorageError."""
        ...

    async def free_bytes(self, project: str) -> int:
        """Return the free space where a project lies."""
        ...

    async def existing(self, places: Sequence[Path]) -> Sequence[Path]:
        """Return those of the files and folders that are there."""
        ...

    async def saved_loras(self, project: TrainingProject, attempt: AttemptRecord) -> Sequence[SavedLora]:
        """Return the complete LoRA files of an attempt's training, by step, the final one last."""
        ...

    async def offer_lora(self, project: str, lora: SavedLora) -> Path:
        """Put a LoRA into the LoRA folder, never over another file, and record that it is the project's.

        Returns:
            Where it lies there; the same place if it was there already.

        Raises:
            StorageError.
        """
        ...


class TrainingStudio:
    """Calls beside ``TrainingService``, for whoever shows trainings."""

    def __init__(self, service: TrainingService, models: TextModels) -> None:
        self._service = service
        self._models = models

    async def overview(self) -> Sequence[ProjectOverview]:
        """Return all projects with their states, by name. Quick: no log is read where the end is known."""
        queued = {entry.project for entry in await self._service.queue()}
        return [
            await self._overview_of(project, project.name in queued) for project in await self._service.list_projects()
        ]

    async def _overview_of(self, project: TrainingProject, is_queued: bool) -> ProjectOverview:
        workshop = self._service.workshop
        if self._service.log(project.name) is None:
            attempt = await workshop.last_attempt(project.name)
            if attempt is None:
                return ProjectOverview(project, "queued" if is_queued else "new")
            if (verdict := await workshop.verdict_of(attempt)) is not None:
                state: TrainingState = "queued" if is_queued else verdict.state
                return ProjectOverview(project, state, verdict.step, attempt.total_steps)
        snapshot = await self._service.snapshot(project.name)
        progress = snapshot.progress
        return ProjectOverview(
            project, snapshot.state, progress.step if progress else 0, progress.total_steps if progress else 0
        )

    async def trainer(self) -> TrainerInfo:
        """Find the installed trainer. Raises TrainerMissingError."""
        return await self._service.workshop.trainer()

    def schema(self, script: str) -> OptionSchema:
        """Return every option of one of the trainer's scripts."""
        return self._service.workshop.schema_of(script)

    async def pictures(self, name: str) -> Sequence[ProjectPicture]:
        """Return a project's copies with their captions, by name. Raises DatasetError."""
        return await self._service.workshop.studio.pictures(name)

    async def add(self, name: str, places: Sequence[Path]) -> Sequence[str]:
        """Copy pictures, and those of folders, into a project; return the copies' names.

        Raises:
            DatasetError: There is no picture among them that can be read.
            StorageError, ProjectMissingError.
        """
        found = await self._service.workshop.studio.pictures_at(places)
        names = await self._service.add_pictures(name, found) if found else ()
        if not names:
            place = str(places[0]) if places else ""
            raise DatasetError(
                folder=place, reason="training.dataset.all_corrupt" if found else "training.dataset.empty"
            )
        return names

    async def free_bytes(self, name: str) -> int:
        """Return the free space where a project lies."""
        return await self._service.workshop.studio.free_bytes(name)

    async def left_of(self, places: Sequence[Path]) -> Sequence[Path]:
        """Return what is still there of places that were deleted: a deletion is proven, not assumed."""
        return await self._service.workshop.studio.existing(places)

    async def saved_loras(self, name: str) -> Sequence[SavedLora]:
        """Return the LoRA files of a project's newest training. Raises ProjectMissingError, StorageError."""
        workshop = self._service.workshop
        attempt = await workshop.last_attempt(name)
        return () if attempt is None else await workshop.studio.saved_loras(await workshop.load(name), attempt)

    async def offer_lora(self, name: str, lora: SavedLora) -> Path:
        """Put a LoRA of a project into the LoRA folder, where runs find it. Raises StorageError."""
        return await self._service.workshop.studio.offer_lora(name, lora)

    async def vision_model(self) -> TextModelInfo:
        """Return the model that would write captions; pictures never leave the machine for it.

        Raises:
            NotRunnableError: No model here can see.
            LocalOnlyError: The model that is set for pictures is not on this machine.
            ModelMissingError: The model that is set is not there.
        """
        info = await self._models.choose("vision", local_only=True)
        if not info.can_see:
            raise NotRunnableError(id=info.name, reason="reason.no_vision_model")
        return info

    async def write_caption(self, name: str, picture: str) -> str:
        """Let a local model describe a picture; return its words, which are not yet saved.

        Raises:
            DatasetError: There is no such picture, or it cannot be read.
            ModelError, and as ``vision_model``.
        """
        path = next((found.path for found in await self.pictures(name) if found.name == picture), None)
        if path is None:
            raise DatasetError(folder=picture, reason="training.dataset.no_picture")
        info = await self.vision_model()
        data = await self._service.workshop.studio.picture_for_model(path, _PICTURE_PX)
        question = ChatMessage("user", "Describe this picture.", (data,))
        request = TextRequest(
            messages=(ChatMessage("system", _CAPTION_RULES), question), max_tokens=_CAPTION_TOKENS, temperature=0.2
        )
        async with aclosing(self._models.stream(info, request, local_only=True)) as deltas:
            pieces = [delta.text async for delta in deltas]
        return " ".join("".join(pieces).split())
