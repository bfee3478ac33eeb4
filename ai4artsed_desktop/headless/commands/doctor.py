"""``ai4artsed doctor``: what is here, what is missing, what that disables, and how to get it."""

from __future__ import annotations

import argparse
from typing import Any

from ai4artsed_desktop.adapters.inspection import Finding, inspect
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context


class DoctorCommand:
    """Looks at the machine."""

    name = "doctor"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="what is here, and what is missing")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print the findings; exit code 1 if something that everyone needs is missing."""
        await context.engine.reload_catalog()
        findings = await inspect(context.engine, context.paths)
        context.output.json({"findings": [describe(finding, context) for finding in findings]})
        for finding in findings:
            row = describe(finding, context)
            mark = {"ok": "✓", "missing": "✗", "note": "·"}[finding.state]
            context.output.answer(f"{mark} {row['name']}: {row['value']}")
            for part in ("disables", "remedy"):
                if row[part]:
                    context.output.answer(f"    {row[part]}")
        return EXIT_FAILED if any(f.state == "missing" and f.is_essential for f in findings) else EXIT_DONE


def describe(finding: Finding, context: Context) -> dict[str, Any]:
    """Return a finding in the person's words."""
    messages = context.messages

    def text(part: str) -> str:
        key = f"doctor.{finding.id}.{part}"
        return messages.text(key, **finding.params) if finding.state == "missing" and messages.has(key) else ""

    return {
        "id": finding.id,
        "name": messages.text(f"doctor.{finding.id}.name"),
        "state": finding.state,
        "value": messages.text(finding.value, **finding.params),
        "disables": text("disables"),
        "remedy": text("remedy"),
    }


COMMAND = DoctorCommand()
