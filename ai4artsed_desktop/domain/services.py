"""Services: the servers beside the program (ComfyUI, SwarmUI, Ollama), their states, events and errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from ai4artsed_desktop.domain.errors import AppError, BackendUnavailableError, ErrorInfo
from ai4artsed_desktop.domain.events import Event
from ai4artsed_desktop.domain.reasons import Reason


class ServiceState(StrEnum):
    """STOPPED → STARTING → READY → (exit not asked for) → BACKOFF → STARTING …, then FAILED.

    EXTERNAL: it answers but is not ours: used, shown, never stopped. The words stand under ``service.state.<value>``.
    """

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"
    FAILED = "failed"
    EXTERNAL = "external"
    STOPPING = "stopping"


#: States in which jobs may be sent.
USABLE = frozenset({ServiceState.READY, ServiceState.EXTERNAL})


@dataclass(frozen=True, slots=True)
class ServiceInstall:
    """Where a service lies on this machine.

    Attributes:
        folder: Its own folder; for a single program the folder that holds it.
        program: What runs it: a Python, a start script, a program.
    """

    folder: str
    program: str


@dataclass(frozen=True, slots=True)
class ServiceView:
    """One service as it is now.

    Attributes:
        address: Where it answers or would be looked for, ``http://host:port``.
        pid: Its main process, None if none is known.
        memory_bytes: Resident memory of the whole process tree, None = unknown.
        uptime_s: Since its process was started, None while there is none.
        last_error: Why it ended or does not answer; kept until it is ready again.
        note: What is to be known beside the state, such as that SwarmUI's own ComfyUI still loads.
        facts: What the server tells of itself (``version``, ``comfyui_port`` …).
        install: What a start would start, None = nothing was found, or nobody has looked yet.
        restarts: How often it was brought back since the last start that was asked for.
        is_detached: It goes on when the program ends.
        log_path: The file that holds its log beyond the lines in memory.
    """

    name: str
    title: str
    state: ServiceState
    address: str
    pid: int | None = None
    memory_bytes: int | None = None
    uptime_s: float | None = None
    last_error: ErrorInfo | None = None
    note: Reason | None = None
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    install: ServiceInstall | None = None
    restarts: int = 0
    is_detached: bool = False
    log_path: str = ""

    @property
    def port(self) -> int | None:
        """The port of its address, None if the address names none."""
        _, _, port = self.address.partition("://")[2].partition("/")[0].rpartition(":")
        return int(port) if port.isdecimal() else None

    @property
    def is_usable(self) -> bool:
        """Whether jobs may be sent to it now."""
        return self.state in USABLE


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service's log; ``number`` counts up from 1 without gaps, also over restarts. It has no level."""

    number: int
    text: str
    level: str = ""


@dataclass(frozen=True, slots=True)
class ServiceStateChanged(Event):
    """A service's state or measured values changed."""

    service: ServiceView


@dataclass(frozen=True, slots=True)
class ServiceLogGrew(Event):
    """A service wrote; lines come in batches, in order."""

    name: str
    lines: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class SetupProgressed(Event):
    """An installation goes on. ``step`` of ``steps``; ``key`` names the step in the language files."""

    name: str
    key: str
    step: int
    steps: int


@dataclass(frozen=True, slots=True)
class SetupEnded(Event):
    """An installation is complete (``install`` set), failed (``error`` set) or was cancelled (``is_cancelled``)."""

    name: str
    install: ServiceInstall | None = None
    error: ErrorInfo | None = None
    is_cancelled: bool = False


@dataclass(frozen=True, slots=True)
class FoundService:
    """Something the guided set-up found: an installation, or a server that answers (``install`` None)."""

    name: str
    title: str
    install: ServiceInstall | None = None
    address: str = ""


class ServiceError(BackendUnavailableError):
    """A service cannot be used. Params: ``backend`` (what people call it); the end of its log is the detail."""

    code = "error.service.failed"


class ServiceNotInstalledError(ServiceError):
    """It does not run, and no installation was found."""

    code = "error.service.not_installed"


class ServiceOffError(ServiceError):
    """It does not run, and starting it by itself is switched off."""

    code = "error.service.off"


class ServiceRemoteError(ServiceError):
    """It does not answer, and its address is another machine, where nothing can be started. Params: ``address``."""

    code = "error.service.remote"


class ServiceStartError(ServiceError):
    """Its process ended before it was ready. Params: ``exit``."""

    code = "error.service.start"


class ServiceProgramError(ServiceError):
    """The program that should run it cannot be run. Params: ``program``."""

    code = "error.service.program"


class ServiceSlowError(ServiceError):
    """It was not ready in time. Params: ``seconds``."""

    code = "error.service.slow"


class ServiceCrashedError(ServiceError):
    """Its process ended although nobody asked for it. Params: ``exit``."""

    code = "error.service.crashed"


class ServiceMuteError(ServiceError):
    """Its process runs, but does not answer. Params: ``seconds``."""

    code = "error.service.mute"


class ServiceStoppedError(ServiceError):
    """Somebody stopped it while it was waited for."""

    code = "error.service.stopped"


class ServiceNotOursError(ServiceError):
    """It was started by something else, so it is not stopped from here."""

    code = "error.service.not_ours"


class SetupError(AppError):
    """An installation failed. Params: ``backend``, ``step`` (a language-file key); the log's end is the detail."""

    code = "error.setup.failed"


class SetupFolderError(SetupError):
    """The folder cannot be used: it holds something already, or cannot be written to. Params: ``path``."""

    code = "error.setup.folder"


class SetupSpaceError(SetupError):
    """Params: ``path``, ``needed_gb``, ``free_gb``."""

    code = "error.setup.space"


class SetupToolError(SetupError):
    """A program that the installation needs is not there. Params: ``tool``."""

    code = "error.setup.tool"


class SetupOfflineError(SetupError):
    """ "Local only" is on, and an installation has to download."""

    code = "error.setup.offline"
