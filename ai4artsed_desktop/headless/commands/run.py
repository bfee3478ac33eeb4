"""``ai4artsed run``: one idea through an interception to one or more outputs."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.errors import ParameterError
from ai4artsed_desktop.domain.events import Event, RunFailed, StageFinished, StageSkipped, StageStarted
from ai4artsed_desktop.domain.runs import OutputRequest, ParameterValue, RunRecord, RunRequest, StageName
from ai4artsed_desktop.headless.context import EXIT_CANCELLED, EXIT_DONE, EXIT_FAILED, Context


class RunCommand:
    """Runs the main job."""

    name = "run"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name, help="transform an idea and make media from it"
        )
        parser.add_argument("text", metavar="TEXT", help="the idea; - reads it from standard input")
        parser.add_argument("--interception", required=True, metavar="ID", help="see: ai4artsed list interception")
        parser.add_argument("--output", action="append", default=[], metavar="ID", help="may be given several times")
        parser.add_argument("--rules", metavar="TEXT", help="rules to use instead of the interception's own")
        parser.add_argument(
            "--param", action="append", default=[], metavar="NAME=VALUE", help="set an output parameter"
        )
        parser.add_argument("--model", metavar="ID", help="text model for the interception")
        parser.add_argument("--seed", type=int, metavar="N", help="same seed, same result; drawn if absent")
        parser.add_argument("--language", choices=["de", "en"], help="language of the rules")
        parser.add_argument("--out", type=Path, metavar="DIR", help="also copy the media here")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Run and print the texts and media."""
        engine = context.engine
        await engine.start()
        text = sys.stdin.read() if options.text == "-" else options.text
        settings = engine.settings
        parameters = dict(_parse_parameter(item) for item in options.param)
        request = RunRequest(
            text=text,
            interception_id=options.interception,
            outputs=tuple(OutputRequest(name, parameters) for name in options.output),
            rules=options.rules,
            language=options.language or context.messages.language,
            seed=options.seed,
            safety_level=settings.safety_level,
            model_ids={StageName.INTERCEPTION: options.model} if options.model else {},
            participant=settings.participant,
        )
        return await execute(request, context, options.out)


async def execute(request: RunRequest, context: Context, copy_to: Path | None = None) -> int:
    """Submit a request, report on stderr, print the result, and return the exit code."""
    engine = context.engine
    failures: list[RunFailed] = []
    unsubscribe = engine.bus.subscribe(lambda event: _report(event, context, failures))
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
        context.output.error(failures[0].error, context.messages)
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
            for entity in record.entities
            if entity.output_id and entity.type not in {"text", "record"}
        ],
    }


def _print(record: RunRecord, folder: Path, context: Context) -> None:
    output = context.output
    for stage in record.stages:
        if stage.text and stage.state == "done":
            output.answer(f"{context.messages.text(f'stage.{stage.name.value}')}: {stage.text}")
    for entity in record.entities:
        if entity.output_id and entity.type not in {"text", "record"}:
            output.answer(str(folder / entity.filename))
    output.answer(context.messages.text("cli.run_folder", folder=str(folder)))


def _report(event: Event, context: Context, failures: list[RunFailed]) -> None:
    messages = context.messages
    if isinstance(event, RunFailed):
        failures.append(event)
    elif isinstance(event, StageStarted) and event.model:
        context.output.note(f"{messages.text(f'stage.{event.stage.value}')} · {event.model} …")
    elif isinstance(event, StageSkipped):
        context.output.note(f"{messages.text(f'stage.{event.stage.value}')}: {messages.text(event.reason)}")
    elif isinstance(event, StageFinished) and event.ms:
        context.output.note(f"{messages.text(f'stage.{event.stage.value}')} · {event.ms / 1000:.1f} s")


def _copy_media(record: RunRecord, folder: Path, target: Path) -> None:
    with translated_errors(target):
        target.mkdir(parents=True, exist_ok=True)
        for entity in record.entities:
            if entity.output_id and entity.type not in {"text", "record"}:
                shutil.copy2(folder / entity.filename, target / f"{record.run_id}_{entity.filename}")


def _parse_parameter(item: str) -> tuple[str, ParameterValue]:
    name, separator, value = item.partition("=")
    if not separator or not name:
        raise ParameterError(name=item, value="", expected="NAME=VALUE")
    return name, value


COMMAND = RunCommand()
