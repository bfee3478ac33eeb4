"""A window whose services, installer and model folders are on paper or below a test's folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QAbstractButton, QWidget

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.model_folders import MediaModelFolders
from ai4artsed_desktop.adapters.model_inventory import DiskModelShelf
from ai4artsed_desktop.adapters.text_models.ollama_library import OllamaLibrary
from ai4artsed_desktop.domain.errors import AppError
from ai4artsed_desktop.domain.services import ServiceInstall
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.served_models import ServedModels
from ai4artsed_desktop.engine.service_ports import Running, ServiceProcess, StartCommand
from ai4artsed_desktop.engine.service_setup import SetupStep
from ai4artsed_desktop.engine.supervisor import ServiceParts, Supervisor
from ai4artsed_desktop.ui.pages.studio import StudioPage
from ai4artsed_desktop.ui.widgets.basics import Label
from tests.support.fake_models import FakeModels
from tests.support.pictures import no_places
from tests.support.service_fakes import FakeDriver, FakeHost
from tests.support.ui_window import WindowWorld, open_window
from tests.support.world import TestWorld

NOWHERE = "http://127.0.0.1:9"


class NamedDriver(FakeDriver):
    """A service on paper under a real one's name; it obeys the settings as the real one does."""

    def __init__(self, name: str, title: str, port: int, *found: ServiceInstall) -> None:
        self.host = FakeHost()
        super().__init__(self.host)
        self.name, self.title = name, title
        self.where = f"http://127.0.0.1:{port}"
        self.found = list(found)


class Hosts:
    """Hands each service's calls to a host of its own."""

    def __init__(self, drivers: Sequence[NamedDriver]) -> None:
        self._hosts = {driver.name: driver.host for driver in drivers}

    async def spawn(self, name: str, command: StartCommand, port: int, *, is_detached: bool) -> ServiceProcess:
        return await self._hosts[name].spawn(name, command, port, is_detached=is_detached)

    async def find_running(self, name: str) -> Running | None:
        return await self._hosts[name].find_running(name)

    async def note_port(self, process: ServiceProcess, port: int) -> None:
        del process, port

    async def free_port(self, preferred: int) -> int:
        return preferred

    def log_path(self, name: str) -> Path:
        return self._hosts[name].log_path(name)

    async def write_log(self, name: str, lines: Sequence[str]) -> None:
        await self._hosts[name].write_log(name, lines)


class SlowShelf(DiskModelShelf):
    """The real one; a slow one copies a quarter of a file and then waits until it is cancelled."""

    def __init__(self, folders: MediaModelFolders, is_slow: bool) -> None:
        super().__init__(folders)
        self._is_slow = is_slow

    async def bring_in(
        self, source: Path, root: Path, folder: str, name: str, on_progress: Callable[[int, int], None]
    ) -> Path:
        if self._is_slow:
            on_progress(1_000_000_000, 4_000_000_000)
            await asyncio.Event().wait()
        return await super().bring_in(source, root, folder, name, on_progress)


@dataclass
class PaperInstaller:
    """An installer whose only step goes on until it is let go.

    Attributes:
        refused: Raised before anything is done.
        failure: Raised by the step once it is let go.
    """

    driver: NamedDriver
    title: str = "ComfyUI"
    refused: AppError | None = None
    failure: AppError | None = None
    going_on: asyncio.Event = field(default_factory=asyncio.Event)
    folders: list[Path] = field(default_factory=list[Path])

    async def check(self, folder: Path) -> None:
        self.folders.append(folder)
        if self.refused is not None:
            raise self.refused

    def steps(self, folder: Path) -> Sequence[SetupStep]:
        return [SetupStep("setup.environment", self._run), SetupStep("setup.comfyui", self._run)]

    async def result(self, folder: Path) -> ServiceInstall:
        install = ServiceInstall(str(folder), str(folder / "python"))
        self.driver.found.append(install)
        return install

    async def _run(self, on_line: Callable[[str], None]) -> None:
        on_line("Collecting torch")
        await self.going_on.wait()
        if self.failure is not None:
            raise self.failure


