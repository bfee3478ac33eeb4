"""What the engine needs from the outside, as protocols. Adapters fit them; the composition root passes instances."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from ai4artsed_desktop.domain.chunks import Chunk
from ai4artsed_desktop.domain.code_art import RenderJob, RenderVerdict
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.runs import MediumRecord, ParameterValue, RunRecord
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.domain.text_models import TextDelta, TextModelInfo, TextRequest
from ai4artsed_desktop.engine.catalog import CatalogFile
from ai4artsed_desktop.engine.python_chunks import ProducedMedium, PythonChunkContext


class TextModelProvider(Protocol):
    """One LLM API, or the models inside the program."""

    @property
    def id(self) -> str:
        """Stable id, the first part of its models' ids."""
        ...

    @property
    def problem(self) -> Reason | None:
        """Why it serves no models now, as far as the last list told; None = it does, or is switched off."""
        ...

    async def list_models(self) -> Sequence[TextModelInfo]:
        """Return the models it can serve now; unusable ones carry a ``problem``. Never raises for a bad model file."""
        ...

    def stream(self, model_id: str, request: TextRequest) -> AsyncGenerator[TextDelta, None]:
        """Generate. Loads the model first if needed. Closing the iterator (``aclosing``) cancels.

        Raises:
            ModelMissingError, ModelLoadError, ModelStoppedError, ContextTooLongError, ModelError.
        """
        ...

    async def release(self) -> None:
        """Free every model's memory; the next request loads again. Waits for nothing but running requests' end."""
        ...

    async def aclose(self) -> None:
        """Stop everything the provider started."""
        ...


class SecretStore(Protocol):
    """Keeps keys of services where the system keeps secrets."""

    async def place(self, name: str, variable: str = "") -> Literal["environment", "keyring", "file"] | None:
        """Return where a key comes from (``variable`` of the environment first), None if there is none.

        Raises:
            StorageError: The keyring or the file cannot be read.
        """
        ...

    async def put(self, name: str, key: str) -> None:
        """Keep a key, or forget it if it is empty. Raises StorageError."""
        ...


class ModelDigests(Protocol):
    """Tells which file exactly a local model is."""

    async def sha256(self, path: str) -> str:
        """Return the hex digest of a model's file, ``""`` if it cannot be read. Slow the first time only."""
        ...


@dataclass(frozen=True, slots=True)
class InputFile:
    """A picture, mask or sound that a graph reads.

    Attributes:
        name: What the graph calls it, unlike any other value in the graph. The backend brings the file to the server
            that runs the job, and puts that server's own name in its place.
        path: Where it lies on this machine.
    """

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class MediaRequest:
    """One filled request for a media backend: a ComfyUI ``graph`` (API format) or an API ``body``, and the chunk.

    With ``local_only`` nothing of it may leave the machine.
    """

    chunk: Chunk
    parameters: Mapping[str, ParameterValue]
    graph: Mapping[str, object] | None = None
    body: Mapping[str, object] | None = None
    files: tuple[InputFile, ...] = ()
    local_only: bool = False


@dataclass(frozen=True, slots=True)
class MediaProgress:
    """How far the making of a medium is.

    Attributes:
        fraction: 0.0 … 1.0, None = unknown.
        message: A language-file key.
        node: Name of the part of the graph that works.
        step: Of ``steps`` of that part; both 0 if it counts none.
        queue_position: Jobs before ours while it waits, else None.
        preview: A picture of the work in progress (JPEG or PNG), None if none came since the last progress.
    """

    fraction: float | None
    message: str = ""
    node: str = ""
    step: int = 0
    steps: int = 0
    queue_position: int | None = None
    preview: bytes | None = None
    preview_mime: str = ""


class MediaBackend(Protocol):
    """One server or service that makes media, such as ComfyUI."""

    @property
    def id(self) -> str:
        """The ``backend_type`` of the chunks it runs."""
        ...

    @property
    def is_local(self) -> bool:
        """False when its requests leave the machine."""
        ...

    async def problem(self, chunk: Chunk) -> Reason | None:
        """Return why ``chunk`` cannot run now, or None."""
        ...

    def generate(self, request: MediaRequest) -> AsyncGenerator[MediaProgress | ProducedMedium, None]:
        """Run one request; closing the iterator (``aclosing``) cancels our own job only. Raises BackendError."""
        ...

    async def aclose(self) -> None:
        """Close connections; a server that we did not start goes on."""
        ...


class Server(Protocol):
    """The server behind a media backend or a text model provider; the supervisor starts it when it is needed."""

    async def running(self) -> str | None:
        """Return where it answers now, None if it does not; starts nothing."""
        ...

    async def can_start(self) -> bool:
        """Tell whether the next need would start it."""
        ...

    async def address(self) -> str:
        """Return where it answers, after starting it if need be. Raises ServiceError."""
        ...


@runtime_checkable
class SupervisedBackend(Protocol):
    """A media backend whose server is a service that the supervisor starts and heals."""

    def use_servers(self, servers: Callable[[str], Server | None]) -> None:
        """Get the server of a service by its name, None if nothing starts it."""
        ...


class ServiceHealer(Protocol):
    """What a step needs of the supervisor when a server died under its job."""

    def service_of(self, backend_type: str) -> str:
        """Return the service behind a media backend, ``""`` if there is none."""
        ...

    def starts(self, name: str) -> int:
        """Return how often a service became ready since the program began."""
        ...

    async def heal(self, name: str) -> bool:
        """Wait until a service that broke is back; False if it stays away."""
        ...


