"""The folder of each start of the trainer: its file, its log, how it ended."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from ai4artsed_desktop.adapters.process.lasting import end_lasting, is_lasting_running, lasting_exit
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically
from ai4artsed_desktop.adapters.training.console import ConsoleReader
from ai4artsed_desktop.adapters.training.locks import owner_lock
from ai4artsed_desktop.adapters.training.outputs import (
    SampleFolder,
    complete_states,
    move_without_overwriting,
    state_of_file,
)
from ai4artsed_desktop.adapters.training.places import TrainingFolders, TrainingLocations
from ai4artsed_desktop.adapters.training.project_store import ProjectStore
from ai4artsed_desktop.adapters.training.tensorboard import EventFolderReader
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.training.facts import LogFact, LogLine
from ai4artsed_desktop.domain.training.options import OptionValue
from ai4artsed_desktop.domain.training.records import AttemptRecord, QueueEntry, Verdict
from ai4artsed_desktop.domain.training.toml_text import toml_text
from ai4artsed_desktop.domain.training.verdict import AttemptEnd
from ai4artsed_desktop.engine.training_ports import SavedState, Sightings

#: What the ledger, logs and the GPU's list of processes call it.
PROCESS_NAME = "trainer"
_TAIL_LINES = 20
#: A start that has come to nothing for so long was cut off (as long as the keeper is waited for).
_START_LIMIT_S = 60.0
_QUEUE = TypeAdapter(list[QueueEntry])


class AttemptStore:
    """Reads and writes attempts. All calls block."""

    def __init__(self, locations: TrainingLocations, projects: ProjectStore, ledger: Ledger) -> None:
        self._locations = locations
        self._projects = projects
        self._ledger = ledger

    def folders(self, attempt: AttemptRecord) -> TrainingFolders:
        """Return the folders of an attempt's training."""
        return self._locations.training(attempt.project, attempt.training)

    def folder(self, attempt: AttemptRecord) -> Path:
        """Return an attempt's own folder."""
        return self.folders(attempt).attempts / f"{attempt.attempt:02d}"

    def next_training(self, project: str) -> int:
        """Return the number a new training gets: 1, or one more than the newest."""
        return max(_numbers(self._locations.project(project) / "trainings"), default=0) + 1

    def last(self, project: str) -> AttemptRecord | None:
        """Return a project's newest attempt that was really started; None without one."""
        for training in sorted(_numbers(self._locations.project(project) / "trainings"), reverse=True):
            attempts = self._locations.training(project, training).attempts
            for number in sorted(_numbers(attempts), reverse=True):
                if (record := self._read(attempts / f"{number:02d}")) is not None:
                    return record.model_copy(update={"project": project})
        return None

    def _read(self, folder: Path) -> AttemptRecord | None:
        try:
            return AttemptRecord.model_validate_json((folder / "attempt.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def write(self, attempt: AttemptRecord) -> None:
        """Record an attempt: from now on it counts. Raises StorageError."""
        write_atomically(self.folder(attempt) / "attempt.json", attempt.model_dump_json(indent=1).encode())

    def sections(self, attempt: AttemptRecord) -> dict[str, dict[str, OptionValue]]:
        """Return the options an attempt was started with. Raises StorageError."""
        path = self.folder(attempt) / "job.toml"
        with translated_errors(path):
            try:
                raw: dict[str, dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))
            except ValueError as exc:
                raise StorageError(str(exc), path=str(path)) from exc
        return {
            section: {name: _as_option(value) for name, value in options.items()} for section, options in raw.items()
        }

    def write_sections(self, folder: Path, sections: dict[str, dict[str, OptionValue]]) -> Path:
        """Write the trainer's file and return its path. Raises StorageError."""
        path = folder / "job.toml"
        write_atomically(path, toml_text(sections).encode())
        return path

    def is_running(self, attempt: AttemptRecord) -> bool:
        """Tell whether an attempt's trainer, or its keeper, still runs."""
        folder = self.folder(attempt)
        return is_lasting_running(folder) or _is_starting(folder, attempt)

    def stop(self, attempt: AttemptRecord, grace_s: float) -> None:
        """End an attempt's trainer with everything it started."""
        folder = self.folder(attempt)
        write_atomically(folder / "stopped", b"")
        end_lasting(folder, PROCESS_NAME, self._ledger, grace_s)

    def states(self, project: str, training: int) -> list[SavedState]:
        """Return the complete states of a training, newest last."""
        return complete_states(self._locations.training(project, training).output)

    def verdict_of(self, attempt: AttemptRecord) -> Verdict | None:
        """Return how an attempt ended, None if that is not yet decided."""
        try:
            return Verdict.model_validate_json((self.folder(attempt) / "verdict.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def conclude(self, attempt: AttemptRecord, decide: Callable[[AttemptEnd], Verdict]) -> Verdict:
        """Judge an ended attempt once; see the port."""
        folder = self.folder(attempt)
        with owner_lock(folder / "concluding.lock"):
            if (known := self.verdict_of(attempt)) is not None:
                return known
            exit_facts = lasting_exit(folder)
            final = self.folders(attempt).output / f"{attempt.output_name}.safetensors"
            end = AttemptEnd(
                exit_code=exit_facts.returncode if exit_facts else None,
                was_stopped=(folder / "stopped").exists(),
                final_file=state_of_file(final),
                tail="\n".join(self._tail(folder)),
                ended_s=exit_facts.ended_s if exit_facts else 0.0,
            )
            verdict = decide(end)
            if verdict.state == "finished":
                verdict = self._publish(attempt, final, verdict)
            write_atomically(folder / "verdict.json", verdict.model_dump_json(indent=1).encode())
            if verdict.code:
                self.put_notice(attempt.project, verdict)
            return verdict

    def put_notice(self, project: str, verdict: Verdict) -> None:
        """Remember that somebody has to be told how a training failed, until they were.

        Raises:
            ProjectNameError, ProjectMissingError, ProjectDamagedError: No folder is made for what is no project.
            StorageError.
        """
        self._projects.load(project)
        write_atomically(self._notice(project), verdict.model_dump_json(indent=1).encode())

    def drop_notice(self, project: str) -> None:
        """Forget a notice, if there is one. Raises StorageError."""
        path = self._notice(project)
        with translated_errors(path):
            path.unlink(missing_ok=True)

    def notices(self) -> list[tuple[str, Verdict]]:
        """Return the failures that nobody has put away yet, by project; a damaged file counts as none."""
        found: list[tuple[str, Verdict]] = []
        for project in self._projects.list_all():
            try:
                found.append((project.name, Verdict.model_validate_json(self._notice(project.name).read_bytes())))
            except (OSError, ValidationError):
                continue
        return found

    def _notice(self, project: str) -> Path:
        return self._locations.project(project) / "notice.json"

    def _publish(self, attempt: AttemptRecord, final: Path, verdict: Verdict) -> Verdict:
        lora = str(move_without_overwriting(final, self._locations.loras))
        project = self._projects.load(attempt.project)
        self._projects.save(project.model_copy(update={"loras": (*project.loras, lora)}))
        return verdict.model_copy(update={"lora": lora})

    def _tail(self, folder: Path) -> list[str]:
        reader = ConsoleReader(folder)
        lines: list[str] = []
        while (facts := reader.read()) is not None:
            lines = [*lines, *_errors(facts)][-_TAIL_LINES:]
        return [*lines, *_errors(reader.finish())][-_TAIL_LINES:]

    def read_queue(self) -> list[QueueEntry]:
        """Return who waits; a damaged file counts as empty."""
        try:
            return _QUEUE.validate_json(self._queue_file().read_bytes())
        except (OSError, ValidationError):
            return []

    def change_queue(self, change: Callable[[Sequence[QueueEntry]], Sequence[QueueEntry]]) -> list[QueueEntry]:
        """Change who waits, one program at a time, and return it. Raises StorageError."""
        path = self._queue_file()
        with owner_lock(path.with_suffix(".lock")):
            entries = list(change(self.read_queue()))
            write_atomically(path, _QUEUE.dump_json(entries, indent=1))
            return entries

    def _queue_file(self) -> Path:
        return self._locations.projects / "queue.json"


class AttemptEyes:
    """Looks at all traces of one attempt: console, curve, samples. Blocks; for one thread at a time."""

    def __init__(self, store: AttemptStore, attempt: AttemptRecord) -> None:
        folders = store.folders(attempt)
        self._console = ConsoleReader(store.folder(attempt))
        self._curve = EventFolderReader(folders.logs)
        self._samples = SampleFolder(folders.output)

    def look(self) -> Sightings | None:
        """Return the next piece of what is new, None if nothing is."""
        facts = self._console.read()
        points, samples = self._curve.read(), self._samples.read()
        if facts is None and not points and not samples:
            return None
        return Sightings(facts or (), points, samples, self._console.lost_segments)

    def last_look(self) -> Sightings:
        """Return what the unfinished last lines say; the trainer is gone."""
        return Sightings(self._console.finish())


def _is_starting(folder: Path, attempt: AttemptRecord) -> bool:
    """Tell whether an attempt is written down and its keeper has not yet said what runs.

    Whoever looks in between, another program too, must not judge it as lost.
    """
    has_begun = (folder / "process.json").exists() or lasting_exit(folder) is not None
    return not has_begun and 0 <= time.time() - attempt.started_s < _START_LIMIT_S


def _as_option(value: Any) -> OptionValue:
    return tuple(cast("list[str | float]", value)) if isinstance(value, list) else value


def _numbers(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []


def _errors(facts: Sequence[LogFact]) -> list[str]:
    return [fact.text for fact in facts if isinstance(fact, LogLine) and fact.stream == "stderr"]
