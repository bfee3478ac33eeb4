"""``ai4artsed lens``: one idea through up to six interceptions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ai4artsed_desktop.domain.errors import TooManyLensesError, UnknownEntryError
from ai4artsed_desktop.domain.events import Event, RunStarted
from ai4artsed_desktop.domain.runs import RunRequest
from ai4artsed_desktop.domain.text import localized
from ai4artsed_desktop.engine.lens import LensResult, lens_requests, run_lenses
from ai4artsed_desktop.headless.commands.run import read_idea
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, Context


class LensCommand:
    """Compares interceptions."""

    name = "lens"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name, help="transform one idea by up to six interceptions, to compare them"
        )
        parser.add_argument("text", metavar="TEXT", type=read_idea, help="the idea; - reads it from standard input")
        parser.add_argument(
            "--with",
            dest="lenses",
            required=True,
            metavar="ID,ID,…",
            type=_ids,
            help="see: ai4artsed list interception",
        )
        parser.add_argument("--seed", type=int, metavar="N", help="one seed for all; drawn if absent")
        parser.add_argument("--send-names", action="store_true", help="persons' names may leave the machine")
        parser.add_argument("--json", action="store_true", help="print one JSON array, in the order of the IDs")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Run all and print each text; 1 if any failed, 2 if an ID is unknown or there are too many."""
        engine, settings = context.engine, context.engine.settings
        await engine.start()
        idea = RunRequest(
            options.text,
            "",
            language=context.messages.language,
            seed=options.seed,
            safety_level=settings.safety_level,
            participant=settings.participant,
            may_name_persons=options.send_names,
        )
        try:
            requests = lens_requests(idea, options.lenses, engine.catalog)
        except (UnknownEntryError, TooManyLensesError) as exc:
            context.output.error(exc.info(), context.messages)
            return EXIT_USAGE
        unsubscribe = engine.bus.subscribe(_Report(context, options.lenses).on_event)
        try:
            results = await run_lenses(engine.runs, requests)
        finally:
            unsubscribe()
        context.output.json([_described(result, context) for result in results])
        for result in results:
            _print(result, context)
        return EXIT_FAILED if any(result.error for result in results) else EXIT_DONE


def _ids(argument: str) -> list[str]:
    return [name.strip() for name in argument.split(",") if name.strip()]


def _described(result: LensResult, context: Context) -> dict[str, Any]:
    said: dict[str, Any] = {
        "interception": result.interception_id,
        "text": result.text,
        "model": result.model,
        "ms": result.ms,
    }
    if result.error is not None:
        said["error"] = {**asdict(result.error), "message": str(context.messages.error(result.error))}
    return said


def _print(result: LensResult, context: Context) -> None:
    messages, output = context.messages, context.output
    config = context.engine.catalog.interception(result.interception_id).value
    output.answer(f"{localized(config.name, messages.language)} ({result.interception_id})")
    if result.error is None:
        output.answer(f"  {result.text}\n")
    else:
        output.answer(f"  – {messages.error(result.error)}\n")


class _Report:
    """Says on stderr which lens is at work."""

    def __init__(self, context: Context, lenses: Sequence[str]) -> None:
        self._context = context
        self._lenses = lenses
        self._begun = 0

    def on_event(self, event: Event) -> None:
        """Take in what happened; runs begin in the order of the lenses."""
        if isinstance(event, RunStarted):
            name, self._begun = self._lenses[self._begun], self._begun + 1
            words = self._context.messages.text("lens.at_work", name=name, number=self._begun, count=len(self._lenses))
            self._context.output.note(words)


COMMAND = LensCommand()
