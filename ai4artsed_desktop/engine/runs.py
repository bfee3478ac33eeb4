"""Runs as commands: submit, edit and go on, cancel, do again. Begun in order, one per lane; each has one folder."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ai4artsed_desktop import __version__
from ai4artsed_desktop.domain.chunks import mappings_of
from ai4artsed_desktop.domain.errors import (
    AppError,
    EmptyTextError,
    ErrorInfo,
    ParameterError,
    TextTooLongError,
    UnknownEntryError,
)
from ai4artsed_desktop.domain.events import Event, RunCancelled, RunFailed, RunFinished, RunQueued, RunStarted
from ai4artsed_desktop.domain.parameters import SEED_LIMIT, resolve
from ai4artsed_desktop.domain.readable_json import readable_json
from ai4artsed_desktop.domain.runs import (
    MAX_TEXT_CHARS,
    STAGE_ORDER,
    ErrorRecord,
    OutputRequest,
    RunRecord,
    RunRequest,
    RunState,
    StageName,
)
from ai4artsed_desktop.domain.safety.verdicts import strictest
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.engine.input_images import check_images, originals_of, take_in, with_images, with_wanted_images
from ai4artsed_desktop.engine.lora_library import check_lora_places, with_wanted_loras
from ai4artsed_desktop.engine.orchestrator import Orchestrator, RunJob
from ai4artsed_desktop.engine.ports import RunFolder, RunStore, RunSummary
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.tasks import TaskScope

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    """One submitted run until its end."""

    run_id: str
    request: RunRequest
    seed: int
    catalog: Catalog
    done: asyncio.Future[None]
    failure: AppError | None = None
    job: RunJob | None = None
    folder: RunFolder | None = None
    task: asyncio.Task[None] | None = None
    is_cancelled: bool = False
    is_announced: bool = False
    held: list[Event] = field(default_factory=list[Event])


class RunService:
    """Takes run requests and carries them out in order, as many at a time as the settings say.

    Args:
        catalog: Returns the catalogue in force; a run keeps the one it was submitted with.
        settings: Returns the settings in force.
        process_id: What a record says of the writing program, so that a later start can tell who died.
    """

    def __init__(
        self,
        *,
        bus: EventBus,
        store: RunStore,
        orchestrator: Orchestrator,
        catalog: Callable[[], Catalog],
        settings: Callable[[], Settings],
        process_id: dict[str, object],
    ) -> None:
        self._bus = bus
        self._store = store
        self._orchestrator = orchestrator
        self._catalog = catalog
        self._settings = settings
        self._process_id = process_id
        self._scope = TaskScope("runs")
        self._waiting: deque[_Entry] = deque()
        self._entries: dict[str, _Entry] = {}
        self._at_work: set[str] = set()
        self._has_work = asyncio.Event()
        self._is_closing = False

    def start(self) -> None:
        """Begin to work through the queue."""
        self._scope.spawn(self._work(), name="lane")

    def submit(self, request: RunRequest, catalog: Catalog | None = None) -> str:
        """Queue a run and return its id; everything later is an event.

        Args:
            catalog: What the run works with; None = the catalogue in force. Another one lets a draft be tried.

        Raises:
            EmptyTextError, TextTooLongError, InputError: The text or what goes with it cannot be used.
            UnknownEntryError: The interception or an output is not in the catalogue.
            ParameterError: A parameter does not fit.
        """
        if self._is_closing:
            raise RuntimeError("the program ends: no run begins any more")
        catalog = self._catalog() if catalog is None else catalog
        request = check_request(request, catalog)
        # Whatever was recorded, edited or asked for: a run is never freer than the settings.
        level = strictest(request.safety_level, self._settings().safety_level)
        request = replace(request, safety_level=level)
        seed = request.seed if request.seed is not None else secrets.randbelow(SEED_LIMIT)
        run_id = f"run_{time.time_ns() // 1_000_000}_{secrets.token_hex(3)}"
        entry = _Entry(run_id, request, seed, catalog, asyncio.get_running_loop().create_future())
        self._entries[run_id] = entry
        self._waiting.append(entry)
        self._scope.spawn(self._prepare(entry), name=f"prepare {run_id}")
        return run_id

    def resume(self, run_id: str, text: str) -> None:
        """Go on after a pause, with ``text`` as the stage's text.

        Raises:
            UnknownEntryError: No such run waits.
            EmptyTextError: The text is empty.
        """
        entry = self._entries.get(run_id)
        waiting = entry.job.resume_text if entry is not None and entry.job is not None else None
        if waiting is None or waiting.done():
            raise UnknownEntryError(kind="run", id=run_id)
        text = clean_text(text)
        if not text.strip():
            raise EmptyTextError
        waiting.set_result(text)

    def cancel(self, run_id: str) -> None:
        """End a run, wherever it is. One that has ended already is left alone."""
        entry = self._entries.get(run_id)
        if entry is None or entry.is_cancelled:
            return
        entry.is_cancelled = True
        if entry.task is not None:
            entry.task.cancel()

    def active(self) -> tuple[str, ...]:
        """Return the ids of runs that have not ended, in order."""
        return tuple(self._entries)

    async def wait(self, run_id: str) -> RunRecord:
        """Return a run's record once it has ended; at once if it has.

        Raises:
            UnknownEntryError: There never was such a run.
            AppError: Its folder could not be made, so that there is no record.
        """
        entry = self._entries.get(run_id)
        if entry is not None:
            await asyncio.shield(entry.done)
            if entry.failure is not None:
                raise entry.failure
        return await self._store.load(run_id)

    async def request_of(self, run_id: str) -> RunRequest:
        """Return the request that does a recorded run again, exactly.

        Raises:
            UnknownEntryError, RunDamagedError: See RunStore.load.
        """
        return request_from(await self._store.load(run_id), await self._store.folder_of(run_id))

    async def continue_request(self, run_id: str) -> RunRequest:
        """Return the request that goes on where a recorded run stopped, using the stages it finished."""
        request = continue_from(await self._store.load(run_id), await self._store.folder_of(run_id))
        return with_wanted_loras(with_wanted_images(request, self._catalog()), self._catalog())

    async def list_runs(self, limit: int = 200, search: str = "") -> Sequence[RunSummary]:
        """Return recorded runs, newest first."""
        return await self._store.list_runs(limit, search)

    async def aclose(self) -> None:
        """End every run (recorded as cancelled) and the lane."""
        self._is_closing = True
        entries = tuple(self._entries.values())
        for entry in entries:
            self.cancel(entry.run_id)
        self._has_work.set()
        await asyncio.gather(*(entry.done for entry in entries), return_exceptions=True)
        await self._scope.aclose()

    async def _prepare(self, entry: _Entry) -> None:
        """Make the run's folder, so that nothing typed is lost even while it waits; only then it is announced.

        Meanwhile the lane may begin with what needs no disk.
        """
        folder: RunFolder | None = None
        try:
            used, typed = _json(_configs_used(entry.request, entry.catalog)), _text(entry.request.text)
            folder = self._store.create(self._first_record(entry), (("config_used", used), ("input", typed)))
            if not entry.request.images:
                entry.folder = folder
                self._has_work.set()
            await folder.made()
            await take_in(folder, entry.request, entry.catalog)
        except Exception as exc:  # noqa: BLE001 - outermost frame of a task; becomes an event
            await self._fail_to_prepare(entry, folder, exc)
        else:
            entry.folder = folder
            position = self._waiting.index(entry) if entry in self._waiting else 0
            entry.held.insert(0, RunQueued(entry.run_id, position))
            entry.is_announced = True
            for event in entry.held:
                self._bus.publish(event)
        self._has_work.set()  # also after a failure: the run behind may have become the first

    async def _fail_to_prepare(self, entry: _Entry, folder: RunFolder | None, error: Exception) -> None:
        if folder is None or not folder.is_made:
            entry.failure = error if isinstance(error, AppError) else AppError(as_error_info(error).detail)
        if entry not in self._waiting:
            return  # the lane has it, and meets the same error
        self._waiting.remove(entry)
        if entry.failure is None and folder is not None:
            await self._finish(entry, folder, error)
        else:
            self._end(entry, RunFailed(entry.run_id, as_error_info(error)))

    def _tell(self, entry: _Entry, event: Event) -> None:
        """Publish what happens in a run, after its announcement."""
        if entry.is_announced:
            self._bus.publish(event)
        else:
            entry.held.append(event)

    async def _work(self) -> None:
        while True:
            await self._has_work.wait()
            self._has_work.clear()
            while self._waiting and (folder := self._waiting[0].folder) is not None:
                if len(self._at_work) >= self._settings().run_lanes:
                    break
                entry = self._waiting.popleft()
                self._at_work.add(entry.run_id)
                self._scope.spawn(self._run_one(entry, folder), name=f"lane {entry.run_id}")

    async def _run_one(self, entry: _Entry, folder: RunFolder) -> None:
        settings = self._settings()
        entry.job = RunJob(
            run_id=entry.run_id,
            request=entry.request,
            seed=entry.seed,
            catalog=entry.catalog,
            folder=folder,
            publish=partial(self._tell, entry),
            allow_foreign_python=settings.foreign_python_chunks,
            translate=settings.translate_to_english,
            local_only=settings.local_only,
        )
        error: BaseException | None = None
        if not entry.is_cancelled:
            entry.task = self._scope.spawn(self._guarded(entry.job), name=entry.run_id, on_done=lambda task: None)
            # The lane waits for the task and judges it afterwards: a task cancelled before its first step runs no code.
            await asyncio.wait({entry.task})
            error = asyncio.CancelledError() if entry.task.cancelled() else entry.task.exception()
        await self._finish(entry, folder, error)

    async def _guarded(self, job: RunJob) -> None:
        job.folder.amend(state="running")
        job.publish(RunStarted(job.run_id))
        await self._orchestrator.run(job)

    async def _finish(self, entry: _Entry, folder: RunFolder, error: BaseException | None) -> None:
        event: Event = RunFinished(entry.run_id)
        state: RunState = "finished"
        info: ErrorInfo | None = None
        if entry.is_cancelled or isinstance(error, asyncio.CancelledError):
            event, state = RunCancelled(entry.run_id), "cancelled"
        elif error is not None:
            info = as_error_info(error)
            event, state = RunFailed(entry.run_id, info), "failed"
        try:
            error_record = ErrorRecord(**asdict(info)) if info else None
            try:
                await folder.save(state=state, ended=_now(), error=error_record)
            finally:
                await folder.close()
        except Exception as exc:  # noqa: BLE001 - the lane goes on, whatever one folder does
            event = RunFailed(entry.run_id, info or as_error_info(exc))
        self._end(entry, event)

    def _end(self, entry: _Entry, event: Event) -> None:
        self._at_work.discard(entry.run_id)
        self._has_work.set()
        self._entries.pop(entry.run_id, None)
        entry.done.set_result(None)
        self._bus.publish(event)

    def _first_record(self, entry: _Entry) -> RunRecord:
        request = entry.request
        return RunRecord(
            run_id=entry.run_id,
            created=_now(),
            state="queued",
            program_version=__version__,
            python_version=sys.version.split()[0],
            participant=request.participant,
            safety_level=request.safety_level,
            parent_run_id=request.parent_run_id,
            input_text=request.text,
            secondary_text=request.secondary_text,
            language=request.language,
            interception_id=request.interception_id,
            interception_digest=entry.catalog.interception(request.interception_id).digest,
            rules=request.rules,
            seed=entry.seed,
            start_stage=request.start_stage,
            outputs=tuple({"output_id": o.output_id, "parameters": dict(o.parameters)} for o in request.outputs),
            model_ids={stage.value: model for stage, model in request.model_ids.items()},
            stage_texts={stage.value: text for stage, text in request.stage_texts.items()},
            edits={stage.value: text for stage, text in request.edits.items()},
            loras=request.loras,
            process=dict(self._process_id),
        )


def check_request(request: RunRequest, catalog: Catalog) -> RunRequest:
    """Return the request with its text cleaned, after checking all of it against the catalogue.

    Raises:
        See RunService.submit.
    """
    request = _cleaned(request)
    if not request.text.strip():
        raise EmptyTextError
    if request.seed is not None and not 0 <= request.seed < SEED_LIMIT:
        raise ParameterError(name="seed", value=str(request.seed), expected=f"0 … {SEED_LIMIT - 1}")
    catalog.interception(request.interception_id)
    check_images(request, catalog)
    check_lora_places(request, catalog)
    for output in request.outputs:
        config = catalog.output(output.output_id).value
        chunk = catalog.chunk(config.chunk).value
        given = with_images(output, chunk, {key: path.name for key, path in request.images.items()})
        resolve(mappings_of(chunk), given, config.overrides, lambda source: source, lambda: 0)
    is_late = STAGE_ORDER.index(request.start_stage) > STAGE_ORDER.index(StageName.INTERCEPTION)
    if is_late and not request.stage_texts.get(StageName.INTERCEPTION, "").strip():
        raise EmptyTextError
    return request


def _cleaned(request: RunRequest) -> RunRequest:
    """Return the request with everything a person typed cleaned. Raises TextTooLongError, before the long work."""
    own = (request.text, request.secondary_text, request.rules or "")
    for text in (*own, *request.stage_texts.values(), *request.edits.values()):
        if len(text) > MAX_TEXT_CHARS:
            raise TextTooLongError(length=f"{len(text):,}", limit=f"{MAX_TEXT_CHARS:,}")
    return replace(
        request,
        text=clean_text(request.text),
        secondary_text=clean_text(request.secondary_text),
        rules=None if request.rules is None else clean_text(request.rules),
        stage_texts={stage: clean_text(text) for stage, text in request.stage_texts.items()},
        edits={stage: clean_text(text) for stage, text in request.edits.items()},
        outputs=tuple(
            OutputRequest(
                output.output_id,
                {key: clean_text(v) if isinstance(v, str) else v for key, v in output.parameters.items()},
            )
            for output in request.outputs
        ),
        participant=clean_text(request.participant),
    )


def request_from(record: RunRecord, folder: Path) -> RunRequest:
    """Return the request that does ``record`` again with the same seed, texts, parameters, LoRAs and pictures.

    Args:
        folder: The recorded run's folder: it holds the pictures.
    """
    edits = {StageName(name): text for name, text in record.edits.items()}
    edits |= {stage.name: stage.text for stage in record.stages if stage.edited_from is not None}
    models = {StageName(name): model for name, model in record.model_ids.items()}
    models |= {
        s.name: s.model for s in record.stages if s.state == "done" and s.model and _is_text_model(s.model, s.name)
    }
    return RunRequest(
        text=record.input_text,
        secondary_text=record.secondary_text,
        interception_id=record.interception_id,
        outputs=tuple(OutputRequest(str(o["output_id"]), dict(o["parameters"])) for o in record.outputs),
        rules=record.rules,
        language=record.language,
        seed=record.seed,
        safety_level=record.safety_level,
        model_ids=models,
        start_stage=record.start_stage,
        stage_texts={StageName(name): text for name, text in record.stage_texts.items()},
        edits=edits,
        parent_run_id=record.run_id,
        participant=record.participant,
        loras=record.loras,
        images=originals_of(record, folder),
    )


def continue_from(record: RunRecord, folder: Path) -> RunRequest:
    """Return the request that starts at the first stage ``record`` did not finish, with the texts it has."""
    request = request_from(record, folder)
    done = {stage.name: stage.text for stage in record.stages if stage.state in {"done", "skipped", "reused"}}
    if StageName.INTERCEPTION not in done:
        return request
    texts = {name: done[name] for name in (StageName.TRANSLATION, StageName.INTERCEPTION) if name in done}
    finished = sum(stage.name is StageName.OUTPUT for stage in record.stages)  # outputs are made in order
    left = request.outputs[finished:]
    return replace(request, start_stage=StageName.SAFETY, stage_texts=texts, outputs=left or request.outputs)


def as_error_info(error: BaseException) -> ErrorInfo:
    """Return any exception as what a person may see; one that nobody expected is logged with its traceback."""
    if isinstance(error, AppError):
        return error.info()
    logger.error("unexpected error", exc_info=error)
    return ErrorInfo(AppError.code, {}, f"{type(error).__name__}: {error}")


def _is_text_model(model: str, stage: StageName) -> bool:
    return stage is not StageName.OUTPUT and not model.startswith("procedure/")


def _configs_used(request: RunRequest, catalog: Catalog) -> dict[str, object]:
    """Return the configs and output chunks of a run as they are now: files change, a record does not."""
    outputs = {o.output_id: catalog.output(o.output_id) for o in request.outputs}
    chunks = {entry.value.chunk: catalog.chunk(entry.value.chunk) for entry in outputs.values()}
    interceptions = {request.interception_id: catalog.interception(request.interception_id)}
    return {
        kind: {name: {**e.value.model_dump(mode="json"), "digest": e.digest} for name, e in entries.items()}
        for kind, entries in (("interception", interceptions), ("outputs", outputs), ("chunks", chunks))
    }


def _json(data: object) -> ProducedMedium:
    return ProducedMedium("record", "application/json", "json", data=readable_json(data))


def _text(text: str) -> ProducedMedium:
    return ProducedMedium("text", "text/plain", "txt", data=text.encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
