"""The guided set-up: installs a service through its official installer, with live log, progress and cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ai4artsed_desktop.domain.errors import AppError, ErrorInfo, UnknownEntryError
from ai4artsed_desktop.domain.services import (
    ServiceInstall,
    ServiceLogGrew,
    SetupEnded,
    SetupError,
    SetupOfflineError,
    SetupProgressed,
)
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.service_log import ServiceLog
from ai4artsed_desktop.engine.tasks import TaskScope

#: Log lines are announced under this name and the service's: ``setup:comfyui``.
LOG_PREFIX = "setup:"

_BATCH_S = 0.05


@dataclass(frozen=True, slots=True)
class SetupStep:
    """One step: its name in the language files, and the work.

    ``run`` gives each line that is written to its argument and raises SetupError when the step fails; cancelling it
    ends everything it started.
    """

    key: str
    run: Callable[[Callable[[str], None]], Awaitable[None]]


class ServiceInstaller(Protocol):
    """Installs one service."""

    @property
    def title(self) -> str:
        """What people call the service."""
        ...

    async def check(self, folder: Path) -> None:
        """Look whether it can work: folder, free disk, tools. Raises SetupError."""
        ...

    def steps(self, folder: Path) -> Sequence[SetupStep]:
        """Return the steps in order."""
        ...

    async def result(self, folder: Path) -> ServiceInstall:
        """Return what was installed. Raises SetupError if nothing usable came of it."""
        ...


class ServiceSetup:
    """Runs installers, one at a time per service."""

    def __init__(
        self, bus: EventBus, installers: Mapping[str, ServiceInstaller], is_local_only: Callable[[], bool]
    ) -> None:
        self._bus = bus
        self._installers = installers
        self._is_local_only = is_local_only
        self._scope = TaskScope("setup")
        self._tasks: dict[str, asyncio.Task[ServiceInstall]] = {}
        self._logs = {name: ServiceLog() for name in installers}
        self._is_announcing = False

    @property
    def names(self) -> tuple[str, ...]:
        """What can be installed."""
        return tuple(self._installers)

    def log(self, name: str) -> ServiceLog:
        """Return an installation's log. Raises UnknownEntryError."""
        if name not in self._logs:
            raise UnknownEntryError(kind="service", id=name)
        return self._logs[name]

    def start(self, name: str, folder: Path) -> None:
        """Begin; one that is under way goes on. Raises UnknownEntryError, SetupOfflineError."""
        self.log(name)
        if self._is_local_only():
            raise SetupOfflineError(backend=self._installers[name].title)
        if name not in self._tasks:
            self._tasks[name] = self._scope.spawn(
                self._install(name, folder), name=name, on_done=lambda task: self._ended(name, task)
            )

    def cancel(self, name: str) -> None:
        """Stop an installation with everything it started."""
        if (task := self._tasks.get(name)) is not None:
            task.cancel()

    async def aclose(self) -> None:
        """Stop every installation."""
        await self._scope.aclose()

    async def _install(self, name: str, folder: Path) -> ServiceInstall:
        installer, log = self._installers[name], self._logs[name]
        await installer.check(folder)
        steps = installer.steps(folder)
        for number, step in enumerate(steps, start=1):
            self._bus.publish(SetupProgressed(name, step.key, number, len(steps)))
            try:
                await step.run(lambda line: self._hear(name, log, line))
            except SetupError as exc:
                exc.detail = log.tail() or exc.detail
                raise
            finally:
                log.end_bar()
                self._announce(name, log)
        return await installer.result(folder)

    def _hear(self, name: str, log: ServiceLog, line: str) -> None:
        if not self._is_announcing:
            self._is_announcing = True
            asyncio.get_running_loop().call_later(_BATCH_S, self._announce, name, log)
        log.add(line)

    def _announce(self, name: str, log: ServiceLog) -> None:
        self._is_announcing = False
        if lines := log.take_new():
            self._bus.publish(ServiceLogGrew(LOG_PREFIX + name, lines))

    def _ended(self, name: str, task: asyncio.Task[ServiceInstall]) -> None:
        del self._tasks[name]
        if task.cancelled():
            self._bus.publish(SetupEnded(name, is_cancelled=True))
        elif (error := task.exception()) is not None:
            info = error.info() if isinstance(error, AppError) else ErrorInfo(AppError.code, {}, repr(error))
            self._bus.publish(SetupEnded(name, error=info))
        else:
            self._bus.publish(SetupEnded(name, install=task.result()))
