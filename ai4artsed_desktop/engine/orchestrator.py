"""The four stages of a run, from the idea to media on disk. The pipeline is data; this is the only order in code."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from typing import Any

from ai4artsed_desktop.domain.chunks import Chunk, ProcessingChunk, PythonChunk, TextPassthroughChunk, mappings_of
from ai4artsed_desktop.domain.configs import InterceptionConfig, OutputConfig
from ai4artsed_desktop.domain.errors import CatalogError, MediumMismatchError, NotRunnableError
from ai4artsed_desktop.domain.events import (
    Event,
    MediumSaved,
    RunProgressed,
    StageFinished,
    StagePaused,
    StageRoundFinished,
    StageSkipped,
    StageStarted,
    StageTextStreamed,
)
from ai4artsed_desktop.domain.language import guess_language
from ai4artsed_desktop.domain.parameters import resolve, with_values
from ai4artsed_desktop.domain.readable_json import readable_json
from ai4artsed_desktop.domain.runs import (
    STAGE_ORDER,
    OutputRequest,
    RunRequest,
    StageName,
    StageRecord,
)
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.catalog import Catalog, CatalogEntry
from ai4artsed_desktop.engine.chains import rounds_of
from ai4artsed_desktop.engine.code_author import author_of
from ai4artsed_desktop.engine.input_images import server_pictures, stored_images, with_images
from ai4artsed_desktop.engine.lora_library import check_fit, loras_of
from ai4artsed_desktop.engine.ports import RunFolder
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.safety import SafetyGate
from ai4artsed_desktop.engine.safety_media import FrameReader, MediaGate, admit_inputs
from ai4artsed_desktop.engine.safety_request import has_code, said_by_configs, said_by_person
from ai4artsed_desktop.engine.safety_run import RunGate, demand_own, open_gate
from ai4artsed_desktop.engine.steps import discover_output_steps
from ai4artsed_desktop.engine.steps.base import OutputJob, Services, TextJob, TextOutcome
from ai4artsed_desktop.engine.steps.processing import model_of, run_processing
from ai4artsed_desktop.engine.templates import fill_text

#: The text stages' chunk names; ``interception`` and ``procedure`` come from the config's pipeline.
TRANSLATION_CHUNK = "translation"
OPTIMISATION_CHUNK = "optimisation"


@dataclass(slots=True)
class RunJob:
    """One run at work: what was asked for, where it is written, and how it is told.

    ``seed`` is drawn already; ``catalog`` is the snapshot the run started with, whatever is reloaded meanwhile.
    """

    run_id: str
    request: RunRequest
    seed: int
    catalog: Catalog
    folder: RunFolder
    publish: Callable[[Event], None]
    allow_foreign_python: bool = False
    local_only: bool = False
    translate: bool = False
    resume_text: asyncio.Future[str] | None = None
    stages: list[StageRecord] = field(default_factory=list[StageRecord])
    gate: RunGate = field(init=False)
    services: Services = field(init=False)


class Orchestrator:
    """Carries runs through their stages.

    Args:
        frames: Takes pictures apart for the safety gate; None = no picture can be checked.
    """

    def __init__(self, services: Services, safety: SafetyGate, frames: FrameReader | None = None) -> None:
        self._services = services
        self._safety = safety
        self._frames = frames

    async def run(self, job: RunJob) -> None:
        """Run every stage. What was done is on disk before a model writes and before a text is announced; only a media
        server begins a moment earlier.

        Raises:
            AppError: What went wrong; what was made before is kept.
        """
        async with self._services.gpu.around_run(job.folder):
            await self._stages(job)

    async def _stages(self, job: RunJob) -> None:
        await self._open_gate(job)
        for output in job.request.outputs:
            # Now, and not after minutes of work on the text.
            await self._check_runnable(job, job.catalog.output(output.output_id).value, output)
        await admit_inputs(self._safety, job.gate, self._frames, job.folder.record, job.folder.path)
        text = await self._translate(job)
        text = await self._intercept(job, text)
        await self._gate(job, text)
        for output in job.request.outputs:
            await self._output(job, text, output)

    async def _open_gate(self, job: RunJob) -> None:
        """Check everything that is known before a model is asked. From here on, all that leaves passes the gate."""
        request = job.request

        async def keep(stem: str, data: object) -> object:
            return job.folder.note(stem, _json_medium(data))

        job.gate = await open_gate(
            self._safety,
            request.safety_level,
            keep,
            has_code=has_code(request, job.catalog),
            may_name_persons=request.may_name_persons,
        )
        job.services = job.gate.guard(self._services)
        job.publish = job.gate.filtered(job.publish)
        said = tuple(said_by_person(request))
        await job.gate.notice_names(said)
        # Where every text is checked, a pass is worth a record, too.
        record = "safety" if job.gate.hides_work else ""
        await job.gate.admit((*said, *said_by_configs(request, job.catalog)), record=record)

    async def _translate(self, job: RunJob) -> str:
        text = job.request.text
        if (reused := self._reuse(job, StageName.TRANSLATION)) is not None:
            return reused
        if not job.translate:
            return self._skip(job, StageName.TRANSLATION, "stage.skipped.translation_off", text)
        if guess_language(text) == "en":
            return self._skip(job, StageName.TRANSLATION, "stage.skipped.already_english", text)
        chunk = _processing(job.catalog, TRANSLATION_CHUNK)
        return await self._text_stage(job, StageName.TRANSLATION, chunk, text)

    async def _intercept(self, job: RunJob, text: str) -> str:
        if (reused := self._reuse(job, StageName.INTERCEPTION)) is not None:
            return reused
        config = job.catalog.interception(job.request.interception_id).value
        pipeline = job.catalog.pipeline(config.pipeline).value
        if config.meta.skip_interception or not pipeline.chunks:
            return self._skip(job, StageName.INTERCEPTION, "stage.skipped.as_is", text)
        rules = rules_of(config, job.request)
        for name in pipeline.chunks:
            chunk = _processing(job.catalog, name)
            text = await self._text_stage(job, StageName.INTERCEPTION, chunk, text, rules, config=config)
        return text

    async def _gate(self, job: RunJob, text: str) -> None:
        """Check what becomes a medium, also where a run begins later: no start stage leads around the gate."""
        if not job.request.outputs:
            return
        job.publish(StageStarted(job.run_id, StageName.SAFETY))
        verdict = await job.gate.admit((text,), record="safety_pre_output")
        if verdict.verdict == "unavailable":  # the level does not demand a check
            self._skip(job, StageName.SAFETY, verdict.reasons[0].key, "")
            return
        noted = ", ".join(reason.key for reason in verdict.reasons)
        self._record(job, StageRecord(name=StageName.SAFETY, state="done", model=verdict.model, reason=noted))
        job.publish(StageFinished(job.run_id, StageName.SAFETY, "", verdict.model))

    async def _output(self, job: RunJob, text: str, output: OutputRequest) -> None:
        entry = job.catalog.output(output.output_id)
        config = entry.value
        chunk_entry = job.catalog.chunk(config.chunk)
        text = await self._optimise(job, config, text)
        started = time.perf_counter()
        job.publish(StageStarted(job.run_id, StageName.OUTPUT, config.chunk))
        step = discover_output_steps()[chunk_entry.value.type]
        if not step.keeps_request:
            await job.folder.flush()
        output_job = self._output_job(job, config, chunk_entry, output, text)
        async with self._services.gpu.around_output(output_job) as measured:
            facts = await step.run(output_job)
        record = StageRecord(
            name=StageName.OUTPUT,
            state="done",
            model=config.chunk,
            model_digest=chunk_entry.digest,
            ms=_ms(started),
            output_id=config.id,
            seed=job.seed,
            parameters=dict(output_job.parameters),
            facts={**facts, **measured},
        )
        self._record(job, record)
        job.publish(StageFinished(job.run_id, StageName.OUTPUT, "", config.chunk, record.ms))

    async def _check_runnable(self, job: RunJob, config: OutputConfig, output: OutputRequest) -> None:
        entry = job.catalog.chunk(config.chunk)
        step = discover_output_steps().get(entry.value.type)
        if step is None:
            raise CatalogError(f"chunk type {entry.value.type} makes no medium", id=config.chunk)
        chunk = with_values(entry.value, config.overrides, output.parameters)
        reason = await step.problem(chunk, is_trusted(entry, job.allow_foreign_python), self._services)
        if reason is not None:
            raise NotRunnableError(id=config.id, **{"reason": reason.key, **reason.params})
        on_server = server_pictures(entry.value, job.folder.record.images, config.overrides, output.parameters)
        demand_own(job.gate.level, on_server)
        await self._media_gate(job, entry).demand_eyes()
        await check_fit(self._services.loras, loras_of(job.request, job.catalog), entry.value)
        is_due = _is_due(job, StageName.OPTIMISATION) and config.meta.optimization_instruction
        is_needed = is_due and not config.meta.optimization_is_optional
        if is_needed and (missing := await self._missing_optimiser(job, config)):
            raise NotRunnableError(id=config.id, reason=missing)

    async def _missing_optimiser(self, job: RunJob, config: OutputConfig) -> str:
        """Return why no model here can write for an output, "" if one can.

        Raises:
            AppError: What a model asked for by name does.
        """
        wanted = job.request.model_ids.get(StageName.OPTIMISATION)
        role, model = model_of(optimisation_chunk(job.catalog, config), wanted)
        try:
            await self._services.text_models.choose(role, model, is_local_only(job, config))
        except NotRunnableError as exc:
            return exc.params["reason"]
        return ""

    async def _optimise(self, job: RunJob, config: OutputConfig, text: str) -> str:
        if not _is_due(job, StageName.OPTIMISATION):
            return self._reuse(job, StageName.OPTIMISATION) or text
        instruction = localized(config.meta.optimization_instruction or {}, job.request.language)
        if not instruction:
            return text
        if config.meta.optimization_is_optional and await self._missing_optimiser(job, config):
            return self._skip(job, StageName.OPTIMISATION, "stage.skipped.no_optimiser", text)
        chunk = optimisation_chunk(job.catalog, config)
        return await self._text_stage(job, StageName.OPTIMISATION, chunk, text, instruction, output=config)

    def _media_gate(self, job: RunJob, entry: CatalogEntry[Chunk]) -> MediaGate:
        return MediaGate(self._safety, job.gate, entry, self._frames)

    def _output_job(
        self, job: RunJob, config: OutputConfig, entry: CatalogEntry[Chunk], output: OutputRequest, text: str
    ) -> OutputJob:
        texts = _texts_of(job, text)
        images = stored_images(job.folder.record, job.folder.path)
        parameters = resolve(
            mappings_of(entry.value),
            with_images(output, entry.value, {key: image.name for key, image in images.items()}),
            config.overrides,
            lambda source: fill_text(source, texts, entry.value.name),
            lambda: job.seed,
        )
        local_only = is_local_only(job, config)
        media_gate = self._media_gate(job, entry)

        async def save(medium: ProducedMedium) -> None:
            check_kind(medium, entry.value)
            for admitted in await media_gate.admit(medium):
                record = await job.folder.add(f"output_{admitted.kind}", admitted, output_id=config.id)
                job.publish(MediumSaved(job.run_id, record, config.id))

        def keep(stem: str, data: object) -> None:
            job.folder.note(stem, _json_medium(data, output=config.id))

        return OutputJob(
            run_id=job.run_id,
            config=config,
            chunk=entry.value,
            chunk_path=entry.path,
            is_trusted=is_trusted(entry, job.allow_foreign_python),
            text=text,
            language=texts["LANGUAGE"],
            seed=job.seed,
            parameters=parameters,
            texts=texts,
            make_work_dir=job.folder.work_dir,
            progress=lambda progress: job.publish(RunProgressed(job.run_id, *astuple(progress))),
            save=save,
            keep=keep,
            made=job.folder.made,
            flush=job.folder.flush,
            services=job.services,
            local_only=local_only,
            loras=loras_of(job.request, job.catalog),
            images=images,
            author=author_of(job, config, local_only, job.services, job.gate.check_code),
        )

    async def _text_stage(
        self,
        job: RunJob,
        stage: StageName,
        chunk: ProcessingChunk,
        text: str,
        rules: str = "",
        *,
        config: InterceptionConfig | None = None,
        output: OutputConfig | None = None,
    ) -> str:
        text_job = TextJob(
            stage=stage,
            chunk=chunk,
            text=text,
            rules=rules,
            language=job.request.language,
            seed=job.seed,
            reporter=_Reporter(job, stage),
            parameters=config.parameters if config else {},
            role_model=job.request.model_ids.get(stage) or (config.meta.model if config else None),
            examples=_examples(config, job.request),
            rounds=_rounds(config, job.request, text),
            local_only=is_local_only(job, output),
        )
        await job.folder.flush()
        started = time.perf_counter()
        outcome = await run_processing(text_job, job.services)
        ms = _ms(started)  # before a pause: how long the person reads is nobody's measure
        is_code = chunk.model == "coding"
        outcome = await job.gate.admit_outcome(outcome, is_code=is_code)
        result = await self._edited(job, stage, outcome)
        if result != outcome.text:
            await job.gate.notice_names((result,))
            await job.gate.admit((result,), is_code=is_code)
        job.folder.note(stage.value, ProducedMedium("text", "text/plain", "txt", data=result.encode()))
        digest = await self._services.text_models.digest(outcome.model_info) if outcome.model_info else ""
        record = _text_record(job, stage, result, outcome, ms)
        told = {"language": guess_language(text) or ""}  # of what went in
        facts = {"model_digest": digest, "output_id": output.id if output else "", "facts": told}
        self._record(job, record.model_copy(update=facts))
        await job.folder.flush()
        job.publish(StageFinished(job.run_id, stage, result, outcome.model, ms, outcome.candidates, outcome.thinking))
        return result

    async def _edited(self, job: RunJob, stage: StageName, outcome: TextOutcome) -> str:
        """Return the stage's text after the person's say: an edit given beforehand, or one made in a pause."""
        if stage in job.request.edits:
            return job.request.edits[stage]
        if stage not in job.request.pause_after:
            return outcome.text
        job.resume_text = asyncio.get_running_loop().create_future()
        await job.folder.save(state="paused")
        job.publish(StagePaused(job.run_id, stage, outcome.text, outcome.candidates))
        try:
            text = await job.resume_text
        finally:
            job.resume_text = None
        await job.folder.save(state="running")
        return text

    def _reuse(self, job: RunJob, stage: StageName) -> str | None:
        """Return the text given for a stage that is not run again, after recording it; None if the stage is due."""
        if _is_due(job, stage):
            return None
        text = job.request.stage_texts.get(stage)
        if text is None:
            return job.request.text if stage is StageName.TRANSLATION else None
        self._record(job, StageRecord(name=stage, state="reused", text=text))
        job.publish(StageFinished(job.run_id, stage, text))
        return text

    def _skip(self, job: RunJob, stage: StageName, reason: str, text: str) -> str:
        self._record(job, StageRecord(name=stage, state="skipped", text=text, reason=reason))
        job.publish(StageSkipped(job.run_id, stage, reason))
        return text

    def _record(self, job: RunJob, record: StageRecord) -> None:
        job.stages.append(record)
        job.folder.amend(stages=tuple(job.stages))


@dataclass(frozen=True, slots=True)
class _Reporter:
    """Turns a text step's words into events of its run."""

    job: RunJob
    stage: StageName

    def started(self, model: str) -> None:
        self.job.publish(StageStarted(self.job.run_id, self.stage, model))

    def streamed(self, delta: str, candidate: int = 0) -> None:
        self.job.publish(StageTextStreamed(self.job.run_id, self.stage, delta, candidate))

    def round_finished(self, label: str, text: str) -> None:
        self.job.publish(StageRoundFinished(self.job.run_id, self.stage, label, text))

    def thinks(self) -> None:
        self.job.publish(RunProgressed(self.job.run_id, None, "progress.thinking"))


