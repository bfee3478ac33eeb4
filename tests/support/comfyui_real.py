"""A real ComfyUI in the double's clothes: the same suite runs against it.

``AI4ARTSED_TEST_COMFYUI`` names its address (``http://127.0.0.1:8188``); without it nothing is asked, and its rows are
skipped. What goes wrong on the wire is done by a relay between client and server, so that both the double and the real
server are met by the same faults. What happens inside the server (where a node waits, how fast steps go) is asked of it
through the test nodes of ``comfyui_probe_nodes.py``, which lie in its ``custom_nodes``. It draws with a checkpoint of
Stable Diffusion 1.5 called ``tiny-sd15-random.safetensors``, whose weights may be random. **Its outputs, inputs, queue
and history are emptied between tests**: give it a base directory of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import json
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx
from PIL import Image
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.support.comfyui_double import ComfyUiDouble
from tests.support.comfyui_records import Generation
from tests.support.comfyui_routes import Answer, Request
from tests.support.comfyui_wire import DoubleSocket
from tests.support.comfyui_worker import Hold

ADDRESS = os.environ.get("AI4ARTSED_TEST_COMFYUI", "").rstrip("/")
CHECKPOINT = "tiny-sd15-random.safetensors"
_LOOK_S = 0.02
_IDLE_LIMIT_S = 60.0
#: Since this version the server answers as the newer recordings do (ids, cancel, throttled progress).
_NEWER = (0, 4)


@dataclass(frozen=True, slots=True)
class _Item:
    """One entry of the real queue."""

    prompt_id: str


class _Files:
    """The real server's files; only emptying is needed."""

    def __init__(self, server: RealComfyUi) -> None:
        self._server = server

    def clear(self) -> None:
        self._server.ask("POST", "/probe/clear_files")


class _Disk:
    def __init__(self, server: RealComfyUi) -> None:
        self.files = _Files(server)


class RealWorker:
    """What the double's worker tells, asked of the real server; each look is one question."""

    def __init__(self, server: RealComfyUi) -> None:
        self._server = server
        self.disk = _Disk(server)
        self.preview: bytes | None = None
        self.lost_interrupts = 0

    @property
    def history(self) -> dict[str, dict[str, Any]]:
        return self._server.ask("GET", "/history").json()

    @property
    def pending(self) -> list[_Item]:
        items: list[list[Any]] = self._server.ask("GET", "/queue").json()["queue_pending"]
        return [_Item(item[1]) for item in sorted(items, key=lambda item: item[0])]

    @property
    def running(self) -> _Item | None:
        items: list[list[Any]] = self._server.ask("GET", "/queue").json()["queue_running"]
        return _Item(items[0][1]) if items else None

    @property
    def remaining(self) -> int:
        return self._server.ask("GET", "/prompt").json()["exec_info"]["queue_remaining"]

    @property
    def holds(self) -> _Holds:
        return _Holds(self._server)

    def _set_pace(self, seconds: float) -> None:
        self._server.ask("POST", "/probe/pace", {"step_s": seconds})

    #: The real server can be told its pace, and not asked for it.
    step_s = property(None, _set_pace)

    def delete(self, prompt_ids: list[str]) -> None:
        self._server.ask("POST", "/queue", {"delete": prompt_ids})

    def interrupt(self) -> None:
        self._server.ask("POST", "/interrupt")


class _Holds:
    """All holds of the real server."""

    def __init__(self, server: RealComfyUi) -> None:
        self._server = server

    def clear(self) -> None:
        self._server.ask("POST", "/probe/release", {})


