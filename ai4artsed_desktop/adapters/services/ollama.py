"""Ollama as a service. Read from its source (snapshot of Aug 2026), never recorded."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.adapters.services.service_places import from_environment, is_file
from ai4artsed_desktop.adapters.services.service_question import ask
from ai4artsed_desktop.adapters.text_models.ollama_address import ollama_address
from ai4artsed_desktop.domain.services import ServiceInstall
from ai4artsed_desktop.domain.settings import OLLAMA_ADDRESS, Settings
from ai4artsed_desktop.engine.service_ports import Health, ServiceProcess, StartCommand

#: What an Ollama of ours is told, unless the person's environment says otherwise: no model in the cloud, one model at
#: a time beside the image models, no clearing up among models that were copied in by hand.
_DEFAULTS = {"OLLAMA_NO_CLOUD": "1", "OLLAMA_MAX_LOADED_MODELS": "1", "OLLAMA_NOPRUNE": "1"}


class OllamaDriver:
    """Fits ``engine.service_ports.ServiceDriver``."""

    name = "ollama"
    title = "Ollama"
    #: TERM is its own way: it ends its runners and exits with 0.
    quit_grace_s = 0.0

    def __init__(self, settings: Callable[[], Settings], guard: NetworkGuard) -> None:
        self._settings = settings
        self._guard = guard

    def address(self) -> str:
        """Return the address that the settings name."""
        return ollama_address(self._settings().ollama_address)

    def usual_addresses(self) -> Sequence[str]:
        """Return its default port."""
        return (OLLAMA_ADDRESS,)

    def installs(self) -> Sequence[ServiceInstall]:
        """Return the Ollama programs there are."""
        on_path = shutil.which("ollama")
        paths = [self._settings().ollama_program, Path(on_path) if on_path else None, *_usual_programs()]
        found = dict.fromkeys(path for path in paths if path is not None and is_file(path))
        return [ServiceInstall(str(path.parent), str(path)) for path in found]

    def command(self, install: ServiceInstall, port: int) -> StartCommand:
        """Return how to start it: ``ollama serve`` with its address in the environment."""
        defaults = {name: value for name, value in _DEFAULTS.items() if name not in os.environ}
        return StartCommand([install.program, "serve"], None, {**defaults, "OLLAMA_HOST": f"127.0.0.1:{port}"})

    async def health(self, address: str) -> Health:
        """Ask ``/api/version``; what lists models but hides its version (a gateway in front of it) is there, too."""
        answer = await ask(address, "/api/version", self._guard)
        if answer is None:
            return Health("absent")
        version = answer.body.get("version") if answer.status == 200 else None
        if isinstance(version, str):
            return Health("ready", facts={"version": version})
        models = await ask(address, "/api/tags", self._guard)
        lists = models is not None and models.status == 200 and isinstance(models.body.get("models"), list)
        return Health("ready") if lists else Health("absent")

    async def quit(self, address: str, process: ServiceProcess) -> bool:
        """Return False: TERM, which follows, is its own way to end."""
        del address, process
        return False

    def port_in(self, line: str) -> int | None:
        """It never moves to another port: one that is taken ends it."""
        del line
        return None


def _usual_programs() -> list[Path]:
    if sys.platform == "win32":
        return [folder / "Programs" / "Ollama" / "ollama.exe" for folder in from_environment("LOCALAPPDATA")]
    if sys.platform == "darwin":
        inside = "Ollama.app/Contents/Resources/ollama"
        places = [Path("/Applications") / inside, Path.home() / "Applications" / inside]
        return [*places, Path("/opt/homebrew/bin/ollama"), Path("/usr/local/bin/ollama")]
    places = ["/usr/local/bin/ollama", "/usr/bin/ollama", "/opt/ollama/bin/ollama"]
    return [*map(Path, places), Path.home() / ".local" / "bin" / "ollama"]


def make_driver(settings: Callable[[], Settings], guard: NetworkGuard, paths: AppPaths) -> OllamaDriver:
    """Return the driver."""
    del paths
    return OllamaDriver(settings, guard)
