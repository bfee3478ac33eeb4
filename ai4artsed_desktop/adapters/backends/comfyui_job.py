"""One job on a ComfyUI server: posted, followed by frames and questions, cancelled until it holds.

To find a job, the queue is asked first, then the history: the server moves jobs in one go, so that this order cannot
miss one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Literal

from ai4artsed_desktop.adapters.backends.comfyui_feed import Feed, JobProgress
from ai4artsed_desktop.adapters.backends.comfyui_http import ComfyUiHttp, QueueSnapshot
from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_object, as_text
from ai4artsed_desktop.adapters.backends.comfyui_refusals import failure, refusal
from ai4artsed_desktop.adapters.backends.comfyui_socket import Line
from ai4artsed_desktop.adapters.backends.server_http import UnansweredError
from ai4artsed_desktop.domain.backend_errors import JobInterruptedError, JobLostError, JobStuckError
from ai4artsed_desktop.domain.comfyui import Graph
from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError

_log = logging.getLogger(__name__)

Previews = Literal["auto", "latent2rgb", "taesd", "none"]

#: The entry of an ended job was seen to come up to 350 ms after the last frame.
_LONGEST_LAG_S = 2.0
#: Between two looks at a job that is about to end or to be cancelled.
_LOOK_AGAIN_S = 0.1
_MAX_POSTS = 3
#: A job that still waits after so long is told its place; most never wait.
_FIRST_POSITION_S = 0.15
#: The queue is read again at most so often, however often it changes.
_POSITION_GAP_S = 0.5


class QueueReader:
    """Shares looks at the queue between jobs: it carries whole prompts and can be large.

    Attributes:
        read_at: When the latest look began (monotonic, s).
    """

    def __init__(self, http: ComfyUiHttp) -> None:
        self._http = http
        self._lock = asyncio.Lock()
        self.read_at = -1e9
        self._snapshot = QueueSnapshot((), ())

    async def get(self) -> QueueSnapshot:
        """Return the queue as it was after this call. Raises UnansweredError, BackendError."""
        asked_at = time.monotonic()
        async with self._lock:
            if self.read_at < asked_at:
                started = time.monotonic()
                self._snapshot = await self._http.queue()
                self.read_at = started
            return self._snapshot


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job is. ``entry``: its history entry, once it has ended."""

    state: Literal["waiting", "running", "ended", "absent"]
    position: int | None = None
    entry: JsonObject | None = None


async def locate(http: ComfyUiHttp, queue: QueueReader, prompt_id: str) -> Place:
    """Return where a job is. Raises UnansweredError, BackendError."""
    snapshot = await queue.get()
    if snapshot.is_running(prompt_id):
        return Place("running")
    if (position := snapshot.position(prompt_id)) is not None:
        return Place("waiting", position)
    entry = await http.history(prompt_id)
    return Place("absent") if entry is None else Place("ended", entry=entry)


async def cancel(http: ComfyUiHttp, queue: QueueReader, prompt_id: str, limit_s: float) -> bool:
    """Cancel one job, look whether it holds, and repeat until it does; return False if it did not within ``limit_s``.

    An interrupt can get lost when it meets the start of its job, and one node may run on for long. A job that a cut-off
    request has yet to bring is waited for, too; one that was there and is not there any more is gone.
    """
    started, was_seen = time.monotonic(), False
    while time.monotonic() - started < limit_s:
        try:
            place = await locate(http, queue, prompt_id)
            is_gone = was_seen or time.monotonic() - started > http.limits.arrival_s
            was_seen = was_seen or place.state != "absent"
            if place.state == "waiting":
                await http.delete_pending(prompt_id)
            elif place.state == "running":
                await http.interrupt(prompt_id)
            elif place.state == "ended" or is_gone:
                return True
        except UnansweredError as exc:
            if exc.is_refused and time.monotonic() - started > http.limits.refused_s:
                return True  # the server has ended, and the job with it
        except BackendError as exc:
            _log.warning("cancel of %s: %s", prompt_id, exc)
        await asyncio.sleep(_LOOK_AGAIN_S)
    _log.warning("the cancel of %s does not hold", prompt_id)
    return False


