"""Processing chunks: text in, text out, by a procedure, a tiny model or one that follows instructions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from random import Random
from typing import get_args

from ai4artsed_desktop.domain.chunks import ProcessingChunk
from ai4artsed_desktop.domain.errors import (
    CatalogError,
    NoRulesError,
    NotRunnableError,
    NoUsableAnswerError,
    ParameterError,
    UnknownParameterError,
    WrongLanguageError,
)
from ai4artsed_desktop.domain.language import guess_language
from ai4artsed_desktop.domain.procedures.base import Procedure, ProcedureContext
from ai4artsed_desktop.domain.settings import StageRole
from ai4artsed_desktop.domain.text import clean_text
from ai4artsed_desktop.domain.text_models import ChatMessage, ModelGrade, TextModelInfo, TextRequest
from ai4artsed_desktop.engine import tiny_model
from ai4artsed_desktop.engine.reasoning import ReasoningSplitter
from ai4artsed_desktop.engine.steps.base import Services, TextJob, TextOutcome
from ai4artsed_desktop.engine.templates import fill_text

#: Longest answer if neither chunk nor config says; enough for a long paragraph.
DEFAULT_MAX_TOKENS = 400
_ROLES: tuple[StageRole, ...] = get_args(StageRole)


async def run_processing(job: TextJob, services: Services) -> TextOutcome:
    """Transform the job's text.

    Raises:
        NotRunnableError, ModelError, WrongLanguageError, NoRulesError, PlaceholderError, ParameterError.
    """
    if job.chunk.backend_type == "procedure":
        return await _run_procedure(job, services)
    info = await services.text_models.choose(*model_of(job.chunk, job.role_model), job.local_only)
    job.reporter.started(info.id)
    if info.grade is ModelGrade.TINY:
        return await _run_tiny(job, info, services)
    return await _run_rounds(job, info, services)


def model_of(chunk: ProcessingChunk, wanted: str | None) -> tuple[StageRole, str | None]:
    """Return the role and the model id (None = the settings' choice) for a chunk, as ``TextModels.choose`` takes them.

    Args:
        wanted: Model id set for this run, or None.
    """
    if chunk.model in _ROLES:
        return chunk.model, wanted
    return "interception", wanted or chunk.model


async def _run_procedure(job: TextJob, services: Services) -> TextOutcome:
    options = {key.lower(): value for key, value in job.parameters.items()}
    name = str(options.pop("procedure", ""))
    procedure = services.procedures.get(name)
    if procedure is None:
        raise CatalogError(f"no procedure {name!r}", id=name)
    job.reporter.started(f"procedure/{procedure.id}")
    language = next(
        (lang for lang in (guess_language(job.text), job.language) if lang in procedure.languages),
        procedure.languages[0],
    )
    checked = check_options(procedure, options)
    word_lists = await asyncio.to_thread(services.word_lists.load, language, procedure.word_lists)
    context = ProcedureContext(language, Random(job.seed), word_lists, checked)
    # In a thread: on a text as long as a book a procedure takes seconds, and the window must not.
    result = await asyncio.to_thread(procedure.apply, job.text, context)
    for step in result.steps:
        job.reporter.round_finished(step.label, step.text)
    job.reporter.streamed(result.text)
    return TextOutcome(
        result.text,
        f"procedure/{procedure.id}",
        {**checked, "language": language},
        rounds=tuple((step.label, step.text) for step in result.steps),
    )


def check_options(procedure: Procedure, given: Mapping[str, object]) -> dict[str, int | float | str]:
    """Return a procedure's options with defaults filled in.

    Raises:
        ParameterError: An option is unknown, has the wrong type or is out of range.
    """
    for name in given:
        if name not in procedure.options:
            raise UnknownParameterError(name=name, value=str(given[name]), expected=", ".join(procedure.options) or "–")
    return {name: _option(name, given.get(name, allowed[0]), allowed) for name, allowed in procedure.options.items()}


def _option(name: str, value: object, allowed: Sequence[int | float | str]) -> int | float | str:
    """Return a value that fits ``(default, minimum, maximum)`` or ``(default, *choices)``."""
    if isinstance(allowed[0], str):
        if isinstance(value, str) and (len(allowed) == 1 or value in allowed):
            return value
    elif (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and float(allowed[1]) <= value <= float(allowed[2])
        and (isinstance(allowed[0], float) or value == int(value))
    ):
        return value
    raise ParameterError(name=name, value=str(value), expected=" … ".join(str(a) for a in allowed[1:]))


async def _run_tiny(job: TextJob, info: TextModelInfo, services: Services) -> TextOutcome:
    """Several short completions of a pattern, filtered and ranked: what a tiny model can honestly do."""
    language = guess_language(job.text)
    if language not in (None, "en"):
        raise WrongLanguageError(model=info.name, language=f"language.{language}")
    if job.rounds:
        raise NotRunnableError(id=job.stage.value, reason="reason.chain_needs_model")
    idea = " ".join(job.text.split())
    pairs = job.examples.pairs if job.examples else ()
    temperature = _number(job.parameters, "temperature", tiny_model.TEMPERATURE)
    said: list[str] = []
    usable: list[str] = []
    for round_number in range(tiny_model.MAX_ROUNDS):
        for request in _tiny_requests(job, idea, round_number, temperature):
            said.append((await _complete(job, info, request, services, len(said))).text)
        usable = [text for text in said if tiny_model.unusable_reason(text, idea, pairs) is None]
        if usable:
            break
    if not usable:
        raise NoUsableAnswerError("\n".join(said), model=info.name)
    ranked = tuple(tiny_model.rank(usable, idea))
    return TextOutcome(ranked[0], info.id, {"temperature": temperature}, candidates=ranked, model_info=info)


def _tiny_requests(job: TextJob, idea: str, round_number: int, temperature: float) -> tuple[TextRequest, ...]:
    if job.examples is not None:
        label, pairs = job.examples.label, job.examples.pairs
        return tiny_model.tiny_requests(label, pairs, idea, job.seed, round_number, temperature)
    if not job.rules.strip():
        raise NoRulesError
    return tiny_model.instruction_requests(job.rules, idea, job.seed, round_number, temperature)


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    thinking: str


async def _complete(
    job: TextJob, info: TextModelInfo, request: TextRequest, services: Services, candidate: int
) -> _Answer:
    """Return one whole answer, passing on its pieces.

    One that was cut by the token limit ends at its last sentence; code has none and stays as it came.
    """
    splitter, thinking, reason, is_thinking = ReasoningSplitter(), "", None, False
    async with aclosing(services.text_models.stream(info, request, job.local_only)) as deltas:
        async for delta in deltas:
            thinking += delta.thinking
            reason = delta.finish_reason or reason
            if said := splitter.feed(delta.text):
                job.reporter.streamed(said, candidate)
            if not is_thinking and (thinking or splitter.thinking):
                is_thinking = True
                job.reporter.thinks()
    if said := splitter.finish():
        job.reporter.streamed(said, candidate)
    text = clean_text(splitter.answer)
    is_cut = reason == "length" and job.chunk.model != "coding"
    return _Answer(tiny_model.trim_to_sentence(text) if is_cut else text.strip(), thinking + splitter.thinking)


async def _run_rounds(job: TextJob, info: TextModelInfo, services: Services) -> TextOutcome:
    text = job.text
    done: list[tuple[str, str]] = []
    thoughts: list[str] = []
    parameters = _model_parameters(job)
    for number, (label, rules) in enumerate(job.rounds or (("", job.rules),)):
        # As a candidate of its own: what streams now does not run on from the round before.
        answer = await _complete(job, info, _chat_request(job, text, rules, parameters), services, number)
        text = answer.text
        thoughts += [answer.thinking.strip()] if answer.thinking.strip() else []
        if not text:
            raise NoUsableAnswerError(model=info.name)
        if label:
            job.reporter.round_finished(label, text)
            done.append((label, text))
    thinking = "\n\n".join(thoughts)
    return TextOutcome(text, info.id, parameters, rounds=tuple(done), model_info=info, thinking=thinking)


def _chat_request(job: TextJob, text: str, rules: str, parameters: Mapping[str, float]) -> TextRequest:
    values = {
        "INPUT_TEXT": text,
        "USER_INPUT": text,
        "PREVIOUS_OUTPUT": text,
        "CONTEXT": rules,
        "INSTRUCTION": rules,
        "LANGUAGE": job.language,
    }
    chunk = job.chunk
    system = fill_text(chunk.system or "", values, chunk.name).strip()
    prompt = fill_text(chunk.prompt or chunk.template or "{{INPUT_TEXT}}", values, chunk.name)
    if job.stage.value == "interception" and not rules.strip():
        raise NoRulesError
    messages = (
        (ChatMessage("system", system), ChatMessage("user", prompt)) if system else (ChatMessage("user", prompt),)
    )
    return TextRequest(
        messages=messages,
        seed=job.seed,
        max_tokens=int(parameters["max_tokens"]),
        temperature=parameters["temperature"],
        top_p=parameters["top_p"],
        min_p=parameters.get("min_p"),
        repeat_penalty=parameters.get("repeat_penalty"),
        dry_multiplier=parameters.get("dry_multiplier"),
    )


def _model_parameters(job: TextJob) -> dict[str, float]:
    """Return the sampling parameters: the config's, else the chunk's, else ours. They really reach the model."""
    merged: dict[str, object] = {"max_tokens": DEFAULT_MAX_TOKENS, "temperature": 0.7, "top_p": 0.95}
    merged |= {key.lower(): value for key, value in job.chunk.parameters.items()}
    merged |= {key.lower(): value for key, value in job.parameters.items()}
    return {key: _number(merged, key, 0.0) for key in merged}


def _number(values: Mapping[str, object], name: str, default: float) -> float:
    value = values.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ParameterError(name=name, value=str(value), expected="number")
    return value
