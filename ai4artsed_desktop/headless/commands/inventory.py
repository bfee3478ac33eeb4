"""``ai4artsed inventory``: the model files that outputs need, where they are, and what is missing."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.domain.events import DownloadEnded, DownloadProgressed, Event
from ai4artsed_desktop.engine.inventory import ImportCandidate, InventoryReport, Need
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context

_MARKS = {"here": "●", "misplaced": "◐", "missing": "○"}


class InventoryCommand:
    """Looks, and on request moves and imports."""

    name = "inventory"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name, help="model files that outputs need: here, in the wrong place, or missing"
        )
        parser.add_argument("output", nargs="?", metavar="OUTPUT_CONFIG", help="only the files of this output")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--move", type=Path, metavar="FILE", help="move a misplaced file to where it belongs")
        action.add_argument(
            "--import", dest="source", type=Path, metavar="PATH", help="copy what is missing from a folder or a stick"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print the inventory, after what was asked for; exit code 1 if an import failed."""
        engine = context.engine
        await engine.reload_catalog()
        if options.output is not None:
            engine.catalog.output(options.output)
        done: dict[str, Any] = {}
        errors: list[ErrorInfo] = []
        if options.move is not None:
            moved = await engine.inventory.move(options.move.absolute())
            done = {"moved": str(moved)}
            context.output.answer(context.messages.text("cli.inventory.moved", path=str(moved)))
        elif options.source is not None:
            imported, errors = await self._import(options.source.absolute(), context)
            done = {"imported": imported}
        report = await engine.inventory.look()
        needs = report.needs if options.output is None else report.of_output(options.output)
        context.output.json(
            done | ({"errors": [error.code for error in errors]} if errors else {}) | describe(report, needs)
        )
        self._print(report, needs, context)
        return EXIT_FAILED if errors else EXIT_DONE

    async def _import(self, source: Path, context: Context) -> tuple[list[str], list[ErrorInfo]]:
        """Copy every file that is missing, one after the other; return names and errors."""
        inventory, messages = context.engine.inventory, context.messages
        imported: list[str] = []
        errors: list[ErrorInfo] = []
        for candidate in await inventory.candidates(source):
            if not candidate.is_needed:
                continue
            context.output.note(messages.text("cli.inventory.importing", name=candidate.name, path=candidate.folder))
            error = await self._import_one(candidate, context)
            if error is None:
                imported.append(candidate.name)
            else:
                errors.append(error)
                context.output.note(str(messages.error(error)))
        if not imported and not errors:
            context.output.note(messages.text("cli.inventory.nothing", path=str(source)))
        return imported, errors

    async def _import_one(self, candidate: ImportCandidate, context: Context) -> ErrorInfo | None:
        ended: asyncio.Future[DownloadEnded] = asyncio.get_running_loop().create_future()
        shown = -1

        def hear(event: Event) -> None:
            nonlocal shown
            if isinstance(event, DownloadEnded) and event.name == candidate.name and not ended.done():
                ended.set_result(event)
            elif isinstance(event, DownloadProgressed) and event.name == candidate.name and event.total_bytes:
                percent = 100 * event.done_bytes // event.total_bytes
                if percent // 10 > shown // 10:
                    shown = percent
                    context.output.note(f"{percent} %")

        unsubscribe = context.engine.bus.subscribe(hear)
        try:
            await context.engine.inventory.start_import(candidate)
            return (await ended).error
        finally:
            context.engine.inventory.cancel_import(candidate.name)
            unsubscribe()

    def _print(self, report: InventoryReport, needs: tuple[Need, ...], context: Context) -> None:
        messages, output = context.messages, context.output
        for root in report.roots:
            output.answer(messages.text("cli.inventory.folder", path=str(root)))
        if not report.roots:
            output.answer(messages.text("cli.inventory.no_folder"))
        for need in needs:
            file = need.file
            size = f"{file.size_gb:.1f} GB" if file.size_gb is not None else "?"
            said = messages.text(f"cli.inventory.{need.state}", path=str(need.path or ""), source=file.source or "–")
            output.answer(f"{_MARKS[need.state]} {file.folder}/{file.name} · {size} · {said}")
        for stray in report.misplaced:
            output.answer(messages.text("cli.inventory.stray", path=str(stray.path), folder=stray.kind))
        missing = sum(need.file.size_gb or 0.0 for need in needs if need.state == "missing")
        output.answer(messages.text("cli.inventory.sum", gb=f"{missing:.1f}"))


def describe(report: InventoryReport, needs: tuple[Need, ...]) -> dict[str, Any]:
    """Return the inventory as the JSON object of ``inventory --json``."""
    return {
        "folders": [str(root) for root in report.roots],
        "server": report.has_server,
        "files": [
            {
                "name": need.file.name,
                "folder": need.file.folder,
                "state": need.state,
                "path": str(need.path) if need.path is not None else None,
                "size_gb": need.file.size_gb,
                "source": need.file.source,
                "licence": need.file.licence,
                "outputs": list(need.outputs),
            }
            for need in needs
        ],
        "misplaced": [
            {"path": str(file.path), "folder": file.folder, "belongs_in": file.kind, "size_bytes": file.size_bytes}
            for file in report.misplaced
        ],
    }


COMMAND = InventoryCommand()
