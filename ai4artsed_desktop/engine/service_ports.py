"""What the supervisor needs from the outside: drivers that know one service, a host that runs processes, a clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.services import ServiceInstall

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Health:
    """What a service says of itself.

    Attributes:
        state: ``absent`` = nobody answers, or somebody else does; ``loading`` = it answers but cannot work yet.
        note: What is to be known beside that.
    """

    state: Literal["absent", "loading", "ready"]
    note: Reason | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class StartCommand:
    """How a service is started; ``env`` is added to our own environment, None as a value takes a variable out."""

    argv: Sequence[str]
    cwd: Path | None = None
    env: Mapping[str, str | None] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """What the settings say about all services; see domain/settings.py."""

    auto_start: bool = True
    startup_timeout_s: float = 180.0
    health_interval_s: float = 2.0


class ServiceDriver(Protocol):
    """One kind of service."""

    @property
    def name(self) -> str:
        """What is typed and stored, such as ``comfyui``."""
        ...

    @property
    def title(self) -> str:
        """What people call it."""
        ...

    @property
    def quit_grace_s(self) -> float:
        """How long its own way of ending may take before TERM."""
        ...

    def address(self) -> str:
        """Return where the settings say it is: looked for there first, started there if the port is free."""
        ...

    def installs(self) -> Sequence[ServiceInstall]:
        """Return what could be started, the best first; blocks on the disk."""
        ...

    def usual_addresses(self) -> Sequence[str]:
        """Return where such servers mostly answer, for the guided set-up."""
        ...

    def command(self, install: ServiceInstall, port: int) -> StartCommand:
        """Return how to start it on 127.0.0.1 and this port; blocks on the disk."""
        ...

    async def health(self, address: str) -> Health:
        """Ask the server. Never raises for a bad answer; takes a few seconds at most."""
        ...

    async def quit(self, address: str, process: ServiceProcess) -> bool:
        """Ask it to end in its own way and return whether that was possible; the caller waits for the end."""
        ...

    def port_in(self, line: str) -> int | None:
        """Return the port that a log line tells if it is not the one that was asked for, else None."""
        ...


class ServiceProcess(Protocol):
    """A running service of ours."""

    @property
    def pid(self) -> int:
        """Its main process."""
        ...

    @property
    def is_detached(self) -> bool:
        """Whether it goes on when the program ends."""
        ...

    @property
    def returncode(self) -> int | None:
        """Exit code, None while it runs; minus a signal's number; -1 if it is unknown."""
        ...

    def lines(self, stream: Stream) -> AsyncGenerator[str, None]:
        """Yield what it writes, for life."""
        ...

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        ...

    async def will_stop(self) -> None:
        """Let other programs of ours know that its end is wanted, so that none brings it back."""
        ...

    async def was_ended_by_order(self) -> bool:
        """Tell whether another program of ours was told to end it."""
        ...

    def interrupt(self) -> bool:
        """Send what Ctrl+C sends; return False where that is impossible."""
        ...

    async def stop(self, grace_s: float) -> None:
        """TERM to the whole tree, after ``grace_s`` KILL; returns when all of it is gone."""
        ...

    async def release(self) -> None:
        """Let go of a detached one without ending it."""
        ...

    async def memory_bytes(self) -> int | None:
        """Return the resident memory of the whole tree, None = unknown."""
        ...

    async def age_s(self) -> float:
        """Return how long it has been running."""
        ...


@dataclass(frozen=True, slots=True)
class Running:
    """A service process that the ledger knows.

    Attributes:
        process: None if another program of ours, which still runs, owns it.
    """

    address: str
    pid: int
    process: ServiceProcess | None


class ServiceHost(Protocol):
    """Runs the processes of services and keeps their logs."""

    async def spawn(self, name: str, command: StartCommand, port: int, *, is_detached: bool) -> ServiceProcess:
        """Start it. A cancelled call leaves no process. Raises OSError if the program cannot be run."""
        ...

    async def find_running(self, name: str) -> Running | None:
        """Return the living process of this name that a program of ours started, adopted if it was to stay.

        What a crash of ours left is ended: nobody reads its output any more, and it would stop at the next full pipe.
        """
        ...

    async def note_port(self, process: ServiceProcess, port: int) -> None:
        """Remember the port that it really took."""
        ...

    async def free_port(self, preferred: int) -> int:
        """Return ``preferred`` if nobody listens there on 127.0.0.1, else a free one."""
        ...

    def log_path(self, name: str) -> Path:
        """Return the file that keeps its log."""
        ...

    async def write_log(self, name: str, lines: Sequence[str]) -> None:
        """Append to that file; a disk that cannot be written to is logged, not raised."""
        ...


class Clock(Protocol):
    """Time that only goes forward; injected so that tests need not wait."""

    def monotonic(self) -> float:
        """Return seconds since some point in the past."""
        ...

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait for an event at most so long; return whether it is set."""
        ...


class RealClock:
    """The system's monotonic clock: setting the time of day moves nothing."""

    def monotonic(self) -> float:
        """Return ``time.monotonic()``."""
        return time.monotonic()

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        """Wait for an event at most so long; return whether it is set."""
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            pass
        return event.is_set()


class AwakeTimer:
    """Adds up the time a wait really lasted: a clock that leaps (sleep, a stopped virtual machine) costs one step.

    Args:
        step_s: No single step between two calls of ``spent_s`` counts for more.
    """

    def __init__(self, clock: Clock, step_s: float) -> None:
        self._clock = clock
        self._step_s = step_s
        self._last_s = clock.monotonic()
        self._spent_s = 0.0

    def spent_s(self) -> float:
        """Return the seconds so far; call it at every step."""
        now_s = self._clock.monotonic()
        self._spent_s += min(max(now_s - self._last_s, 0.0), self._step_s)
        self._last_s = now_s
        return self._spent_s
