"""Puts the adapters together into the engine's world; window and command line share it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.backends.registry import Backends
from ai4artsed_desktop.adapters.catalog_files import CatalogFiles
from ai4artsed_desktop.adapters.code_renderer import ChildCodeRenderer
from ai4artsed_desktop.adapters.comfyui_places import comfyui_places
from ai4artsed_desktop.adapters.file_digests import FileDigests
from ai4artsed_desktop.adapters.gpu.holders import BuiltInVram, ComfyUiVram
from ai4artsed_desktop.adapters.gpu.meter import GpuMeterThread
from ai4artsed_desktop.adapters.gpu.nvml import NvmlSampler
from ai4artsed_desktop.adapters.gpu.process_names import ProcessNames
from ai4artsed_desktop.adapters.gpu.records_file import GpuRecordsJson
from ai4artsed_desktop.adapters.gpu.swarmui_holder import SwarmUiVram
from ai4artsed_desktop.adapters.interception_store import InterceptionStoreFiles
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.lora_files import DiskLoraFiles
from ai4artsed_desktop.adapters.model_folders import MediaModelFolders, usual_places
from ai4artsed_desktop.adapters.model_inventory import DiskModelShelf
from ai4artsed_desktop.adapters.model_library import DiskModelLibrary
from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.process.watchdog import Watchdog
from ai4artsed_desktop.adapters.python_chunks import FilePythonChunks
from ai4artsed_desktop.adapters.safety_frames import PictureFrames
from ai4artsed_desktop.adapters.safety_list_files import SafetyListFiles
from ai4artsed_desktop.adapters.server_nodes import ServerNodes
from ai4artsed_desktop.adapters.services.service_registry import make_services
from ai4artsed_desktop.adapters.storage.run_folders import this_process
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from ai4artsed_desktop.adapters.storage.settings_file import SettingsFile
from ai4artsed_desktop.adapters.text_models.assembling import TextModelParts, make_text_models, read_model_presets
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels
from ai4artsed_desktop.adapters.text_models.ollama_vram import OllamaVram
from ai4artsed_desktop.adapters.user_catalog import UserOutputs
from ai4artsed_desktop.adapters.word_lists import WordListFiles
from ai4artsed_desktop.domain.events import Event, ModelsChanged, ModelStateChanged, SettingsChanged
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.engine import Engine, World
from ai4artsed_desktop.engine.ports import MediaBackend, Server

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.downloads import Downloader
    from ai4artsed_desktop.adapters.training.workshop import DiskWorkshop

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembly:
    """The engine and what must be ended after it."""

    engine: Engine
    paths: AppPaths
    watchdog: Watchdog
    ledger: Ledger
    backends: Backends
    comfyui_vram: ComfyUiVram
    swarmui_vram: SwarmUiVram

    async def end_leftovers(self) -> int:
        """End children that an earlier program left when it was killed, and return how many; ours alone are touched."""
        return await asyncio.to_thread(self._end_leftovers)

    def _end_leftovers(self) -> int:
        ended = [entry for entry in self.ledger.list_leftovers() if self.ledger.end_leftover(entry)]
        for entry in ended:
            logger.warning("ended %s (%d), which an earlier program had left", entry.name, entry.pid)
        return len(ended)

    async def aclose(self) -> None:
        """End the engine, then the backends' connections, then the watchdog."""
        await self.engine.aclose()
        await self.backends.aclose()
        await self.comfyui_vram.aclose()
        await self.swarmui_vram.aclose()
        self.watchdog.close()


