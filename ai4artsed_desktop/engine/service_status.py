"""What is known of one service, and telling the bus when it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.services import ServiceInstall, ServiceState, ServiceStateChanged, ServiceView
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.service_ports import Clock, Health, Running, ServiceDriver, ServiceProcess

logger = logging.getLogger(__name__)


class ServiceStatus:
    """The facts behind a ``ServiceView``; every change of state goes through ``enter``.

    Attributes:
        address: Where it answers, ``""`` = where the settings say.
        answered_s: When it last answered, on the injected clock.
        starts: How often it became ready.
        changed: Set at the next change of state; take it before looking at ``state``.
    """

    def __init__(self, driver: ServiceDriver, log_path: str, bus: EventBus, clock: Clock) -> None:
        self._driver = driver
        self._log_path = log_path
        self._bus = bus
        self._clock = clock
        self._process: ServiceProcess | None = None
        self._started_s = 0.0
        self._note: Reason | None = None
        self._facts: Mapping[str, str] = MappingProxyType({})
        self._published: ServiceView | None = None
        self._pid: int | None = None
        self._memory_bytes: int | None = None
        self.state = ServiceState.STOPPED
        self.changed = asyncio.Event()
        self.address = ""
        self.answered_s = -1e9
        self.error: AppError | None = None
        self.install: ServiceInstall | None = None
        self.restarts = 0
        self.starts = 0

    @property
    def process(self) -> ServiceProcess | None:
        """Our process, None if there is none."""
        return self._process

    @property
    def pid(self) -> int | None:
        """The process it runs in, ours or another program's, None = unknown."""
        return self._pid

    def view(self) -> ServiceView:
        """Return the service as it is now."""
        process = self._process
        return ServiceView(
            name=self._driver.name,
            title=self._driver.title,
            state=self.state,
            address=self.address or self._driver.address(),
            pid=self._pid,
            memory_bytes=self._memory_bytes,
            uptime_s=max(self._clock.monotonic() - self._started_s, 0.0) if process is not None else None,
            last_error=self.error.info() if self.error is not None else None,
            note=self._note,
            facts=self._facts,
            install=self.install,
            restarts=self.restarts,
            is_detached=process is not None and process.is_detached,
            log_path=self._log_path,
        )

    def enter(self, state: ServiceState) -> None:
        """Change the state and tell everyone."""
        if state is not self.state:
            self.starts += state is ServiceState.READY
            logger.info("service %s: %s → %s", self._driver.name, self.state, state)
        self.state = state
        self.publish()
        self.changed.set()
        self.changed = asyncio.Event()

    def publish(self) -> None:
        """Announce the service if anything but its age is new."""
        view = self.view()
        if replace(view, uptime_s=None) != self._published:
            self._published = replace(view, uptime_s=None)
            self._bus.publish(ServiceStateChanged(view))

    def found(self, running: Running, health: Health) -> None:
        """Note a server that was there before us."""
        self.address, self._pid = running.address, running.pid or None
        self.heard(health)

    def heard(self, health: Health) -> None:
        """Note what the server said, if it said anything."""
        if health.state != "absent":
            self.answered_s = self._clock.monotonic()
            self._note, self._facts = health.note, health.facts

    def took(self, process: ServiceProcess, age_s: float) -> None:
        """Note our process."""
        self._process, self._pid = process, process.pid
        self._started_s = self._clock.monotonic() - age_s

    def lost(self) -> None:
        """Forget the process, which has ended or was let go."""
        self._process = self._pid = self._memory_bytes = self._note = None
        self._facts = MappingProxyType({})

    async def measure(self) -> None:
        """Ask for the memory of our process tree."""
        if self._process is not None:
            self._memory_bytes = await self._process.memory_bytes()
