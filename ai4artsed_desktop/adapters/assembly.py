"""Puts the adapters together into the engine's world; window and command line share it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai4artsed_desktop.adapters.backends.registry import Backends
from ai4artsed_desktop.adapters.catalog_files import CatalogFiles
from ai4artsed_desktop.adapters.code_renderer import ChildCodeRenderer
from ai4artsed_desktop.adapters.file_digests import FileDigests
from ai4artsed_desktop.adapters.model_library import DiskModelLibrary
from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.process.ledger import Ledger
from ai4artsed_desktop.adapters.process.watchdog import Watchdog
from ai4artsed_desktop.adapters.python_chunks import FilePythonChunks
from ai4artsed_desktop.adapters.storage.run_folders import this_process
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from ai4artsed_desktop.adapters.storage.settings_file import SettingsFile
from ai4artsed_desktop.adapters.text_models.llama_cpp import BuiltInModels
from ai4artsed_desktop.adapters.word_lists import WordListFiles
from ai4artsed_desktop.domain.events import Event, ModelsChanged, ModelStateChanged, SettingsChanged
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.engine import Engine, World

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.downloads import Downloader

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Assembly:
    """The engine and what must be ended after it."""

    engine: Engine
    paths: AppPaths
    watchdog: Watchdog
    ledger: Ledger
    backends: Backends

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
        on_state=lambda model_id, state, detail: bus.publish(ModelStateChanged(model_id, state, detail)),
        guards=Guards(watchdog, ledger),
    )
    backends = Backends(settings_store.load)
    world = World(
        bus=bus,
        settings_store=settings_store,
        catalog_source=CatalogFiles(paths),
        run_store=DiskRunStore(paths.runs, paths.run_index),
        renderer=ChildCodeRenderer(paths.vendor, watchdog=watchdog, ledger=ledger),
        python_chunks=FilePythonChunks(),
        word_lists=WordListFiles(paths.resources / "wordlists"),
        procedures=discover_procedures(),
        model_library=DiskModelLibrary(
            models_store,
            paths.resources / "models" / "catalogue.json",
            lambda: _make_downloader(lambda: settings_store.load().local_only),
        ),
        text_providers=(built_in,),
        backends=backends,
        process_id=this_process(),
        model_digests=FileDigests(paths.cache / "digests.json"),
    )
    engine = Engine(world)
    bus.subscribe(lambda event: _follow_settings(event, engine, models_store, built_in))
    return Assembly(engine, paths, watchdog, ledger, backends)


def _make_downloader(is_local_only: Callable[[], bool]) -> Downloader:
    # Imported with the first download: the HTTP client behind it would cost every start of the window.
    from ai4artsed_desktop.adapters.downloads import Downloader

    return Downloader(is_local_only)


def _follow_settings(event: Event, engine: Engine, store: ModelsStore, built_in: BuiltInModels) -> None:
    """Let changed settings reach the adapters that were built with the old ones."""
    if not isinstance(event, SettingsChanged):
        return
    settings = engine.settings
    built_in.configure(threads=settings.llm_threads or None, idle_s=settings.model_idle_s)
    if "model_folders" in event.names:
        store.set_further_folders(settings.model_folders)
        engine.bus.publish(ModelsChanged())


def make_renderer(paths: AppPaths) -> tuple[ChildCodeRenderer, Watchdog]:
    """Return a renderer on its own and the watchdog to close after it."""
    watchdog = Watchdog()
    return ChildCodeRenderer(paths.vendor, watchdog=watchdog, ledger=Ledger(paths.process_ledger)), watchdog