def assemble(paths: AppPaths) -> Assembly:
    """Build the engine over the real world. Nothing is started, and no folder is made, before it is needed."""
    bus = EventBus()
    watchdog = Watchdog()
    ledger = Ledger(paths.process_ledger)
    settings_store = SettingsFile(paths.settings_file)
    settings = settings_store.load()
    models_store = ModelsStore(paths.models, settings.model_folders)
    built_in = BuiltInModels(
        models_store,
        idle_s=settings.model_idle_s,
        threads=settings.llm_threads or None,
        context_tokens=settings.llm_context_tokens or None,
        on_state=lambda model_id, state, detail: bus.publish(ModelStateChanged(model_id, state, detail)),
        guards=Guards(watchdog, ledger),
    )
    guard = NetworkGuard(lambda: engine.settings.local_only)
    models = make_text_models(
        built_in,
        paths.resources,
        paths.config / "keys.json",
        settings,
        lambda: engine.settings,
        guard,
        lambda model_id, state, detail: bus.publish(ModelStateChanged(model_id, state, detail)),
    )

    def servers(name: str) -> Server | None:
        return engine.services.server(name)

    backends = Backends(
        lambda: engine.settings,
        {"api": lambda: _make_api_backend(guard, models)},
        servers=servers,
    )
    media_folders = MediaModelFolders(lambda: _with_trained_loras(paths, settings_store.load()), usual_places, servers)
    comfyui_vram = ComfyUiVram(lambda: _comfyui_places(engine))
    swarmui_vram = SwarmUiVram(lambda: engine.services.view("swarmui").address)
    world = World(
        bus=bus,
        settings_store=settings_store,
        catalog_source=CatalogFiles(paths),
        run_store=DiskRunStore(paths.runs, paths.run_index),
        renderer=ChildCodeRenderer(paths.vendor, watchdog=watchdog, ledger=ledger),
        python_chunks=FilePythonChunks(),
        interception_store=InterceptionStoreFiles(paths.user_catalog),
        word_lists=WordListFiles(paths.resources / "wordlists"),
        procedures=discover_procedures(),
        model_library=DiskModelLibrary(
            models_store,
            paths.resources / "models" / "catalogue.json",
            lambda: _make_downloader(lambda: settings_store.load().local_only),
        ),
        text_providers=models.providers,
        model_presets=cache(lambda: read_model_presets(paths.resources)),
        model_server=models.library,
        model_services=models.services,
        secrets=models.secrets,
        backends=backends,
        services=make_services(lambda: engine.settings, guard, paths, Guards(watchdog, ledger)),
        process_id=this_process(),
        model_digests=FileDigests(paths.cache / "digests.json"),
        lora_files=DiskLoraFiles(media_folders),
        model_shelf=DiskModelShelf(media_folders),
        output_store=UserOutputs(paths.user_catalog),
        server_nodes=ServerNodes(lambda: comfyui_places(engine.settings, servers), guard),
        gpu_meter=GpuMeterThread(lambda: NvmlSampler(ProcessNames(ledger.names))),
        gpu_records=GpuRecordsJson(paths.data / "gpu.json"),
        safety_files=SafetyListFiles(paths.resources / "safety"),
        safety_frames=PictureFrames(),
        vram_sources=(BuiltInVram(built_in), OllamaVram(models.ollama), comfyui_vram, swarmui_vram),
        make_workshop=lambda: _make_workshop(paths, settings_store, Guards(watchdog, ledger), ledger),
    )
    engine = Engine(world)
    models.ollama.use_server(engine.services.server("ollama"))
    bus.subscribe(lambda event: _follow_settings(event, engine, models_store, built_in, models))
    return Assembly(engine, paths, watchdog, ledger, backends, comfyui_vram, swarmui_vram)


def _comfyui_places(engine: Engine) -> tuple[str, ...]:
    """Return where ComfyUIs may answer that are asked for memory, also one that was started on another port."""
    if engine.settings.comfyui_through_swarmui:
        return ()  # SwarmUI frees the ComfyUIs behind it by itself
    settings = engine.settings
    return (
        settings.comfyui_address,
        *settings.comfyui_more_addresses,
        engine.services.view("comfyui").address,
    )


def _make_api_backend(guard: NetworkGuard, models: TextModelParts) -> MediaBackend:
    # Imported with the first question about a cloud output, for the same reason as the downloader.
    from ai4artsed_desktop.adapters.backends.api_backend import make_api_backend

    return make_api_backend(guard, models.secrets, models.services)


def _make_downloader(is_local_only: Callable[[], bool]) -> Downloader:
    # Imported with the first download: the HTTP client behind it would cost every start of the window.
    from ai4artsed_desktop.adapters.downloads import Downloader

    return Downloader(is_local_only)


def _with_trained_loras(paths: AppPaths, settings: Settings) -> Settings:
    """Return the settings with the folder among the LoRAs' that trainings put theirs into."""
    from ai4artsed_desktop.adapters.training.places import lora_folders  # with the first look at LoRAs

    return settings.model_copy(update={"lora_folders": lora_folders(paths, settings)})


def _make_workshop(paths: AppPaths, settings: SettingsFile, guards: Guards, ledger: Ledger) -> DiskWorkshop:
    # Imported with the first look at trainings: nothing at the start needs it.
    from ai4artsed_desktop.adapters.training.places import TrainingLocations
    from ai4artsed_desktop.adapters.training.workshop import make_workshop

    return make_workshop(TrainingLocations(paths, settings.load), paths.resources, guards, ledger)


def _follow_settings(
    event: Event, engine: Engine, store: ModelsStore, built_in: BuiltInModels, models: TextModelParts
) -> None:
    """Let changed settings reach the adapters that were built with the old ones."""
    if not isinstance(event, SettingsChanged):
        return
    settings = engine.settings
    built_in.configure(
        threads=settings.llm_threads or None,
        context_tokens=settings.llm_context_tokens or None,
        idle_s=settings.model_idle_s,
    )
    models.follow(settings)
    if "model_folders" in event.names:
        store.set_further_folders(settings.model_folders)
        engine.bus.publish(ModelsChanged())


def make_renderer(paths: AppPaths) -> tuple[ChildCodeRenderer, Watchdog]:
    """Return a renderer on its own and the watchdog to close after it."""
    watchdog = Watchdog()
    return ChildCodeRenderer(paths.vendor, watchdog=watchdog, ledger=Ledger(paths.process_ledger)), watchdog
