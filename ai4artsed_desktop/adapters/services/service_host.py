"""Runs the processes of services on this machine: children that end with us, and detached ones that stay."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

import psutil

from ai4artsed_desktop.adapters.process.child import ChildProcess
from ai4artsed_desktop.adapters.process.detached import DetachedProcess, adopt, start_detached
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.ledger import LedgerEntry, is_owned
from ai4artsed_desktop.adapters.process.rotating_log import RotatingLog
from ai4artsed_desktop.engine.service_ports import Running, ServiceProcess, StartCommand, Stream

_log = logging.getLogger(__name__)

#: Variables that would make a server's own Python look into ours.
_OUR_OWN = frozenset({"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", "PYTHONEXECUTABLE"})

#: Before the service's name in the ledger, so that no other child is taken for one.
_LEDGER_PREFIX = "service:"

_LEFTOVER_GRACE_S = 3.0

#: A log that cannot be written to is said once per service, not once per line.
_SAID_ONCE = "the log of %s cannot be written: %s"


class ServiceChild:
    """A service that ends with us; fits ``engine.service_ports.ServiceProcess``."""

    is_detached = False

    def __init__(self, child: ChildProcess) -> None:
        self._child = child
        self._started_s = time.monotonic()

    @property
    def pid(self) -> int:
        """Its main process."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """Exit code, None while it runs."""
        return self._child.returncode

    async def lines(self, stream: Stream) -> AsyncGenerator[str, None]:
        """Yield what it writes."""
        async with aclosing(self._child.lines(stream)) as lines:
            async for line in lines:
                yield line

    async def wait(self) -> int:
        """Wait for its end."""
        return await self._child.wait()

    async def will_stop(self) -> None:
        """Nobody but us could bring it back."""

    async def was_ended_by_order(self) -> bool:
        """Return False: nobody but us ends it."""
        return False

    def interrupt(self) -> bool:
        """Send SIGINT to its main process."""
        return _interrupt(self.pid, is_alive=self.returncode is None)

    async def stop(self, grace_s: float) -> None:
        """End the whole tree."""
        await self._child.stop(grace_s)

    async def release(self) -> None:
        """End it: its output would have no reader any more."""
        await self._child.stop()

    async def memory_bytes(self) -> int | None:
        """Return the resident memory of the tree."""
        return await asyncio.to_thread(tree_memory_bytes, self.pid)

    async def age_s(self) -> float:
        """Return how long it has been running."""
        return time.monotonic() - self._started_s


class DetachedService:
    """A service that stays; fits ``engine.service_ports.ServiceProcess``."""

    is_detached = True

    def __init__(self, process: DetachedProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """Its main process."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs, then its exit code; -1 if nobody saw it."""
        return self._process.returncode

    async def lines(self, stream: Stream) -> AsyncGenerator[str, None]:
        """Yield what it writes; both streams go to one file and come as ``stdout``."""
        if stream == "stderr":
            return
        async with aclosing(self._process.lines()) as lines:
            async for line in lines:
                yield line

    async def wait(self) -> int:
        """Wait for its end, or until it is let go."""
        return await self._process.wait()

    async def will_stop(self) -> None:
        """Note in the ledger that its end is wanted."""
        await asyncio.to_thread(self._process.will_stop)

    async def was_ended_by_order(self) -> bool:
        """Tell whether another program of ours was told to end it."""
        return await asyncio.to_thread(self._process.was_ended_by_order)

    def interrupt(self) -> bool:
        """Send SIGINT to its main process."""
        return _interrupt(self.pid, is_alive=self.returncode is None)

    async def stop(self, grace_s: float) -> None:
        """End the whole tree."""
        await asyncio.to_thread(self._process.end, grace_s)

    async def release(self) -> None:
        """Let it run on without us."""
        self._process.release()

    async def memory_bytes(self) -> int | None:
        """Return the resident memory of the tree."""
        return await asyncio.to_thread(tree_memory_bytes, self.pid)

    async def age_s(self) -> float:
        """Return how long it has been running."""
        try:
            return max(time.time() - psutil.Process(self.pid).create_time(), 0.0)
        except psutil.Error:
            return 0.0


