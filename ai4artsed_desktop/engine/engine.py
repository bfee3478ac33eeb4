"""The facade: one object with everything the window and the command line may ask for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from ai4artsed_desktop.domain.chunks import Chunk, ProcessingChunk
from ai4artsed_desktop.domain.configs import InterceptionConfig, OutputConfig
from ai4artsed_desktop.domain.errors import (
    LocalOnlyError,
    ModelMissingError,
    NotRunnableError,
    ProviderKeyError,
    ProviderUnavailableError,
)
from ai4artsed_desktop.domain.events import CatalogReloaded, SettingsChanged
from ai4artsed_desktop.domain.parameters import with_values
from ai4artsed_desktop.domain.procedures.base import Procedure
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import ParameterValue, RunRecord
from ai4artsed_desktop.domain.settings import Settings, StageRole
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo
from ai4artsed_desktop.domain.vram import VramClearing
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.catalog import Catalog, CatalogEntry
from ai4artsed_desktop.engine.catalog_reader import read_catalog
from ai4artsed_desktop.engine.catalog_rules import procedure_of
from ai4artsed_desktop.engine.gpu_ports import GpuMeter, GpuRecordsFile, VramSource
from ai4artsed_desktop.engine.gpu_use import GpuUse
from ai4artsed_desktop.engine.gpu_watch import GpuWatch
from ai4artsed_desktop.engine.interception_files import InterceptionFiles, InterceptionStore
from ai4artsed_desktop.engine.inventory import Inventory, ModelShelf
from ai4artsed_desktop.engine.lora_library import LoraFiles, LoraLibrary
from ai4artsed_desktop.engine.model_files import ModelFileService, ModelLibrary
from ai4artsed_desktop.engine.model_presets import ModelPresets
from ai4artsed_desktop.engine.model_services import ModelService, ModelServices
from ai4artsed_desktop.engine.orchestrator import Orchestrator, is_trusted, optimisation_chunk
from ai4artsed_desktop.engine.ports import (
    CatalogSource,
    CodeRenderer,
    MediaBackend,
    ModelDigests,
    PythonChunkRunner,
    RunStore,
    RunSummary,
    SecretStore,
    SettingsStore,
    TextModelProvider,
    WordLists,
)
from ai4artsed_desktop.engine.runs import RunService
from ai4artsed_desktop.engine.safety import SafetyGate
from ai4artsed_desktop.engine.safety_lists import SafetyFiles
from ai4artsed_desktop.engine.safety_media import FrameReader
from ai4artsed_desktop.engine.served_models import ModelServer, ServedModels
from ai4artsed_desktop.engine.steps import discover_output_steps
from ai4artsed_desktop.engine.steps.base import Services
from ai4artsed_desktop.engine.steps.processing import model_of
from ai4artsed_desktop.engine.supervisor import ServiceParts, Supervisor
from ai4artsed_desktop.engine.text_models import TextModels
from ai4artsed_desktop.engine.vram import VramArbiter

if TYPE_CHECKING:
    from ai4artsed_desktop.engine.training import TrainingService
    from ai4artsed_desktop.engine.training_ports import TrainingWorkshop
    from ai4artsed_desktop.engine.training_studio import TrainingStudio
    from ai4artsed_desktop.engine.workflows import NodeSource, OutputStore, Workflows

logger = logging.getLogger(__name__)

_NO_VALUES: Mapping[str, ParameterValue] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class World:
    """What the composition root hands to the engine.

    ``bus`` is made by the root, because adapters publish on it too.
    """

    bus: EventBus
    settings_store: SettingsStore
    catalog_source: CatalogSource
    run_store: RunStore
    renderer: CodeRenderer
    python_chunks: PythonChunkRunner
    word_lists: WordLists
    procedures: Mapping[str, Procedure]
    model_library: ModelLibrary
    text_providers: Sequence[TextModelProvider] = ()
    backends: Mapping[str, MediaBackend] = field(default_factory=lambda: MappingProxyType({}))
    services: ServiceParts = field(default_factory=ServiceParts)
    process_id: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    model_digests: ModelDigests | None = None
    interception_store: InterceptionStore | None = None
    model_presets: Callable[[], ModelPresets] = ModelPresets
    model_server: ModelServer | None = None
    model_services: Sequence[ModelService] = ()
    secrets: SecretStore | None = None
    lora_files: LoraFiles | None = None
    model_shelf: ModelShelf | None = None
    output_store: OutputStore | None = None
    server_nodes: NodeSource | None = None
    gpu_meter: GpuMeter | None = None
    gpu_records: GpuRecordsFile | None = None
    vram_sources: Sequence[VramSource] = ()
    safety_files: SafetyFiles | None = None
    safety_frames: FrameReader | None = None
    make_workshop: Callable[[], TrainingWorkshop] | None = None


class Engine:
    """Owns the catalogue, the settings, the text models and the runs.

    Use: ``await start()``, then ``runs``, ``models``, ``catalog`` …; ``await aclose()`` ends all in reverse order.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.bus = world.bus
        self.settings = world.settings_store.load()
        self.catalog = Catalog()
        self._fingerprint = ""
        self.gpu = GpuWatch(self.bus, world.gpu_meter, world.gpu_records)
        self.vram = VramArbiter(self.bus, self.gpu, lambda: self.settings)
        for source in world.vram_sources:
            self.vram.register(source)
        use = GpuUse(self.gpu, self.vram)
        self.models = TextModels(world.text_providers, lambda: self.settings, world.model_digests, use.around_model)
        self.loras = LoraLibrary(world.lora_files)
        self.services = Supervisor(world.bus, lambda: self.settings, world.services)
        self._services = Services(
            text_models=self.models,
            renderer=world.renderer,
            python_chunks=world.python_chunks,
            word_lists=world.word_lists,
            procedures=world.procedures,
            backends=world.backends,
            healer=self.services,
            loras=self.loras,
            gpu=use,
        )
        self.interceptions = InterceptionFiles(
            world.interception_store, lambda: self.catalog, self.reload_catalog, world.procedures
        )
        self.safety = SafetyGate(world.safety_files, self.models)
        self.model_files = ModelFileService(world.bus, world.model_library)
        self.inventory = Inventory(world.bus, lambda: self.catalog, world.model_shelf)
        self.served_models = ServedModels(world.bus, world.model_server) if world.model_server else None
        self.model_services = (
            ModelServices(world.bus, world.model_services, world.secrets) if world.secrets is not None else None
        )
        self.runs = RunService(
            bus=self.bus,
            store=world.run_store,
            orchestrator=Orchestrator(self._services, self.safety, world.safety_frames),
            catalog=lambda: self.catalog,
            settings=lambda: self.settings,
            process_id=dict(world.process_id),
        )

    @property
    def model_presets(self) -> ModelPresets:
        """Proposals for the stages' models, by graphics memory."""
        return self._world.model_presets()

    @cached_property
    def training(self) -> TrainingService:
        """LoRA trainings; made when first asked for, because nothing else at the start needs its modules."""
        from ai4artsed_desktop.engine.training import TrainingService
        from ai4artsed_desktop.engine.training_vram import TrainingVram

        vram = TrainingVram(self.gpu, self.vram)
        return TrainingService(self.bus, self._world.make_workshop, lambda: self.settings, vram)

    @property
    def can_train(self) -> bool:
        """Whether there is a place for trainings at all."""
        return self._world.make_workshop is not None

    @cached_property
    def training_studio(self) -> TrainingStudio:
        """What people look at and decide around trainings."""
        from ai4artsed_desktop.engine.training_studio import TrainingStudio

        return TrainingStudio(self.training, self.models)

    @cached_property
    def workflows(self) -> Workflows:
        """Workflows of ComfyUI that people bring; made when first asked for, as ``training`` is."""
        from ai4artsed_desktop.engine.workflows import Workflows

        world = self._world
        return Workflows(world.output_store, world.server_nodes, lambda: self.catalog, self.reload_catalog)

    @property
    def store(self) -> RunStore:
        """The recorded runs."""
        return self._world.run_store

    @property
    def settings_from_environment(self) -> frozenset[str]:
        """Names of settings that the environment sets."""
        return self._world.settings_store.from_environment

    async def start(self) -> Sequence[RunSummary]:
        """Read the catalogue, begin to work, and return runs that an earlier program left unfinished."""
        await self.reload_catalog()
        self.gpu.start()
        self.vram.start()
        self.runs.start()
        return await self._world.run_store.mark_interrupted()

    async def reload_catalog(self, *, only_if_changed: bool = False) -> bool:
        """Read the catalogue again; running runs keep theirs. Return whether it was read."""
        fingerprint = await self._world.catalog_source.fingerprint(self.settings)
        if only_if_changed and fingerprint == self._fingerprint:
            return False
        self._fingerprint = fingerprint
        files = await self._world.catalog_source.read(self.settings)
        self.catalog = read_catalog(files, procedures=self._world.procedures)
        for problem in self.catalog.errors:
            logger.warning("catalogue: %s: %s %s", problem.path, problem.code, dict(problem.params))
        catalog = self.catalog
        entries = sum(map(len, (catalog.interceptions, catalog.outputs, catalog.pipelines, catalog.chunks)))
        self.bus.publish(CatalogReloaded(entries, len(self.catalog.errors)))
        return True

    def change_settings(self, **changes: object) -> None:
        """Save changed settings.

        Raises:
            StorageError: They could not be written; the old ones stay in force.
            pydantic.ValidationError: A value does not fit (a bug of the caller: widgets offer only what fits).
        """
        changed = Settings.model_validate({**self.settings.model_dump(), **changes})
        self._world.settings_store.save(changed)
        names = frozenset(n for n in Settings.model_fields if getattr(changed, n) != getattr(self.settings, n))
        self.settings = changed
        self.bus.publish(SettingsChanged(names))

    async def interception_problem(self, config: InterceptionConfig, models: Sequence[TextModelInfo]) -> Reason | None:
        """Return why an interception cannot run here with the models there are, or None.

        Args:
            models: ``await engine.models.list_models()``; asked for once for a whole list of configs.
        """
        if procedure_of(config) is not None or config.meta.skip_interception:
            return None
        chosen = self._model_for(models, "interception", None)
        if isinstance(chosen, Reason):
            return chosen
        is_chain_too_hard = bool(config.steps) and chosen.grade is ModelGrade.TINY
        return Reason("reason.chain_needs_model") if is_chain_too_hard else None

    async def output_problem(self, config: OutputConfig, models: Sequence[TextModelInfo]) -> Reason | None:
        """Return why an output cannot run here, or None."""
        reason = await self.chunk_problem(self.catalog.chunk(config.chunk), config.overrides)
        meta = config.meta
        if reason is not None or meta.optimization_instruction is None or meta.optimization_is_optional:
            return reason
        chunk = optimisation_chunk(self.catalog, config)
        chosen = self._model_for(models, *model_of(chunk, None))
        return chosen if isinstance(chosen, Reason) else None

    async def chunk_problem(
        self, entry: CatalogEntry[Chunk], values: Mapping[str, ParameterValue] = _NO_VALUES
    ) -> Reason | None:
        """Return why an output chunk cannot run here, or None; other chunks stand for nothing that could be missing.

        Args:
            values: In place of its defaults.
        """
        if isinstance(entry.value, ProcessingChunk):
            return None
        step = discover_output_steps().get(entry.value.type)
        if step is None:
            return Reason("reason.no_step", {"type": entry.value.type})
        chunk = with_values(entry.value, values)
        return await step.problem(chunk, is_trusted(entry, self.settings.foreign_python_chunks), self._services)

    def _model_for(
        self, models: Sequence[TextModelInfo], role: StageRole, wanted: str | None
    ) -> TextModelInfo | Reason:
        try:
            return self.models.pick(models, role, wanted)
        except ModelMissingError:
            return Reason("reason.model_missing")
        except NotRunnableError as exc:
            return Reason(exc.params["reason"])
        except LocalOnlyError as exc:
            return Reason("reason.local_only", exc.params)
        except ProviderKeyError as exc:
            return Reason("reason.provider_key", exc.params)
        except ProviderUnavailableError as exc:
            return Reason("reason.provider_unreachable", exc.params)

    async def free_memory(self) -> VramClearing:
        """Unload the text models, then everything on the graphics cards that neither works nor is pinned."""
        await self.models.release()
        return await self.vram.clear()

    async def record(self, run_id: str) -> RunRecord:
        """Return a run's record. Raises UnknownEntryError, RunDamagedError."""
        return await self._world.run_store.load(run_id)

    async def aclose(self) -> None:
        """End runs, then models, then services, then the store."""
        if "training" in vars(self):
            await self.training.aclose()
        await self.runs.aclose()
        await self.vram.aclose()
        await self.gpu.aclose()
        await self.model_files.aclose()
        await self.inventory.aclose()
        if self.served_models is not None:
            await self.served_models.aclose()
        await self.models.aclose()
        await self.services.aclose()
        await self._world.run_store.aclose()
