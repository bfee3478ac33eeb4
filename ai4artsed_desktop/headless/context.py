"""What every command gets: the engine, the words, and where to say what."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.domain.errors import ErrorInfo
from ai4artsed_desktop.engine.engine import Engine
from ai4artsed_desktop.engine.messages import Messages

EXIT_DONE = 0
EXIT_FAILED = 1
#: Wrong usage, as argparse has it.
EXIT_USAGE = 2
#: What shells use for a program ended by Ctrl+C (128 + SIGINT).
EXIT_CANCELLED = 130


@dataclass(slots=True)
class Output:
    """Answers on stdout, remarks on stderr, so that ``--json`` output is one JSON value and nothing else."""

    as_json: bool = False

    def answer(self, text: str) -> None:
        """Print one line of the answer for people; silent with ``--json``."""
        if not self.as_json:
            print(text)

    def json(self, value: Any) -> None:
        """Print the one JSON value of ``--json``; silent without."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=False, indent=2))

    def note(self, text: str) -> None:
        """Print a remark."""
        print(text, file=sys.stderr)

    def error(self, error: ErrorInfo, messages: Messages, **facts: str) -> None:
        """Print an error: what, why and what to do, and with ``--json`` also as the answer, beside ``facts``."""
        text = messages.error(error)
        self.note(str(text))
        if error.detail:
            self.note("  " + error.detail.strip().replace("\n", "\n  "))
        self.json({**facts, "error": {**asdict(error), "message": str(text)}})


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a command may use."""

    engine: Engine
    paths: AppPaths
    messages: Messages
    output: Output


class Command(Protocol):
    """One command of the command line; one file in ``headless/commands`` each, named ``COMMAND`` there."""

    @property
    def name(self) -> str:
        """What is typed."""
        ...

    def add_to(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:  # pyright: ignore[reportPrivateUsage] - argparse offers no public name for it
        """Add the command's parser."""
        ...

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Carry it out and return the exit code. Raises AppError."""
        ...
