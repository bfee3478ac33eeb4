"""The state machine of one service: found or started, watched, brought back when it dies, ended with its whole tree."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import NoReturn
from urllib.parse import urlsplit

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.services import (
    ServiceCrashedError,
    ServiceError,
    ServiceInstall,
    ServiceMuteError,
    ServiceNotInstalledError,
    ServiceNotOursError,
    ServiceOffError,
    ServiceProgramError,
    ServiceRemoteError,
    ServiceSlowError,
    ServiceStartError,
    ServiceState,
    ServiceStoppedError,
    ServiceView,
)
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.service_log import ServiceLog
from ai4artsed_desktop.engine.service_output import ServiceOutput
from ai4artsed_desktop.engine.service_ports import (
    AwakeTimer,
    Clock,
    Health,
    Running,
    ServiceDriver,
    ServiceHost,
    ServicePolicy,
    ServiceProcess,
)
from ai4artsed_desktop.engine.service_restarts import RestartBudget
from ai4artsed_desktop.engine.service_status import ServiceStatus
from ai4artsed_desktop.engine.tasks import TaskScope

logger = logging.getLogger(__name__)

#: A process that lives but answers nothing for so long is ended and started again. ComfyUI stalls for half a second
#: while a model loads, on a slow disk for longer.
MUTE_LIMIT_S = 120.0

#: So many unanswered questions in a row mean that a server that is not ours has gone.
_EXTERNAL_MISSES = 3

#: How often a starting service is asked, and a service whose answer somebody waits for.
_POLL_S = 0.5

#: One question to a server takes at most so long; see the drivers.
_QUESTION_LIMIT_S = 10.0

#: TERM, then KILL after so long: when it was asked for, and when the program closes.
_STOP_GRACE_S = 5.0
_CLOSE_GRACE_S = 3.0
#: For what a process that has ended already left behind.
_FOLLOWER_GRACE_S = 1.0

#: Errors that a second try would only repeat.
_FINAL = (ServiceProgramError, ServiceNotInstalledError, ServiceRemoteError)


class _EndedElsewhere(Exception):  # noqa: N818 - nothing went wrong
    """``services stop`` in another program of ours ended a server that we had adopted."""


class ServiceRunner:
    """Owns one service. Commands return at once; what comes of them is told by events."""

    def __init__(
        self,
        driver: ServiceDriver,
        host: ServiceHost,
        bus: EventBus,
        policy: Callable[[], ServicePolicy],
        clock: Clock,
    ) -> None:
        self.driver = driver
        self._host = host
        self._policy = policy
        self._clock = clock
        self._scope = TaskScope(f"service-{driver.name}")
        self._output = ServiceOutput(driver.name, host, bus, self._scope)
        self._status = ServiceStatus(driver, str(host.log_path(driver.name)), bus, clock)
        self._life: asyncio.Task[None] | None = None
        self._exited = asyncio.Event()
        self._hurry = asyncio.Event()
        self._is_closing = False
        self._starts_again = False
        self._only_looks = False
        self._is_detached = False
        self._is_adopted = False
        self._looked = asyncio.Event()

    @property
    def log(self) -> ServiceLog:
        """Its last lines."""
        return self._output.log

    @property
    def state(self) -> ServiceState:
        """The state it is in."""
        return self._status.state

    @property
    def error(self) -> AppError | None:
        """Why it failed, or does not answer; None if all is well."""
        return self._status.error

    @property
    def starts(self) -> int:
        """How often it became ready since the program began."""
        return self._status.starts

    def view(self) -> ServiceView:
        """Return the service as it is now."""
        return self._status.view()

    async def can_start(self) -> bool:
        """Tell whether the next need would start it: it is allowed, to run here, installed, and has not failed."""
        if self.state is ServiceState.FAILED or not self._policy().auto_start or not _is_here(self.driver.address()):
            return False
        return self._life is not None or await self._find_install() is not None

    async def running(self) -> str | None:
        """Return where it answers now, None if it does not; starts nothing."""
        if self._life is None:
            await self.look()
        is_usable = self.state in (ServiceState.READY, ServiceState.EXTERNAL)
        return self._status.address if is_usable and await self._still_answers(False) else None

    async def look(self) -> None:
        """See what runs and what is installed; starts nothing."""
        if self._is_closing:
            return
        if self._life is None:
            self._begin(is_detached=False, only_looks=True)
        await self._looked.wait()

    def start(self, *, is_detached: bool = False) -> None:
        """Start it unless it runs or is about to; ``is_detached``: it goes on when the program ends."""
        if self._only_looks:
            self._only_looks, self._is_detached = False, is_detached
            self._enter_starting()
        elif self._life is None:
            self._begin(is_detached=is_detached)
        elif self.state is ServiceState.STOPPING:
            self._starts_again = True

    def stop(self) -> None:
        """End it; nothing happens if it does not run. Raises ServiceNotOursError."""
        if self.state is ServiceState.EXTERNAL:
            raise ServiceNotOursError(backend=self.driver.title)
        self._starts_again = False
        if self._life is None or self._only_looks:
            self._status.error = None
            self._status.enter(ServiceState.STOPPED)
        elif self.state is not ServiceState.STOPPING:
            self._status.enter(ServiceState.STOPPING)
            self._life.cancel()

    def restart(self) -> None:
        """End it and start it again. Raises ServiceNotOursError."""
        self.stop()
        self.start()

    async def ensure(self, *, is_fresh: bool = False) -> str:
        """Return the address, after starting it if need be; asked twice, it is started once.

        Args:
            is_fresh: Something went wrong with it: ask it anew, and wait until it is back.

        Raises:
            ServiceError: One of domain/services.py.
        """
        was_begun = False
        timer = AwakeTimer(self._clock, _POLL_S + _QUESTION_LIMIT_S)
        while True:
            changed = self._status.changed
            match self.state:
                case ServiceState.READY | ServiceState.EXTERNAL:
                    if await self._still_answers(is_fresh):
                        return self._status.address
                    if timer.spent_s() > self._policy().startup_timeout_s + MUTE_LIMIT_S:
                        raise ServiceMuteError(backend=self.driver.title, seconds=f"{timer.spent_s():.0f}")
                    await self._clock.wait(changed, _POLL_S)
                case ServiceState.STOPPED | ServiceState.FAILED:
                    await self._begin_for_need(was_begun)
                    was_begun = True
                case _:
                    await changed.wait()
                    was_begun = True

    async def settled(self) -> ServiceView:
        """Wait until it is neither starting nor stopping and return what came of it."""
        while self.state in (ServiceState.STARTING, ServiceState.BACKOFF, ServiceState.STOPPING):
            await self._status.changed.wait()
        return self.view()

    async def aclose(self) -> None:
        """End what we started, at once; a detached one that was ready goes on."""
        self._is_closing = True
        self._starts_again = False
        self._hurry.set()
        if (life := self._life) is not None:
            if self.state is not ServiceState.STOPPING:
                life.cancel()
            await asyncio.wait({life})
        await self._scope.aclose()

    # ---- its life ----

    async def _begin_for_need(self, was_begun: bool) -> None:
        error, has_failed = self.error, self.state is ServiceState.FAILED
        if was_begun:
            raise error or ServiceStoppedError(backend=self.driver.title)
        await self.look()
        if self._life is not None:
            return
        if has_failed and error is not None:
            raise error  # a person starts it again, not each job
        if not self._policy().auto_start:
            raise ServiceOffError(backend=self.driver.title)
        self.start()

    def _begin(self, *, is_detached: bool, only_looks: bool = False) -> None:
        if self._is_closing:
            raise ServiceStoppedError(backend=self.driver.title)
        self._is_detached, self._only_looks = is_detached, only_looks
        self._looked = asyncio.Event()
        if not only_looks:
            self._enter_starting()
        self._life = self._scope.spawn(self._live(), name="life", on_done=self._on_life_done)

    def _enter_starting(self) -> None:
        self._status.error, self._status.restarts = None, 0
        self._status.enter(ServiceState.STARTING)

    async def _live(self) -> None:
        try:
            await self._find_install()
            is_there = await self._adopt()
            if self._only_looks and not is_there:
                return
            self._only_looks = False
            self._looked.set()
            if self.state is ServiceState.EXTERNAL:
                await self._follow_external()
            else:
                await self._keep_up()
        except _EndedElsewhere:
            logger.info("service %s: another program of ours ended it", self.driver.name)
        finally:
            await self._end_process()

    async def _adopt(self) -> bool:
        """Take over what runs already, and return whether anything does."""
        found = await self._find_running()
        if found is None:
            return False
        running, health = found
        self._status.error, self._status.restarts = None, 0
        self._status.found(running, health)
        if running.process is None:
            self._status.enter(ServiceState.EXTERNAL)
            return True
        self._is_adopted = True
        self._take(running.process, await running.process.age_s())
        await self._status.measure()
        self._status.enter(ServiceState.READY if health.state == "ready" else ServiceState.STARTING)
        return True

    def _on_life_done(self, task: asyncio.Task[None]) -> None:
        self._life = None
        self._looked.set()
        if self._only_looks and (task.cancelled() or task.exception() is None):
            self._only_looks = False
            self._status.publish()  # nothing runs, and nothing changed but perhaps what is installed
            return
        self._only_looks = False
        self._status.address = ""
        self._status.lost()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, AppError):
            logger.error("service %s: unexpected", self.driver.name, exc_info=error)
            error = ServiceError(f"{type(error).__name__}: {error}", backend=self.driver.title)
        self._status.error = error
        self._status.enter(ServiceState.STOPPED if error is None else ServiceState.FAILED)
        if self._starts_again and not self._is_closing:
            self._starts_again = False
            self.start()

    async def _keep_up(self) -> None:
        """Start, watch, and bring back; leaves by an error only."""
        budget = RestartBudget(self._clock)
        while True:
            try:
                if self._status.process is None:
                    await self._spawn()
                if self.state is not ServiceState.READY:
                    await self._become_ready()
                budget.became_ready()
                await self._watch()
            except _FINAL:
                raise
            except ServiceError as exc:
                error = exc
            pause_s = budget.pause_s(was_ready=self.state is ServiceState.READY)
            await self._end_process()
            error.detail = self.log.tail() or error.detail
            if pause_s is None:
                raise error
            self._status.error = error
            self._status.enter(ServiceState.BACKOFF)
            await self._clock.wait(asyncio.Event(), pause_s)
            budget.restarted()
            self._status.restarts += 1
            self._status.enter(ServiceState.STARTING)

    async def _spawn(self) -> None:
        preferred, title = self.driver.address(), self.driver.title
        if not _is_here(preferred):
            raise ServiceRemoteError(backend=title, address=preferred)
        install = await self._find_install()
        if install is None:
            raise ServiceNotInstalledError(backend=title)
        port = await self._host.free_port(urlsplit(preferred).port or 80)
        command = await asyncio.to_thread(self.driver.command, install, port)
        logger.info("service %s: starting %s", self.driver.name, list(command.argv))
        try:
            process = await self._host.spawn(self.driver.name, command, port, is_detached=self._is_detached)
        except OSError as exc:
            raise ServiceProgramError(str(exc), backend=title, program=command.argv[0]) from exc
        self._status.address = f"http://127.0.0.1:{port}"
        self._is_adopted = False
        self._take(process, 0.0)
        self._status.publish()

    async def _become_ready(self) -> None:
        """Wait until it answers and its process lives; a log phrase means nothing."""
        limit_s = self._policy().startup_timeout_s
        timer = AwakeTimer(self._clock, _POLL_S + _QUESTION_LIMIT_S)
        while not self._exited.is_set():
            health = await self.driver.health(self._status.address)
            self._status.heard(health)
            if health.state == "ready" and not self._exited.is_set():
                self._status.error = None
                await self._status.measure()
                self._status.enter(ServiceState.READY)
                return
            if timer.spent_s() > limit_s:
                raise ServiceSlowError(backend=self.driver.title, seconds=f"{limit_s:.0f}")
            self._status.publish()
            await self._clock.wait(self._exited, min(_POLL_S, self._policy().health_interval_s))
        await self._check_order()
        raise ServiceStartError(backend=self.driver.title, exit=self._exit_words())

    async def _check_order(self) -> None:
        """Its process has ended: raise _EndedElsewhere if that was wanted."""
        if self._status.process is not None and await self._status.process.was_ended_by_order():
            raise _EndedElsewhere

    async def _watch(self) -> NoReturn:
        """Follow a ready service until it dies or has been mute for too long."""
        mute: AwakeTimer | None = None
        while not await self._clock.wait(self._exited, self._policy().health_interval_s):
            health = await self.driver.health(self._status.address)
            if health.state == "absent":
                mute = mute or AwakeTimer(self._clock, self._policy().health_interval_s + _QUESTION_LIMIT_S)
                spent_s = mute.spent_s()
                self._status.error = ServiceMuteError(backend=self.driver.title, seconds=f"{spent_s:.0f}")
                if spent_s >= MUTE_LIMIT_S:
                    raise self._status.error
            else:
                mute = self._status.error = None
                self._status.heard(health)
            await self._status.measure()
            self._status.publish()
        await self._check_order()
        raise ServiceCrashedError(backend=self.driver.title, exit=self._exit_words())

    async def _follow_external(self) -> None:
        """Return when the server that is not ours has gone."""
        misses = 0
        while misses < _EXTERNAL_MISSES:
            await self._clock.wait(asyncio.Event(), self._policy().health_interval_s)
            health = await self.driver.health(self._status.address)
            misses = misses + 1 if health.state == "absent" else 0
            if not misses:
                self._status.heard(health)
                self._status.publish()
            elif misses == _EXTERNAL_MISSES and self._status.pid and await self._host.find_running(self.driver.name):
                misses = 0  # another program of ours runs it: it still starts, or is being brought back

    # ---- its process ----

    def _take(self, process: ServiceProcess, age_s: float) -> None:
        self._status.took(process, age_s)
        self._is_detached = process.is_detached  # whoever brings back one that stays starts one that stays
        self._exited = exited = asyncio.Event()
        self._scope.spawn(process.wait(), name="exit", on_done=lambda _: exited.set())
        self._output.follow(process, lambda line: self._note_port(process, line))

    async def _end_process(self) -> None:
        """End it with everything it started. When the program closes, a detached one is only let go: one that works,
        and one that another program of ours is just starting.
        """
        if (process := self._status.process) is None:
            return
        may_stay = process.is_detached and (self._is_adopted or self.state is ServiceState.READY)
        if self._is_closing and may_stay and self.state is not ServiceState.STOPPING:
            await process.release()
        else:
            await process.will_stop()
            if self.state is ServiceState.STOPPING and not self._exited.is_set():
                await self._quit(process)
            grace_s = _CLOSE_GRACE_S if self._is_closing else _STOP_GRACE_S
            await process.stop(_FOLLOWER_GRACE_S if self._exited.is_set() else grace_s)
        await self._output.finished()
        self._status.lost()

    def _note_port(self, process: ServiceProcess, line: str) -> None:
        """It may have moved to another port because the one it was given was taken meanwhile."""
        port = self.driver.port_in(line)
        if port is not None and urlsplit(self._status.address).port != port:
            self._status.address = f"http://127.0.0.1:{port}"
            self._scope.spawn(self._host.note_port(process, port), name="port")

    async def _quit(self, process: ServiceProcess) -> None:
        """Let it end in its own way, until its time is over or the program closes."""
        if not await self.driver.quit(self._status.address, process):
            return
        timer = AwakeTimer(self._clock, _POLL_S)
        while timer.spent_s() < self.driver.quit_grace_s and not self._hurry.is_set():
            if await self._clock.wait(self._exited, _POLL_S / 2):
                return

    # ---- asking ----

    async def _find_running(self) -> tuple[Running, Health] | None:
        """Return what runs already: ours by the ledger, else whatever answers where the settings say."""
        own = await self._host.find_running(self.driver.name)
        if own is not None:
            return own, await self.driver.health(own.address)
        address = self.driver.address()
        health = await self.driver.health(address)
        return None if health.state == "absent" else (Running(address, 0, None), health)

    async def _find_install(self) -> ServiceInstall | None:
        found = await asyncio.to_thread(self.driver.installs)
        self._status.install = found[0] if found else None
        return self._status.install

    async def _still_answers(self, is_fresh: bool) -> bool:
        is_ours = self._status.process is not None
        if is_ours and self._exited.is_set():
            return False
        if not is_fresh and (is_ours or self._clock.monotonic() - self._status.answered_s < _POLL_S * 4):
            return True
        health = await self.driver.health(self._status.address)
        self._status.heard(health)
        return health.state != "absent" and self.state in (ServiceState.READY, ServiceState.EXTERNAL)

    def _exit_words(self) -> str:
        return str(self._status.process.returncode if self._status.process is not None else "?")


def _is_here(address: str) -> bool:
    """Tell whether an address is one that we may start a server at: this machine's own, without TLS."""
    parts = urlsplit(address)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
