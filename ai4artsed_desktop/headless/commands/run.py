"""``ai4artsed run``: one idea through an interception to one or more outputs."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.chunks import mappings_of
from ai4artsed_desktop.domain.errors import ParameterError, UnknownParameterError
from ai4artsed_desktop.domain.events import (
    Event,
    RunFailed,
    RunProgressed,
    StageFinished,
    StageRoundFinished,
    StageSkipped,
    StageStarted,
)
from ai4artsed_desktop.domain.parameters import match_name
from ai4artsed_desktop.domain.runs import (
    MediumRecord,
    OutputRequest,
    ParameterValue,
    RunRecord,
    RunRequest,
    StageName,
)
from ai4artsed_desktop.domain.vram import VramPlanned
from ai4artsed_desktop.engine.catalog import Catalog
from ai4artsed_desktop.headless.context import EXIT_CANCELLED, EXIT_DONE, EXIT_FAILED, Context
from ai4artsed_desktop.headless.inputs import add_input_flags, images_of, parse_lora

#: Progress that explains a long silence: a server is started or looked for, or the job is done once more.
_TOLD_PROGRESS = frozenset(
    {
        "progress.comfyui.starting",
        "progress.comfyui.reconnecting",
        "progress.swarmui.starting",
        "progress.backend.again",
    }
)


class RunCommand:
    """Runs the main job."""

    name = "run"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name, help="transform an idea and make media from it"
        )
        parser.add_argument("text", metavar="TEXT", type=read_idea, help="the idea; - reads it from standard input")
        parser.add_argument("--interception", required=True, metavar="ID", help="see: ai4artsed list interception")
        parser.add_argument("--output", action="append", default=[], metavar="ID", help="may be given several times")
        parser.add_argument(
            "--second-text", default="", metavar="TEXT", help="for outputs of two texts, such as lyrics"
        )
        parser.add_argument("--rules", metavar="TEXT", help="rules to use instead of the interception's own")
        parser.add_argument(
            "--param", action="append", default=[], metavar="NAME=VALUE", help="set an output parameter"
        )
        add_input_flags(parser)
        parser.add_argument("--model", metavar="ID", help="text model for the interception")
        parser.add_argument("--seed", type=int, metavar="N", help="same seed, same result; drawn if absent")
        parser.add_argument("--language", choices=["de", "en"], help="language of the rules")
        parser.add_argument("--send-names", action="store_true", help="persons' names may leave the machine")
        parser.add_argument("--out", type=Path, metavar="DIR", help="also copy the media here")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Run and print the texts and media."""
        engine = context.engine
        await engine.start()
        settings = engine.settings
        request = RunRequest(
            text=options.text,
            secondary_text=options.second_text,
            interception_id=options.interception,
            outputs=outputs_of(engine.catalog, options.output, options.param),
            rules=options.rules,
            language=options.language or context.messages.language,
            seed=options.seed,
            safety_level=settings.safety_level,
            model_ids={StageName.INTERCEPTION: options.model} if options.model else {},
            participant=settings.participant,
            may_name_persons=options.send_names,
            loras=tuple(parse_lora(item) for item in options.lora),
            images=images_of(engine.catalog, options.output, options.image, options.mask),
        )
        return await execute(request, context, options.out)


async def execute(request: RunRequest, context: Context, copy_to: Path | None = None) -> int:
    """Submit a request, report on stderr, print the result, and return the exit code."""
    if copy_to is not None:  # now: after minutes of work is a bad time to hear that it cannot be
        with translated_errors(copy_to):
            await asyncio.to_thread(copy_to.mkdir, parents=True, exist_ok=True)
    engine = context.engine
    failures: list[RunFailed] = []
    told = ProgressNotes(context)
    unsubscribe = engine.bus.subscribe(lambda event: _report(event, context, failures, told))
    try:
        run_id = engine.runs.submit(request)
        try:
            record = await engine.runs.wait(run_id)
        except asyncio.CancelledError:
            engine.runs.cancel(run_id)
            raise
    finally:
        unsubscribe()
    folder = await engine.store.folder_of(run_id)
    if copy_to is not None:
        await asyncio.to_thread(_copy_media, record, folder, copy_to)
    if failures:
        context.output.error(failures[0].error, context.messages, run_id=run_id, run_folder=str(folder))
        context.output.note(context.messages.text("cli.kept", folder=str(folder)))
        return EXIT_FAILED
    context.output.json(describe(record, folder))
    _print(record, folder, context)
    return EXIT_DONE if record.state == "finished" else EXIT_CANCELLED