class LocalHost:
    """Fits ``engine.service_ports.ServiceHost``.

    Args:
        guards: Watchdog for what ends with us; the ledger knows all of them.
        logs: The folder of the logs.
    """

    def __init__(self, guards: Guards, logs: Path) -> None:
        self._guards = guards
        self._logs = logs
        self._unwritable: set[str] = set()

    async def spawn(self, name: str, command: StartCommand, port: int, *, is_detached: bool) -> ServiceProcess:
        """Start a service. A cancelled call leaves no process. Raises OSError if the program cannot be run."""
        ledger, env = self._guards.ledger, environment_for(command.env)
        ledger_name = _LEDGER_PREFIX + name
        if not is_detached:
            watchdog = self._guards.watchdog
            child = await ChildProcess.start(
                command.argv, name=ledger_name, cwd=command.cwd, env=env, watchdog=watchdog, ledger=ledger
            )
            await asyncio.to_thread(child.note_port, port)
            return ServiceChild(child)
        if ledger is None:
            raise OSError(0, "a server can only stay if there is a ledger that remembers it", command.argv[0])
        log = self.log_path(name)
        starting = asyncio.get_running_loop().run_in_executor(
            None,
            lambda: start_detached(
                command.argv, name=ledger_name, cwd=command.cwd, env=env, port=port, log=log, ledger=ledger
            ),
        )
        try:
            return DetachedService(await asyncio.shield(starting))
        except asyncio.CancelledError:
            process = await starting
            await asyncio.to_thread(process.end, 0.0)
            raise

    async def find_running(self, name: str) -> Running | None:
        """Return the living process of this name that a program of ours started, adopted if it was to stay."""
        return await asyncio.to_thread(self._find_running, name)

    async def note_port(self, process: ServiceProcess, port: int) -> None:
        """Remember the port that it really took."""
        if self._guards.ledger is not None:
            await asyncio.to_thread(self._guards.ledger.set_port, process.pid, port)

    async def free_port(self, preferred: int) -> int:
        """Return ``preferred`` if nobody listens there on 127.0.0.1, else a free one."""
        for port in (preferred, 0):
            with contextlib.suppress(OSError), socket.socket() as probe:
                if sys.platform != "win32":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections linger
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
        raise OSError("no free port on 127.0.0.1")

    def log_path(self, name: str) -> Path:
        """Return the file that keeps its log."""
        return self._logs / f"{name}.log"

    async def write_log(self, name: str, lines: Sequence[str]) -> None:
        """Append lines, in UTF-8."""
        data = "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")
        try:
            await asyncio.to_thread(RotatingLog(self.log_path(name)).write, data)
        except OSError as exc:
            if name not in self._unwritable:
                self._unwritable.add(name)
                _log.warning(_SAID_ONCE, name, exc)

    def _find_running(self, name: str) -> Running | None:
        ledger = self._guards.ledger
        if ledger is None:
            return None
        for entry in ledger.running(_LEDGER_PREFIX + name):
            if entry.is_ending:
                continue
            if entry.is_detached:
                process = DetachedService(adopt(entry, ledger, self.log_path(name)))
                return Running(_address(entry), entry.pid, process)
            if is_owned(entry) and entry.owner_pid != os.getpid():
                return Running(_address(entry), entry.pid, None)
            if not is_owned(entry) and ledger.end_leftover(entry, _LEFTOVER_GRACE_S):
                _log.warning("ended %s (%d), which an earlier program had left", entry.name, entry.pid)
        return None


def tree_memory_bytes(pid: int) -> int | None:
    """Return the resident memory of a process and all it started, None if it is gone. Blocks for some milliseconds."""
    total = 0
    try:
        leader = psutil.Process(pid)
        members = [leader, *leader.children(recursive=True)]
    except psutil.Error:
        return None
    for member in members:
        with contextlib.suppress(psutil.Error):
            total += member.memory_info().rss
    return total or None


def _interrupt(pid: int, *, is_alive: bool) -> bool:
    if sys.platform == "win32" or not is_alive:
        return False  # Windows sends Ctrl+C to a whole console only, and ours have none
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).send_signal(signal.SIGINT)
        return True
    return False


def _address(entry: LedgerEntry) -> str:
    return f"http://127.0.0.1:{entry.port or 0}"


def environment_for(changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return our environment for a server: without what concerns only us, with the changes."""
    env = {name: value for name, value in os.environ.items() if name not in _OUR_OWN}
    for name, value in changes.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env
