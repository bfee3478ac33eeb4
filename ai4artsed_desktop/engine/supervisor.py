"""The supervisor: the servers beside the program are found, started when needed, watched, healed and ended here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.domain.services import FoundService, ServiceError, ServiceView
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.ports import Server
from ai4artsed_desktop.engine.service_log import ServiceLog
from ai4artsed_desktop.engine.service_ports import Clock, RealClock, ServiceDriver, ServiceHost, ServicePolicy
from ai4artsed_desktop.engine.service_runner import ServiceRunner
from ai4artsed_desktop.engine.service_setup import ServiceInstaller, ServiceSetup


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What the composition root gives: who runs processes, the kinds of services, what can be installed, by name."""

    host: ServiceHost | None = None
    drivers: Sequence[ServiceDriver] = ()
    installers: Mapping[str, ServiceInstaller] = field(default_factory=lambda: MappingProxyType({}))


class Supervisor:
    """Every service by name. Commands are plain calls; what comes of them are events of domain/services.py.

    Args:
        settings: Returns the settings in force.
    """

    def __init__(
        self, bus: EventBus, settings: Callable[[], Settings], parts: ServiceParts, clock: Clock | None = None
    ) -> None:
        clock = clock or RealClock()
        self._settings = settings
        self._runners: dict[str, ServiceRunner] = {}
        for driver in parts.drivers:
            assert parts.host is not None, "services need somebody to run them"
            self._runners[driver.name] = ServiceRunner(driver, parts.host, bus, self._policy, clock)
        self._setup = ServiceSetup(bus, parts.installers, lambda: settings().local_only)

    @property
    def names(self) -> tuple[str, ...]:
        """The services there are."""
        return tuple(self._runners)

    def snapshot(self) -> tuple[ServiceView, ...]:
        """Return every service as it is known now, without asking anybody."""
        return tuple(runner.view() for runner in self._runners.values())

    def view(self, name: str) -> ServiceView:
        """Return one service. Raises UnknownEntryError."""
        return self._runner(name).view()

    def log(self, name: str) -> ServiceLog:
        """Return a service's log, which goes on over restarts. Raises UnknownEntryError."""
        return self._runner(name).log

    async def refresh(self) -> tuple[ServiceView, ...]:
        """Look what runs and what is installed; nothing is started or ended."""
        await asyncio.gather(*(runner.look() for runner in self._runners.values()))
        return self.snapshot()

    def start(self, name: str, *, is_detached: bool = False) -> None:
        """Start a service unless it runs. With ``is_detached`` it goes on when the program ends.

        Raises:
            UnknownEntryError.
        """
        self._runner(name).start(is_detached=is_detached)

    def stop(self, name: str) -> None:
        """End a service that is ours. Raises UnknownEntryError, ServiceNotOursError."""
        self._runner(name).stop()

    def restart(self, name: str) -> None:
        """End a service that is ours and start it again. Raises UnknownEntryError, ServiceNotOursError."""
        self._runner(name).restart()

    async def settled(self, name: str) -> ServiceView:
        """Wait until a service is neither starting nor stopping. Raises UnknownEntryError."""
        return await self._runner(name).settled()

    async def ensure(self, name: str) -> str:
        """Return where a service answers, after starting it if need be; asked twice, it is started once.

        Raises:
            UnknownEntryError.
            ServiceError: One of domain/services.py.
        """
        return await self._runner(name).ensure()

    def service_of(self, backend_type: str) -> str:
        """Return the service behind a media backend, ``""`` if there is none."""
        through_swarmui = backend_type == "comfyui" and self._settings().comfyui_through_swarmui
        name = "swarmui" if through_swarmui else backend_type
        return name if name in self._runners else ""

    def starts(self, name: str) -> int:
        """Return how often a service became ready since the program began; 0 for an unknown one."""
        return self._runners[name].starts if name in self._runners else 0

    async def heal(self, name: str) -> bool:
        """Wait until a service that broke is back; False if it is none of ours, or stays away."""
        runner = self._runners.get(name)
        if runner is None:
            return False
        try:
            await runner.ensure(is_fresh=True)
        except ServiceError:
            return False  # the job's own error says more, and the service's card shows this one
        return True

    def server(self, name: str) -> Server | None:
        """Return the hook with which a backend gets its server started, None if there is no such service."""
        runner = self._runners.get(name)
        return None if runner is None else _Hook(runner)

    async def find_services(self) -> tuple[FoundService, ...]:
        """Return installations in the usual folders and servers on the usual ports; changes nothing."""
        found = await asyncio.gather(*(_find(runner.driver) for runner in self._runners.values()))
        return tuple(item for items in found for item in items)

    def installable(self) -> tuple[str, ...]:
        """Return the services that ``install`` can install."""
        return self._setup.names

    def install(self, name: str, folder: Path) -> None:
        """Install a service into ``folder``; progress, log lines and the end are events.

        Raises:
            UnknownEntryError: There is no installer for it.
            SetupOfflineError: "Local only" is on.
        """
        self._setup.start(name, folder)

    def cancel_install(self, name: str) -> None:
        """Stop an installation; what it made stays in its folder, and a new one goes on from there."""
        self._setup.cancel(name)

    def install_log(self, name: str) -> ServiceLog:
        """Return the log of an installation. Raises UnknownEntryError."""
        return self._setup.log(name)

    async def aclose(self) -> None:
        """End every service that is ours, at once and side by side."""
        await self._setup.aclose()
        await asyncio.gather(*(runner.aclose() for runner in self._runners.values()))

    def _policy(self) -> ServicePolicy:
        settings = self._settings()
        return ServicePolicy(
            settings.services_auto_start, settings.services_startup_timeout_s, settings.services_health_interval_s
        )

    def _runner(self, name: str) -> ServiceRunner:
        if name not in self._runners:
            raise UnknownEntryError(kind="service", id=name)
        return self._runners[name]


class _Hook:
    """Fits ``engine.ports.Server``."""

    def __init__(self, runner: ServiceRunner) -> None:
        self._runner = runner

    async def running(self) -> str | None:
        return await self._runner.running()

    async def can_start(self) -> bool:
        return await self._runner.can_start()

    async def address(self) -> str:
        return await self._runner.ensure()


async def _find(driver: ServiceDriver) -> list[FoundService]:
    installs = await asyncio.to_thread(driver.installs)
    addresses = tuple(dict.fromkeys((driver.address(), *driver.usual_addresses())))
    answers = await asyncio.gather(*(driver.health(address) for address in addresses))
    running = [
        FoundService(driver.name, driver.title, address=address)
        for address, health in zip(addresses, answers, strict=True)
        if health.state != "absent"
    ]
    return [*(FoundService(driver.name, driver.title, install) for install in installs), *running]
