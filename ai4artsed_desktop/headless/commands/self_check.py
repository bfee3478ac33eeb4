"""``ai4artsed --self-check``: what the registries hold; fails if one is empty."""

from __future__ import annotations

import argparse
from typing import Any

from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.engine.steps import discover_output_steps
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context


class SelfCheckCommand:
    """Counts what discovery found."""

    name = "self-check"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name, help="print registry counts (also --self-check)"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print the counts."""
        await context.engine.reload_catalog()
        catalog = context.engine.catalog
        counts = {
            "interceptions": len(catalog.interceptions),
            "outputs": len(catalog.outputs),
            "pipelines": len(catalog.pipelines),
            "chunks": len(catalog.chunks),
            "procedures": len(discover_procedures()),
            "output_steps": len(discover_output_steps()),
            "languages": len(context.messages.languages),
        }
        context.output.json({**counts, "errors": len(catalog.errors)})
        for name, count in counts.items():
            context.output.answer(f"{name}: {count}")
        for problem in catalog.errors:
            context.output.note(f"{problem.path}: {context.messages.text(problem.code, **problem.params)}")
        return EXIT_DONE if all(counts.values()) and not catalog.errors else EXIT_FAILED


COMMAND = SelfCheckCommand()
