"""The client of one SwarmUI: its state, its servers and models, text-to-image calls, and the way to its ComfyUIs."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient
from ai4artsed_desktop.adapters.backends.comfyui_json import as_list, as_number, as_object, as_text
from ai4artsed_desktop.adapters.backends.server_http import Limits, UnansweredError
from ai4artsed_desktop.adapters.backends.swarmui_http import SwarmUiHttp
from ai4artsed_desktop.adapters.backends.swarmui_job import SwarmPicture, SwarmProgress, SwarmUiJobs
from ai4artsed_desktop.adapters.local_only import HERE_ONLY, NetworkGuard
from ai4artsed_desktop.domain.errors import BackendUnavailableError

T = TypeVar("T")

DEFAULT_ADDRESS = "http://127.0.0.1:7801"
#: SwarmUI hands everything below on to one of its ComfyUIs; the header says which.
COMFYUI_PATH, SERVER_HEADER = "/ComfyBackendDirect", "X-Swarm-Backend-ID"
_COMFYUI_TYPES = "comfyui"


@dataclass(frozen=True, slots=True)
class SwarmStatus:
    """SwarmUI's own view of its servers.

    Attributes:
        state: ``running``, ``some_loading``, ``loading``, ``idle``, ``disabled``, ``errored``, ``all_disabled``,
            ``empty`` or ``unknown``.
        message: What it says about that; may be empty.
        is_loading: A server loads.
    """

    state: str
    message: str = ""
    is_loading: bool = False

    @property
    def is_ready(self) -> bool:
        """True if it can surely work now; an ``errored`` one perhaps can, its servers tell."""
        return self.state in ("running", "some_loading")


@dataclass(frozen=True, slots=True)
class SwarmServer:
    """One server behind SwarmUI.

    ``status`` is ``disabled``, ``errored``, ``waiting``, ``loading``, ``idle`` or ``running``.
    """

    id: str
    type: str
    status: str
    title: str = ""

    @property
    def is_comfyui(self) -> bool:
        """True if graphs can be sent to it."""
        return self.type.startswith(_COMFYUI_TYPES)


class SwarmUiClient:
    """One SwarmUI. Opens connections when they are needed; close it with ``aclose``.

    Args:
        address: ``http://host:port``.
        backend: What people call it, for errors.
        guard: Asked before every connection; without one the client reaches this machine only.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        limits: Limits | None = None,
        backend: str = "SwarmUI",
        guard: NetworkGuard = HERE_ONLY,
    ) -> None:
        self._limits = limits or Limits()
        self._http = SwarmUiHttp(address, self._limits, backend, guard)
        self._jobs = SwarmUiJobs(self._http)

    @property
    def address(self) -> str:
        """Where it is."""
        return self._http.address

    @property
    def backend(self) -> str:
        """What people call it."""
        return self._http.backend

    async def aclose(self) -> None:
        """End interrupts that do not hold yet, and close all connections."""
        await self._jobs.aclose()
        await self._http.aclose()

    async def status(self) -> SwarmStatus:
        """Return how its servers are. Raises BackendUnavailableError, BackendError."""
        found = as_object((await self._call("GetCurrentStatus")).get("backend_status"))
        return SwarmStatus(
            as_text(found.get("status")) or "unknown", as_text(found.get("message")), bool(found.get("any_loading"))
        )

    async def servers(self) -> tuple[SwarmServer, ...]:
        """Return the servers behind it. Raises BackendUnavailableError, BackendError."""
        answer = await self._call("ListBackends", {"nonreal": False, "full_data": False})
        entries = {server_id: as_object(entry) for server_id, entry in answer.items()}
        return tuple(
            SwarmServer(id, as_text(entry.get("type")), as_text(entry.get("status")), as_text(entry.get("title")))
            for id, entry in entries.items()  # noqa: A001 - it is one
        )

    async def models(self, kind: str = "Stable-Diffusion") -> tuple[str, ...]:
        """Return model files below their folder, with ``/``.

        Args:
            kind: ``Stable-Diffusion``, ``LoRA``, ``VAE``, ``Embedding``, ``ControlNet``, ``Clip``, ``ClipVision``.

        Raises:
            BackendUnavailableError, BackendError: Also for an unknown kind.
        """
        answer = await self._call("ListModels", {"path": "", "depth": 20, "subtype": kind})
        names = (as_text(as_object(file).get("name")) for file in as_list(answer.get("files")))
        return tuple(name for name in names if name)

    async def refresh(self) -> None:
        """Let it look for new model files; without that it never sees one. Raises BackendUnavailableError."""
        await self._call("TriggerRefresh", {"strong": True})

    async def free(self, *, system_memory: bool = False) -> int:
        """Unload models from graphics memory; return how many servers did. Raises BackendUnavailableError."""
        answer = await self._call("FreeBackendMemory", {"system_ram": system_memory, "backend": "all"})
        return int(as_number(answer.get("count")) or 0)

    def text_to_image(self, arguments: Mapping[str, object]) -> AsyncGenerator[SwarmProgress | SwarmPicture]:
        """Make one text-to-image call; SwarmUI chooses the server. See ``SwarmUiJobs.run``."""
        return self._jobs.run(arguments)

    async def picture(self, picture: SwarmPicture) -> tuple[bytes, str]:
        """Return a result's bytes and MIME type. Raises what ``SwarmUiHttp.picture`` raises."""
        return await self._http.picture(picture.place)

    def comfyui(self, server_id: str | None = None) -> ComfyUiClient:
        """Return a new client of one of its ComfyUIs (None = the first), to be closed by the caller."""
        headers = {} if server_id is None else {SERVER_HEADER: server_id}
        return ComfyUiClient(
            self.address + COMFYUI_PATH,
            limits=self._limits,
            backend=self.backend,
            headers=headers,
            guard=self._http.guard,
        )

    async def _call(self, route: str, body: Mapping[str, object] | None = None) -> Mapping[str, object]:
        return await self._answered(self._http.call(route, body))

    async def _answered(self, question: Awaitable[T]) -> T:
        try:
            return await question
        except UnansweredError as exc:
            raise BackendUnavailableError(str(exc), backend=self.backend) from exc
