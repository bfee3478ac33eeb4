"""The command line: the same engine without a window. Answers go to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import os
import signal
import sys
from collections.abc import Sequence

from ai4artsed_desktop import __version__
from ai4artsed_desktop.adapters.assembly import assemble
from ai4artsed_desktop.adapters.language_files import load_messages
from ai4artsed_desktop.adapters.logs import start_logging, stop_logging
from ai4artsed_desktop.adapters.paths import find_paths
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.headless.commands import find_commands
from ai4artsed_desktop.headless.context import EXIT_CANCELLED, EXIT_DONE, EXIT_FAILED, Context, Output


def run_command(arguments: Sequence[str]) -> int:
    """Carry out one command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 cancelled."""
    _use_utf8()
    try:
        arguments = _with_self_check(arguments)
        options = build_parser(arguments).parse_args(arguments)  # may read the idea from standard input
        start_logging(find_paths().log_file)
        code = asyncio.run(_run(options, Output(as_json=getattr(options, "json", False))))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return EXIT_CANCELLED
    except BrokenPipeError:
        _discard_output()
        return EXIT_DONE  # the reader has what it wanted (``| head -1``)
    finally:
        stop_logging()


def build_parser(arguments: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser; each command's file adds its own part. The arguments tell which command is enough."""
    parser = argparse.ArgumentParser(
        prog="ai4artsed",
        description="From an idea to pictures, sound and code art. Without arguments the window opens.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in find_commands(arguments):
        command.add_to(commands)
    return parser


async def _run(options: argparse.Namespace, output: Output) -> int:
    paths = find_paths()
    assembly = assemble(paths)
    messages = load_messages(paths.resources, assembly.engine.settings.language)
    context = Context(assembly.engine, paths, messages, output)
    (command,) = find_commands([options.command])
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl+C comes as KeyboardInterrupt there
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await assembly.end_leftovers()
        return await command.run(options, context)
    except AppError as exc:
        output.error(exc.info(), messages)
        return EXIT_FAILED
    except asyncio.CancelledError:
        output.note(messages.text("cli.cancelled"))
        output.json({"cancelled": True, "message": messages.text("cli.cancelled")})
        return EXIT_CANCELLED
    finally:
        await assembly.aclose()


def _with_self_check(arguments: Sequence[str]) -> list[str]:
    """``--self-check`` is an option of the program to its users, and a command like any other to us."""
    first, rest = arguments[:1], arguments[1:]
    return ["self-check", *rest] if "--self-check" in first else [*arguments]


def _use_utf8() -> None:
    """German text must come in and out whole on a Windows console or in a C locale."""
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=errors)


def _discard_output() -> None:
    """Send what is still buffered nowhere: Python would complain about the closed pipe at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