class CodeRenderer(Protocol):
    """Renders p5.js and Tone.js code in the sandbox."""

    async def render(self, job: RenderJob) -> RenderVerdict:
        """Run one job to its end; cancelling ends the renderer. A bad sketch is a verdict, not an exception."""
        ...

    async def problem(self) -> str | None:
        """Return why nothing can be rendered here (a missing library's name), or None. Asked once, then remembered."""
        ...


class PythonChunkRunner(Protocol):
    """Loads and runs ``chunks/*.py``."""

    async def execute(
        self, path: str, context: PythonChunkContext, parameters: Mapping[str, object]
    ) -> list[ProducedMedium]:
        """Run the chunk file's ``execute``. Raises BackendError if it fails."""
        ...


class CatalogSource(Protocol):
    """Finds the catalogue's files."""

    async def read(self, settings: Settings) -> Sequence[CatalogFile]:
        """Return every file: shipped, the person's, then foreign ones. Never raises for a bad file."""
        ...

    async def fingerprint(self, settings: Settings) -> str:
        """Return a value that changes when any file does, cheaply (names, sizes, times)."""
        ...


class SettingsStore(Protocol):
    """Where settings live."""

    def load(self) -> Settings:
        """Return the settings in force; a damaged file is repaired from its backup or the defaults, and kept aside."""
        ...

    def save(self, settings: Settings) -> None:
        """Write atomically. Values that the environment sets are not written. Raises StorageError."""
        ...

    @property
    def from_environment(self) -> frozenset[str]:
        """Names of settings that the environment sets; they cannot be changed in the window."""
        ...


#: Files of a run that accompany its media: the stem of each one's name, and what is in it.
Notes = Sequence[tuple[str, ProducedMedium]]


class RunFolder(Protocol):
    """One run's folder: files, and the record that names them.

    The record is written by ``add``, ``take_in``, ``save`` and ``flush``. What ``note`` and ``amend`` say is written by
    the next of them, because each written record waits for the disk. Whoever begins long work flushes first.
    """

    @property
    def path(self) -> Path:
        """The folder."""
        ...

    @property
    def record(self) -> RunRecord:
        """The record as last saved or amended."""
        ...

    @property
    def is_made(self) -> bool:
        """Whether the folder is on disk."""
        ...

    async def made(self) -> None:
        """Wait until the folder with its first files is on disk; all that writes into it waits for that, too.

        Raises:
            StorageError: It could not be made, and there is none.
        """
        ...

    async def add(self, stem: str, medium: ProducedMedium, *, output_id: str) -> MediumRecord:
        """Write a medium (``.part``, fsync, rename), hash it, record it, and only then return its record.

        The file's name is ``<number>_<stem>.<extension>``; the number counts up in order of creation.

        Raises:
            StorageError, DiskFullError, ReadOnlyError.
        """
        ...

    def note(self, stem: str, medium: ProducedMedium) -> MediumRecord:
        """Take a small file (``data``, no path); it is written just before the next record, which names it."""
        ...

    def amend(self, **changes: object) -> None:
        """Change fields of the record; the next written one says so."""
        ...

    async def take_in(
        self, stem: str, source: Path, *, mask: Path | None = None, facts: Mapping[str, object] | None = None
    ) -> MediumRecord:
        """Copy a picture of the person's into the folder, hash and record it as ``add`` does; the original stays.

        Args:
            mask: Becomes the copy's alpha channel: white = transparent. The copy is a PNG then.
            facts: Recorded beside the original's name and the size in pixels.

        Raises:
            ImageFileError: There is no such file, or it is no picture that a server reads.
            StorageError, DiskFullError, ReadOnlyError.
        """
        ...

    async def save(self, **changes: object) -> None:
        """Change fields of the record and write ``metadata.json`` atomically. Raises StorageError."""
        ...

    async def flush(self) -> None:
        """Write the record if it says more than ``metadata.json``. Raises StorageError."""
        ...

    def work_dir(self) -> Path:
        """Make and return an empty scratch folder; it goes when the run ends."""
        ...

    async def close(self) -> None:
        """Remove scratch folders."""
        ...


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line of a list of runs."""

    run_id: str
    created: str
    state: str
    text: str
    interception_id: str
    folder: str
    parent_run_id: str | None = None
    media: tuple[str, ...] = ()


class RunStore(Protocol):
    """Run folders (the truth) and the index over them."""

    def create(self, record: RunRecord, notes: Notes = ()) -> RunFolder:
        """Begin to make the folder with its first files and the record that names them; see ``RunFolder.made``."""
        ...

    async def load(self, run_id: str) -> RunRecord:
        """Return a run's record. Raises UnknownEntryError, RunDamagedError."""
        ...

    async def folder_of(self, run_id: str) -> Path:
        """Return a run's folder. Raises UnknownEntryError."""
        ...

    async def list_runs(self, limit: int = 200, search: str = "") -> Sequence[RunSummary]:
        """Return runs, newest first, from the index."""
        ...

    async def rebuild_index(self) -> int:
        """Make the index anew from the folders; return the number of runs."""
        ...

    async def mark_interrupted(self) -> Sequence[RunSummary]:
        """Mark runs whose program died as interrupted and return them."""
        ...

    async def aclose(self) -> None:
        """Close the index."""
        ...


class WordLists(Protocol):
    """The word lists of the text procedures."""

    def load(self, language: str, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Return the lines of each list; a list that is not there is empty."""
        ...