def rules_of(config: InterceptionConfig, request: RunRequest) -> str:
    """Return the rules of a run: the person's, else the config's in the person's language."""
    if request.rules is not None:
        return request.rules
    return localized(config.context, request.language) if config.context else ""


def is_trusted(entry: CatalogEntry[Chunk], allow_foreign_python: bool) -> bool:
    """Tell whether a chunk's own Python code may run: ours always, the person's if they allowed it."""
    return entry.origin == "shipped" or allow_foreign_python


def is_local_only(job: RunJob, output: OutputConfig | None = None) -> bool:
    """Tell whether no request of this run may leave the machine: the settings say so, or one of its configs does."""
    interception = job.catalog.interception(job.request.interception_id).value
    return job.local_only or interception.meta.force_local or (output is not None and output.meta.force_local)


def optimisation_chunk(catalog: Catalog, config: OutputConfig) -> ProcessingChunk:
    """Return the chunk that rewrites a text for an output's model, with the model that the config names."""
    chunk = _processing(catalog, OPTIMISATION_CHUNK)
    model = config.meta.optimization_model
    return chunk.model_copy(update={"model": model}) if model else chunk


def check_kind(medium: ProducedMedium, chunk: Chunk) -> None:
    """Let a medium pass that is what its chunk declares.

    Raises:
        MediumMismatchError: It is another one; nothing is saved under a wrong name.
    """
    assert not isinstance(chunk, ProcessingChunk)
    declared = {"music": {"audio"}, "code": {"p5", "tonejs", "code"}}.get(chunk.media_type, {chunk.media_type})
    if isinstance(chunk, PythonChunk | TextPassthroughChunk) and chunk.framework is not None:
        declared = declared | ({"p5", "image"} if chunk.framework == "p5js" else {"tonejs", "audio"})
    if medium.kind not in declared:
        raise MediumMismatchError(declared=", ".join(sorted(declared)), found=medium.kind)


