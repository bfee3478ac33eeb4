"""The engine's workshop on this machine: fits ``engine.training_ports.TrainingWorkshop``."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.lasting import LastingStartError, start_lasting
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.storage.atomic import to_the_end, translated_errors, write_atomically
from ai4artsed_desktop.adapters.training.attempts import PROCESS_NAME, AttemptEyes, AttemptStore
from ai4artsed_desktop.adapters.training.locks import owner_lock_async
from ai4artsed_desktop.adapters.training.pictures import read_caption, scan_folder
from ai4artsed_desktop.adapters.training.places import TrainingFolders, TrainingLocations
from ai4artsed_desktop.adapters.training.project_store import ProjectStore
from ai4artsed_desktop.adapters.training.schemas import RecordedSchemas
from ai4artsed_desktop.adapters.training.studio_files import DiskStudioFiles
from ai4artsed_desktop.adapters.training.trainer_files import (
    InstalledParser,
    command_line,
    find_trainer,
    has_tokenizers,
    trainer_environment,
)
from ai4artsed_desktop.domain.errors import LocalOnlyError
from ai4artsed_desktop.domain.training.dataset import DatasetReport
from ai4artsed_desktop.domain.training.errors import (
    LaunchError,
    ModelFileMissingError,
    NoSpaceError,
    PackageMissingError,
    TrainerBusyError,
)
from ai4artsed_desktop.domain.training.families import family_of
from ai4artsed_desktop.domain.training.families.base import TrainerFamily
from ai4artsed_desktop.domain.training.options import OptionSchema, OptionValue
from ai4artsed_desktop.domain.training.plan import TrainingPlaces, TrainingPlan
from ai4artsed_desktop.domain.training.records import AttemptRecord, QueueEntry, TrainingProject, Verdict
from ai4artsed_desktop.domain.training.verdict import AttemptEnd
from ai4artsed_desktop.engine.training_ports import SavedState, Sightings, StartOrder, TrainerInfo

#: How often a running training is looked at.
_LOOK_EVERY_S = 0.2
#: After the process is gone its keeper writes down how it ended.
_EXIT_LIMIT_S = 10.0
_BYTES_PER_GB = 1_000_000_000
#: Where the hub's files come from.
_HUB_HOST = "huggingface.co"
#: Options' values and the package each needs in the trainer's environment.
_PACKAGES = {
    "adamw8bit": "bitsandbytes",
    "lion8bit": "bitsandbytes",
    "pagedadamw8bit": "bitsandbytes",
    "prodigy": "prodigyopt",
    "lion": "lion_pytorch",
}


@dataclass(frozen=True, slots=True)
class DiskWorkshop:
    """Projects on disk and the trainer's process. Fits ``TrainingWorkshop``."""

    locations: TrainingLocations
    projects: ProjectStore
    attempts: AttemptStore
    schemas: RecordedSchemas
    parser: InstalledParser
    ledger: Ledger

    @property
    def studio(self) -> DiskStudioFiles:
        """What the studio shows of the files."""
        return DiskStudioFiles(self.locations, self.projects, self.attempts)

    def schema_of(self, script: str) -> OptionSchema:
        """Return a script's recorded options."""
        return self.schemas.schema_of(script)

    def places_for(self, family: TrainerFamily, project: str, training: int) -> TrainingPlaces:
        """Return where a training reads and writes."""
        return self.locations.places_for(family, project, training)

    async def scan(self, folder: Path, smallest_side_px: int) -> DatasetReport:
        """Look through a folder of pictures. Raises DatasetError."""
        return await asyncio.to_thread(scan_folder, folder, smallest_side_px)

    async def scan_project(self, project: TrainingProject, smallest_side_px: int) -> DatasetReport:
        """Look through a project's own copies. Raises DatasetError."""
        return await asyncio.to_thread(self.projects.scan, project, smallest_side_px)

    async def list_projects(self) -> Sequence[TrainingProject]:
        """Return the projects by name."""
        return await asyncio.to_thread(self.projects.list_all)

    async def load(self, name: str) -> TrainingProject:
        """Return a project. Raises ProjectNameError, ProjectMissingError, ProjectDamagedError."""
        return await asyncio.to_thread(self.projects.load, name)

    async def save(self, project: TrainingProject) -> None:
        """Write a project's file. Raises StorageError."""
        await to_the_end(self.projects.save, project)

    async def create(self, project: TrainingProject, folder: Path | None) -> TrainingProject:
        """Make a project with copies of a folder's pictures. Raises ProjectExistsError, DatasetError, StorageError."""
        return await to_the_end(self.projects.create, project, folder)

    async def add_pictures(self, project: TrainingProject, pictures: Sequence[Path]) -> Sequence[str]:
        """Copy further pictures into a project; return the copies' names. Raises DatasetError, StorageError."""
        return await to_the_end(self.projects.add_pictures, project, pictures)

    async def remove_pictures(self, project: str, pictures: Sequence[str]) -> None:
        """Remove copies with their captions and caches. Raises DatasetError, StorageError."""
        await to_the_end(self.projects.remove_pictures, project, pictures)

    async def set_captions(self, project: TrainingProject, captions: Mapping[str, str]) -> None:
        """Write captions of copies, by the copies' names. Raises DatasetError, StorageError."""
        await to_the_end(self.projects.set_captions, project, captions)

    async def trainer(self) -> TrainerInfo:
        """Find the installed trainer. Raises TrainerMissingError."""
        return await asyncio.to_thread(find_trainer, self.locations.kohya, self.locations.kohya_python)

    async def installed_schema(self, trainer: TrainerInfo, script: str) -> OptionSchema | None:
        """Ask the installed trainer's own parser; None if it cannot be asked."""
        return await self.parser.schema_of(trainer, script)

    async def check(self, plan: TrainingPlan, trainer: TrainerInfo, *, is_local_only: bool) -> None:
        """Find what would fail only after minutes. Raises as the port says."""
        await asyncio.to_thread(self._check, plan, trainer, is_local_only)

    def _check(self, plan: TrainingPlan, trainer: TrainerInfo, is_local_only: bool) -> None:
        self._check_files(plan.family, plan.options, trainer, is_local_only)
        _check_space(self.locations.project(plan.project), plan.disk.total)
        _check_space(self.locations.loras, plan.lora_bytes)

    async def check_resume(
        self, attempt: AttemptRecord, state: SavedState, trainer: TrainerInfo, *, is_local_only: bool
    ) -> None:
        """Find what would fail only after minutes: files may have gone and the disk may have filled up since."""
        await asyncio.to_thread(self._check_resume, attempt, state, trainer, is_local_only)

    def _check_resume(
        self, attempt: AttemptRecord, state: SavedState, trainer: TrainerInfo, is_local_only: bool
    ) -> None:
        options = {name: value for part in self.attempts.sections(attempt).values() for name, value in part.items()}
        self._check_files(family_of(attempt.family), options, trainer, is_local_only)
        # The next state is written before the older ones go; its LoRA is what lies in it.
        sizes = {path: path.stat().st_size for path in state.path.rglob("*") if path.is_file()}
        _check_space(self.locations.project(attempt.project), sum(sizes.values()))
        weights = [size for path, size in sizes.items() if path.suffix == ".safetensors"]
        _check_space(self.locations.loras, max(weights, default=0))

    def _check_files(
        self, family: TrainerFamily, options: Mapping[str, OptionValue], trainer: TrainerInfo, is_local_only: bool
    ) -> None:
        for file in family.files:
            path = str(options.get(file.option, ""))
            if not Path(path).exists():
                raise ModelFileMissingError(name=file.option, path=path, variable=file.variable or file.setting)
        package = _PACKAGES.get(str(options.get("optimizer_type", "")).lower())
        if package and package not in trainer.packages:
            raise PackageMissingError(package=package, option=str(options["optimizer_type"]))
        tokenizers = Path(str(options["tokenizer_cache_dir"]))
        if is_local_only and not has_tokenizers(family, tokenizers):
            raise LocalOnlyError(host=_HUB_HOST)

    async def next_training(self, project: str) -> int:
        """Return the number a new training of a project gets."""
        return await asyncio.to_thread(self.attempts.next_training, project)

    async def last_attempt(self, project: str) -> AttemptRecord | None:
        """Return the newest attempt, None if there was none."""
        return await asyncio.to_thread(self.attempts.last, project)

    async def verdict_of(self, attempt: AttemptRecord) -> Verdict | None:
        """Return how an attempt ended, None if that is not yet decided."""
        return await asyncio.to_thread(self.attempts.verdict_of, attempt)

    async def start(self, order: StartOrder, trainer: TrainerInfo) -> AttemptRecord:
        """Write everything down and start the trainer. Raises TrainerBusyError, LaunchError, StorageError."""
        plan, project = order.plan, order.project
        attempt = AttemptRecord(
            project=project.name,
            family=plan.family.id,
            training=order.training,
            attempt=1,
            started_s=time.time(),
            total_steps=plan.steps,
            save_every=plan.save_every,
            preset_gb=plan.preset.vram_gb,
            output_name=plan.output_name,
            argv=(),
            trainer_version=trainer.version,
            trigger=project.trigger,
        )
        sections = {name: dict(options) for name, options in plan.sections.items()}

        def prepare() -> None:
            self.projects.prepare_pictures(project, plan.repeats, plan.family.cache_suffixes)
            self._write_prompts(self.attempts.folders(attempt), project, str(plan.options["resolution"]))

        return await self._launch(attempt, sections, trainer, order.gpus, prepare)

    async def resume(self, attempt: AttemptRecord, state: SavedState, trainer: TrainerInfo) -> AttemptRecord:
        """Start the trainer again with the same options, from a state. Raises as ``start``."""
        sections = await asyncio.to_thread(self.attempts.sections, attempt)
        # Without the second the counter begins again at 0: files are overwritten and the learning rate goes wrong.
        sections["saving"] |= {"resume": state.path.as_posix(), "skip_until_initial_step": True}
        update = {
            "attempt": attempt.attempt + 1,
            "started_s": time.time(),
            "base_step": state.step,
            "resumed_from": str(state.path),
        }
        return await self._launch(attempt.model_copy(update=update), sections, trainer, 1, lambda: None)

    async def _launch(
        self,
        attempt: AttemptRecord,
        sections: dict[str, dict[str, OptionValue]],
        trainer: TrainerInfo,
        gpus: int,
        prepare: Callable[[], object],
    ) -> AttemptRecord:
        family = family_of(attempt.family)
        folder, output = self.attempts.folder(attempt), self.attempts.folders(attempt).output
        precision = str(next((o["mixed_precision"] for o in sections.values() if "mixed_precision" in o), "no"))
        argv = command_line(trainer, family.script, folder / "job.toml", precision, gpus)
        attempt = attempt.model_copy(update={"argv": tuple(argv)})
        env = trainer_environment(os.environ, family, self.locations.tokenizers)
        # Two that start one at the same time: the second sees the first one's process.
        async with owner_lock_async(self.locations.projects / "start.lock"):
            await to_the_end(self._prepare_folder, folder, output, attempt, sections, prepare)
            try:
                await start_lasting(folder, argv, name=PROCESS_NAME, cwd=output, env=env, ledger=self.ledger)
            except (LastingStartError, TimeoutError) as exc:
                await to_the_end(shutil.rmtree, folder)
                raise LaunchError(str(exc), project=attempt.project) from exc
        return attempt

    def _prepare_folder(
        self,
        folder: Path,
        output: Path,
        attempt: AttemptRecord,
        sections: dict[str, dict[str, OptionValue]],
        prepare: Callable[[], object],
    ) -> None:
        self._refuse_if_busy()
        with translated_errors(folder):
            folder.mkdir(parents=True)
            output.mkdir(parents=True, exist_ok=True)
            _move_aside(output / f"{attempt.output_name}.safetensors", attempt.attempt)
        prepare()
        self.attempts.drop_notice(attempt.project)  # whoever starts it again knows
        self.attempts.write_sections(folder, sections)
        # Before the start: a trainer that runs must be known, whatever happens to us right after it.
        self.attempts.write(attempt)

    def _refuse_if_busy(self) -> None:
        for project in self.projects.list_all():
            attempt = self.attempts.last(project.name)
            if attempt is not None and self.attempts.is_running(attempt):
                raise TrainerBusyError(project=project.name)

    def _write_prompts(self, folders: TrainingFolders, project: TrainingProject, resolution: str) -> None:
        prompts = list(project.sample_prompts) or self._captions(project)
        # One line each; " --" begins an option of the trainer.
        lines = [" ".join(prompt.split()).replace("--", "–").lstrip("#") for prompt in prompts]
        sides = resolution.split(",")
        size = f"--w {sides[0].strip()} --h {sides[-1].strip()}"
        text = "\n".join(f"{line} {size} --d {project.seed} --s 20" for line in lines if line)
        write_atomically(folders.prompts, (text + "\n").encode())

    def _captions(self, project: TrainingProject) -> list[str]:
        """Without prompts of the person's own: the trigger words, and the first picture's caption."""
        folder = self.projects.pictures_folder(project.name)
        captions = [read_caption(path) or "" for path in sorted(folder.glob("*.txt"))[:1]]
        return list(dict.fromkeys(text for text in (project.trigger.strip(), *captions) if text))[:2]

    async def is_running(self, attempt: AttemptRecord) -> bool:
        """Tell whether an attempt's trainer (or its keeper) still runs."""
        return await asyncio.to_thread(self.attempts.is_running, attempt)

    async def watch(self, attempt: AttemptRecord, *, only_now: bool = False) -> AsyncGenerator[Sightings, None]:
        """Yield all that was and is seen of an attempt, from its beginning, until its process is gone."""
        eyes = await asyncio.to_thread(AttemptEyes, self.attempts, attempt)
        while True:
            # Asked before the look: what is written until then is seen by it.
            is_running = await self.is_running(attempt)
            while (seen := await asyncio.to_thread(eyes.look)) is not None:
                yield seen
            if not is_running:
                yield await asyncio.to_thread(eyes.last_look)
            if only_now or not is_running:
                return
            await asyncio.sleep(_LOOK_EVERY_S)

    async def ask_to_stop(self, attempt: AttemptRecord, grace_s: float) -> None:
        """End the trainer with everything it started. Remembers that it was asked."""
        await to_the_end(self._stop, attempt, grace_s)

    def _stop(self, attempt: AttemptRecord, grace_s: float) -> None:
        self.attempts.stop(attempt, grace_s)
        give_up_s = time.monotonic() + _EXIT_LIMIT_S
        while self.attempts.is_running(attempt) and time.monotonic() < give_up_s:
            time.sleep(_LOOK_EVERY_S)  # the keeper writes down how it ended

    async def conclude(self, attempt: AttemptRecord, decide: Callable[[AttemptEnd], Verdict]) -> Verdict:
        """Let ``decide`` judge an ended attempt, once for all programs. Raises StorageError."""
        return await to_the_end(self.attempts.conclude, attempt, decide)

    async def notices(self) -> Sequence[tuple[str, Verdict]]:
        """Return the failures that nobody has put away yet, by project."""
        return await asyncio.to_thread(self.attempts.notices)

    async def put_notice(self, project: str, verdict: Verdict) -> None:
        """Remember that somebody has to be told of a failure. Raises StorageError."""
        await to_the_end(self.attempts.put_notice, project, verdict)

    async def drop_notice(self, project: str) -> None:
        """Forget a notice, if there is one. Raises StorageError."""
        await to_the_end(self.attempts.drop_notice, project)

    async def states(self, project: str, training: int) -> Sequence[SavedState]:
        """Return the complete states of a training, newest last."""
        return await asyncio.to_thread(self.attempts.states, project, training)

    async def belongings(self, project: str) -> Sequence[Path]:
        """Return every file and folder that deleting a project removes. Raises as ``load``."""
        return await asyncio.to_thread(self.projects.belongings, project)

    async def delete(self, project: str) -> Sequence[Path]:
        """Remove a project with everything it made. Raises StorageError."""
        return await to_the_end(self.projects.delete, project)

    async def read_queue(self) -> Sequence[QueueEntry]:
        """Return the projects that wait for their turn."""
        return await asyncio.to_thread(self.attempts.read_queue)

    async def change_queue(
        self, change: Callable[[Sequence[QueueEntry]], Sequence[QueueEntry]]
    ) -> Sequence[QueueEntry]:
        """Change who waits, one program at a time, and return it. Raises StorageError."""
        return await to_the_end(self.attempts.change_queue, change)


def make_workshop(locations: TrainingLocations, resources: Path, guards: Guards, ledger: Ledger) -> DiskWorkshop:
    """Put the workshop together. Nothing is read or made before it is needed."""
    projects = ProjectStore(locations)
    return DiskWorkshop(
        locations,
        projects,
        AttemptStore(locations, projects, ledger),
        RecordedSchemas(resources / "training"),
        InstalledParser(locations.cache, guards),
        ledger,
    )


def _check_space(folder: Path, needed_bytes: int) -> None:
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    free_bytes = shutil.disk_usage(place).free
    if free_bytes < needed_bytes:
        raise NoSpaceError(
            needed_gb=f"{needed_bytes / _BYTES_PER_GB:.1f}",
            free_gb=f"{free_bytes / _BYTES_PER_GB:.1f}",
            path=str(folder),
        )


def _move_aside(final: Path, attempt: int) -> None:
    """A LoRA under the final name must be this attempt's own: what an earlier one left there is cut or unfit."""
    if final.exists():
        final.replace(final.with_name(f"{final.stem}.before-{attempt:02d}{final.suffix}"))
