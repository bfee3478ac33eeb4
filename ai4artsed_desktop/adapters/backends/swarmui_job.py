"""One text-to-image call of SwarmUI: sent over a websocket, followed by frames, interrupted by its session.

Source: SwarmUI 0.9.8.2. The result's frame is flat (``{"image": url, "batch_index": …}``), in its papers nested; both
are read. ``batch_index`` is a text or a number; a negative one is no final result.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_list, as_number, as_object, as_text
from ai4artsed_desktop.adapters.backends.server_http import UnansweredError
from ai4artsed_desktop.adapters.backends.swarmui_http import SessionUnknownError, SwarmUiHttp, preview_of
from ai4artsed_desktop.domain.backend_errors import (
    BackendStoppedError,
    JobLostError,
    JobStuckError,
    NoMediumError,
    SessionLostError,
)
from ai4artsed_desktop.domain.errors import BackendError, BackendUnavailableError
from ai4artsed_desktop.engine.tasks import TaskScope

_log = logging.getLogger(__name__)

#: A picture may come inside a frame.
_MAX_FRAME_BYTES = 256 * 1024 * 1024
_OPEN_LIMIT_S, _CLOSE_LIMIT_S = 5.0, 1.0
_LOOK_AGAIN_S = 0.2
#: A call whose socket broke is interrupted and made once more, with the same seed.
_TRIES = 2


@dataclass(frozen=True, slots=True)
class SwarmProgress:
    """How far a call is.

    Attributes:
        fraction: 0.0 … 1.0, None while nothing is known.
        is_running: False while it waits for a server or a model.
        preview: The newest picture of the work in progress (bytes, MIME type), if it came since the last progress.
        is_again: The socket broke, and the call begins anew.
    """

    fraction: float | None = None
    is_running: bool = False
    preview: tuple[bytes, str] | None = None
    is_again: bool = False


@dataclass(frozen=True, slots=True)
class SwarmPicture:
    """One result: ``place`` is a data URI or a path for ``SwarmUiHttp.picture``."""

    place: str


class _SocketLostError(Exception):
    """The socket ended before the call did."""


class SwarmUiJobs:
    """Makes text-to-image calls. Each has a session of its own, so that cancelling it hits no other."""

    def __init__(self, http: SwarmUiHttp) -> None:
        self._http = http
        self._interrupts = TaskScope("swarmui-interrupts")

    async def aclose(self) -> None:
        """See interrupts through, as far as they hold soon."""
        await self._interrupts.aclose(self._http.limits.cancel_close_s)

    async def run(self, arguments: Mapping[str, object]) -> AsyncGenerator[SwarmProgress | SwarmPicture]:
        """Make one call: progress while it lasts, every picture at the end. Closing the iterator cancels this call.

        Args:
            arguments: SwarmUI's parameters by their ids, such as ``prompt``, ``model``, ``steps``.

        Raises:
            BackendUnavailableError: It cannot be reached.
            JobLostError: The connection broke again.
            BackendError: See swarmui_errors.
        """
        request = {"images": 1, **arguments}
        reason: Exception = JobLostError(backend=self._http.backend)
        for tries in range(_TRIES):
            if tries:
                yield SwarmProgress(is_again=True)
            try:
                async with self._http.own_session() as session, aclosing(self._call(session, request)) as updates:
                    async for update in updates:
                        yield update
                return
            except SessionUnknownError as exc:
                reason = SessionLostError(str(exc), backend=self._http.backend)
            except _SocketLostError as exc:
                _log.info("the socket of a call is lost: %s", exc)
                reason = JobLostError(str(exc), backend=self._http.backend)
            except UnansweredError as exc:
                has_stopped = tries > 0 and exc.is_refused
                error = BackendStoppedError if has_stopped else BackendUnavailableError
                raise error(str(exc), backend=self._http.backend) from exc
        raise reason

    async def _call(self, session: str, request: Mapping[str, object]) -> AsyncGenerator[SwarmProgress | SwarmPicture]:
        socket = await self._open()
        has_ended = False
        try:
            parts = self._unseen(session, request) if socket is None else self._follow(socket, session, request)
            async with aclosing(parts) as updates:
                async for update in updates:
                    yield update
            has_ended = True
        except (BackendError, SessionUnknownError) as exc:
            has_ended = not isinstance(exc, JobStuckError)  # in all other cases the server itself has ended it
            raise
        finally:
            if not has_ended:
                await self.interrupt(session)
            if socket is not None:
                await socket.close()

    async def _open(self) -> ClientConnection | None:
        """Return the socket for one call, None if the server has none for us. Raises UnansweredError."""
        url = f"ws{self._http.address.removeprefix('http')}/API/GenerateText2ImageWS"
        self._http.guard.check_address(url)
        try:
            return await connect(
                url,
                proxy=None,
                compression=None,
                max_size=_MAX_FRAME_BYTES,
                open_timeout=_OPEN_LIMIT_S,
                close_timeout=_CLOSE_LIMIT_S,
            )
        except InvalidHandshake as exc:
            _log.info("no websocket, so without progress: %s", exc)
            return None
        except (OSError, EOFError, TimeoutError) as exc:
            raise UnansweredError(str(exc) or "no connection", is_refused=isinstance(exc, ConnectionError)) from exc

    async def _unseen(self, session: str, request: Mapping[str, object]) -> AsyncGenerator[SwarmPicture]:
        """The plain route: it says nothing until all is done."""
        body = {"session_id": session, **request}
        answer = await self._http.answer("GenerateText2Image", body, timeout_s=self._http.limits.stuck_s)
        places = [as_text(place) for place in as_list(answer.get("images"))]
        if not any(places):
            raise NoMediumError(backend=self._http.backend, node="–")
        for place in places:
            yield SwarmPicture(place)

    async def _follow(
        self, socket: ClientConnection, session: str, request: Mapping[str, object]
    ) -> AsyncGenerator[SwarmProgress | SwarmPicture]:
        pictures: dict[str, str] = {}
        last_move = time.monotonic()
        try:
            await socket.send(json.dumps({"session_id": session, **request}))
            while True:
                frame = await self._next(socket, session)
                self._http.check(frame, as_text(request.get("model")))
                if frame.get("socket_intention") == "close":
                    break
                if (progress := _read(frame, pictures)) is not None:
                    last_move = time.monotonic()
                    yield progress
                elif (silent_s := time.monotonic() - last_move) > self._http.limits.waiting_s:
                    raise JobStuckError(backend=self._http.backend, minutes=f"{silent_s / 60:.0f}")
        except (OSError, WebSocketException) as exc:
            raise _SocketLostError(f"{type(exc).__name__}: {exc}") from exc
        if not pictures:
            raise NoMediumError(backend=self._http.backend, node="–")
        for place in pictures.values():
            yield SwarmPicture(place)

    async def _next(self, socket: ClientConnection, session: str) -> JsonObject:
        """Return the next frame, an empty one if the call goes on in silence. Raises _SocketLostError."""
        try:
            async with asyncio.timeout(self._http.limits.keep_alive_s):
                return _object(await socket.recv())
        except TimeoutError:
            await self._check_alive(session)
            return _object("{}")

    async def _check_alive(self, session: str) -> None:
        """Let a silent call go on if the server still has it. Raises _SocketLostError."""
        try:
            if await self._http.patiently(lambda: self._work_of(session)):
                return
        except BackendUnavailableError as exc:
            raise _SocketLostError(str(exc)) from exc
        raise _SocketLostError("the server has no such work")

    async def _work_of(self, session: str) -> int:
        """Return how much a session has to do; nothing if the server does not know it. Raises UnansweredError."""
        try:
            answer = await self._http.answer("GetCurrentStatus", {"session_id": session})
        except SessionUnknownError:
            return 0
        return sum(int(as_number(number) or 0) for number in as_object(answer.get("status")).values())

    async def interrupt(self, session: str) -> None:
        """End all that a session does. Returns when it holds, or after a while; then it is repeated further on."""
        task = self._interrupts.spawn(self._interrupt(session), name=session)
        await asyncio.wait({task}, timeout=self._http.limits.cancel_wait_s)

    async def _interrupt(self, session: str) -> None:
        limits, started = self._http.limits, time.monotonic()
        while (passed_s := time.monotonic() - started) < limits.cancel_limit_s:
            try:
                await self._http.answer("InterruptAll", {"session_id": session, "other_sessions": False})
                if not await self._work_of(session):
                    return
            except SessionUnknownError:
                return  # the server was started anew, and its work is gone
            except UnansweredError as exc:
                if exc.is_refused and passed_s > limits.refused_s:
                    return  # it has ended, and the work with it
            except BackendError as exc:
                _log.warning("interrupt: %s", exc)
            await asyncio.sleep(_LOOK_AGAIN_S)
        _log.warning("the interrupt does not hold")


def _read(frame: JsonObject, pictures: dict[str, str]) -> SwarmProgress | None:
    """Take one frame; return progress if it tells any, and keep what it brings."""
    for index in as_list(frame.get("discard_indices")):
        pictures.pop(str(index), None)
    image = frame.get("image")
    nested = as_object(image)
    if place := as_text(nested.get("image") or image):
        index = str(nested.get("batch_index", frame.get("batch_index", "0")))
        if not index.startswith("-"):
            pictures[index] = place
        return SwarmProgress(1.0, is_running=True)
    if "gen_progress" in frame:
        progress = as_object(frame["gen_progress"])
        fraction = as_number(progress.get("overall_percent"))
        if fraction is not None:
            fraction = min(1.0, max(0.0, fraction))
        return SwarmProgress(fraction, is_running=True, preview=preview_of(as_text(progress.get("preview"))))
    if "status" in frame:
        return SwarmProgress(is_running=bool(as_number(as_object(frame["status"]).get("live_gens"))))
    return None


def _object(message: str | bytes) -> JsonObject:
    """Return a frame as an object; an empty one for anything else."""
    try:
        return as_object(json.loads(message))
    except (ValueError, RecursionError):
        return as_object(None)
