"""A service on paper: a clock moved by hand, processes that die on demand, a server that says what it is told."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ai4artsed_desktop.domain.services import ServiceInstall, ServiceState
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.service_ports import Health, Running, ServicePolicy, ServiceProcess, StartCommand, Stream
from ai4artsed_desktop.engine.service_runner import ServiceRunner
from tests.support.probe import EventProbe

HERE = "http://127.0.0.1:4000"


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s

    async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
        deadline_s = self.now_s + timeout_s
        while not event.is_set() and self.now_s < deadline_s:  # noqa: ASYNC110 - two things end it, and one is a number
            await asyncio.sleep(0.001)
        return event.is_set()

    async def until(self, condition: Callable[[], bool], *, step_s: float = 0.5, limit_s: float = 1_000.0) -> float:
        """Move on in steps until ``condition`` holds; return how long that took on this clock."""
        start_s = self.now_s
        while True:
            for _ in range(3):  # what was woken gets its turn, threads included
                await asyncio.sleep(0.001)
                if condition():
                    return self.now_s - start_s
            assert self.now_s - start_s < limit_s, f"still not so after {limit_s} s"
            self.now_s += step_s

    async def run_for(self, seconds: float, *, step_s: float = 0.5) -> None:
        """Move on by so much in steps."""
        end_s = self.now_s + seconds
        await self.until(lambda: self.now_s >= end_s, step_s=step_s)


class FakeProcess:
    """A process of a service.

    Attributes:
        is_up: Its server answers.
        order: It ended because another program was told to end it.
        stops: The grace of each ``stop``.
    """

    def __init__(self, pid: int, *, is_detached: bool = False) -> None:
        self.pid = pid
        self.is_detached = is_detached
        self.is_up = False
        self.order = False
        self.stops: list[float] = []
        self.interrupts = 0
        self.is_released = False
        self.is_stubborn = False
        self._code: int | None = None
        self._ended = asyncio.Event()
        self._lines: deque[str] = deque()

    @property
    def returncode(self) -> int | None:
        return self._code

    def say(self, *lines: str) -> None:
        self._lines += lines

    def die(self, code: int = 1) -> None:
        if self._code is None:
            self._code = code
            self.is_up = False
            self._ended.set()

    async def lines(self, stream: Stream) -> AsyncGenerator[str, None]:
        while stream == "stderr" and not self.is_released:
            is_last = self._ended.is_set()
            while self._lines:
                yield self._lines.popleft()
            if is_last:
                return
            await asyncio.sleep(0.001)

    async def wait(self) -> int:
        await self._ended.wait()
        return self._code or 0

    async def will_stop(self) -> None:
        return None

    async def was_ended_by_order(self) -> bool:
        return self.order

    def interrupt(self) -> bool:
        self.interrupts += 1
        if not self.is_stubborn:
            self.die(0)
        return True

    async def stop(self, grace_s: float) -> None:
        self.stops.append(grace_s)
        self.die(-15)

    async def release(self) -> None:
        self.is_released = True
        self._ended.set()

    async def memory_bytes(self) -> int | None:
        return 123_000_000 if self._code is None else None

    async def age_s(self) -> float:
        return 30.0


@dataclass
class FakeHost:
    """Runs fake processes.

    Attributes:
        plan: What becomes of each process that is spawned, in turn; ``ready`` when the plan is over.
            ``ready`` answers at once, ``mute`` never, ``dies`` ends at once, ``waits`` answers when ``is_up`` is set,
            ``missing`` raises OSError.
        taken: Ports that something else holds.
        left: What ``find_running`` returns.
    """

    plan: list[str] = field(default_factory=list[str])
    taken: set[int] = field(default_factory=set[int])
    left: Running | None = None
    spawned: list[FakeProcess] = field(default_factory=list[FakeProcess])
    commands: list[StartCommand] = field(default_factory=list[StartCommand])
    written: list[str] = field(default_factory=list[str])
    noted_ports: list[int] = field(default_factory=list[int])

    @property
    def current(self) -> FakeProcess:
        return self.spawned[-1]

    async def spawn(self, name: str, command: StartCommand, port: int, *, is_detached: bool) -> ServiceProcess:
        outcome = self.plan.pop(0) if self.plan else "ready"
        if outcome == "missing":
            raise FileNotFoundError(2, "No such file or directory", command.argv[0])
        process = FakeProcess(100 + len(self.spawned), is_detached=is_detached)
        self.spawned.append(process)
        self.commands.append(command)
        process.is_up = outcome == "ready"
        if outcome == "dies":
            process.say(f"{name} cannot start", "the reason is this")
            process.die(1)
        return process

    async def find_running(self, name: str) -> Running | None:
        return self.left

    async def note_port(self, process: ServiceProcess, port: int) -> None:
        self.noted_ports.append(port)

    async def free_port(self, preferred: int) -> int:
        return preferred if preferred not in self.taken else 45_678

    def log_path(self, name: str) -> Path:
        return Path("logs") / f"{name}.log"

    async def write_log(self, name: str, lines: Sequence[str]) -> None:
        self.written += lines


class FakeDriver:
    """Knows a service called ``paper``.

    Attributes:
        external: What a server that is not ours answers at ``where``; None = there is none.
        is_mute: Our server answers nothing, although its process lives.
    """

    name = "paper"
    title = "Paper"
    quit_grace_s = 5.0

    def __init__(self, host: FakeHost) -> None:
        self._host = host
        self.where = HERE
        self.external: Health | None = None
        self.is_mute = False
        self.has_quit = True
        self.found: list[ServiceInstall] = [ServiceInstall("folder", "program")]
        self.questions = 0

    def address(self) -> str:
        return self.where

    def usual_addresses(self) -> Sequence[str]:
        return ()

    def installs(self) -> Sequence[ServiceInstall]:
        return self.found

    def command(self, install: ServiceInstall, port: int) -> StartCommand:
        return StartCommand([install.program, str(port)])

    async def health(self, address: str) -> Health:
        self.questions += 1
        await asyncio.sleep(0)
        if self.external is not None and address == self.where:
            return self.external
        processes = [*self._host.spawned]
        if self._host.left is not None and isinstance(self._host.left.process, FakeProcess):
            processes.append(self._host.left.process)
        is_there = any(p.is_up and p.returncode is None for p in processes)
        return Health("ready", facts={"version": "1"}) if is_there and not self.is_mute else Health("absent")

    async def quit(self, address: str, process: ServiceProcess) -> bool:
        return self.has_quit and process.interrupt()

    def port_in(self, line: str) -> int | None:
        return int(line.rpartition(" ")[2]) if line.startswith("moved to") else None


@dataclass
class Bench:
    """A runner and everything around it."""

    runner: ServiceRunner
    host: FakeHost
    driver: FakeDriver
    clock: FakeClock
    probe: EventProbe
    policy: list[ServicePolicy]

    async def reach(self, state: ServiceState, limit_s: float = 1_000.0) -> float:
        """Let time pass until the service is in a state; return how long that took."""
        return await self.clock.until(lambda: self.runner.state is state, limit_s=limit_s)


@asynccontextmanager
async def bench(*plan: str, auto_start: bool = True, startup_timeout_s: float = 180.0) -> AsyncGenerator[Bench, None]:
    """Give a runner whose spawned processes follow ``plan``."""
    host, clock, bus = FakeHost(list(plan)), FakeClock(), EventBus()
    driver = FakeDriver(host)
    policies = [ServicePolicy(auto_start, startup_timeout_s, 2.0)]
    runner = ServiceRunner(driver, host, bus, lambda: policies[0], clock)
    with EventProbe(bus) as probe:
        try:
            yield Bench(runner, host, driver, clock, probe, policies)
        finally:
            await runner.aclose()
