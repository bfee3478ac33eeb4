"""SwarmUI as a service, with the ComfyUI that it starts itself (on another port each time).

Read from its source (version 0.9.8.2 of Aug 2026), never recorded.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.adapters.services.comfyui import read_stats
from ai4artsed_desktop.adapters.services.service_places import candidates, from_environment, is_file
from ai4artsed_desktop.adapters.services.service_question import ask
from ai4artsed_desktop.domain.reasons import Reason
from ai4artsed_desktop.domain.services import ServiceInstall
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.service_ports import Health, ServiceProcess, StartCommand

_SCRIPTS = {"win32": "launch-windows.bat", "darwin": "launch-macos.sh"}
_LINUX_SCRIPT = "launch-linux.sh"

#: The line with which it tells its port: it moves up by itself when the one it was given is taken.
_PORT = re.compile(r"Starting webserver on https?://[^\s/]+:(\d+)")

#: ``backend_status.status`` with which it works, although not everything is well; → what is said.
_NOTES = {
    "empty": "reason.swarmui_no_backend",
    "all_disabled": "reason.swarmui_no_backend",
    "disabled": "reason.swarmui_backend_disabled",
    "errored": "reason.swarmui_backend_errored",
    "some_loading": "reason.swarmui_backend_loading",
}
_LOADING = frozenset({"loading", "waiting"})


class SwarmUiDriver:
    """Fits ``engine.service_ports.ServiceDriver``."""

    name = "swarmui"
    title = "SwarmUI"
    #: It gives each ComfyUI of its own 10 s for SIGINT and 10 s for SIGTERM.
    quit_grace_s = 30.0

    def __init__(self, settings: Callable[[], Settings], guard: NetworkGuard) -> None:
        self._settings = settings
        self._guard = guard
        self._sessions: dict[str, str] = {}

    def address(self) -> str:
        """Return the address that the settings name."""
        return self._settings().swarmui_address

    def usual_addresses(self) -> Sequence[str]:
        """Return its default port and the next, to which it moves when that is taken."""
        return ("http://127.0.0.1:7801", "http://127.0.0.1:7802")

    def installs(self) -> Sequence[ServiceInstall]:
        """Return every SwarmUI with a start script for this system."""
        script = _SCRIPTS.get(sys.platform, _LINUX_SCRIPT)
        given = [self._settings().swarmui_folder, *from_environment("SWARMUI_PATH", "SWARMUI_FOLDER")]
        folders = (folder for folder in candidates(given, ("SwarmUI", "swarmui")) if is_file(folder / script))
        return [ServiceInstall(str(folder), str(folder / script)) for folder in folders]

    def command(self, install: ServiceInstall, port: int) -> StartCommand:
        """Return how to start it: its script builds it if need be, and starts it anew when it asks for that."""
        shell = ["cmd.exe", "/d", "/c"] if sys.platform == "win32" else ["bash"]
        # "--key value", never "--key=value": that form is lower-cased.
        arguments = [install.program, "--launch_mode", "none", "--port", str(port)]
        return StartCommand([*shell, *arguments], Path(install.folder))

    async def health(self, address: str) -> Health:
        """Ask it and, through it, its ComfyUI."""
        status = await self._status(address)
        if status is None:
            return Health("absent")
        state = str(status.get("status", ""))
        if state in _LOADING:
            return Health("loading", Reason("reason.swarmui_backend_loading"))
        note = Reason(_NOTES[state], {"message": str(status.get("message", ""))}) if state in _NOTES else None
        comfyui = await self._comfyui(address)
        if comfyui.state == "absent" and note is None:
            note = Reason("reason.swarmui_comfyui_silent")
        return Health("ready", note, {f"comfyui_{key}": value for key, value in comfyui.facts.items()})

    async def quit(self, address: str, process: ServiceProcess) -> bool:
        """Call ``ShutdownServer``; what it started ends with it."""
        del process
        body = await self._call(address, "ShutdownServer")
        return body is not None and body.get("success") is True

    def port_in(self, line: str) -> int | None:
        """Return the port it tells in its log."""
        found = _PORT.search(line)
        return int(found.group(1)) if found is not None else None

    async def _status(self, address: str) -> Mapping[str, Any] | None:
        body = await self._call(address, "GetCurrentStatus")
        status = body.get("backend_status") if body is not None else None
        return cast("dict[str, Any]", status) if isinstance(status, dict) else None

    async def _comfyui(self, address: str) -> Health:
        answer = await ask(address, "/ComfyBackendDirect/system_stats", self._guard)
        return read_stats(answer.body if answer is not None and answer.status == 200 else {})

    async def _call(self, address: str, route: str) -> Mapping[str, Any] | None:
        """Call a route; a session that is not known any more is renewed once. None = it does not answer as it should.

        One session for all questions: each new one would be stored in its database.
        """
        for _ in range(2):
            if (session := self._sessions.get(address) or await self._new_session(address)) is None:
                return None
            answer = await ask(address, f"/API/{route}", self._guard, body={"session_id": session})
            if answer is None:
                return None
            if answer.body.get("error_id") != "invalid_session_id":
                return None if "error" in answer.body or "error_id" in answer.body else answer.body
            self._sessions.pop(address, None)
        return None

    async def _new_session(self, address: str) -> str | None:
        answer = await ask(address, "/API/GetNewSession", self._guard, body={})
        session = answer.body.get("session_id") if answer is not None else None
        if not isinstance(session, str):
            return None
        self._sessions[address] = session
        return session


def make_driver(settings: Callable[[], Settings], guard: NetworkGuard, paths: AppPaths) -> SwarmUiDriver:
    """Return the driver."""
    del paths
    return SwarmUiDriver(settings, guard)
