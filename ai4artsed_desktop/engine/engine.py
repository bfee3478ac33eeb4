"""The facade: one object with everything the window and the command line may ask for."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from ai4artsed_desktop.domain.chunks import Chunk, ProcessingChunk
from ai4artsed_desktop.domain.configs import InterceptionConfig, OutputConfig
from ai4artsed_desktop.domain.errors import LocalOnlyError, ModelMissingError, NotRunnableError
from ai4artsed_desktop.domain.events import CatalogReloaded, SettingsChanged
from ai4artsed_desktop.domain.procedures.base import Procedure
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import RunRecord
from ai4artsed_desktop.domain.settings import Settings, StageRole
from ai4artsed_desktop.domain.text_models import ModelGrade, TextModelInfo
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.catalog import Catalog, CatalogEntry
from ai4artsed_desktop.engine.catalog_reader import read_catalog
from ai4artsed_desktop.engine.catalog_rules import procedure_of
from ai4artsed_desktop.engine.model_files import ModelFileService, ModelLibrary
from ai4artsed_desktop.engine.orchestrator import Orchestrator, is_trusted, optimisation_chunk
from ai4artsed_desktop.engine.ports import (
    CatalogSource,
    CodeRenderer,
    MediaBackend,
    ModelDigests,
    PythonChunkRunner,
    RunStore,
    RunSummary,
    SettingsStore,
    TextModelProvider,
    WordLists,
)
from ai4artsed_desktop.engine.runs import RunService
from ai4artsed_desktop.engine.steps import discover_output_steps
from ai4artsed_desktop.engine.steps.base import Services
from ai4artsed_desktop.engine.steps.processing import model_of
from ai4artsed_desktop.engine.text_models import TextModels

logger = logging.getLogger(__name__)


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
    process_id: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    model_digests: ModelDigests | None = None


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
        self.models = TextModels(world.text_providers, lambda: self.settings, world.model_digests)
        self._services = Services(
            text_models=self.models,
            renderer=world.renderer,
            python_chunks=world.python_chunks,
            word_lists=world.word_lists,
            procedures=world.procedures,
            backends=world.backends,
        )
        self.model_files = ModelFileService(world.bus, world.model_library)
        self.runs = RunService(
            bus=self.bus,
            store=world.run_store,
            orchestrator=Orchestrator(self._services),
            catalog=lambda: self.catalog,
            settings=lambda: self.settings,
            process_id=dict(world.process_id),
        )

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
        reason = await self.chunk_problem(self.catalog.chunk(config.chunk))
        if reason is not None or config.meta.optimization_instruction is None:
            return reason
        chunk = optimisation_chunk(self.catalog, config)
        chosen = self._model_for(models, *model_of(chunk, None))
        return chosen if isinstance(chosen, Reason) else None

    async def chunk_problem(self, entry: CatalogEntry[Chunk]) -> Reason | None:
        """Return why an output chunk cannot run here, or None; other chunks stand for nothing that could be missing."""
        if isinstance(entry.value, ProcessingChunk):
            return None
        step = discover_output_steps().get(entry.value.type)
        if step is None:
            return Reason("reason.no_step", {"type": entry.value.type})
        return await step.problem(entry.value, is_trusted(entry, self.settings.foreign_python_chunks), self._services)

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

    async def record(self, run_id: str) -> RunRecord:
        """Return a run's record. Raises UnknownEntryError, RunDamagedError."""
        return await self._world.run_store.load(run_id)

    async def aclose(self) -> None:
        """End runs, then models, then the store."""
        await self.runs.aclose()
        await self.model_files.aclose()
        await self.models.aclose()
        await self._world.run_store.aclose()
