"""Where the media servers' model files lie on this machine, and what a running server lists."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.backends.comfyui_json import as_list, as_object, as_text
from ai4artsed_desktop.adapters.comfyui_places import Servers, comfyui_places, no_servers
from ai4artsed_desktop.adapters.local_only import NetworkGuard, answers, is_on_this_machine
from ai4artsed_desktop.adapters.services.service_places import candidates
from ai4artsed_desktop.domain.errors import BackendError
from ai4artsed_desktop.domain.settings import Settings

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient

_log = logging.getLogger(__name__)

_QUESTIONS_AT_ONCE = 8
#: One look at the server serves the questions of one run.
_LOOK_AGE_S = 5.0
#: A link that leads back up would never end.
_DEEPEST = 8

#: What ComfyUI lists as model files. Source: ``supported_pt_extensions`` of its folder_paths, and its GGUF node pack.
MODEL_SUFFIXES = frozenset({".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".bin", ".pth", ".pkl", ".gguf"})
#: Folder of the catalogue → what it was called before, or is called by SwarmUI. Source: both servers' documentation.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "checkpoints": ("Stable-Diffusion", "Stable-diffusion"),
    "diffusion_models": ("unet",),
    "text_encoders": ("clip",),
    "vae": ("VAE",),
    "loras": ("Lora", "LoRA"),
}
#: What a media server's folder is called; a ComfyUI may lie inside of a SwarmUI or of its Windows package.
_SERVERS = (
    "ComfyUI",
    "SwarmUI",
    "SwarmUI/dlbackend/ComfyUI",
    "SwarmUI/dlbackend/comfy/ComfyUI",
    "ComfyUI_windows_portable/ComfyUI",
)


class MediaModelFolders:
    """Knows the folders; the disk and the server are asked each time, because both change beside us.

    Args:
        settings: Returns the settings in force.
        usual_places: Folders where a server may be installed, such as ``~/ComfyUI``.
        servers: The services behind the media backends, which may have moved.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        usual_places: Callable[[Settings], Sequence[Path]],
        servers: Servers = no_servers,
    ) -> None:
        self._settings = settings
        self._usual_places = usual_places
        self._servers = servers
        self._server: tuple[float, Path | None] = (-_LOOK_AGE_S, None)

    async def roots(self) -> list[Path]:
        """Return the folders that hold ``checkpoints``, ``loras`` …: the settings' first, then what was found."""
        if time.monotonic() - self._server[0] > _LOOK_AGE_S:
            self._server = (time.monotonic(), await self._server_folder())
        server = self._server[1]
        return await asyncio.to_thread(self._roots, server)

    async def lora_folders(self) -> list[Path]:
        """Return the folders with LoRAs."""
        roots = await self.roots()
        return await asyncio.to_thread(
            lambda: [*_existing(self._settings().lora_folders), *(f for root in roots for f in places(root, "loras"))]
        )

    async def server_lists(self, *folders: str) -> dict[str, tuple[str, ...]] | None:
        """Return the files that the running server lists in each of its folders; None = no server answers."""
        async with self._client() as client:
            if client is None:
                return None
            try:
                return {folder: await client.models(folder) for folder in folders}
            except BackendError as exc:
                _log.info("the server's models cannot be listed: %s", exc)
                return None

    async def server_metadata(self, folder: str, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return what the running server reads in the headers of its own files, by name; {} = no server answers."""
        few = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        async with self._client() if names else nullcontext() as client:
            if client is None:
                return {}

            async def ask(name: str) -> dict[str, str]:
                try:
                    async with few:
                        said = await client.model_metadata(folder, name)
                except BackendError as exc:
                    _log.info("no metadata of %s: %s", name, exc)
                    return {}
                return {key: value for key, value in said.items() if isinstance(value, str)}

            return dict(zip(names, await asyncio.gather(*map(ask, names)), strict=True))

    @asynccontextmanager
    async def _client(self) -> AsyncGenerator[ComfyUiClient | None]:
        """Give a client of the server that runs; None = none answers, or it may not be asked."""
        from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient

        address = await self._address()
        guard = NetworkGuard(lambda: self._settings().local_only)
        if (guard.is_on and not is_on_this_machine(address)) or not await answers(address, guard):
            yield None
            return
        client = ComfyUiClient(address, guard=guard)
        try:
            yield client
        finally:
            await client.aclose()

    async def _server_folder(self) -> Path | None:
        """Return the base folder of a server that runs on this machine, by its own start arguments."""
        if not is_on_this_machine(await self._address()):
            return None
        async with self._client() as client:
            if client is None:
                return None
            try:
                return base_folder(await client.system_stats())
            except BackendError as exc:
                _log.info("the server's folder is not known: %s", exc)
                return None

    async def _address(self) -> str:
        return (await comfyui_places(self._settings(), self._servers))[0]

    def _roots(self, server: Path | None) -> list[Path]:
        settings = self._settings()
        found = [*settings.media_model_folders]
        bases = [*([server] if server is not None else []), *self._usual_places(settings)]
        found += [base / name for base in bases for name in ("models", "Models")]
        return _existing(found)


def usual_places(settings: Settings) -> list[Path]:
    """Return the folders where media servers are said or usually found to be installed, whether there or not."""
    return list(candidates((settings.comfyui_folder, settings.swarmui_folder), _SERVERS))


def base_folder(system_stats: object) -> Path | None:
    """Return a ComfyUI's base folder from its ``/system_stats``: ``--base-directory``, else where its program lies.

    None if it does not say so with a whole path.
    """
    argv = [as_text(word) for word in as_list(as_object(as_object(system_stats).get("system")).get("argv"))]
    said = Path(argv[0]).parent if argv else Path()
    if "--base-directory" in argv[1:-1]:
        said = Path(argv[argv.index("--base-directory") + 1])
    return said if said.is_absolute() else None


def places(root: Path, folder: str) -> list[Path]:
    """Return the folders below ``root`` that hold a kind of model, under all their names; only what is there."""
    return _existing(root / name for name in (folder, *OTHER_NAMES.get(folder, ())))


def model_files(folder: Path) -> Iterator[Path]:
    """Yield the model files below a folder, links followed once, in a stable order; what cannot be read is left out."""
    for at, folders, files in os.walk(folder, followlinks=True, onerror=lambda exc: _log.info("%s", exc)):
        if len(Path(at).relative_to(folder).parts) >= _DEEPEST:
            folders.clear()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(at, name) for name in sorted(files) if Path(name).suffix.lower() in MODEL_SUFFIXES)


def _existing(folders: Iterable[Path]) -> list[Path]:
    """Return those that are there, each once; names that differ in case may be one folder."""
    found: dict[Path, Path] = {}
    for folder in folders:
        try:
            if folder.is_dir():
                found.setdefault(folder.resolve(), folder)
        except OSError as exc:
            _log.info("%s cannot be read: %s", folder, exc)
    return list(found.values())
