"""LoRA trainings as commands and events: plan, start, watch, stop, resume, queue, delete."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.training.dataset import DatasetReport
from ai4artsed_desktop.domain.training.errors import (
    NothingToResumeError,
    NotRunningError,
    ProjectNameError,
    TrainerBusyError,
    TrainerMissingError,
)
from ai4artsed_desktop.domain.training.events import TrainingEnded, TrainingStarted
from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.names import check_project_name
from ai4artsed_desktop.domain.training.options import OptionValue
from ai4artsed_desktop.domain.training.plan import (
    PlanRequest,
    TrainingPlan,
    make_plan,
    picture_options,
    smallest_side_px,
)
from ai4artsed_desktop.domain.training.progress import TrainingProgress
from ai4artsed_desktop.domain.training.records import AttemptRecord, OptionJson, QueueEntry, TrainingProject, Verdict
from ai4artsed_desktop.domain.training.verdict import judge_attempt
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.tasks import TaskScope
from ai4artsed_desktop.engine.training_log import TrainingLog
from ai4artsed_desktop.engine.training_ports import SavedState, StartOrder, TrainerInfo, TrainingWorkshop
from ai4artsed_desktop.engine.training_queue import TrainingQueue
from ai4artsed_desktop.engine.training_vram import TrainingVram
from ai4artsed_desktop.engine.training_watch import AttemptWatch

logger = logging.getLogger(__name__)

TrainingState = Literal["new", "queued", "running", "stopping", "finished", "failed", "stopped", "interrupted"]

#: How often a training that another program started is looked at while the queue waits for its end.
_FOREIGN_POLL_S = 1.0

#: Name of a plan's project when the folder's own name cannot be one.
UNNAMED = "lora"


@dataclass(frozen=True, slots=True)
class TrainingSnapshot:
    """A project and how far its newest training is.

    Attributes:
        resumable_step: The step that a resume would go on from, None if there is nothing to resume.
        log: Its lines, if it was ever started.
    """

    project: TrainingProject
    state: TrainingState
    attempt: AttemptRecord | None = None
    progress: TrainingProgress | None = None
    verdict: Verdict | None = None
    resumable_step: int | None = None
    log: TrainingLog | None = None


class TrainingService:
    """Everything around trainings. The trainer's process outlives us: closing only stops watching.

    Args:
        vram: Knows the card and makes room on it; None = nothing is known and nothing is freed.
    """

    def __init__(
        self,
        bus: EventBus,
        make_workshop: Callable[[], TrainingWorkshop] | None,
        settings: Callable[[], Settings],
        vram: TrainingVram | None = None,
    ) -> None:
        self._bus = bus
        self._make_workshop = make_workshop
        self._settings = settings
        self._vram = vram
        self._scope = TaskScope("training")
        self._watched: dict[str, AttemptWatch] = {}
        self._tasks: dict[str, asyncio.Task[Verdict]] = {}
        self._queue = TrainingQueue(bus, lambda: self._workshop, self.start, self._wait_for_turn)

    # ---- planning ----

    async def scan(self, folder: Path, family_id: str = "sd15") -> DatasetReport:
        """Look through a folder of pictures. Raises DatasetError."""
        return await self._workshop.scan(folder, smallest_side_px(picture_options(family_of(family_id))))

    async def plan(
        self,
        family_id: str,
        vram_gb: float,
        folder: Path,
        *,
        project: str = "",
        trigger: str = "",
        steps: int | None = None,
        seed: int = 42,
        precision: str = "bf16",
        changes: Mapping[str, str] | None = None,
    ) -> TrainingPlan:
        """Return the plan for a folder of pictures; needs neither trainer nor models.

        Args:
            project: ``""`` = named after the folder.
            changes: The trainer's options as typed, over the preset's.

        Raises:
            UnknownEntryError, VramTooSmallError, DatasetError, ProjectNameError, OptionError, OptionRuleError.
        """
        family = family_of(family_id)
        family.preset_for(vram_gb)  # before a long look at the pictures
        name = check_project_name(project) if project else _name_from(folder)
        options = self.parse_options(family, changes or {})
        side_px = smallest_side_px(picture_options(family, vram_gb, options))
        dataset = await self._workshop.scan(folder, side_px)
        request = PlanRequest(name, family, vram_gb, trigger, steps, seed, precision, options)
        return await self._make_plan(request, dataset)

    def parse_options(self, family: TrainerFamily, typed: Mapping[str, str]) -> dict[str, OptionValue]:
        """Read options of the trainer as typed. Raises OptionError."""
        schema = self._workshop.schema_of(family.script)
        return {name: schema.parse(name, text) for name, text in typed.items()}

    async def plan_project(
        self, name: str, vram_gb: float | None = None, dataset: DatasetReport | None = None
    ) -> TrainingPlan:
        """Return the plan for a project's next training. Raises as ``plan``, and ProjectMissingError.

        Args:
            dataset: What a look at the pictures found, if they did not change since; else they are looked at now.
        """
        project = await self._workshop.load(name)
        family = family_of(project.family)
        if dataset is None:
            dataset = await self.scan_project(name)
        memory = vram_gb or project.vram_gb or await self._card_gb() or float(family.min_vram_gb)
        changes = _options_of(project)
        request = PlanRequest(
            project.name, family, memory, project.trigger, project.steps, project.seed, project.precision, changes
        )
        return await self._make_plan(request, dataset)

    async def _make_plan(self, request: PlanRequest, dataset: DatasetReport) -> TrainingPlan:
        workshop, family = self._workshop, request.family
        number = await workshop.next_training(request.project)
        places = workshop.places_for(family, request.project, number)
        return make_plan(request, dataset, places, workshop.schema_of(family.script))

    # ---- projects ----

    async def list_projects(self) -> Sequence[TrainingProject]:
        """Return all projects by name."""
        return await self._workshop.list_projects()

    async def create(self, project: TrainingProject, folder: Path | None) -> TrainingProject:
        """Make a project with copies of a folder's pictures (None = none yet); the originals are only read.

        Raises:
            ProjectNameError, ProjectExistsError, UnknownEntryError, DatasetError, OptionError, StorageError.
        """
        family = family_of(project.family)
        name = check_project_name(project.name)
        self._workshop.schema_of(family.script).check(_options_of(project))
        return await self._workshop.create(project.model_copy(update={"name": name}), folder)

    async def change(self, project: TrainingProject) -> None:
        """Save a changed project (not its name). Raises ProjectMissingError, OptionError, StorageError."""
        await self._workshop.load(project.name)
        schema = self._workshop.schema_of(family_of(project.family).script)
        schema.check(_options_of(project))
        await self._workshop.save(project)

    async def scan_project(self, name: str) -> DatasetReport:
        """Look through a project's own copies. Raises ProjectMissingError, DatasetError."""
        project = await self._workshop.load(name)
        return await self._workshop.scan_project(project, smallest_side_px(picture_options_of(project)))

    async def add_pictures(self, name: str, pictures: Sequence[Path]) -> Sequence[str]:
        """Copy further pictures into a project; return the copies' names. Damaged ones are left out."""
        return await self._workshop.add_pictures(await self._workshop.load(name), pictures)

    async def remove_pictures(self, name: str, pictures: Sequence[str]) -> None:
        """Remove copies by their names, with captions and caches. Raises DatasetError."""
        await self._workshop.remove_pictures((await self._workshop.load(name)).name, pictures)

    async def set_captions(self, name: str, captions: Mapping[str, str]) -> None:
        """Write captions by the copies' names; an empty one becomes the trigger words. Raises DatasetError."""
        await self._workshop.set_captions(await self._workshop.load(name), captions)

    async def belongings(self, name: str) -> Sequence[Path]:
        """Return what ``delete`` would remove. Raises ProjectMissingError."""
        return await self._workshop.belongings(name)

    async def delete(self, name: str) -> Sequence[Path]:
        """Remove a project with everything it made and return what went. Raises TrainerBusyError, StorageError."""
        project = await self._workshop.load(name)
        attempt = await self._workshop.last_attempt(project.name)
        if attempt is not None and await self._workshop.is_running(attempt):
            raise TrainerBusyError(project=project.name)
        await self.unqueue(project.name)
        return await self._workshop.delete(project.name)

    # ---- running ----

    async def start(self, name: str, *, vram_gb: float | None = None, gpus: int = 1) -> TrainingSnapshot:
        """Begin a new training. Everything that would fail only after minutes is checked first.

        Raises:
            TrainerBusyError, TrainerMissingError, ModelFileMissingError, PackageMissingError, NoSpaceError,
            LocalOnlyError, VramError, LaunchError, StorageError, and as ``plan_project``.
        """
        workshop = self._workshop
        project = await workshop.load(name)
        await self._refuse_if_busy()
        await self._judge_unseen(project.name)  # a LoRA that was finished while nobody looked must not be left behind
        plan = await self.plan_project(project.name, vram_gb)
        trainer = await workshop.trainer()
        await self._ask_parser(plan, trainer)
        await workshop.check(plan, trainer, is_local_only=self._settings().local_only)
        async with await self._make_room(project.name, plan.family.id, plan.preset.vram_gb) as lease:
            number = await workshop.next_training(project.name)
            attempt = await workshop.start(StartOrder(project, plan, number, gpus), trainer)
            self._watch(attempt, lease.pop_all())
        return await self.snapshot(project.name)

    async def resume(self, name: str) -> TrainingSnapshot:
        """Go on from the last complete state, with the same options.

        Raises:
            NothingToResumeError, and as ``start``.
        """
        workshop = self._workshop
        project = await workshop.load(name)
        await self._refuse_if_busy()
        await self._judge_unseen(project.name)
        attempt, state = await self._resumable(project.name)
        trainer = await workshop.trainer()
        await workshop.check_resume(attempt, state, trainer, is_local_only=self._settings().local_only)
        async with await self._make_room(project.name, attempt.family, attempt.preset_gb) as lease:
            self._watch(await workshop.resume(attempt, state, trainer), lease.pop_all())
        return await self.snapshot(project.name)

    async def stop(self, name: str, *, after_save: bool = False) -> TrainingSnapshot:
        """End a training: now, or once the next state is complete (which is also how it pauses).

        With ``after_save`` this returns at once; ``wait`` waits for the end.

        Raises:
            NotRunningError, ProjectMissingError.
        """
        project = await self._workshop.load(name)
        watch = self._watched.get(project.name) or await self._find(project.name)
        if watch is None:
            raise NotRunningError(project=project.name)
        if after_save:
            watch.stop_after_save()
        else:
            await watch.stop()
            await self.wait(project.name)
        return await self.snapshot(project.name)

    async def wait(self, name: str) -> Verdict:
        """Wait until a watched training has ended. Raises NotRunningError, StorageError."""
        task = self._tasks.get(name)
        if task is None:
            raise NotRunningError(project=name)
        return await asyncio.shield(task)

    async def snapshot(self, name: str) -> TrainingSnapshot:
        """Return how far a project is; an attempt that ended unseen is judged now.

        Raises:
            ProjectMissingError, StorageError.
        """
        workshop = self._workshop
        project = await workshop.load(name)
        queued = any(entry.project == project.name for entry in await workshop.read_queue())
        watch = self._watched.get(project.name)
        if watch is not None:
            state: TrainingState = "stopping" if watch.is_stopping else "running"
            return TrainingSnapshot(project, state, watch.attempt, watch.progress, log=watch.log)
        attempt = await workshop.last_attempt(project.name)
        if attempt is None:
            return TrainingSnapshot(project, "queued" if queued else "new")
        seen = await self._look(attempt)
        if await workshop.is_running(attempt):
            return TrainingSnapshot(project, "running", attempt, seen.progress, log=seen.log)
        verdict = await self._conclude(attempt, seen.progress)
        project = await workshop.load(name)
        step = await self._resumable_step(attempt)
        state = "queued" if queued else verdict.state
        return TrainingSnapshot(project, state, attempt, seen.progress, verdict, step, seen.log)

    def log(self, name: str) -> TrainingLog | None:
        """Return the growing log of a training that is watched, None if it is not."""
        watch = self._watched.get(name)
        return None if watch is None else watch.log

    async def _look(self, attempt: AttemptRecord) -> AttemptWatch:
        seen = AttemptWatch(EventBus(), self._workshop, attempt)  # nobody listens: this is a look, not a watch
        await seen.look()
        return seen

    async def attach(self) -> None:
        """Find trainings that another program left running, judge those that ended, and go on with the queue."""
        for project in await self._workshop.list_projects():
            if project.name in self._watched:
                continue
            try:
                if await self._find(project.name) is None:
                    await self._judge_unseen(project.name)
            except AppError:
                logger.exception("the training of %s cannot be looked at", project.name)
        self._queue.advance(self._scope)

    async def notices(self) -> Sequence[tuple[str, Verdict]]:
        """Return the trainings that failed, or could not begin in the night, and that nobody has put away yet."""
        return await self._workshop.notices()

    async def dismiss(self, name: str) -> None:
        """Put a project's notice away. Raises ProjectNameError, StorageError."""
        await self._workshop.drop_notice(check_project_name(name))

    # ---- queue ----

    async def enqueue(self, name: str, not_before_s: float | None = None) -> int:
        """Let a project wait for its turn, or for a time (UNIX); return its position. Raises ProjectMissingError."""
        project = await self._workshop.load(name)
        position = await self._queue.add(project.name, not_before_s)
        self._queue.advance(self._scope)
        return position

    async def unqueue(self, name: str) -> None:
        """Take a project out of the queue, if it is in it."""
        await self._queue.remove(name)

    async def queue(self) -> Sequence[QueueEntry]:
        """Return who waits, first the next one."""
        return await self._queue.entries()

    async def _wait_for_turn(self) -> bool:
        busy = await self._running_project()
        if not busy:
            return True
        task = self._tasks.get(busy)
        if task is not None and not task.done():
            await asyncio.wait({task})
        else:
            await asyncio.sleep(_FOREIGN_POLL_S)  # another program watches it
        return False

    # ---- inside ----

    @property
    def workshop(self) -> TrainingWorkshop:
        """Projects on disk and the trainer. Raises TrainerMissingError where trainings are switched off."""
        return self._workshop

    @cached_property
    def _workshop(self) -> TrainingWorkshop:
        if self._make_workshop is None:
            raise TrainerMissingError(reason="training.trainer.none", path="")
        return self._make_workshop()

    async def _card_gb(self) -> float | None:
        return None if self._vram is None else await self._vram.card_gb()

    async def _make_room(self, project: str, family_id: str, preset_gb: int) -> AsyncExitStack:
        return AsyncExitStack() if self._vram is None else await self._vram.make_room(project, family_id, preset_gb)

    async def _ask_parser(self, plan: TrainingPlan, trainer: TrainerInfo) -> None:
        installed = await self._workshop.installed_schema(trainer, plan.family.script)
        if installed is not None:
            installed.check(plan.options)

    async def _refuse_if_busy(self) -> None:
        if busy := await self._running_project():
            raise TrainerBusyError(project=busy)

    async def _running_project(self) -> str:
        for project in await self._workshop.list_projects():
            attempt = await self._workshop.last_attempt(project.name)
            if attempt is not None and await self._workshop.is_running(attempt):
                return project.name
        return ""

    async def _find(self, name: str) -> AttemptWatch | None:
        attempt = await self._workshop.last_attempt(name)
        if attempt is None or not await self._workshop.is_running(attempt):
            return None
        return self._watch(attempt, None)

    async def _judge_unseen(self, name: str) -> None:
        attempt = await self._workshop.last_attempt(name)
        if attempt is None or await self._workshop.verdict_of(attempt) is not None:
            return
        snapshot = await self.snapshot(name)
        if snapshot.verdict is not None:
            self._bus.publish(TrainingEnded(name, snapshot.verdict))

    def _watch(self, attempt: AttemptRecord, lease: AsyncExitStack | None) -> AttemptWatch:
        """Follow a training from now on.

        Args:
            lease: Of its graphics memory; None = it was found running, and the lease is yet to be taken.
        """
        watch = AttemptWatch(self._bus, self._workshop, attempt)
        self._watched[attempt.project] = watch
        self._bus.publish(TrainingStarted(attempt.project, is_found=lease is None))
        self._tasks[attempt.project] = self._scope.spawn(
            self._follow(watch, lease), name=attempt.project, on_done=lambda task: self._on_end(watch, task)
        )
        return watch

    async def _follow(self, watch: AttemptWatch, lease: AsyncExitStack | None) -> Verdict:
        if lease is None:
            lease = AsyncExitStack() if self._vram is None else await self._vram.lease_of_running(watch.attempt)
        async with lease:
            await watch.follow()
        return await self._conclude(watch.attempt, watch.progress)

    def _on_end(self, watch: AttemptWatch, task: asyncio.Task[Verdict]) -> None:
        self._watched.pop(watch.attempt.project, None)
        if task.cancelled():
            return  # we close; the trainer goes on
        if (error := task.exception()) is not None:
            logger.error("watching %s failed", watch.attempt.project, exc_info=error)
            return
        self._bus.publish(TrainingEnded(watch.attempt.project, task.result()))

    async def _conclude(self, attempt: AttemptRecord, progress: TrainingProgress) -> Verdict:
        family = family_of(attempt.family)
        return await self._workshop.conclude(attempt, lambda end: judge_attempt(attempt, family, progress, end))

    async def _resumable(self, name: str) -> tuple[AttemptRecord, SavedState]:
        attempt = await self._workshop.last_attempt(name)
        if attempt is None:
            raise NothingToResumeError(project=name, reason="training.resume.never")
        verdict = await self._workshop.verdict_of(attempt)
        if verdict is not None and verdict.state == "finished":
            raise NothingToResumeError(project=name, reason="training.resume.finished")
        states = await self._workshop.states(name, attempt.training)
        if not states:
            raise NothingToResumeError(project=name, reason="training.resume.no_state")
        if states[-1].step >= attempt.total_steps:
            raise NothingToResumeError(project=name, reason="training.resume.finished")
        return attempt, states[-1]

    async def _resumable_step(self, attempt: AttemptRecord) -> int | None:
        try:
            return (await self._resumable(attempt.project))[1].step
        except NothingToResumeError:
            return None

    async def aclose(self) -> None:
        """Stop watching. Trainings go on."""
        await self._scope.aclose()


def _options_of(project: TrainingProject) -> dict[str, OptionValue]:
    return {name: _as_option(value) for name, value in project.changes.items()}


def picture_options_of(project: TrainingProject) -> dict[str, OptionValue]:
    """Return the options that decide at which sizes a project's pictures are trained."""
    return picture_options(family_of(project.family), project.vram_gb, _options_of(project))


def _name_from(folder: Path) -> str:
    try:
        return check_project_name(folder.name)
    except ProjectNameError:
        return UNNAMED


def _as_option(value: OptionJson) -> OptionValue:
    return tuple(value) if isinstance(value, list) else value
