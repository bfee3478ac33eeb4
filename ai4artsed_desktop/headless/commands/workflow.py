"""``ai4artsed workflow import``: a ComfyUI workflow of one's own becomes an output."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.object_info_file import read_object_info
from ai4artsed_desktop.adapters.storage.atomic import translated_errors
from ai4artsed_desktop.domain.workflow_import import WorkflowRoles, without
from ai4artsed_desktop.headless.context import EXIT_DONE, Context


class WorkflowCommand:
    """Brings workflows in."""

    name = "workflow"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="ComfyUI workflows of one's own")
        actions = parser.add_subparsers(dest="action", required=True)
        bring = actions.add_parser("import", help="a JSON file, or a picture or sound that carries a workflow")
        bring.add_argument("file", type=Path, metavar="FILE")
        bring.add_argument("--name", metavar="TITLE", help="what to call it; else the file's name")
        bring.add_argument(
            "--without", action="append", default=[], metavar="PARAMETER", help="leave out what was found wrongly"
        )
        bring.add_argument(
            "--object-info", type=Path, metavar="FILE", help="a server's /object_info, for workflows not in API format"
        )
        bring.add_argument("--dry-run", action="store_true", help="only show what was found")
        bring.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Show what was found and, without ``--dry-run``, save it as chunk and config."""
        workflows = context.engine.workflows
        with translated_errors(options.file):
            data = await asyncio.to_thread(options.file.read_bytes)
        nodes = await asyncio.to_thread(read_object_info, options.object_info) if options.object_info else None
        found = await workflows.read(data, options.file.name, nodes)
        answer = _describe(without(found.roles, options.without))
        if not options.dry_run:
            await context.engine.reload_catalog()
            added = await workflows.save(found, options.name or found.title, options.without)
            answer |= {"id": added.config_id, "chunk": str(added.chunk_path), "config": str(added.config_path)}
        context.output.json(answer)
        for parameter in answer["parameters"]:
            context.output.answer(f"{parameter['name']}: {parameter['value']}  ({', '.join(parameter['places'])})")
        if "id" in answer:
            context.output.answer(context.messages.text("cli.workflow_saved", id=answer["id"], path=answer["config"]))
        return EXIT_DONE


def _describe(roles: WorkflowRoles) -> dict[str, Any]:
    return {
        "media_type": roles.media_type,
        "parameters": [
            {
                "name": role.name,
                "value": role.value,
                "places": [f"{place.node_id}.{place.name}" for place in role.places],
            }
            for role in roles.roles
        ],
        "output_nodes": list(roles.output_nodes),
        "lora_points": len(roles.lora_points),
    }


COMMAND = WorkflowCommand()
