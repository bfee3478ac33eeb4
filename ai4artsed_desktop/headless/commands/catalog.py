"""``ai4artsed catalog check``: every config, pipeline and chunk validated together."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.catalog_files import CatalogFiles, looks_foreign, read_file, walk
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.catalog import CatalogFile, Origin
from ai4artsed_desktop.engine.catalog_reader import read_catalog
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context


class CatalogCommand:
    """Checks catalogue files; never runs one."""

    name = "catalog"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="check configs, pipelines and chunks")
        actions = parser.add_subparsers(dest="action", required=True)
        check = actions.add_parser("check", help="validate everything together; exit code 1 if there are errors")
        check.add_argument(
            "path", nargs="?", type=Path, metavar="PATH", help="a folder; absent = what the program uses"
        )
        check.add_argument("--foreign", action="store_true", help="read PATH tolerantly: unknown keys are notes")
        check.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print every problem with its file and reason."""
        files = await self._files(options, context)
        catalog = await asyncio.to_thread(read_catalog, files, procedures=discover_procedures())
        paths = {file.path for file in files if options.path is None or file.origin != "shipped"}
        rows = [
            {
                "path": problem.path,
                "severity": problem.severity,
                "code": problem.code,
                "message": context.messages.text(problem.code, **problem.params),
            }
            for problem in catalog.problems
            if problem.path in paths
        ]
        errors = sum(row["severity"] == "error" for row in rows)
        context.output.json({"files": len(paths), "errors": errors, "problems": rows})
        for row in rows:
            context.output.answer(
                f"{row['path']}: {context.messages.text('catalog.' + row['severity'])}: {row['message']}"
            )
        context.output.answer(context.messages.text("catalog.summary", files=len(paths), errors=errors))
        return EXIT_FAILED if errors else EXIT_DONE

    async def _files(self, options: argparse.Namespace, context: Context) -> list[CatalogFile]:
        source = CatalogFiles(context.paths)
        if options.path is None:
            return list(await source.read(context.engine.settings))
        folder: Path = options.path
        if not await asyncio.to_thread(folder.is_dir):
            raise StorageError("no such folder", path=str(folder))
        origin: Origin = "foreign" if options.foreign or looks_foreign(folder) else "user"
        # The shipped catalogue stands below, so that references to it resolve; its own problems are not this folder's.
        shipped = [f for f in await source.read(Settings()) if f.origin == "shipped"]
        found = await asyncio.to_thread(lambda: [read_file(path, folder, origin) for path in walk(folder)])
        return [*shipped, *found]


COMMAND = CatalogCommand()