@dataclass
class Studio:
    """The page and everything around it."""

    opened: WindowWorld
    comfyui: NamedDriver
    swarmui: NamedDriver
    ollama: NamedDriver
    installer: PaperInstaller

    @property
    def page(self) -> StudioPage:
        page = self.opened.window.pages["studio"]
        assert isinstance(page, StudioPage)
        return page

    @property
    def drivers(self) -> tuple[NamedDriver, ...]:
        return (self.comfyui, self.swarmui, self.ollama)

    async def part(self, kind: type[QWidget]) -> Any:
        """Wait for the one widget of a kind that can be seen."""

        def found() -> list[QWidget]:
            return [widget for widget in self.page.findChildren(kind) if widget.isVisible()]

        await self.opened.until(lambda: bool(found()), 20)
        (only,) = found()
        return only

    def words(self, part: QWidget | None = None) -> str:
        labels = (part or self.page).findChildren(Label)
        return "\n".join(label.text() for label in labels if label.isVisible())

    async def shows(self, text: str, part: QWidget | None = None) -> None:
        try:
            await self.opened.until(lambda: text in self.words(part), 20)
        except AssertionError as exc:
            raise AssertionError(f"{text!r} not in\n{self.words(part)}") from exc

    async def press(self, words: str, part: QWidget | None = None) -> None:
        """Press the first visible button with these words."""

        def found() -> list[QAbstractButton]:
            buttons = (part or self.page).findChildren(QAbstractButton)
            named = (b for b in buttons if words in (b.text(), b.accessibleName()))
            return [b for b in named if b.isVisible() and b.isEnabled()]

        await self.opened.until(lambda: bool(found()), 20)
        found()[0].click()


@asynccontextmanager
async def open_studio(
    home: Path,
    place: str = "services",
    *,
    installed: bool = True,
    ollama_url: str = "",
    models: FakeModels | None = None,
    roots: Sequence[Path] = (),
    slow_imports: bool = False,
    **settings: Any,
) -> AsyncGenerator[Studio]:
    """Open the window on the Studio page.

    Args:
        installed: ComfyUI and Ollama are found here.
        ollama_url: Where a double of Ollama listens; "" = there is no model server.
        roots: Folders of media models.
        slow_imports: A copy stands still after a quarter.
    """
    here = [ServiceInstall("/programs/ComfyUI", "/programs/ComfyUI/python")] if installed else []
    ollama = [ServiceInstall("/programs/bin", "/programs/bin/ollama")] if installed else []
    comfyui = NamedDriver("comfyui", "ComfyUI", 8188, *here)
    swarmui, ollama_driver = NamedDriver("swarmui", "SwarmUI", 7801), NamedDriver("ollama", "Ollama", 11434, *ollama)
    drivers = (comfyui, swarmui, ollama_driver)
    installer = PaperInstaller(comfyui)
    shelf_settings = Settings(media_model_folders=tuple(roots), comfyui_address=NOWHERE)
    shelf = SlowShelf(MediaModelFolders(lambda: shelf_settings, no_places), slow_imports)

    def prepare(world: TestWorld) -> None:
        engine = world.engine
        parts = ServiceParts(Hosts(drivers), drivers, {"comfyui": installer})
        engine.services = Supervisor(engine.bus, lambda: engine.settings, parts)
        if ollama_url:
            library = OllamaLibrary(lambda: ollama_url, NetworkGuard(lambda: False))
            engine.served_models = ServedModels(engine.bus, library)

    settings.setdefault("services_health_interval_s", 0.1)
    async with open_window(home, prepare=prepare, models=models, model_shelf=shelf, **settings) as opened:
        opened.window.show_page("studio", place)
        yield Studio(opened, comfyui, swarmui, ollama_driver, installer)
