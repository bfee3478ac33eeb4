"""``ai4artsed runs``: recorded runs, and doing one again."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ai4artsed_desktop.headless.commands.run import describe, execute
from ai4artsed_desktop.headless.context import EXIT_DONE, Context


class RunsCommand:
    """Lists, shows and repeats runs, and rebuilds their index."""

    name = "runs"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="recorded runs")
        actions = parser.add_subparsers(dest="action", required=True)
        listing = actions.add_parser("list", help="newest first")
        listing.add_argument("--limit", type=int, default=50, metavar="N")
        listing.add_argument("--search", default="", metavar="WORDS")
        show = actions.add_parser("show", help="one run")
        replay = actions.add_parser("replay", help="do a run again with the same seed, texts and parameters")
        replay.add_argument("--out", type=Path, metavar="DIR", help="also copy the media here")
        for action in (show, replay):
            action.add_argument("run_id", metavar="RUN_ID")
        rebuild = actions.add_parser("rebuild-index", help="make the index anew from the run folders")
        for action in (listing, show, replay, rebuild):
            action.add_argument("--json", action="store_true", help="print JSON")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Carry out the action."""
        engine, output = context.engine, context.output
        match options.action:
            case "list":
                rows = [asdict(row) for row in await engine.runs.list_runs(options.limit, options.search)]
                output.json(rows)
                for row in rows:
                    text = " ".join(row["text"].split())
                    output.answer(f"{row['run_id']}  {row['state']:<11} {row['interception_id']:<20} {text[:60]}")
            case "show":
                record = await engine.record(options.run_id)
                folder = await engine.store.folder_of(options.run_id)
                output.json(record.model_dump(mode="json"))
                for stage in describe(record, folder)["stages"]:
                    output.answer(f"{stage['name']} ({stage['state']}): {stage['text']}")
                for entity in record.entities:
                    output.answer(f"{folder / entity.filename}")
                if record.gpu_energy_wh is not None:
                    output.answer(context.messages.text("gpu.energy.run", watt_hours=f"{record.gpu_energy_wh:.2f}"))
            case "replay":
                await engine.start()
                return await self._replay(options, context)
            case _:
                count = await engine.store.rebuild_index()
                output.json({"runs": count})
                output.answer(context.messages.text("cli.index_rebuilt", count=count))
        return EXIT_DONE

    async def _replay(self, options: argparse.Namespace, context: Context) -> int:
        record = await context.engine.record(options.run_id)
        now = context.engine.catalog.interception(record.interception_id).digest
        if now != record.interception_digest:
            context.output.note(context.messages.text("cli.config_changed"))
        return await execute(await context.engine.runs.request_of(record.run_id), context, options.out)


COMMAND = RunsCommand()
