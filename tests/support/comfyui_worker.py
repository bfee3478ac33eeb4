"""The worker of the double: takes jobs from its queue and sends the frames that the real servers send."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.support.comfyui_nodes import (
    Disk,
    Graph,
    NodeError,
    failure_of,
    is_output,
    links,
    note_of,
    png,
    run_order,
    signature,
    steps_of,
    ui_of,
)
from tests.support.comfyui_records import Generation, recorded_frame

#: The newer server sends progress at most every 100 ms; the first and the last step always.
_THROTTLE_MS = 100


class Wire(Protocol):
    """How the worker reaches sockets."""

    def send(self, kind: str, data: dict[str, Any], client_id: str | None) -> None: ...
    def send_image(self, image: bytes, metadata: dict[str, Any], client_id: str | None) -> None: ...
    def send_note(self, node_id: str, text: str, client_id: str | None) -> None: ...
    def send_status(self) -> None: ...
    def knows_metadata(self, client_id: str | None) -> bool: ...


@dataclass(order=True)
class QueuedJob:
    """One entry of the queue; the heap's order is the server's."""

    number: float
    prompt_id: str
    graph: Graph = field(compare=False)
    extra_data: dict[str, Any] = field(compare=False)
    outputs: list[str] = field(compare=False)

    @property
    def client_id(self) -> str | None:
        return self.extra_data.get("client_id")

    def listed(self) -> list[Any]:
        return [self.number, self.prompt_id, self.graph, self.extra_data, self.outputs]


class InterruptedRunError(Exception):
    """The interrupt flag was seen."""


@dataclass
class Hold:
    """Where the worker waits: at a node, after so many of its steps; it sees interrupts only where there are steps."""

    node_id: str
    step: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class Worker:
    """Runs jobs one after the other.

    Attributes:
        holds: Where to wait; each is used once.
        history_lag_s: So long after its last but one word a job moves from the queue to the history (seen: 0.35 s).
        lost_interrupts: So many interrupts are lost.
        preview: Sent at each step of a sampler; None = none.
        is_reversed: Output nodes are listed and run in the other order: it differs from process to process.
    """

    def __init__(self, generation: Generation, wire: Wire) -> None:
        self.generation: Generation = generation
        self.pending: list[QueuedJob] = []
        self.running: QueuedJob | None = None
        self.history: dict[str, dict[str, Any]] = {}
        self.disk = Disk()
        self.holds: list[Hold] = []
        self.history_lag_s = 0.0
        self.lost_interrupts = 0
        self.step_s = 0.0
        self.preview: bytes | None = None
        self.is_reversed = False
        self.last_node_id: str | None = None
        self._wire = wire
        self._cache: dict[str, dict[str, Any] | None] = {}
        self._work = asyncio.Event()
        self._interrupt = asyncio.Event()
        self._numbers = itertools.count()

    @property
    def remaining(self) -> int:
        return len(self.pending) + (self.running is not None)

    def next_number(self) -> int:
        """Count a POST, also a refused one."""
        return next(self._numbers)

    def put(self, job: QueuedJob) -> None:
        heapq.heappush(self.pending, job)
        self._wire.send_status()
        self._work.set()

    def delete(self, prompt_ids: list[str]) -> None:
        kept = [job for job in self.pending if job.prompt_id not in prompt_ids]
        if len(kept) < len(self.pending):
            self.pending = kept
            heapq.heapify(self.pending)
            self._wire.send_status()

    def interrupt(self) -> None:
        if self.lost_interrupts > 0:
            self.lost_interrupts -= 1
        else:
            self._interrupt.set()

    async def run(self) -> None:
        while True:
            while not self.pending:
                self._work.clear()
                await self._work.wait()
            self.running = heapq.heappop(self.pending)
            self._wire.send_status()
            if any("inputs" not in node for node in self.running.graph.values()):
                # The real worker thread dies here; the job "runs" for ever.
                self._wire.send("execution_start", self.stamped({}), self.running.client_id)
                await asyncio.Event().wait()
            await self._execute(self.running)

    async def _execute(self, job: QueuedJob) -> None:
        self._interrupt.clear()
        run = Run(self, self._wire, job)
        await run.execute()
        entry = {
            "prompt": job.listed(),
            "outputs": run.outputs,
            "status": {"status_str": run.verdict, "completed": run.verdict == "success", "messages": run.messages},
            "meta": {n: {"node_id": n, "display_node": n, "parent_node": None, "real_node_id": n} for n in run.outputs},
        }
        await asyncio.sleep(self.history_lag_s)
        # In one go: whoever asks the queue first and then the history cannot miss a job.
        self.history[job.prompt_id] = entry
        self.running, self.last_node_id = None, None
        self._wire.send_status()
        self._wire.send("executing", {"node": None, "prompt_id": job.prompt_id}, job.client_id or "")

    def stamped(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return the data of a frame with the running job's id and the time."""
        assert self.running is not None
        return {"prompt_id": self.running.prompt_id, **data, "timestamp": int(time.time() * 1000)}

    def check_interrupt(self) -> None:
        if self._interrupt.is_set():
            self._interrupt.clear()
            raise InterruptedRunError

    async def pause(self, node_id: str, step: int = 0, *, has_steps: bool = False) -> None:
        """Wait here if a test asks for it."""
        await asyncio.sleep(self.step_s)
        hold = next((h for h in self.holds if (h.node_id, h.step) == (node_id, step)), None)
        if hold is None:
            return
        hold.reached.set()
        while not hold.released.is_set():
            if has_steps:
                self.check_interrupt()
            await asyncio.sleep(0.005)
        self.holds.remove(hold)

    def cached_nodes(self, graph: Graph) -> list[str]:
        return [node_id for node_id in graph if signature(graph, node_id) in self._cache]

    def cached_ui(self, graph: Graph, node_id: str) -> dict[str, Any] | None:
        return self._cache[signature(graph, node_id)]

    def remember(self, graph: Graph, node_id: str, ui: dict[str, Any] | None) -> None:
        self._cache[signature(graph, node_id)] = ui

    def forget_cache(self) -> None:
        self._cache.clear()


