"""The generations of the double: frames in the contract's order, one slot per ComfyUI, interrupts by session."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from tests.support.comfyui_nodes import png
from tests.support.comfyui_worker import recorded_preview
from tests.support.swarmui_wire import SwarmSocket

if TYPE_CHECKING:
    from tests.support.swarmui_double import SwarmFaults, SwarmUiDouble

_STEPS = 3


def picture_for(seed: int) -> bytes:
    """Return the picture that a seed makes."""
    inputs = {"width": 32, "height": 32, "batch_size": 1, "color": seed}
    return png({"1": {"class_type": "EmptyImage", "inputs": inputs}}, "1")


class GenerationInterruptedError(Exception):
    """The session was interrupted."""


class RefusedError(Exception):
    """The generation is refused with the words of the fault."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(str(answer))
        self.answer = answer


@dataclass
class Hold:
    """Where a generation waits: before a step."""

    step: int
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)


class SwarmWork:
    """All generations.

    Attributes:
        asked: Every request object, in order.
        files: Saved pictures by their path.
        holds: Where to wait; each is used once.
        refusals: The next generations fail with these objects.
        extra_frames: Sent before the picture, as they are.
        is_nested: Pictures are told as SwarmUI's papers say, not as its code does.
        indices_are_numbers: ``batch_index`` is a number.
        saves: The user's settings let pictures be saved, so that ``donotsave`` alone decides.
        picture: Makes a seed's picture.
    """

    def __init__(self, faults: SwarmFaults) -> None:
        self.asked: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.holds: list[Hold] = []
        self.refusals: list[dict[str, Any]] = []
        self.extra_frames: list[dict[str, Any]] = []
        self.is_nested = self.indices_are_numbers = False
        self.ignores_donotsave = False
        self.picture: Callable[[int], bytes] = picture_for
        self._faults = faults
        self._waiting: Counter[str] = Counter()
        self._live: Counter[str] = Counter()
        self._interrupted: Counter[str] = Counter()
        self._slots: asyncio.Semaphore | None = None

    def hold(self, step: int = 1) -> Hold:
        """Let a generation wait before a step."""
        hold = Hold(step)
        self.holds.append(hold)
        return hold

    def count(self, session: str) -> tuple[int, int]:
        """Return how many generations of a session wait and run."""
        return self._waiting[session], self._live[session]

    @property
    def remaining(self) -> int:
        return self._waiting.total() + self._live.total()

    def interrupt(self, session: str) -> None:
        if self._waiting[session] or self._live[session]:
            self._interrupted[session] += 1

    async def whole(self, double: SwarmUiDouble, body: dict[str, Any]) -> dict[str, Any]:
        """The plain route: all at the end, the first error instead of everything."""
        if "images" not in body:
            return {"error": "Missing required parameter 'images'"}
        try:
            return {"images": [frame["image"] for frame in await self._generate(double, body, lambda frame: None)]}
        except GenerationInterruptedError:
            return {"error": "Generation session interrupted."}
        except RefusedError as refused:
            return refused.answer

    async def serve(self, double: SwarmUiDouble, socket: SwarmSocket, listening: asyncio.Task[None]) -> None:
        """The socket route."""
        drop_after = self._faults.drop_sockets_after.pop(0) if self._faults.drop_sockets_after else None

        def send(frame: dict[str, Any]) -> None:
            if self._faults.goes_silent or self._faults.lose_frames & frame.keys():
                return
            for noise in self._faults.noise:
                socket.send(noise)
            if drop_after is not None and socket.sent >= drop_after:
                socket.abort()
            else:
                socket.say(frame)

        body = cast("dict[str, Any]", json.loads(await socket.heard.get()))
        session = body.get("session_id", "")
        if self._faults.unknown_sessions > 0:
            self._faults.unknown_sessions -= 1
            double.sessions.discard(session)
        if session not in double.sessions:
            socket.say(
                {"error": "Invalid session ID. You may need to refresh the page.", "error_id": "invalid_session_id"}
            )
            socket.close()
            return
        await self._serve_one(double, body, send)
        if self._faults.goes_silent:
            await listening
            return
        send({"discard_indices": []})
        send({"socket_intention": "close"})
        await asyncio.wait({listening}, timeout=0.05)  # 2 s in the real one, for further requests
        send(status_of(double, session))
        socket.close()

    async def _serve_one(
        self, double: SwarmUiDouble, body: dict[str, Any], send: Callable[[dict[str, Any]], None]
    ) -> None:
        try:
            if "images" not in body:
                raise RefusedError({"error": "Missing required parameter 'images'"})
            for frame in await self._generate(double, body, send):
                send(frame)
        except GenerationInterruptedError:
            send({"error": "Generation session interrupted."})
        except RefusedError as refused:
            send(refused.answer)

    async def _generate(
        self, double: SwarmUiDouble, body: dict[str, Any], send: Callable[[dict[str, Any]], None]
    ) -> list[dict[str, Any]]:
        session = body["session_id"]
        self.asked.append(body)
        if self._slots is None:
            self._slots = asyncio.Semaphore(max(1, len(double.comfyuis)))
        self._waiting[session] += 1
        waits = True
        try:
            send(status_of(double, session))
            while self._slots.locked():
                self._check(session)
                await asyncio.sleep(0.005)
            async with self._slots:
                self._waiting[session] -= 1
                self._live[session] += 1
                waits = False
                send(status_of(double, session))
                if self.refusals:
                    raise RefusedError(self.refusals.pop(0))
                return await self._steps(body, send)
        finally:
            (self._waiting if waits else self._live)[session] -= 1

    def _check(self, session: str) -> None:
        if self._interrupted[session]:
            self._interrupted[session] = 0
            raise GenerationInterruptedError

    async def _steps(self, body: dict[str, Any], send: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
        index: int | str = 0 if self.indices_are_numbers else "0"
        head: dict[str, Any] = {"batch_index": index, "request_id": "1"}
        preview = f"data:image/jpeg;base64,{base64.b64encode(recorded_preview()).decode()}"
        send({"gen_progress": {**head, "overall_percent": 0.1, "current_percent": 0.0, "metadata": "{}"}})
        for step in range(1, _STEPS + 1):
            await self._pause(body["session_id"], step)
            done = step / _STEPS
            progress = {"preview": preview, "overall_percent": 0.1 + 0.9 * done, "current_percent": done}
            send({"gen_progress": {**head, **progress}})
        for frame in self.extra_frames:
            send(frame)
        place = self._place(body)
        if self.is_nested:
            return [{"image": {"image": place, **head, "metadata": None}}]
        return [{"image": place, **head, "metadata": None}]

    async def _pause(self, session: str, step: int) -> None:
        self._check(session)
        hold = next((hold for hold in self.holds if hold.step == step), None)
        if hold is None:
            await asyncio.sleep(0)
            return
        self.holds.remove(hold)
        hold.reached.set()
        while not hold.released.is_set():
            self._check(session)
            await asyncio.sleep(0.005)

    def _place(self, body: dict[str, Any]) -> str:
        """Return a data URI, or the path of a saved file with the prompt in its name, as it is."""
        data = self.picture(int(body.get("seed", -1)))
        if body.get("donotsave") and not self.ignores_donotsave:
            if self._faults.half_pictures > 0:
                self._faults.half_pictures -= 1
                data = data[: len(data) // 2]
            return f"data:image/png;base64,{base64.b64encode(data).decode()}"
        path = f"View/local/raw/2026-08-21/123400{len(self.files)}-{body['prompt']}-{body['model']}.png"
        self.files[path] = data
        return path


def status_of(double: SwarmUiDouble, session: str) -> dict[str, Any]:
    """What ``GetCurrentStatus`` and the status frames say."""
    states = set(double.states.values())
    if not states:
        state = "empty"
    elif "errored" in states:
        state = "errored"
    elif states == {"disabled"}:
        state = "all_disabled"
    elif "loading" in states:
        state = "some_loading" if "running" in states else "loading"
    else:
        state = "running"
    waiting, live = double.work.count(session)
    return {
        "status": {"waiting_gens": waiting, "loading_models": 0, "waiting_backends": 0, "live_gens": live},
        "backend_status": {"status": state, "class": "", "message": "", "any_loading": "loading" in states},
        "supported_features": ["comfyui", "refiners", "folderslash"],
    }
