"""Installs ComfyUI through its makers' installer ``comfy-cli``, as a program of its own in an environment of its own.

``comfy-cli`` is GPL software: it is started as a process, never imported. Read from version 1.23:
``comfy --skip-prompt --workspace DIR install`` clones ComfyUI to DIR itself and makes ``DIR/.venv`` when no environment
is active; ``--nvidia``, ``--amd``, ``--m-series`` or ``--cpu`` chooses PyTorch; ``--restore`` goes on with one that
broke off; ``DO_NOT_TRACK`` switches its telemetry off.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path

from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.adapters.process.child import ChildProcess, Stream
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.services.comfyui import ComfyUiDriver, is_comfyui
from ai4artsed_desktop.adapters.services.service_host import environment_for
from ai4artsed_desktop.domain.services import (
    ServiceInstall,
    SetupError,
    SetupFolderError,
    SetupSpaceError,
    SetupToolError,
)
from ai4artsed_desktop.engine.service_setup import SetupStep

#: What an installation takes on disk before any model: ComfyUI 0.2 GB, PyTorch with CUDA about 7 GB unpacked and 3 GB
#: while it is downloaded, other packages 2 GB; without CUDA PyTorch takes 1 GB.
NEEDED_GB = {"nvidia": 15.0, "amd": 20.0, "m-series": 6.0, "cpu": 6.0}

#: No telemetry, no questions, no environment of ours; bars would be repainted in the log, and long lines broken.
_ENVIRONMENT = {
    "DO_NOT_TRACK": "1",
    "COMFY_NO_TELEMETRY": "1",
    "CONDA_PREFIX": None,
    "PIP_PROGRESS_BAR": "off",
    "COLUMNS": "200",
    "TYPER_STANDARD_TRACEBACK": "1",
}

#: At least the version that this file was read from.
_REQUIREMENT = "comfy-cli>=1.23"


class ComfyUiInstaller:
    """Fits ``engine.service_setup.ServiceInstaller``.

    Args:
        tool_folder: Where the installer's own environment is made; kept for updates.
        driver: Knows what a usable installation is.
        accelerator: ``nvidia``, ``amd``, ``m-series`` or ``cpu``; None = what this machine has.
        python: Makes the environments; None = ours, or the system's where we are frozen into a bundle.
    """

    title = "ComfyUI"

    def __init__(
        self,
        tool_folder: Path,
        driver: ComfyUiDriver,
        guards: Guards,
        *,
        accelerator: Callable[[], str] | None = None,
        python: str | None = None,
    ) -> None:
        self._tool_folder = tool_folder
        self._driver = driver
        self._guards = guards
        self._accelerator = accelerator or find_accelerator
        self._python = python

    async def check(self, folder: Path) -> None:
        """Look for a usable folder, free disk, Python and git. Raises SetupError."""
        await asyncio.to_thread(self._check, folder)

    def steps(self, folder: Path) -> Sequence[SetupStep]:
        """Make the environment, bring the installer into it, run it."""
        tool_python = self._tool_python()
        # Without a terminal it would answer in JSON, which nobody wants to read in a log.
        options = ["--skip-prompt", "--workspace", str(folder), "--no-json"]
        install = [str(tool_python), "-m", "comfy_cli", *options, "install"]
        restore = ["--restore"] if is_comfyui(folder) else []
        commands = {
            "setup.environment": [self._base_python() or "python3", "-m", "venv", str(self._tool_folder)],
            "setup.installer": [
                str(tool_python),
                "-m",
                "pip",
                "install",
                "--upgrade",
                "--progress-bar=off",
                _REQUIREMENT,
            ],
            "setup.comfyui": [*install, f"--{self._accelerator()}", *restore],
        }
        return [SetupStep(key, partial(self._run, key, argv)) for key, argv in commands.items()]

    async def result(self, folder: Path) -> ServiceInstall:
        """Return the installation. Raises SetupError if the installer left nothing usable."""
        installs = await asyncio.to_thread(self._driver.installs_in, folder)
        if not installs:
            raise SetupError(str(folder), backend=self.title, step="setup.comfyui")
        return installs[0]

    async def _run(self, key: str, argv: Sequence[str], on_line: Callable[[str], None]) -> None:
        """Run one program to its end. Raises SetupError; cancelled, it ends with everything it started."""
        try:
            child = await ChildProcess.start(
                argv,
                name=f"setup:{self._driver.name}",
                env=environment_for(_ENVIRONMENT),
                watchdog=self._guards.watchdog,
                ledger=self._guards.ledger,
            )
        except OSError as exc:
            raise SetupToolError(str(exc), backend=self.title, tool=argv[0]) from exc
        async with child:
            async with asyncio.TaskGroup() as readers:
                readers.create_task(_read(child, "stdout", on_line))
                readers.create_task(_read(child, "stderr", on_line))
            code = await child.wait()
        if code != 0:
            raise SetupError(f"exit code {code}", backend=self.title, step=key)

    def _check(self, folder: Path) -> None:
        if not folder.is_absolute():
            raise SetupFolderError(backend=self.title, path=str(folder))
        self._check_folder(folder)
        for tool, path in (("Python", self._base_python()), ("git", shutil.which("git"))):
            if path is None:
                raise SetupToolError(backend=self.title, tool=tool)
        needed_gb = NEEDED_GB[self._accelerator()]
        free_gb = shutil.disk_usage(_existing(folder)).free / 1e9
        if free_gb < needed_gb:
            sizes = {"needed_gb": f"{needed_gb:.0f}", "free_gb": f"{free_gb:.1f}"}
            raise SetupSpaceError(backend=self.title, path=str(folder), **sizes)

    def _check_folder(self, folder: Path) -> None:
        """An empty or new folder, or an installation that broke off. Raises SetupFolderError."""
        try:
            holds_others = folder.exists() and any(folder.iterdir()) and not is_comfyui(folder)
            if holds_others or not os.access(_existing(folder), os.W_OK):
                raise SetupFolderError(backend=self.title, path=str(folder))
            folder.parent.mkdir(parents=True, exist_ok=True)
            if folder.exists() and not any(folder.iterdir()):
                folder.rmdir()  # the installer clones only to a folder that is not there yet
        except OSError as exc:
            raise SetupFolderError(str(exc), backend=self.title, path=str(folder)) from exc

    def _base_python(self) -> str | None:
        if self._python is not None or not getattr(sys, "frozen", False):
            return self._python or sys.executable
        return shutil.which("python3") or shutil.which("python")

    def _tool_python(self) -> Path:
        inside = ("Scripts", "python.exe") if sys.platform == "win32" else ("bin", "python")
        return self._tool_folder.joinpath(*inside)


def make_installer(driver: ComfyUiDriver, paths: AppPaths, guards: Guards) -> ComfyUiInstaller:
    """Return the installer; its own environment lies among our data."""
    return ComfyUiInstaller(paths.data / "services" / "comfy-cli", driver, guards)


def find_accelerator() -> str:
    """Return what this machine computes with, as the installer's flag without its dashes."""
    if sys.platform == "darwin":
        return "m-series" if platform.machine() == "arm64" else "cpu"
    if shutil.which("nvidia-smi") is not None or Path("/dev/nvidiactl").exists():
        return "nvidia"
    return "amd" if Path("/dev/kfd").exists() else "cpu"


async def _read(child: ChildProcess, stream: Stream, on_line: Callable[[str], None]) -> None:
    async with aclosing(child.lines(stream)) as lines:
        async for line in lines:
            on_line(line)


def _existing(folder: Path) -> Path:
    """Return the nearest folder that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