class Run:
    """One execution."""

    def __init__(self, worker: Worker, wire: Wire, job: QueuedJob) -> None:
        self._worker = worker
        self._wire = wire
        self._job = job
        self._graph = job.graph
        self._nodes: dict[str, dict[str, Any]] = {}
        self._blocked: set[str] = set()
        self._done: list[str] = []
        self.outputs: dict[str, Any] = {}
        self.messages: list[list[Any]] = []
        self.verdict = "success"

    async def execute(self) -> None:
        graph, cached = self._graph, self._worker.cached_nodes(self._graph)
        self._say("execution_start", {})
        self._say("execution_cached", {"nodes": cached})
        for node_id in [n for n in cached if n in self._job.outputs]:
            self._show_cached(node_id)
        node_id = ""
        try:
            for node_id in run_order(graph, self._job.outputs, set(cached)):
                await self._run_node(node_id)
        except InterruptedRunError:
            self._end("execution_interrupted", node_id, {}, to_all=True)
        except NodeError as failure:
            self._end("execution_error", node_id, failure.fields)
        else:
            self._say("execution_success", {})

    def _say(self, kind: str, data: dict[str, Any], to_all: bool = False) -> None:
        stamped = self._worker.stamped(data)
        self.messages.append([kind, stamped])
        self._wire.send(kind, stamped, self._job.client_id if to_all else self._job.client_id or "")

    def _end(self, kind: str, node_id: str, fields: dict[str, Any], to_all: bool = False) -> None:
        self.verdict = "error"
        class_type = self._graph[node_id]["class_type"]
        head = {"node_id": node_id, "node_type": class_type, "executed": list(self._done)}
        if fields:
            fields = {**fields, "current_outputs": list(self._graph)}
        self._say(kind, {**head, **fields}, to_all)

    def _show_cached(self, node_id: str) -> None:
        ui = self._worker.cached_ui(self._graph, node_id)
        if ui is not None:
            self._executed(node_id, ui)
        self._state(node_id, 1, 1, "finished")

    async def _run_node(self, node_id: str) -> None:
        if self._blocked & set(links(self._graph, node_id)):
            self._block(node_id)
            return
        self._state(node_id, 0.0, 1.0, "running")
        self._worker.last_node_id = node_id
        self._tell("executing", {"node": node_id, "display_node": node_id})
        self._worker.check_interrupt()
        if not steps_of(self._graph, node_id)[0]:
            await self._worker.pause(node_id)  # without steps nothing looks at the flag any more
        if (failure := failure_of(self._graph, node_id)) is not None:
            raise failure
        highest = await self._work(node_id)
        is_blocker = self._graph[node_id]["class_type"] == "ProbeBlock"
        trailing = self._worker.generation == "old"
        ui = ui_of(self._graph, node_id, self._worker.disk, trailing)
        if ui is not None:
            self._executed(node_id, ui)
        if is_blocker:
            self._blocked.add(node_id)
        else:
            self._worker.remember(self._graph, node_id, ui)
        self._done.append(node_id)
        self._state(node_id, highest, highest, "finished")

    def _block(self, node_id: str) -> None:
        """A blocked branch: an error frame without a time, and the job goes on."""
        self._state(node_id, 0.0, 1.0, "running")
        self._worker.last_node_id = node_id
        self._tell("executing", {"node": node_id, "display_node": node_id})
        message = self._graph[next(iter(self._blocked))]["inputs"]["message"]
        fields = {
            "node_id": node_id,
            "node_type": self._graph[node_id]["class_type"],
            "executed": list(self._done),
            "exception_message": f"Execution Blocked: {message}",
            "exception_type": "ExecutionBlocked",
            "traceback": [],
            "current_inputs": [],
            "current_outputs": [],
        }
        self._tell("execution_error", fields)
        self._state(node_id, 1.0, 1.0, "finished")

    async def _work(self, node_id: str) -> float:
        """Do a node's steps; return how many there were."""
        if (note := note_of(self._graph, node_id)) is not None:
            self._wire.send_note(node_id, note, self._job.client_id)
        if self._graph[node_id]["class_type"] == "SaveImageWebsocket":
            return self._send_pictures(node_id)
        count, step_ms = steps_of(self._graph, node_id)
        last_ms = -_THROTTLE_MS
        for step in range(1, count + 1):
            await self._worker.pause(node_id, step - 1, has_steps=True)
            self._worker.check_interrupt()
            is_shown = self._worker.preview is not None and self._graph[node_id]["class_type"] == "KSampler"
            is_due = step in (1, count) or is_shown or step * step_ms - last_ms >= _THROTTLE_MS
            if is_due or self._worker.generation == "old":
                last_ms = step * step_ms
                self._step(node_id, step, count, self._worker.preview if is_shown else None)
        return count or 1.0

    def _send_pictures(self, node_id: str) -> int:
        source = links(self._graph, node_id)[0]
        count = int(self._graph[source]["inputs"]["batch_size"])
        for index in range(count):
            self._step(node_id, index, count, png(self._graph, node_id, index))
        return count

    def _step(self, node_id: str, value: int, highest: int, image: bytes | None) -> None:
        self._state(node_id, value, highest, "running")
        metadata = {
            "node_id": node_id,
            "prompt_id": self._job.prompt_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
            "image_type": "image/png" if image is not None and image.startswith(b"\x89PNG") else "image/jpeg",
        }
        progress = {"value": value, "max": highest, "prompt_id": self._job.prompt_id, "node": node_id}
        is_named = image is not None and self._wire.knows_metadata(self._job.client_id)
        if image is not None and is_named:
            self._wire.send_image(image, metadata, self._job.client_id)
        self._wire.send("progress", progress, self._job.client_id)
        if image is not None and not is_named:
            self._wire.send_image(image, metadata, self._job.client_id)

    def _state(self, node_id: str, value: float, highest: float, state: str) -> None:
        self._nodes[node_id] = {
            "value": value,
            "max": highest,
            "state": state,
            "node_id": node_id,
            "prompt_id": self._job.prompt_id,
            "display_node_id": node_id,
            "parent_node_id": None,
            "real_node_id": node_id,
        }
        nodes = json.loads(json.dumps(self._nodes))
        data = {"prompt_id": self._job.prompt_id, "nodes": nodes}
        self._wire.send("progress_state", data, self._job.client_id)

    def _executed(self, node_id: str, ui: dict[str, Any]) -> None:
        self.outputs[node_id] = ui
        self._tell("executed", {"node": node_id, "display_node": node_id, "output": ui})

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self._wire.send(kind, {**data, "prompt_id": self._job.prompt_id}, self._job.client_id or "")


def outputs_of(graph: Graph) -> list[str]:
    """Return the ids of the output nodes, in the graph's order."""
    return [node_id for node_id in graph if is_output(str(graph[node_id].get("class_type")))]


def recorded_preview(is_named: bool = False) -> bytes:
    """Return a recorded preview's JPEG."""
    if is_named:
        frame = recorded_frame("new", "event4-38-preview-size-64-metadata")
        return frame[8 + int.from_bytes(frame[4:8]) :]
    return recorded_frame("new", "event1-37-preview-size-64")[8:]
