"""``ai4artsed catalog check``: every config, pipeline and chunk validated together."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.catalog_files import CatalogFiles, looks_foreign, read_file, walk
from ai4artsed_desktop.adapters.object_info_file import read_object_info
from ai4artsed_desktop.domain.chunks import OutputChunk
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.object_info import NO_FILE
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.catalog import Catalog, CatalogFile, CatalogProblem, Origin
from ai4artsed_desktop.engine.catalog_reader import read_catalog
from ai4artsed_desktop.engine.graphs import graph_issues
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
        check.add_argument(
            "--object-info", type=Path, metavar="FILE", help="a ComfyUI server's /object_info: also check every graph"
        )
        check.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print every problem with its file and reason."""
        files = await self._files(options, context)
        catalog = await asyncio.to_thread(read_catalog, files, procedures=discover_procedures())
        paths = {file.path for file in files if options.path is None or file.origin != "shipped"}
        problems = list(catalog.problems)
        if options.object_info is not None:
            problems += await asyncio.to_thread(_graph_problems, catalog, options.object_info)
        rows = [
            {
                "path": problem.path,
                "severity": problem.severity,
                "code": problem.code,
                "message": context.messages.text(problem.code, **problem.params),
            }
            for problem in problems
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


def _graph_problems(catalog: Catalog, object_info: Path) -> list[CatalogProblem]:
    """Return what the described server would refuse of each chunk's graph; files it does not list are only notes."""
    nodes = read_object_info(object_info)
    found: list[CatalogProblem] = []
    for entry in catalog.chunks.values():
        if isinstance(entry.value, OutputChunk):
            for issue in graph_issues(entry.value, nodes):
                severity = "note" if issue.code == NO_FILE else issue.severity
                found.append(CatalogProblem(entry.path, issue.code, issue.params, severity))
    return found


COMMAND = CatalogCommand()
