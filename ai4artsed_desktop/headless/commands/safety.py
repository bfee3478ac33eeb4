"""``ai4artsed safety check``: would the gate let this text pass? Works without any model."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.runs import SafetyLevel
from ai4artsed_desktop.domain.safety.verdicts import LEVELS, NamedPerson, Verdict
from ai4artsed_desktop.engine.messages import Messages
from ai4artsed_desktop.headless.commands.run import read_idea
from ai4artsed_desktop.headless.context import Context

#: pass, block, unavailable (issue 4, item 8).
EXIT_CODES = {"pass": 0, "block": 1, "unavailable": 2}


class SafetyCommand:
    """Asks the safety gate."""

    name = "safety"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(self.name, help="ask the safety gate")
        actions = parser.add_subparsers(dest="action", required=True)
        check = actions.add_parser("check", help="exit code 0 pass, 1 block, 2 unavailable")
        check.add_argument("text", metavar="TEXT", type=read_idea, help="- reads it from standard input")
        check.add_argument("--level", required=True, choices=LEVELS)
        check.add_argument("--json", action="store_true", help="print one JSON object")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Print the verdict and its reasons; what goes wrong on the way is "unavailable", never a verdict."""
        messages = context.messages
        try:
            verdict = await context.engine.safety.check((options.text,), options.level)
            names = await context.engine.safety.names((options.text,))
        except AppError as exc:
            return self._not_checked(exc, options.level, context)
        context.output.json(describe(verdict, names, messages))
        level = messages.text(f"safety.level.{verdict.level}")
        context.output.answer(messages.text(f"safety.verdict.{verdict.verdict}", level=level))
        for line in reasons_of(verdict, names, messages):
            context.output.answer(f"  {line}")
        for finding in verdict.found:
            category = messages.text(f"safety.category.{finding.category.value}")
            context.output.answer(f"  {finding.start}–{finding.end}: {finding.text} ({category})")
        return EXIT_CODES[verdict.verdict]

    def _not_checked(self, error: AppError, level: SafetyLevel, context: Context) -> int:
        """Say why there is no verdict, in the shape of one."""
        reason = str(context.messages.error(error.info()))
        verdict = Verdict("unavailable", level)
        shape = {**describe(verdict, (), context.messages), "reasons": [reason], "reason_codes": [error.code]}
        context.output.json({**shape, "error": {**asdict(error.info()), "message": reason}})
        context.output.note(reason)
        return EXIT_CODES["unavailable"]


def describe(verdict: Verdict, names: tuple[NamedPerson, ...], messages: Messages) -> dict[str, Any]:
    """Return a verdict as the JSON that strangers read; places are counted in characters of the text as given."""
    category = verdict.found[0].category.value if verdict.found else ""
    key = f"safety.suggestion.{category or 'other'}"
    return {
        "verdict": verdict.verdict,
        "level": verdict.level,
        "reasons": reasons_of(verdict, names, messages),
        "reason_codes": [reason.key for reason in verdict.reasons],
        "found": [asdict(finding) for finding in verdict.found],
        "cleared": [asdict(finding) for finding in verdict.cleared],
        "language": verdict.language,
        "model": verdict.model or None,
        "names": [asdict(name) for name in names],
        "suggestion": "" if verdict.verdict == "pass" else messages.text(key),
    }


def reasons_of(verdict: Verdict, names: tuple[NamedPerson, ...], messages: Messages) -> list[str]:
    """Return the reasons in the person's words, with a notice of persons' names."""
    reasons = [messages.text(reason.key, **reason.params) for reason in verdict.reasons]
    if names:
        shown = ", ".join(dict.fromkeys(name.text for name in names))
        reasons.append(messages.text("safety.notice.names", names=shown))
    return reasons


COMMAND = SafetyCommand()