def _texts_of(job: RunJob, text: str) -> dict[str, str]:
    """Return what an output's placeholders stand for; ``text`` is what the stages before made."""
    said = job.request.text
    return {
        "PREVIOUS_OUTPUT": text,
        "INPUT_TEXT": said,
        "USER_INPUT": said,
        "SECONDARY_TEXT": job.request.secondary_text,
        "LANGUAGE": guess_language(text) or job.request.language,
    }


def _examples(config: InterceptionConfig | None, request: RunRequest) -> Any:
    """Return the config's examples, unless the person changed the rules: then they would contradict them."""
    return config.examples if config is not None and request.rules is None else None


def _rounds(config: InterceptionConfig | None, request: RunRequest, text: str) -> tuple[tuple[str, str], ...]:
    """Return the rounds of the config's chain, unless the person changed the rules: then those are what happens."""
    if config is None or request.rules is not None:
        return ()
    return rounds_of(config.steps, text, request.language, config.id)


def _text_record(job: RunJob, stage: StageName, text: str, outcome: TextOutcome, ms: float) -> StageRecord:
    return StageRecord(
        name=stage,
        state="done",
        text=text,
        model=outcome.model,
        ms=ms,
        seed=job.seed,
        candidates=outcome.candidates,
        rounds=outcome.rounds,
        thinking=outcome.thinking,
        parameters=dict(outcome.parameters),
        edited_from=outcome.text if text != outcome.text else None,
    )


def _processing(catalog: Catalog, name: str) -> ProcessingChunk:
    chunk = catalog.chunk(name).value
    if not isinstance(chunk, ProcessingChunk):
        raise CatalogError(f"chunk {name} is no processing chunk", id=name)
    return chunk


def _is_due(job: RunJob, stage: StageName) -> bool:
    return STAGE_ORDER.index(stage) >= STAGE_ORDER.index(job.request.start_stage)


def _json_medium(data: object, **facts: object) -> ProducedMedium:
    return ProducedMedium("record", "application/json", "json", data=readable_json(data), metadata=facts)


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)
