"""SwarmUI's HTTP side: sessions, routes, pictures. Every route is a POST below ``/API``."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import quote

from ai4artsed_desktop.adapters.backends.comfyui_frames import is_whole_image
from ai4artsed_desktop.adapters.backends.comfyui_json import JsonObject, as_object, as_text
from ai4artsed_desktop.adapters.backends.server_http import Limits, ServerHttp, UnansweredError, json_of
from ai4artsed_desktop.adapters.backends.swarmui_errors import SESSION_UNKNOWN, is_failure, swarm_error
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.backend_errors import MediumDamagedError, NotAllowedError, SessionLostError
from ai4artsed_desktop.domain.errors import BackendUnavailableError

_HTTP_NOT_AUTHORISED = 401
#: How often a call is repeated with a new session.
_RENEWALS = 1


class SessionUnknownError(Exception):
    """The server does not know the session (any more); a new one helps."""


class SwarmUiHttp(ServerHttp):
    """One SwarmUI's routes."""

    def __init__(self, address: str, limits: Limits, backend: str, guard: NetworkGuard) -> None:
        super().__init__(address, limits, backend, guard)
        self._common = ""
        self._idle: list[str] = []

    async def new_session(self) -> str:
        """Return a new session's id. Raises UnansweredError, BackendError."""
        session = as_text((await self.answer("GetNewSession", {})).get("session_id"))
        if not session:
            raise UnansweredError("GetNewSession gave no session")
        return session

    @asynccontextmanager
    async def own_session(self) -> AsyncGenerator[str]:
        """Give a session that nobody else uses meanwhile: an interrupt covers all that its session does.

        Raises:
            UnansweredError, BackendError: See ``new_session``.
        """
        session = self._idle.pop() if self._idle else await self.new_session()
        yield session
        self._idle.append(session)  # only after a good end: one that is interrupted may be so for a while

    async def answer(self, route: str, body: Mapping[str, object], timeout_s: float | None = None) -> JsonObject:
        """Post to a route and return its answer.

        Raises:
            UnansweredError: No usable answer.
            SessionUnknownError.
            BackendError: The answer is a failure; see swarmui_errors.
        """
        response = await self.post_json(f"/API/{route}", body, timeout_s)
        try:
            answer = as_object(json_of(response))
        except UnansweredError as exc:
            if response.status_code == _HTTP_NOT_AUTHORISED:
                raise NotAllowedError(response.text[:200], backend=self.backend) from exc
            raise
        self.check(answer, as_text(body.get("model")))
        return answer

    def check(self, answer: JsonObject, model: str = "") -> None:
        """Let an answer or frame pass that is no failure. Raises SessionUnknownError, BackendError."""
        if as_text(answer.get("error_id")) == SESSION_UNKNOWN:
            raise SessionUnknownError(as_text(answer.get("error")))
        if is_failure(answer):
            raise swarm_error(answer, self.backend, model)

    async def call(self, route: str, body: Mapping[str, object] | None = None) -> JsonObject:
        """Ask a route in the common session, renewed once if the server does not know it.

        Raises:
            UnansweredError, BackendError: See ``answer``.
            SessionLostError: The new one is unknown as well.
        """
        for _ in range(_RENEWALS + 1):
            self._common = self._common or await self.new_session()
            try:
                return await self.answer(route, {"session_id": self._common, **(body or {})})
            except SessionUnknownError:
                self._common = ""
        raise SessionLostError(route, backend=self.backend)

    async def picture(self, place: str) -> tuple[bytes, str]:
        """Return the bytes and MIME type of a picture (or sound, or video) that an answer names.

        Args:
            place: A data URI, or a path on the server as it writes it: relative and not percent-encoded.

        Raises:
            MediumDamagedError: It is not whole, also not when asked for again.
            MediumGoneError, MediumTooLargeError, BackendUnavailableError, BackendError.
        """
        if place.startswith("data:"):
            data, mime = _data_uri(place)
            self.check_size(len(data), mime)
            if not is_whole_image(data, mime):
                raise MediumDamagedError(f"{len(data)} bytes", backend=self.backend, file=mime)
            return data, mime
        # The host is ours, whatever the path says; its name may hold the prompt, with blanks, "#" and "?".
        path, name = "/" + quote(place.lstrip("/"), safe="/"), place.rpartition("/")[2]

        async def whole() -> tuple[bytes, str]:
            data, mime = await self.download(path, name)
            if not is_whole_image(data, mime):
                raise UnansweredError(f"{len(data)} bytes without a proper end")
            return data, mime

        try:
            return await self.several_times(whole)
        except UnansweredError as exc:
            if exc.is_refused:
                raise BackendUnavailableError(str(exc), backend=self.backend) from exc
            raise MediumDamagedError(str(exc), backend=self.backend, file=name) from exc


def _data_uri(text: str) -> tuple[bytes, str]:
    """Return the bytes and MIME type of a base64 data URI; nothing for a broken one."""
    head, _, body = text.partition(",")
    mime = head.removeprefix("data:").partition(";")[0].lower()
    try:
        return base64.b64decode(body, validate=True), mime
    except binascii.Error:
        return b"", mime


def preview_of(text: str) -> tuple[bytes, str] | None:
    """Return a preview's bytes and MIME type, None if it is not whole or no JPEG or PNG."""
    data, mime = _data_uri(text) if text.startswith("data:") else (b"", "")
    return (data, mime) if mime in ("image/jpeg", "image/png") and is_whole_image(data, mime) else None
