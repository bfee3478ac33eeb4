"""A ComfyUI server on 127.0.0.1 that behaves as the recorded ones do, and misbehaves on request.

Real sockets, HTTP and websocket on one port, both generations. tests/integration/comfyui holds it against the records.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support.comfyui_nodes import png
from tests.support.comfyui_records import Generation, exchanges, recorded_frames
from tests.support.comfyui_routes import Answer, Request, route
from tests.support.comfyui_wire import DoubleSocket
from tests.support.comfyui_worker import Hold, Worker
from tests.support.killable_server import KillableServer


@dataclass
class Faults:
    """What goes wrong; numbers count down to nothing.

    Attributes:
        drop_socket_after: So many frames after it was opened, a socket ends without a close frame (once).
        lose_frames: Types of text frames that are never sent; ``end`` is ``executing`` with node null.
        statuses: Beginning of a path → statuses of its next answers.
        cut_bodies: Beginning of a path → so many of its next answers break off in the middle.
        garbage: Beginning of a path → so many of its next answers are 200 and no JSON.
        half_previews: Pictures of the work in progress break off in the middle.
        half_files: So many of the next /view answers hold half the file, as if that were all.
        slow_s: Path → so late come its answers.
        late_prompt_answer: The answer to POST /prompt waits for this event, while the job runs.
        lose_prompt_answers: So many POSTs are carried out, but never answered.
        is_mute: Connections are taken, and nothing is answered.
        refuses_sockets: /ws is not there, as behind a bad proxy.
        noise: Messages that are sent before each frame.
        chooses_ids: prompt_id is ignored, as before Jul 2025.
        interrupts_anything: /interrupt ignores its body, as before Sep 2025.
    """

    drop_socket_after: int | None = None
    lose_frames: set[str] = field(default_factory=set[str])
    statuses: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    cut_bodies: dict[str, int] = field(default_factory=dict[str, int])
    garbage: dict[str, int] = field(default_factory=dict[str, int])
    half_previews: bool = False
    half_files: int = 0
    slow_s: dict[str, float] = field(default_factory=dict[str, float])
    late_prompt_answer: asyncio.Event | None = None
    lose_prompt_answers: int = 0
    is_mute: bool = False
    refuses_sockets: bool = False
    noise: list[str | bytes] = field(default_factory=list[str | bytes])
    chooses_ids: bool = False
    interrupts_anything: bool = False


class ComfyUiDouble(KillableServer):
    """One server.

    Attributes:
        worker: Its queue, history, files and pace.
        requests: (method, path) of each request that came, without ``/api``.
        posted: Bodies of all POST /prompt.
        more_checkpoints: Files beside the recorded ones.
        slowness: How many times as long a test may take.
    """

    slowness = 1.0

    def __init__(self, generation: Generation = "new") -> None:
        super().__init__()
        self.generation: Generation = generation
        self.faults = Faults()
        self.requests: list[tuple[str, str]] = []
        self.posted: list[dict[str, Any]] = []
        self.more_checkpoints: list[str] = []
        self.refusals = _recorded_refusals(generation)
        self.features = recorded_frames(generation, "05-feature-flags")[1]["data"]
        self.max_upload_bytes = 100 * 1024 * 1024
        self.worker = Worker(generation, self)
        self._sockets: dict[str, DoubleSocket] = {}
        self._runner: asyncio.Task[None] | None = None

    @property
    def open_sockets(self) -> int:
        return len(self._sockets)

    def hold(self, node_id: str, step: int = 0) -> Hold:
        """Let the worker wait at a node; ``reached`` and ``released`` are its events."""
        hold = Hold(node_id, step)
        self.worker.holds.append(hold)
        return hold

    def is_made(self, data: bytes | None, graph: dict[str, Any], node_id: str, index: int = 0) -> bool:
        """Tell whether a picture is the one that a graph's node saves."""
        return data == png(graph, node_id, index)

    def is_preview(self, image: bytes) -> bool:
        """Tell whether a picture is one of the work in progress, whole."""
        return image == self.worker.preview

    def stored(self, kind: str, subfolder: str, name: str) -> bytes | None:
        """Return a file on the server's disk."""
        return self.worker.disk.files.get((kind, subfolder, name))

    async def start(self) -> None:
        """Listen; a second start is a restart on the same port, and everything but the disk is forgotten."""
        if self._runner is not None:
            disk, self.worker = self.worker.disk, Worker(self.generation, self)
            self.worker.disk = disk
        await self.listen()
        self._runner = asyncio.get_running_loop().create_task(self.worker.run(), name="comfyui-double-worker")

    async def kill(self) -> None:
        """End at once, as by SIGKILL: connections break, queue and history are gone, files stay."""
        assert self._runner is not None
        await self.cut_off(self._runner)
        self._sockets.clear()

    async def close(self) -> None:
        """End for good."""
        await self.kill()

    async def respond(self, request: Request) -> Answer:
        """Return the answer to a request that no fault met."""
        return route(self, request)

    async def serve_frames(self, socket: DoubleSocket) -> None:
        """Greet a client's socket as the server does; its worker sends the rest."""
        first = {"status": self._status()["status"], "sid": socket.client_id}
        socket.send(json.dumps({"type": "status", "data": first}))
        running = self.worker.running
        if running is not None and running.client_id == socket.client_id and self.worker.last_node_id is not None:
            socket.send(json.dumps({"type": "executing", "data": {"node": self.worker.last_node_id}}))

    def drop_sockets(self) -> None:
        """End all websockets without a close frame."""
        for socket in list(self._sockets.values()):
            socket.abort()
            self._forget(socket)

    # How the worker reaches the sockets.

    def send(self, kind: str, data: dict[str, Any], client_id: str | None) -> None:
        is_end = kind == "executing" and data.get("node", "") is None
        if kind not in self.faults.lose_frames and not (is_end and "end" in self.faults.lose_frames):
            self.pass_on(json.dumps({"type": kind, "data": data}), client_id)

    def send_image(self, image: bytes, metadata: dict[str, Any], client_id: str | None) -> None:
        if self.knows_metadata(client_id):
            head = json.dumps(metadata).encode()
            frame = (4).to_bytes(4) + len(head).to_bytes(4) + head + image
        else:
            frame = (1).to_bytes(4) + (2 if metadata["image_type"] == "image/png" else 1).to_bytes(4) + image
        self.pass_on(frame, client_id)

    def send_note(self, node_id: str, text: str, client_id: str | None) -> None:
        self.pass_on((3).to_bytes(4) + len(node_id).to_bytes(4) + node_id.encode() + text.encode(), client_id)

    def send_status(self) -> None:
        self.pass_on(json.dumps({"type": "status", "data": self._status()}), None)

    def knows_metadata(self, client_id: str | None) -> bool:
        """Tell whether a job's client asked for previews with metadata; a job without a client never did."""
        socket = self._sockets.get(client_id or "")
        return socket is not None and socket.knows_metadata

    def _status(self) -> dict[str, Any]:
        return {"status": {"exec_info": {"queue_remaining": self.worker.remaining}}}

    def pass_on(self, message: str | bytes, client_id: str | None) -> None:
        """Send a message to a client, None = to all of them, as the faults allow."""
        self._moved.set()
        if self.faults.half_previews and isinstance(message, bytes):
            message = message[: len(message) // 2]
        sockets = list(self._sockets.values()) if client_id is None else [self._sockets.get(client_id)]
        for socket in sockets:
            if socket is None:
                continue
            for noise in self.faults.noise:
                socket.send(noise)
            if self.faults.drop_socket_after is not None and socket.sent >= self.faults.drop_socket_after:
                self.faults.drop_socket_after = None
                socket.abort()
                self._forget(socket)
            else:
                socket.send(message)

    # Connections.

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        while (request := await read_request(reader)) is not None:
            if self.faults.is_mute:
                await asyncio.Event().wait()
            if request.path == "/ws" and not self.faults.refuses_sockets:
                await self._serve_socket(request, reader, writer)
                return
            if not await self._answer(request, writer):
                return

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return False if the connection is broken on purpose."""
        faults, path = self.faults, request.path
        self.requests.append((request.method, path))
        self._moved.set()
        await asyncio.sleep(faults.slow_s.get(path, 0.0))
        statuses = next((left for start, left in faults.statuses.items() if left and path.startswith(start)), None)
        if statuses:
            answer = Answer.text(statuses.pop(0), "500 Internal Server Error\n\nServer got itself in trouble")
        elif _uses_up(faults.garbage, path):
            answer = Answer.text(200, "<html>half a proxy")
        else:
            answer = await self.respond(request)
        if (request.method, path) == ("POST", "/prompt"):
            if faults.lose_prompt_answers:
                faults.lose_prompt_answers -= 1
                return False
            if faults.late_prompt_answer is not None:
                await faults.late_prompt_answer.wait()
        if path == "/view" and faults.half_files:
            faults.half_files -= 1
            answer.body = answer.body[: len(answer.body) // 2]
        is_cut = _uses_up(faults.cut_bodies, path)
        writer.write(answer.head() + (b"" if request.method == "HEAD" else answer.body[: len(answer.body) // 2]))
        await writer.drain()
        if is_cut:
            return False
        if request.method != "HEAD":
            writer.write(answer.body[len(answer.body) // 2 :])
            await writer.drain()
        return True

    async def _serve_socket(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client_id = request.query.get("clientId") or uuid.uuid4().hex
        socket = DoubleSocket(client_id, writer, self.features)
        socket.accept(request.raw)
        self._sockets[client_id] = socket  # a second socket with the same id takes its place
        frames = asyncio.get_running_loop().create_task(self.serve_frames(socket))
        try:
            await socket.read(reader)
        finally:
            frames.cancel()
            await asyncio.gather(frames, return_exceptions=True)
            self._forget(socket)

    def _forget(self, socket: DoubleSocket) -> None:
        # The real server forgets the id, not the socket: a newer one with the same id is silently dropped, too.
        self._sockets.pop(socket.client_id, None)
        self._moved.set()


def _uses_up(counts: dict[str, int], path: str) -> bool:
    """Count a fault down; tell whether it was still there."""
    start = next((start for start, left in counts.items() if left > 0 and path.startswith(start)), None)
    if start is not None:
        counts[start] -= 1
    return start is not None


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = raw.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    parts = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
    path = unquote(parts.path)
    if path.startswith("/api/") and not path.startswith(("/api/jobs", "/api/assets")):
        path = path.removeprefix("/api")
    return Request(method, path, query, headers, body, raw)


def _recorded_refusals(generation: Generation) -> dict[str, tuple[int, dict[str, Any]]]:
    """Return the recorded answers with errors, by the prompt that got them."""
    found: dict[str, tuple[int, dict[str, Any]]] = {}
    for exchange in exchanges(generation, "prompt-errors"):
        answer, asked = exchange["response"], exchange["request"].get("json")
        prompt = cast("dict[str, Any]", asked).get("prompt") if isinstance(asked, dict) else None
        said = answer.get("json", {})
        if prompt and (answer["status"] == 400 or said.get("node_errors")):
            found[json.dumps(prompt, sort_keys=True)] = answer["status"], said
    return found


@asynccontextmanager
async def running(generation: Generation = "new") -> AsyncGenerator[ComfyUiDouble]:
    """Give a running server."""
    double = ComfyUiDouble(generation)
    await double.start()
    try:
        yield double
    finally:
        with contextlib.suppress(asyncio.CancelledError):
            await double.close()
