"""What is known of one job from its frames. The latest wins; the reader of the socket never waits for a consumer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ai4artsed_desktop.adapters.backends.comfyui_frames import Frame, ImageFrame
from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_number, as_object, as_text
from ai4artsed_desktop.domain.comfyui import Graph, class_of, inputs_of, link_of, node_name, steps_of

#: Its pictures come over the socket only; the history knows nothing of them.
SOCKET_SAVER = "SaveImageWebsocket"

_ENDS = {"execution_success", "execution_error", "execution_interrupted"}


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is.

    Attributes:
        fraction: 0.0 … 1.0 of the graph's steps, None while nothing is known.
        node_id: The node that works, with ``node_name`` as people know it.
        step: Of ``steps`` of that node; both 0 if it counts none.
        queue_position: Jobs before this one, None once it runs.
        is_running: False while it waits.
        preview: The newest picture of the work in progress, if it came since the last progress.
        is_connected: False while only asking tells how the job is.
    """

    fraction: float | None = None
    node_id: str = ""
    node_name: str = ""
    step: int = 0
    steps: int = 0
    queue_position: int | None = None
    is_running: bool = False
    preview: ImageFrame | None = None
    note: str = ""
    is_connected: bool = True


class Feed:
    """Collects the frames of one job.

    Attributes:
        prompt_id: The job's id on the server.
        finals: Pictures of SaveImageWebsocket nodes by node id, in order of arrival.
        error: The latest ``execution_error``; final only if the history says so.
        is_over: The server has said its last word about the job.
        drops: How often the socket was lost.
        last_sign: When the job was last seen to move (monotonic, s).
        queue_moved: When the queue last changed while the job waited (monotonic, s).
    """

    def __init__(self, prompt_id: str, graph: Graph) -> None:
        self.prompt_id = prompt_id
        self.finals: dict[str, list[ImageFrame]] = {}
        self.error: JsonObject | None = None
        self.queue_position: int | None = None
        self.is_running = self.is_ending = self.is_over = False
        self.is_connected = False
        self.drops = 0
        self.last_sign = self.queue_moved = time.monotonic()
        self._graph = graph
        self._counts = {node_id: float(steps_of(graph, node_id)) for node_id in _needed(graph)}
        self._values: dict[str, float] = {}
        self._node_id = ""
        self._fraction: float | None = None
        self._note = ""
        self._preview: ImageFrame | None = None
        self._changed = asyncio.Event()
        self._over = asyncio.Event()

    async def wait(self, timeout_s: float) -> bool:
        """Return True when something has changed, False after ``timeout_s`` without a change."""
        try:
            async with asyncio.timeout(max(0.0, timeout_s)):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    async def pause(self, seconds: float) -> None:
        """Wait ``seconds``, shorter if the job is over."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._over.wait()
        except TimeoutError:
            pass

    def progress(self) -> JobProgress:
        """Return how far the job is, and forget the preview."""
        preview, self._preview = self._preview, None
        count = self._counts.get(self._node_id, 1.0)
        return JobProgress(
            fraction=self._fraction,
            node_id=self._node_id,
            node_name=node_name(self._graph, self._node_id) if self._node_id else "",
            step=int(self._values.get(self._node_id, 0.0)) if count > 1 else 0,
            steps=int(count) if count > 1 else 0,
            queue_position=None if self.is_running else self.queue_position,
            is_running=self.is_running,
            preview=preview,
            note=self._note,
            is_connected=self.is_connected,
        )

    def connected(self, is_connected: bool) -> None:
        """Note that the socket came or went."""
        if self.is_connected and not is_connected:
            self.drops += 1
        if self.is_connected != is_connected:
            self.is_connected = is_connected
            self._changed.set()

    def see_queue(self) -> None:
        """Note that the queue has changed; a waiting job may have another place in it."""
        if not self.is_running:
            self.queue_moved = time.monotonic()
            self._changed.set()

    def place(self, position: int | None) -> None:
        """Note the place in the queue, None = it runs."""
        if position != self.queue_position or (position is None) != self.is_running:
            self.queue_position, self.is_running = position, position is None
            self.last_sign = time.monotonic()
            self._changed.set()

    def see(self, frame: Frame) -> None:
        """Take one text frame of this job."""
        self.last_sign = time.monotonic()
        data = frame.data
        match frame.type:
            case "execution_cached":
                for node_id in as_list(data.get("nodes")):
                    self._finish(str(node_id))
            case "progress_state":
                self._see_nodes(as_object(data.get("nodes")))
            case "progress":
                self._node_id = as_text(data.get("node")) or self._node_id
                self._count(self._node_id, data)
            case "executing":
                self._see_executing(data)
            case "execution_error":
                self.error = data
            case _:
                pass
        self.is_running = True
        # A blocked branch sends an execution_error and the job goes on; only the queue or the history know.
        self.is_ending = frame.type in _ENDS
        self._tell()

    def see_image(self, frame: ImageFrame) -> None:
        """Take one picture of this job."""
        self.last_sign = time.monotonic()
        node_id = frame.node_id or self._node_id
        if class_of(self._graph, node_id) == SOCKET_SAVER:
            self.finals.setdefault(node_id, []).append(frame)
        else:
            self._preview = frame
        self._tell()

    def see_note(self, text: str) -> None:
        """Take a text that the working node shows."""
        self._note = text
        self._tell()

    def _see_executing(self, data: JsonObject) -> None:
        if "prompt_id" in data and data.get("node") is None:
            self.is_over = True
            self._over.set()
        else:
            self._node_id, self._note = as_text(data.get("node")), ""

    def _see_nodes(self, nodes: Mapping[str, object]) -> None:
        for node_id, state in nodes.items():
            entry = as_object(state)
            if entry.get("state") == "finished":
                self._finish(node_id)
            else:
                self._node_id = node_id
                self._count(node_id, entry)

    def _count(self, node_id: str, entry: JsonObject) -> None:
        value, highest = as_number(entry.get("value")), as_number(entry.get("max"))
        if value is None or highest is None or highest <= 0:
            return
        # A node starts with "0 of 1" and says only later how many steps it takes.
        if highest > 1:
            self._counts[node_id] = highest
        self._values[node_id] = min(value, self._counts.get(node_id, 1.0))

    def _finish(self, node_id: str) -> None:
        self._values[node_id] = self._counts.setdefault(node_id, 1.0)

    def _tell(self) -> None:
        total = sum(self._counts.values())
        fraction = sum(self._values.values()) / total if total and self._values else None
        if fraction is not None:
            self._fraction = min(1.0, max(fraction, self._fraction or 0.0))
        self._changed.set()


def _needed(graph: Graph) -> set[str]:
    """Return the nodes that a run visits: those nothing depends on, and all they depend on.

    The server runs only what leads to an output node; which nodes are outputs, the graph alone does not say. A node
    that nothing uses is mostly one; one more or less moves the bar a little, never the result.
    """
    links = {
        node_id: [source for value in inputs_of(graph, node_id).values() if (source := link_of(value)) in graph]
        for node_id in graph
    }
    used = {source for sources in links.values() for source in sources}
    waiting, seen = [node_id for node_id in graph if node_id not in used], set[str]()
    while waiting:
        node_id = waiting.pop()
        if node_id not in seen:
            seen.add(node_id)
            waiting += [source for source in links[node_id] if source is not None]
    return seen
