"""Made-up installations of services on disk, and a supervisor over the real adapters."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, AppPaths, find_paths
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.process.watchdog import Watchdog
from ai4artsed_desktop.adapters.services.service_registry import make_services
from ai4artsed_desktop.domain.services import ServiceState, ServiceView
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.supervisor import Supervisor
from tests.support import service_program
from tests.support.fake_children import until
from tests.support.probe import EventProbe


@dataclass(frozen=True)
class MadeInstall:
    """One installation; its server does what ``behave`` was told last."""

    folder: Path

    def behave(self, **behaviour: Any) -> None:
        """Say what the server does from its next start on."""
        (self.folder / "behaviour.json").write_text(json.dumps(behaviour))

    def starts(self) -> list[list[str]]:
        """Return pid and arguments of each start."""
        path = self.folder / "starts.txt"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def grandchild(self) -> int:
        """Return the pid of the last start's grandchild."""
        return int((self.folder / "grandchild.txt").read_text())


def make_comfyui(folder: Path, **behaviour: Any) -> MadeInstall:
    """Make what looks like a ComfyUI."""
    folder.mkdir(parents=True)
    shutil.copy(service_program.__file__, folder / "main.py")
    (folder / "nodes.py").touch()
    install = MadeInstall(folder)
    install.behave(**behaviour)
    return install


def make_swarmui(folder: Path, **behaviour: Any) -> MadeInstall:
    """Make what looks like a SwarmUI: a script that runs the server as a child, as the real one does."""
    folder.mkdir(parents=True)
    shutil.copy(service_program.__file__, folder / "server.py")
    script = f'cd "$(dirname "$0")"\n"{sys.executable}" server.py "$@"\nexit $?\n'
    for name in ("launch-linux.sh", "launch-macos.sh"):
        (folder / name).write_text(script)
    install = MadeInstall(folder)
    install.behave(**behaviour)
    return install


def make_ollama(folder: Path, **behaviour: Any) -> MadeInstall:
    """Make what looks like an Ollama: a program called ``ollama``."""
    folder.mkdir(parents=True)
    shutil.copy(service_program.__file__, folder / "server.py")
    program = folder / "ollama"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{folder / "server.py"}" "$@"\n')
    program.chmod(0o755)
    install = MadeInstall(folder)
    install.behave(**behaviour)
    return install


@dataclass(frozen=True)
class ServiceWorld:
    """A supervisor over the real adapters."""

    supervisor: Supervisor
    probe: EventProbe
    ledger: Ledger
    paths: AppPaths

    async def reach(self, name: str, *states: ServiceState, limit_s: float = 30.0) -> ServiceView:
        """Wait until a service is in one of these states."""
        await until(lambda: self.supervisor.view(name).state in states, limit_s=limit_s)
        return self.supervisor.view(name)


def settings_for(home: Path, port: int, **more: Any) -> Settings:
    """Return settings for made-up installations: ComfyUI at ``port``, and quick questions."""
    values: dict[str, Any] = {
        "comfyui_address": f"http://127.0.0.1:{port}",
        "comfyui_python": Path(sys.executable),
        "comfyui_folder": home / "ComfyUI",
        "services_health_interval_s": 0.1,
        "services_startup_timeout_s": 60.0,
        **more,
    }
    return Settings(**values)


@asynccontextmanager
async def open_services(home: Path, settings: Settings) -> AsyncGenerator[ServiceWorld, None]:
    """Open a supervisor whose logs and ledger lie below ``home``, with a watchdog."""
    paths = find_paths({HOME_VARIABLE: str(home)})
    bus, watchdog, ledger = EventBus(), Watchdog(), Ledger(paths.process_ledger)
    guard = NetworkGuard(lambda: settings.local_only)
    parts = make_services(lambda: settings, guard, paths, Guards(watchdog, ledger))
    supervisor = Supervisor(bus, lambda: settings, parts)
    with EventProbe(bus) as probe:
        try:
            yield ServiceWorld(supervisor, probe, ledger, paths)
        finally:
            await supervisor.aclose()
            await asyncio.to_thread(watchdog.close)


def free_port() -> int:
    """Return a port on 127.0.0.1 that nobody holds now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
