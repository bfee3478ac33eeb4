"""``ai4artsed services``: the servers beside the program, seen, started and stopped."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from ai4artsed_desktop.adapters.services.service_registry import service_names
from ai4artsed_desktop.domain.errors import AppError, ErrorInfo
from ai4artsed_desktop.domain.services import ServiceState, ServiceView
from ai4artsed_desktop.headless.context import EXIT_DONE, EXIT_FAILED, Context

_ABOUT_START = """Start a service and return when it is ready. It goes on when the command has ended and is remembered,
so that `services stop`, `run` and the window find it. Without this a run starts what it needs, and ends it with itself.
"""


class ServicesCommand:
    """Shows, starts and stops services."""

    name = "services"

    def add_to(self, commands: Any) -> None:
        """Add the command's parser."""
        parser: argparse.ArgumentParser = commands.add_parser(
            self.name, help="ComfyUI, SwarmUI, Ollama: see, start, stop"
        )
        actions = parser.add_subparsers(dest="action", required=True)
        status = actions.add_parser("status", help="what runs, and what is installed")
        start = actions.add_parser("start", help="start a service to stay", description=_ABOUT_START)
        stop = actions.add_parser("stop", help="stop a service that this program started")
        names = service_names()
        status.add_argument("service", metavar="NAME", nargs="?", choices=names, help=", ".join(names))
        for action in (start, stop):
            action.add_argument("service", metavar="NAME", choices=names, help=", ".join(names))
        for action in (status, start, stop):
            action.add_argument("--json", action="store_true", help="print JSON")

    async def run(self, options: argparse.Namespace, context: Context) -> int:
        """Carry out the action; exit code 1 if the service is not what was asked for."""
        services, output = context.engine.services, context.output
        views = await services.refresh()
        if options.action == "status":
            shown = [view for view in views if options.service in (None, view.name)]
            output.json([describe(view, context) for view in shown])
            for view in shown:
                _print(view, context)
            return EXIT_DONE
        name: str = options.service
        if options.action == "start":
            services.start(name, is_detached=True)
            if not services.view(name).is_usable:
                starting = context.messages.text(f"service.state.{ServiceState.STARTING.value}")
                output.note(f"{services.view(name).title}: {starting} …")
            view = await services.settled(name)
            is_done = view.is_usable
        else:
            services.stop(name)
            view = await services.settled(name)
            is_done = view.state is ServiceState.STOPPED
        return _tell(view, is_done, context)


def _tell(view: ServiceView, is_done: bool, context: Context) -> int:
    if is_done:
        context.output.json(describe(view, context))
        _print(view, context)
        return EXIT_DONE
    error = view.last_error or ErrorInfo(AppError.code, {}, str(view.state))
    context.output.error(error, context.messages, name=view.name, state=view.state.value)
    return EXIT_FAILED


def describe(view: ServiceView, context: Context) -> dict[str, Any]:
    """Return a service as JSON data; sizes in bytes, times in seconds."""
    error = view.last_error
    return {
        "name": view.name,
        "title": view.title,
        "state": view.state.value,
        "address": view.address,
        "port": view.port,
        "pid": view.pid,
        "memory_bytes": view.memory_bytes,
        "uptime_s": None if view.uptime_s is None else round(view.uptime_s, 1),
        "is_ready": view.is_usable,
        "is_detached": view.is_detached,
        "restarts": view.restarts,
        "install": None if view.install is None else asdict(view.install),
        "facts": dict(view.facts),
        "note": None if view.note is None else context.messages.text(view.note.key, **view.note.params),
        "last_error": None if error is None else {**asdict(error), "message": str(context.messages.error(error))},
        "log_path": view.log_path,
    }


def _print(view: ServiceView, context: Context) -> None:
    messages = context.messages
    row = describe(view, context)
    where = view.address if view.state is not ServiceState.STOPPED else ""
    pid = f"pid {view.pid}" if view.pid is not None else ""
    state = messages.text(f"service.state.{view.state.value}")
    context.output.answer("  ".join(part for part in (f"{view.title:<10}", f"{state:<24}", where, pid) if part))
    if view.install is not None:
        context.output.answer(f"    {view.install.folder}")
    elif view.state is ServiceState.STOPPED:
        context.output.answer(f"    {messages.text('service.no_install')}")
    for remark in (row["note"], row["last_error"] and row["last_error"]["message"]):
        if remark:
            context.output.answer(f"    {remark}")


COMMAND = ServicesCommand()
