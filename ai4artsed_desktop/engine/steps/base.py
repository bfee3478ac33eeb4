"""What a step gets and what it may do: the contracts between the orchestrator and the files beside this one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from ai4artsed_desktop.domain.chunks import Chunk, ProcessingChunk
from ai4artsed_desktop.domain.configs import FewShotExamples, LoraUse, OutputConfig
from ai4artsed_desktop.domain.procedures.base import Procedure
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import ParameterValue, StageName
from ai4artsed_desktop.domain.text_models import TextModelInfo
from ai4artsed_desktop.engine.code_repair import CodeAuthor
from ai4artsed_desktop.engine.gpu_use import GpuUse
from ai4artsed_desktop.engine.input_images import StoredImage
from ai4artsed_desktop.engine.lora_library import LoraLibrary
from ai4artsed_desktop.engine.ports import (
    CodeRenderer,
    MediaBackend,
    MediaProgress,
    PythonChunkRunner,
    ServiceHealer,
    WordLists,
)
from ai4artsed_desktop.engine.python_chunks import ProducedMedium
from ai4artsed_desktop.engine.text_models import TextModels


@dataclass(frozen=True, slots=True)
class Services:
    """What steps use of the world."""

    text_models: TextModels
    renderer: CodeRenderer
    python_chunks: PythonChunkRunner
    word_lists: WordLists
    procedures: Mapping[str, Procedure]
    backends: Mapping[str, MediaBackend] = field(default_factory=lambda: MappingProxyType({}))
    loras: LoraLibrary = field(default_factory=LoraLibrary)
    gpu: GpuUse = field(default_factory=GpuUse)
    healer: ServiceHealer | None = None


class TextReporter(Protocol):
    """How a text step tells what it does."""

    def started(self, model: str) -> None:
        """Say which model or procedure works now."""
        ...

    def streamed(self, delta: str, candidate: int = 0) -> None:
        """Pass on new text."""
        ...

    def round_finished(self, label: str, text: str) -> None:
        """Pass on one visible intermediate text."""
        ...

    def thinks(self) -> None:
        """Say that the model reasons before it answers."""
        ...


@dataclass(frozen=True, slots=True)
class TextJob:
    """One text to transform.

    Attributes:
        rules: What the system message says; already in one language.
        parameters: The config's own (temperature …), or a procedure's options.
        role_model: Model id set for this run, or None for the settings' choice.
        rounds: (label, rules) of each round of a chain; empty = one round with ``rules``.
        local_only: No request may leave the machine, whatever model was chosen.
    """

    stage: StageName
    chunk: ProcessingChunk
    text: str
    rules: str
    language: str
    seed: int
    reporter: TextReporter
    parameters: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    role_model: str | None = None
    examples: FewShotExamples | None = None
    rounds: tuple[tuple[str, str], ...] = ()
    local_only: bool = False


@dataclass(frozen=True, slots=True)
class TextOutcome:
    """A transformed text. ``candidates`` holds every proposal, the chosen one first; empty if there was only one.

    ``thinking`` is the model's reasoning, no part of the text.
    """

    text: str
    model: str
    parameters: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    candidates: tuple[str, ...] = ()
    rounds: tuple[tuple[str, str], ...] = ()
    model_info: TextModelInfo | None = None
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class OutputJob:
    """One medium to make.

    ``save`` writes, records and announces a medium and returns when that is done; ``keep`` takes a JSON record beside
    the media, which is written with the run's record: by ``flush``, with the next medium, or at the end. ``made`` waits
    until there is a folder, and raises StorageError if there will be none. With ``local_only`` no request may leave the
    machine. ``author`` is set when a model wrote ``text`` as code in this very run: it is asked again when the code
    fails.
    """

    run_id: str
    config: OutputConfig
    chunk: Chunk
    chunk_path: str
    is_trusted: bool
    text: str
    language: str
    seed: int
    parameters: Mapping[str, ParameterValue]
    texts: Mapping[str, str]
    make_work_dir: Callable[[], Path]
    progress: Callable[[MediaProgress], None]
    save: Callable[[ProducedMedium], Awaitable[object]]
    keep: Callable[[str, object], None]
    made: Callable[[], Awaitable[None]]
    flush: Callable[[], Awaitable[None]]
    services: Services
    local_only: bool = False
    author: CodeAuthor | None = None
    loras: tuple[LoraUse, ...] = ()
    images: Mapping[str, StoredImage] = field(default_factory=lambda: MappingProxyType({}))

    async def write(self, stem: str, data: object) -> None:
        """Take a JSON record and write it."""
        self.keep(stem, data)
        await self.flush()


class OutputStep(Protocol):
    """Runs output chunks of one type. Each file here that serves an output chunk has one, named ``STEP``."""

    @property
    def chunk_type(self) -> str:
        """The ``type`` of the chunks it runs."""
        ...

    @property
    def keeps_request(self) -> bool:
        """True if it keeps what it sends (``OutputJob.keep``), and flushes the record itself as the work begins."""
        ...

    async def problem(self, chunk: Chunk, is_trusted: bool, services: Services) -> Reason | None:
        """Return why ``chunk`` cannot run now, or None."""
        ...

    async def run(self, job: OutputJob) -> Mapping[str, object]:
        """Make the medium or media, save each, and return facts for the stage's record. Raises AppError."""
        ...