class RealComfyUi(ComfyUiDouble):
    """The relay in front of a real server: the double's faults, the real server's answers."""

    slowness = 6.0

    def __init__(self, address: str) -> None:
        super().__init__(generation_of(address))
        self._address = address
        self._direct = httpx.Client(base_url=address, trust_env=False, timeout=30.0)
        self._behind = httpx.AsyncClient(base_url=address, trust_env=False, timeout=60.0)
        self._background = set[asyncio.Task[None]]()
        self._bridges: dict[str, ClientConnection] = {}
        self.worker = cast("Any", RealWorker(self))

    def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        """Ask the real server itself, past the relay; the loop waits, and no client can move meanwhile."""
        response = self._direct.request(method, path, json=body)
        response.raise_for_status()
        return response

    async def start(self) -> None:
        """Empty the server and listen."""
        await asyncio.to_thread(self._empty)
        await self.listen()
        self._spawn(self._tick())

    async def kill(self) -> None:
        """Cut all connections and refuse new ones; for the client the server is gone."""
        await self.cut_off(*self._background)
        self._background.clear()

    async def close(self) -> None:
        """Leave the server as it was found."""
        await self.kill()
        await asyncio.to_thread(self._empty)
        self._direct.close()
        await self._behind.aclose()

    def hold(self, node_id: str, step: int = 0) -> Hold:
        """Have the real server wait at a node."""
        hold = Hold(node_id, step)
        number = self.ask("POST", "/probe/hold", {"node_id": node_id, "step": step}).json()["id"]
        self._spawn(self._watch(hold, number))
        return hold

    def is_made(self, data: bytes | None, graph: dict[str, Any], node_id: str, index: int = 0) -> bool:
        """Compare the graph that the server wrote into the picture, and the colour if there is only one."""
        with Image.open(io.BytesIO(data or b"")) as picture:
            picture.load()
            told: dict[str, Any] = json.loads(picture.info["prompt"])
            seen = picture.convert("RGB").getpixel((0, 0))
        for name, node in graph.items():
            if told[name]["class_type"] != node["class_type"] or _values(told[name]) != _values(node):
                return False
        source = graph[str(graph[node_id]["inputs"]["images"][0])]
        colour = int(source["inputs"].get("color", 0))
        return source["class_type"] != "EmptyImage" or seen == (colour >> 16 & 255, colour >> 8 & 255, colour & 255)

    def is_preview(self, image: bytes) -> bool:
        with Image.open(io.BytesIO(image)) as picture:
            picture.load()
            return picture.format == "JPEG"

    def stored(self, kind: str, subfolder: str, name: str) -> bytes | None:
        response = self._direct.get("/view", params={"filename": name, "subfolder": subfolder, "type": kind})
        return response.content if response.is_success else None

    async def respond(self, request: Request) -> Answer:
        """Hand a request on and return what the real server says."""
        body = request.body
        if (request.method, request.path) == ("POST", "/interrupt") and self.worker.lost_interrupts > 0:
            self.worker.lost_interrupts -= 1
            return Answer(200)
        if (request.method, request.path) == ("POST", "/prompt"):
            self.posted.append(json.loads(body))
            if self.faults.chooses_ids:
                body = json.dumps({k: v for k, v in self.posted[-1].items() if k != "prompt_id"}).encode()
        skipped = ("host", "content-length", "connection", "accept-encoding")
        headers = {name: value for name, value in request.headers.items() if name not in skipped}
        response = await self._behind.request(
            request.method, request.path, params=request.query, headers=headers, content=body
        )
        kept = {name: value for name, value in response.headers.items() if name == "content-disposition"}
        return Answer(response.status_code, response.content, response.headers.get("content-type", ""), kept)

    async def serve_frames(self, socket: DoubleSocket) -> None:
        """Bring the real server's frames to the client's socket until either leaves."""
        url = f"ws{self._address.removeprefix('http')}/ws?clientId={socket.client_id}"
        async with connect(url, proxy=None, max_size=None, compression=None) as upstream:
            socket.forward_to(lambda text: self._spawn(_send(upstream, text)))
            try:
                async for message in upstream:
                    self._hand_on(message, socket.client_id)
            finally:
                upstream.transport.abort()  # a test's end does not wait for a farewell

    def _hand_on(self, message: str | bytes, client_id: str) -> None:
        if isinstance(message, str):
            said = json.loads(message)
            kind, data = said["type"], said["data"]
            is_end = kind == "executing" and data.get("node", "") is None
            if kind in self.faults.lose_frames or (is_end and "end" in self.faults.lose_frames):
                return
        self.pass_on(message, client_id)

    async def _watch(self, hold: Hold, number: str) -> None:
        is_reached = False
        while not is_reached:
            await asyncio.sleep(_LOOK_S)
            is_reached = (await self._behind.get("/probe/holds")).json()[number]["reached"]
        hold.reached.set()
        self._moved.set()
        await hold.released.wait()
        await self._behind.post("/probe/release", json={"id": number})

    async def _tick(self) -> None:
        """The real server does not say when it moves; whoever waits for something looks again."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self._moved.set()

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _empty(self) -> None:
        self.ask("POST", "/probe/release", {})
        self.ask("POST", "/probe/pace", {"step_s": 0.0})
        self.ask("POST", "/queue", {"clear": True})
        for _ in range(int(_IDLE_LIMIT_S / _LOOK_S)):
            if not self.ask("GET", "/prompt").json()["exec_info"]["queue_remaining"]:
                break
            self.ask("POST", "/interrupt")
        self.ask("POST", "/history", {"clear": True})
        self.ask("POST", "/probe/clear_files")
        self.ask("POST", "/free", {"free_memory": True})


def _values(node: dict[str, Any]) -> dict[str, Any]:
    """Return what a node's result depends on; a name of its own may have been given to the file."""
    return {name: value for name, value in node["inputs"].items() if name != "filename_prefix"}


async def _send(upstream: ClientConnection, text: str) -> None:
    with contextlib.suppress(WebSocketException):
        await upstream.send(text)


@functools.cache
def generation_of(address: str) -> Generation:
    """Return whose recordings the server at ``address`` answers like."""
    with httpx.Client(base_url=address, trust_env=False, timeout=10.0) as server:
        stats = server.get("/system_stats").json()
        assert "ProbeSteps" in server.get("/object_info/ProbeSteps").json(), "the server has no comfyui_probe_nodes.py"
        assert CHECKPOINT in server.get("/models/checkpoints").json(), f"the server has no {CHECKPOINT}"
    version = tuple(int(part) for part in stats["system"]["comfyui_version"].split(".")[:2])
    return "new" if version >= _NEWER else "old"


@asynccontextmanager
async def real_server() -> AsyncGenerator[RealComfyUi]:
    """Give the real server behind its relay."""
    server = RealComfyUi(ADDRESS)
    await server.start()
    try:
        yield server
    finally:
        await server.close()
