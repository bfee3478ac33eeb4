"""The engine over the shipped catalogue and a real data folder, with a fake model and a fake renderer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ai4artsed_desktop.adapters.catalog_files import CatalogFiles
from ai4artsed_desktop.adapters.downloads import Downloader
from ai4artsed_desktop.adapters.interception_store import InterceptionStoreFiles
from ai4artsed_desktop.adapters.model_library import DiskModelLibrary
from ai4artsed_desktop.adapters.models_store import ModelsStore
from ai4artsed_desktop.adapters.paths import HOME_VARIABLE, AppPaths, find_paths
from ai4artsed_desktop.adapters.python_chunks import FilePythonChunks
from ai4artsed_desktop.adapters.safety_frames import PictureFrames
from ai4artsed_desktop.adapters.safety_list_files import SafetyListFiles
from ai4artsed_desktop.adapters.storage.run_folders import read_record, this_process
from ai4artsed_desktop.adapters.storage.run_store import DiskRunStore
from ai4artsed_desktop.adapters.storage.settings_file import SettingsFile
from ai4artsed_desktop.adapters.text_models.assembling import read_model_presets
from ai4artsed_desktop.adapters.user_catalog import UserOutputs
from ai4artsed_desktop.adapters.word_lists import WordListFiles
from ai4artsed_desktop.domain.events import RunCancelled, RunEvent, RunFailed, RunFinished
from ai4artsed_desktop.domain.procedures import discover_procedures
from ai4artsed_desktop.domain.runs import OutputRequest, RunRecord, RunRequest
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.engine import Engine, World
from ai4artsed_desktop.engine.gpu_ports import GpuMeter, VramSource
from ai4artsed_desktop.engine.inventory import ModelShelf
from ai4artsed_desktop.engine.lora_library import LoraFiles
from ai4artsed_desktop.engine.ports import MediaBackend
from ai4artsed_desktop.engine.safety_lists import SafetyFiles
from ai4artsed_desktop.engine.training_ports import TrainingWorkshop
from tests.support.fake_models import FakeModels
from tests.support.fake_renderer import FakeRenderer
from tests.support.probe import EventProbe

#: Output configs that ship: code art by rules (drawing, music) and by a text model.
DRAWING, MUSIC, CODE = "sketchbook_p5js", "sketchbook_tonejs", "p5js_code"
SHIPPED_LISTS = SafetyListFiles(find_paths({}).resources / "safety")
ENDS = (RunFinished, RunFailed, RunCancelled)


@dataclass(frozen=True)
class TestWorld:
    """An engine at work and everything around it."""

    __test__ = False

    engine: Engine
    probe: EventProbe
    models: FakeModels
    renderer: FakeRenderer
    paths: AppPaths
    store: DiskRunStore

    async def run(
        self, text: str = "A red apple", interception: str = "as_is", *outputs: str, **more: Any
    ) -> RunRecord:
        """Submit a run and return its record at the end."""
        return await self.engine.runs.wait(self.engine.runs.submit(request(text, interception, *outputs, **more)))

    async def end_of(self, run_id: str) -> RunEvent:
        """Wait for a run's end and return its last event."""
        await self.engine.runs.wait(run_id)
        return next(e for e in reversed(self.probe.of(RunEvent)) if e.run_id == run_id and isinstance(e, ENDS))

    def folder_of(self, run_id: str) -> Path:
        """Return a run's folder, asking nobody but the disk."""
        return next(self.paths.runs.glob(f"*/{run_id}"))

    def assert_tidy(self, run_id: str) -> None:
        """Nothing half-written, nothing unrecorded, and every file is what its record says."""
        folder = self.folder_of(run_id)
        record = read_record(folder)
        recorded = ["metadata.json", *(entity.filename for entity in record.entities)]
        assert sorted(path.name for path in folder.iterdir()) == sorted(recorded)
        for entity in record.entities:
            assert hashlib.sha256((folder / entity.filename).read_bytes()).hexdigest() == entity.sha256

    def entry(self, relative: str, content: object) -> Path:
        """Write a file of the person's own catalogue, such as ``configs/output/x.json``; text is written as it is."""
        path = self.paths.user_catalog / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path


def request(text: str, interception: str, *outputs: str, **more: Any) -> RunRequest:
    """Return a run request with seed 7 unless told otherwise."""
    asked = RunRequest(text, interception, tuple(OutputRequest(name) for name in outputs), seed=7)
    return replace(asked, **more)


@asynccontextmanager
async def open_world(
    home: Path,
    *,
    models: FakeModels | None = None,
    renderer: FakeRenderer | None = None,
    backends: Mapping[str, MediaBackend] | None = None,
    gpu_meter: GpuMeter | None = None,
    vram_sources: Sequence[VramSource] = (),
    lora_files: LoraFiles | None = None,
    model_shelf: ModelShelf | None = None,
    safety_files: SafetyFiles | None = SHIPPED_LISTS,
    make_workshop: Callable[[], TrainingWorkshop] | None = None,
    **settings: Any,
) -> AsyncGenerator[TestWorld, None]:
    """Open an engine whose data lie below ``home``; ``settings`` are saved before it starts."""
    paths = find_paths({HOME_VARIABLE: str(home)})
    bus, store = EventBus(), DiskRunStore(paths.runs, paths.run_index)
    settings_file = SettingsFile(paths.settings_file)
    if settings:
        settings_file.save(settings_file.load().model_copy(update=settings))
    fakes = models or FakeModels(), renderer or FakeRenderer()
    library = DiskModelLibrary(
        ModelsStore(paths.models), paths.resources / "models" / "catalogue.json", lambda: Downloader(lambda: True)
    )
    engine = Engine(
        World(
            bus=bus,
            settings_store=settings_file,
            catalog_source=CatalogFiles(paths),
            run_store=store,
            renderer=fakes[1],
            python_chunks=FilePythonChunks(),
            interception_store=InterceptionStoreFiles(paths.user_catalog),
            output_store=UserOutputs(paths.user_catalog),
            word_lists=WordListFiles(paths.resources / "wordlists"),
            procedures=discover_procedures(),
            model_library=library,
            text_providers=(fakes[0],),
            backends=backends or {},
            lora_files=lora_files,
            model_shelf=model_shelf,
            safety_files=safety_files,
            safety_frames=PictureFrames(),
            process_id=this_process(),
            model_presets=lambda: read_model_presets(paths.resources),
            gpu_meter=gpu_meter,
            vram_sources=vram_sources,
            make_workshop=make_workshop,
        )
    )
    with EventProbe(bus) as probe:
        try:
            await engine.start()
            yield TestWorld(engine, probe, *fakes, paths, store)
        finally:
            await engine.aclose()