class Job:
    """Carries one graph to its end.

    Attributes:
        is_ended: The server is done with it, well or badly: nothing to cancel.
        was_sent: The server may have it.
    """

    def __init__(self, http: ComfyUiHttp, queue: QueueReader, line: Line, feed: Feed, graph: Graph) -> None:
        self._http = http
        self._queue = queue
        self._line = line
        self._feed = feed
        self._graph = graph
        self._limits = http.limits
        self._looked_at = time.monotonic()
        self.is_ended = False
        self.was_sent = False

    async def post(self, previews: Previews) -> None:
        """Send the graph.

        Raises:
            GraphRefusedError: Or one of its kinds; also when the server would run only a part of the graph.
            BackendUnavailableError: The server cannot be reached.
            BackendError: It answers, but only with errors.
        """
        body: dict[str, object] = {
            "prompt": self._graph,
            "prompt_id": self._feed.prompt_id,
            "client_id": self._line.client_id,
            "extra_data": {"preview_method": previews},
        }
        for tries in range(1, _MAX_POSTS + 1):
            try:
                async with self._http.posting:
                    self.was_sent = True
                    return self._take_answer(*await self._http.submit(body))
            except UnansweredError as exc:
                if exc.is_refused:
                    self.was_sent = False
                    raise BackendUnavailableError(str(exc), backend=self._http.backend) from exc
                # The answer is lost, but perhaps not the job: our own id tells.
                if (await self._arrived()).state != "absent":
                    return None
                if tries == _MAX_POSTS:
                    raise BackendError(str(exc), backend=self._http.backend) from exc
        return None

    def _take_answer(self, status: int, answer: JsonObject) -> None:
        prompt_id = as_text(answer.get("prompt_id"))
        if prompt_id and prompt_id != self._feed.prompt_id:
            self._line.rename(self._feed, prompt_id)
        if status != 200 or answer.get("node_errors"):
            # With a 200 the server has dropped some outputs and runs the rest: that is not what was asked for.
            self.is_ended = status != 200
            raise refusal(answer, self._graph, self._http.backend)

    async def _arrived(self) -> Place:
        """Look for the job until it is there, at most as long as a late request may take."""
        started, place = time.monotonic(), Place("absent")
        while place.state == "absent" and time.monotonic() - started < self._limits.arrival_s:
            place = await self._http.patiently(self._locate)
            await asyncio.sleep(_LOOK_AGAIN_S)
        return place

    async def _locate(self) -> Place:
        return await locate(self._http, self._queue, self._feed.prompt_id)

    async def follow(self) -> AsyncGenerator[JobProgress]:
        """Yield progress until the job is over.

        Raises:
            JobLostError, JobStuckError, BackendStoppedError, BackendUnavailableError.
        """
        drops, told = self._feed.drops, None
        while not self._feed.is_over:
            has_changed = await self._feed.wait(self._patience_s())
            self._note_sleep()
            has_dropped, drops = self._feed.drops != drops, self._feed.drops
            if not self._feed.is_over and (not has_changed or has_dropped) and await self._has_ended():
                break
            if self._feed.is_over:
                break
            if (progress := self._feed.progress()) != told:
                told = progress
                yield progress
                await self._feed.pause(self._limits.preview_gap_s)
        self.is_ended = True

    def _note_sleep(self) -> None:
        """Let a sleep of the machine not count as silence of the job: two looks do not take so long."""
        now = time.monotonic()
        if now - self._looked_at > self._limits.silence_s + 2 * (self._limits.mute_s + self._limits.answer_s):
            self._feed.last_sign = now
        self._looked_at = now

    def _patience_s(self) -> float:
        """Return how long to wait for a frame before asking."""
        if self._feed.is_ending:
            return _LOOK_AGAIN_S
        if not self._feed.is_connected:
            return self._limits.poll_s
        if self._feed.is_running or self._feed.queue_moved < self._queue.read_at:
            return self._limits.silence_s
        if self._feed.queue_position is None:
            return _FIRST_POSITION_S
        return max(0.0, self._queue.read_at + _POSITION_GAP_S - time.monotonic())

    async def _has_ended(self) -> bool:
        """Ask how the job is, note it in the feed, and tell whether it has ended."""
        place = await self._http.patiently(self._locate)
        if place.state == "absent":
            # Perhaps it moved between two looks of an overtaxed server: look once more.
            await asyncio.sleep(_LOOK_AGAIN_S)
            place = await self._http.patiently(self._locate)
        if place.state == "ended":
            return True
        if place.state == "absent":
            self.is_ended = True
            raise JobLostError(backend=self._http.backend)
        self._feed.place(place.position)
        self._note_sleep()  # it may have slept while it waited for the answer
        silent_s = time.monotonic() - self._feed.last_sign
        if silent_s > (self._limits.stuck_s if place.state == "running" else self._limits.waiting_s):
            raise JobStuckError(backend=self._http.backend, minutes=f"{silent_s / 60:.0f}")
        if place.state == "running" and self._line.was_reopened and silent_s > self._limits.silence_s:
            await self._line.renew()
        return False

    async def entry(self) -> JsonObject:
        """Return the history entry of the ended job.

        Raises:
            NodeFailedError, OutOfMemoryError, JobInterruptedError, JobLostError, BackendUnavailableError.
        """
        started = time.monotonic()
        entry = await self._http.patiently(lambda: self._http.history(self._feed.prompt_id))
        while entry is None:
            place = await self._http.patiently(self._locate)
            entry = place.entry
            if place.state == "absent" and time.monotonic() - started > _LONGEST_LAG_S:
                raise JobLostError(backend=self._http.backend)
            if entry is None:
                await asyncio.sleep(_LOOK_AGAIN_S)
        self._check(entry)
        return entry

    def _check(self, entry: JsonObject) -> None:
        status = as_object(entry.get("status"))
        if status.get("status_str") == "success":
            return
        messages: dict[str, JsonObject] = {}
        for message in as_list(status.get("messages")):
            name, data = [*as_list(message), None, None][:2]
            messages[as_text(name)] = as_object(data)
        if "execution_interrupted" in messages:
            raise JobInterruptedError(backend=self._http.backend)
        error: Mapping[str, object] = messages.get("execution_error") or self._feed.error or {}
        raise failure(error, self._graph, self._http.backend)
