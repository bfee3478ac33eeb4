"""A SwarmUI on 127.0.0.1 that behaves as its contract says, and misbehaves on request; ComfyUI doubles stand behind it.

Real sockets, HTTP and websocket on one port. The contract was read from SwarmUI's source, not recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx
from websockets.asyncio.client import connect

from tests.support.comfyui_double import ComfyUiDouble, read_request
from tests.support.comfyui_double import running as comfyui_running
from tests.support.comfyui_routes import Answer, Request
from tests.support.killable_server import KillableServer
from tests.support.swarmui_routes import route
from tests.support.swarmui_wire import SwarmSocket
from tests.support.swarmui_work import SwarmWork

PROXY = "/ComfyBackendDirect"
_NO_COMFYUI = "<html><body>No ComfyUI backend available, loading failed.</body></html>"


@dataclass
class SwarmFaults:
    """What goes wrong; numbers count down to nothing.

    Attributes:
        drop_sockets_after: For each of the next generation sockets: after so many frames it ends without a close frame.
        lose_frames: Keys of frames that are never sent.
        unknown_sessions: So many calls with a session are told that it is unknown.
        statuses: Route → statuses of its next answers, with an HTML body.
        garbage: Route → so many of its next answers are 200 and no JSON.
        answers: Route → its next answers, whatever was asked (status, body).
        refuses_sockets: No websocket is to be had, as behind a bad proxy.
        half_pictures: So many of the next pictures hold half the file, as if that were all.
        noise: Messages that are sent before each frame.
        lost_interrupts: So many interrupts have no effect.
        is_mute: Connections are taken, and nothing is answered.
        goes_silent: A generation sends nothing more, neither frames nor the end.
    """

    drop_sockets_after: list[int] = field(default_factory=list[int])
    lose_frames: set[str] = field(default_factory=set[str])
    unknown_sessions: int = 0
    statuses: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    garbage: dict[str, int] = field(default_factory=dict[str, int])
    answers: dict[str, list[tuple[int, dict[str, Any]]]] = field(
        default_factory=dict[str, "list[tuple[int, dict[str, Any]]]"]
    )
    refuses_sockets: bool = False
    half_pictures: int = 0
    noise: list[str | bytes] = field(default_factory=list[str | bytes])
    lost_interrupts: int = 0
    is_mute: bool = False
    goes_silent: bool = False


class SwarmUiDouble(KillableServer):
    """One SwarmUI.

    Attributes:
        comfyuis: Its ComfyUIs by the id that SwarmUI gives them.
        states: Their states; ``running`` unless a test says otherwise.
        requests: (method, path) of each request, without what went to ComfyUI.
        chosen: Which ComfyUI each request to one was sent to.
        work: Its generations.
    """

    def __init__(self, comfyuis: dict[str, ComfyUiDouble]) -> None:
        super().__init__()
        self.comfyuis = comfyuis
        self.states = dict.fromkeys(comfyuis, "running")
        self.faults = SwarmFaults()
        self.requests: list[tuple[str, str]] = []
        self.chosen: list[tuple[str, str]] = []
        self.sessions: set[str] = set()
        self.freed: list[dict[str, Any]] = []
        self.work = SwarmWork(self.faults)
        self.server_id = str(uuid.uuid4())

    async def start(self) -> None:
        """Listen; a second start is a restart on the same port that forgets sessions and work."""
        self.sessions.clear()
        self.server_id = str(uuid.uuid4())
        self.work = SwarmWork(self.faults)
        await self.listen()

    async def kill(self) -> None:
        """End at once: connections break, sessions and work are gone."""
        await self.cut_off()

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        while (request := await read_request(reader)) is not None:
            if self.faults.is_mute:
                await asyncio.Event().wait()
            if request.headers.get("upgrade") == "websocket" and not self.faults.refuses_sockets:
                await self._serve_socket(request, reader, writer)
                return
            answer = await self._answer(request)
            writer.write(answer.head() + answer.body)
            await writer.drain()

    async def _answer(self, request: Request) -> Answer:
        path = request.path
        if path.startswith(PROXY + "/"):
            return await self._pass_on(request)
        self.requests.append((request.method, path))
        self._moved.set()
        name = path.removeprefix("/API/")
        if statuses := self.faults.statuses.get(name):
            return Answer(statuses.pop(0), b"<html>oops</html>", "text/html")
        if self.faults.garbage.get(name, 0) > 0:
            self.faults.garbage[name] -= 1
            return Answer(200, b"<html>half a proxy", "text/html")
        if answers := self.faults.answers.get(name):
            status, body = answers.pop(0)
            return Answer.json(body, status)
        return await route(self, request)

    # What is handed on to ComfyUI.

    def _comfyui_for(self, request: Request) -> tuple[str, ComfyUiDouble] | None:
        ready = [server_id for server_id in self.comfyuis if self.states[server_id] == "running"]
        wanted = request.headers.get("x-swarm-backend-id")
        if wanted is not None:
            ready = [server_id for server_id in ready if server_id == wanted]
        return (ready[0], self.comfyuis[ready[0]]) if ready else None

    async def _pass_on(self, request: Request) -> Answer:
        """Answer as the ComfyUI behind does: status and body as they are, of the headers only the content type."""
        found = self._comfyui_for(request)
        if found is None:
            return Answer(400, _NO_COMFYUI.encode(), "text/html")
        server_id, comfyui = found
        target = request.raw.split(b" ", 2)[1].decode().removeprefix(PROXY)
        self.chosen.append((server_id, request.path.removeprefix(PROXY)))
        kept = {name: request.headers[name] for name in ("content-type",) if name in request.headers}
        if request.path.endswith("/interrupt") and not (request.body and "prompt_id" in json.loads(request.body)):
            return Answer(500, b"<html>oops</html>", "text/html")
        try:
            async with httpx.AsyncClient(trust_env=False, base_url=comfyui.url) as http:
                response = await http.request(request.method, target, content=request.body, headers=kept)
        except httpx.TransportError:
            return Answer(500, b"<html>oops</html>", "text/html")
        return Answer(response.status_code, response.content, response.headers.get("content-type", ""))

    async def _serve_socket(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        socket = SwarmSocket(writer)
        socket.accept(request.raw)
        async with contextlib.AsyncExitStack() as stack:
            listening = asyncio.get_running_loop().create_task(socket.read(reader), name="swarm-double-ear")
            stack.push_async_callback(_end, listening)
            if request.path == PROXY + "/ws":
                await self._pass_frames_on(request, socket, listening)
            else:
                self.requests.append(("WS", request.path))
                self._moved.set()
                await self.work.serve(self, socket, listening)

    async def _pass_frames_on(self, request: Request, socket: SwarmSocket, listening: asyncio.Task[None]) -> None:
        found = self._comfyui_for(request)
        if found is None:
            socket.close()
            return
        server_id, comfyui = found
        query = f"?clientId={request.query.get('clientId', '')}"
        async with connect(f"ws://127.0.0.1:{comfyui.port}/ws{query}", proxy=None, compression=None) as behind:
            self.chosen.append((server_id, "/ws"))

            async def forward() -> None:
                while True:
                    await behind.send((await socket.heard.get()).decode())

            forwarding = asyncio.get_running_loop().create_task(forward(), name="swarm-double-forward")
            back = asyncio.get_running_loop().create_task(_bring_back(behind, socket), name="swarm-double-back")
            try:
                await asyncio.wait({forwarding, back, listening}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(forwarding)
                await _end(back)
        socket.abort()


async def _bring_back(behind: Any, socket: SwarmSocket) -> None:
    """Text frames are read and written again, indented, with a sid of SwarmUI's own; binary ones pass."""
    async for message in behind:
        if isinstance(message, str):
            frame = cast("dict[str, Any]", json.loads(message))
            if "sid" in frame.get("data", {}):
                frame["data"]["sid"] = "0" * 32
            socket.send(json.dumps(frame, indent=2))
        else:
            socket.send(message)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def running(comfyuis: int = 1) -> AsyncGenerator[SwarmUiDouble]:
    """Give a running SwarmUI with so many running ComfyUIs."""
    async with AsyncExitStack() as stack:
        behind = {str(number): await stack.enter_async_context(comfyui_running()) for number in range(comfyuis)}
        double = SwarmUiDouble(behind)
        await double.start()
        try:
            yield double
        finally:
            await double.kill()