def describe(record: RunRecord, folder: Path) -> dict[str, Any]:
    """Return a run as the JSON object of ``run --json``."""
    return {
        "run_id": record.run_id,
        "run_folder": str(folder),
        "state": record.state,
        "seed": record.seed,
        "stages": [
            {
                "name": stage.name.value,
                "state": stage.state,
                "text": stage.text,
                "model": stage.model,
                "ms": stage.ms,
                **({"candidates": list(stage.candidates)} if stage.candidates else {}),
                **({"rounds": [list(pair) for pair in stage.rounds]} if stage.rounds else {}),
            }
            for stage in record.stages
        ],
        "media": [
            {
                "path": str(folder / entity.filename),
                "mime": entity.mime,
                "sha256": entity.sha256,
                "type": entity.type,
                "output": entity.output_id,
            }
            for entity in media_of(record)
        ],
    }


def media_of(record: RunRecord) -> list[MediumRecord]:
    """Return the files of a run that its outputs made."""
    return [entity for entity in record.entities if entity.output_id and entity.type != "record"]


def _print(record: RunRecord, folder: Path, context: Context) -> None:
    output = context.output
    for stage in record.stages:
        if stage.text and stage.state == "done":
            output.answer(f"{context.messages.text(f'stage.{stage.name.value}')}: {stage.text}")
    for entity in media_of(record):
        output.answer(str(folder / entity.filename))
    output.answer(context.messages.text("cli.run_folder", folder=str(folder)))


class ProgressNotes:
    """Tells the work of a media server in few lines: each node once, and of its steps every tenth part."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._told: object = None

    def tell(self, event: RunProgressed) -> None:
        """Print a line if there is something new."""
        words = self._words(event)
        key = (event.message, event.node, 10 * event.step // event.steps if event.steps else event.queue_position)
        if words and key != self._told:
            self._told = key
            self._context.output.note(f"  {words} …")

    def _words(self, event: RunProgressed) -> str:
        words = self._context.messages.text(event.message) if event.message else ""
        if event.message in _TOLD_PROGRESS:
            return words
        if event.queue_position:
            return f"{words} ({event.queue_position})"
        if event.steps:
            return f"{event.node} {event.step}/{event.steps}".strip()
        return event.node


def _report(event: Event, context: Context, failures: list[RunFailed], told: ProgressNotes) -> None:
    messages = context.messages
    if isinstance(event, RunFailed):
        failures.append(event)
    elif isinstance(event, StageStarted) and event.model:
        context.output.note(f"{messages.text(f'stage.{event.stage.value}')} · {event.model} …")
    elif isinstance(event, RunProgressed):
        told.tell(event)
    elif isinstance(event, StageSkipped):
        context.output.note(f"{messages.text(f'stage.{event.stage.value}')}: {messages.text(event.reason)}")
    elif isinstance(event, VramPlanned):
        from ai4artsed_desktop.headless.commands.vram import plan_words  # brings the trainings' modules

        context.output.note(plan_words(event.plan, context))
    elif isinstance(event, StageRoundFinished):
        context.output.note(f"  {messages.text(event.label)}: {event.text}")
    elif isinstance(event, StageFinished) and event.ms:
        context.output.note(f"{messages.text(f'stage.{event.stage.value}')} · {event.ms / 1000:.1f} s")


def _copy_media(record: RunRecord, folder: Path, target: Path) -> None:
    with translated_errors(target):
        for entity in media_of(record):
            shutil.copy2(folder / entity.filename, target / f"{record.run_id}_{entity.filename}")


def read_idea(argument: str) -> str:
    """Return TEXT, or what standard input holds for ``-``; read before anything starts, so that Ctrl+C just ends it."""
    return sys.stdin.read() if argument == "-" else argument


def outputs_of(catalog: Catalog, names: Sequence[str], parameters: Sequence[str]) -> tuple[OutputRequest, ...]:
    """Return the outputs, each with those of the ``--param`` values that it knows.

    Raises:
        UnknownEntryError, ParameterError: No such output, no such parameter in any of them, or no NAME=VALUE.
    """
    values = dict(_parse_parameter(item) for item in parameters)
    known = {name: mappings_of(catalog.chunk(catalog.output(name).value.chunk).value) for name in names}
    for key, value in values.items():
        if not any(match_name(key, mappings) for mappings in known.values()):
            expected = sorted({parameter for mappings in known.values() for parameter in mappings})
            raise UnknownParameterError(name=key, value=str(value), expected=", ".join(expected) or "–")
    return tuple(
        OutputRequest(name, {key: value for key, value in values.items() if match_name(key, known[name])})
        for name in names
    )


def _parse_parameter(item: str) -> tuple[str, ParameterValue]:
    name, separator, value = item.partition("=")
    if not separator or not name:
        raise ParameterError(name=item, value="", expected="NAME=VALUE")
    return name, value


COMMAND = RunCommand()
