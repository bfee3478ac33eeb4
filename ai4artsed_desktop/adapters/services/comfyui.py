"""ComfyUI as a service. Its start, its answers and its end: recorded, see the notes at each."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.adapters.services.service_places import candidates, from_environment, is_file
from ai4artsed_desktop.adapters.services.service_question import ask
from ai4artsed_desktop.adapters.storage.atomic import translated_errors, write_atomically
from ai4artsed_desktop.domain.services import ServiceInstall
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.service_ports import Health, ServiceProcess, StartCommand

#: Variables in which people note where their ComfyUI lies.
_VARIABLES = ("COMFYUI_PATH", "COMFYUI_FOLDER", "COMFYUI_HOME")

_FOLDERS = (
    "ComfyUI",
    "comfyui",
    "ComfyUI_windows_portable/ComfyUI",
    "SwarmUI/dlbackend/comfy/ComfyUI",
    "SwarmUI/dlbackend/ComfyUI",
)

#: Python environments beside or inside a ComfyUI; ``python_embeded`` is how the Windows package spells it.
_ENVIRONMENTS = (".venv", "venv", "env", "../.venv", "../venv")
_EMBEDDED = "../python_embeded/python.exe"

#: Arguments that choose the device; with one of them we add none.
_DEVICE_ARGUMENTS = frozenset({"--cpu", "--directml", "--cuda-device", "--default-device", "--oneapi-device-selector"})

#: Under Linux a machine without any of these has no graphics card that could compute (NVIDIA, AMD, Intel, WSL).
_GPU_FILES = ("nvidiactl", "nvidia0", "kfd", "dxg", "dri/renderD128", "dri/renderD129")


class ComfyUiDriver:
    """Fits ``engine.service_ports.ServiceDriver``.

    Args:
        own_folder: Where the guided set-up puts a ComfyUI. What tells it of our folders is written beside it.
        devices: The folder of the system's devices.
        lora_folders: Returns folders with LoRAs that it shall read beside its own.
    """

    name = "comfyui"
    title = "ComfyUI"
    #: SIGINT ends it within 1.5 to 3.6 s and removes its temp folder; TERM would leave that.
    quit_grace_s = 8.0

    def __init__(
        self,
        settings: Callable[[], Settings],
        guard: NetworkGuard,
        own_folder: Path,
        devices: Path = Path("/dev"),
        lora_folders: Callable[[], Sequence[Path]] = tuple,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._own_folder = own_folder
        self._devices = devices
        self._lora_folders = lora_folders

    def address(self) -> str:
        """Return the address that the settings name."""
        return self._settings().comfyui_address

    def usual_addresses(self) -> Sequence[str]:
        """Return its own default port, and that of its desktop program."""
        return ("http://127.0.0.1:8188", "http://127.0.0.1:8000")

    def installs(self) -> Sequence[ServiceInstall]:
        """Return every ComfyUI that has a Python to run it."""
        given = [self._settings().comfyui_folder, *from_environment(*_VARIABLES)]
        folders = candidates(given, _FOLDERS, [self._own_folder])
        return [install for folder in folders for install in self.installs_in(folder)]

    def installs_in(self, folder: Path) -> Sequence[ServiceInstall]:
        """Return the ComfyUI in this very folder, if there is one and a Python to run it."""
        python = self._python_of(folder) if is_comfyui(folder) else None
        return [] if python is None else [ServiceInstall(str(folder), str(python))]

    def command(self, install: ServiceInstall, port: int) -> StartCommand:
        """Return how to start it: ``main.py --listen 127.0.0.1 --port N --disable-auto-launch``. Blocks.

        Raises:
            StorageError: The list of our LoRA folders cannot be written.
        """
        folder = Path(install.folder)
        extra = self._settings().comfyui_arguments
        if self._has_no_gpu() and not _DEVICE_ARGUMENTS.intersection(extra):
            extra = ("--cpu", *extra)  # it would end at once, looking for a CUDA device
        python = [install.program, *(["-s"] if "python_embeded" in install.program else [])]
        main = [str(folder / "main.py"), "--listen", "127.0.0.1", "--port", str(port), "--disable-auto-launch"]
        return StartCommand(
            [*python, *main, *self._model_paths(), *extra], folder, {"PYTHONIOENCODING": "utf-8:replace"}
        )

    def _model_paths(self) -> list[str]:
        """Return the arguments with which it reads our LoRA folders, too; another such argument stands beside them."""
        folders = self._lora_folders()
        if not folders:
            return []
        path = self._own_folder.parent / "comfyui_model_paths.yaml"
        with translated_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, model_paths_yaml(folders).encode("ascii"))
        return ["--extra-model-paths-config", str(path)]

    async def health(self, address: str) -> Health:
        """Ask ``/system_stats``; the port opens when everything is loaded, so an answer means ready."""
        return read_stats(await self._stats(address))

    async def quit(self, address: str, process: ServiceProcess) -> bool:
        """Send what Ctrl+C sends: it has no call for it."""
        del address
        return process.interrupt()

    def port_in(self, line: str) -> int | None:
        """It never moves to another port: one that is taken ends it."""
        del line
        return None

    async def _stats(self, address: str) -> Mapping[str, Any]:
        answer = await ask(address, "/system_stats", self._guard)
        return answer.body if answer is not None and answer.status == 200 else {}

    def _python_of(self, folder: Path) -> Path | None:
        given = self._settings().comfyui_python
        return next((path for path in (given, *_pythons(folder)) if path is not None and is_file(path)), None)

    def _has_no_gpu(self) -> bool:
        return sys.platform == "linux" and not any((self._devices / name).exists() for name in _GPU_FILES)


def is_comfyui(folder: Path) -> bool:
    """Tell whether a folder holds a ComfyUI."""
    return is_file(folder / "main.py") and (is_file(folder / "nodes.py") or is_file(folder / "comfyui_version.py"))


def read_stats(stats: Mapping[str, Any]) -> Health:
    """Read a ``/system_stats`` answer: an object with ``system`` is a ComfyUI, anything else is none."""
    system = stats.get("system")
    if not isinstance(system, dict):
        return Health("absent")
    told = cast("dict[str, Any]", system)
    facts = {"version": str(told.get("comfyui_version", "")), "pytorch": str(told.get("pytorch_version", ""))}
    devices = stats.get("devices")
    if isinstance(devices, list) and devices and isinstance(devices[0], dict):
        facts["device"] = str(cast("dict[str, Any]", devices[0]).get("name", ""))
    argv = [str(part) for part in cast("list[Any]", told.get("argv") or [])]
    if "--port" in argv[:-1]:
        facts["port"] = argv[argv.index("--port") + 1]
    return Health("ready", facts={key: value for key, value in facts.items() if value})


def model_paths_yaml(lora_folders: Sequence[Path]) -> str:
    """Return the text that tells ComfyUI of folders with LoRAs.

    Source: ComfyUI's ``utils/extra_config.py``: groups of ``kind: paths``, one path per line; without a ``base_path``,
    in which it would fill in variables. Older ones read the file in the system's own encoding, so it is plain ASCII.
    """
    paths = "\n".join(str(folder.absolute()) for folder in lora_folders)
    is_plain = {char for char in map(chr, range(0x20, 0x7F)) if char not in '"\\'}
    quoted = "".join(char if char in is_plain else f"\\U{ord(char):08x}" for char in paths)
    return f'ai4artsed:\n  loras: "{quoted}"\n'


def _pythons(folder: Path) -> Iterator[Path]:
    for name in _ENVIRONMENTS:
        where = folder / name
        yield where / "Scripts" / "python.exe" if sys.platform == "win32" else where / "bin" / "python"
    if sys.platform == "win32":
        yield Path(os.path.normpath(folder / _EMBEDDED))
    elif (conda := os.environ.get("CONDA_PREFIX")) is not None:
        yield Path(conda) / "bin" / "python"
    for name in ("python3", "python"):
        if (found := shutil.which(name)) is not None:
            yield Path(found)


def make_driver(settings: Callable[[], Settings], guard: NetworkGuard, paths: AppPaths) -> ComfyUiDriver:
    """Return the driver."""

    def loras() -> Sequence[Path]:
        from ai4artsed_desktop.adapters.training.places import lora_folders  # with the first start of a ComfyUI

        return lora_folders(paths, settings())

    return ComfyUiDriver(settings, guard, paths.data / "services" / "ComfyUI", lora_folders=loras)
