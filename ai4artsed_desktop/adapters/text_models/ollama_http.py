"""The conversation with an Ollama server: one guarded client, questions with one answer, streams of lines."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

import httpx

from ai4artsed_desktop.adapters.http import open_client, streamed_body
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.text_models.ollama_wire import NAME, read_objects
from ai4artsed_desktop.adapters.text_models.openai_stream import StreamError, check_status
from ai4artsed_desktop.domain.errors import ProviderError, ProviderUnavailableError

#: Silence that is no longer work: the server itself gives a load up after 5 minutes without progress
#: (``OLLAMA_LOAD_TIMEOUT``), and checking a large download says nothing for minutes.
SILENCE_LIMIT_S = 600.0

#: Answers to questions about lists; they come from memory or from small files.
_ANSWER_LIMIT_S = 10.0


class OllamaHttp:
    """One server.

    Args:
        address: Such as ``http://127.0.0.1:11434``.
    """

    def __init__(self, address: str, guard: NetworkGuard) -> None:
        self.address = address
        self._http = open_client(
            guard,
            httpx.Timeout(SILENCE_LIMIT_S, connect=3.0),
            base_url=address,
            uses_certificates=address.startswith("https:"),
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, limit_s: float = _ANSWER_LIMIT_S
    ) -> dict[str, Any]:
        """Return the JSON object that answers a question; an empty answer is an empty object.

        Raises:
            ProviderUnavailableError: Nothing answers, or nothing that can be read.
            ProviderError: It answers with an error; ``detail`` has its words and status.
        """
        try:
            response = await self._http.request(method, path, json=body, timeout=limit_s)
            await check_status(response)
            answer = cast("object", response.json() if response.content else {})
        except httpx.TransportError as exc:
            raise self.unavailable(exc) from exc
        except StreamError as exc:
            raise ProviderError(str(exc), provider=NAME) from exc
        except ValueError as exc:
            raise self.unavailable(exc) from exc
        if not isinstance(answer, dict):
            raise ProviderUnavailableError("the answer is no object", provider=NAME, address=self.address)
        return cast("dict[str, Any]", answer)

    async def has(self, path: str) -> bool:
        """Return whether a HEAD request finds something. Raises ProviderUnavailableError."""
        try:
            return (await self._http.head(path, timeout=_ANSWER_LIMIT_S)).is_success
        except httpx.TransportError as exc:
            raise self.unavailable(exc) from exc

    @asynccontextmanager
    async def stream(self, path: str, body: dict[str, Any]) -> AsyncGenerator[AsyncIterator[bytes], None]:
        """Give the bytes of a streamed answer; leaving closes the connection, which cancels the work.

        Raises:
            StatusError: The answer is an error from the start.
            httpx.TransportError: The connection failed or broke.
        """
        async with self._http.stream("POST", path, json=body) as response:
            try:
                await check_status(response)
            except StreamError as exc:
                raise StatusError(response.status_code, exc) from exc
            async with streamed_body(response) as chunks:
                yield chunks

    async def events(self, path: str, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the lines of a long work (``/api/pull``, ``/api/create``).

        Raises:
            ProviderUnavailableError: The connection failed or broke.
            ProviderError: A line, or the whole answer, is an error.
        """
        try:
            async with self.stream(path, body) as chunks, aclosing(read_objects(chunks)) as lines:
                async for line in lines:
                    yield line
        except httpx.TransportError as exc:
            raise self.unavailable(exc) from exc
        except (StreamError, StatusError) as exc:
            raise ProviderError(str(exc), provider=NAME) from exc

    async def send_file(self, path: str, chunks: AsyncIterator[bytes], size_bytes: int) -> None:
        """Send a file's bytes. Raises ProviderUnavailableError, ProviderError."""
        try:
            response = await self._http.post(path, content=chunks, headers={"Content-Length": str(size_bytes)})
            await check_status(response)
        except httpx.TransportError as exc:
            raise self.unavailable(exc) from exc
        except StreamError as exc:
            raise ProviderError(str(exc), provider=NAME) from exc

    def unavailable(self, cause: Exception) -> ProviderUnavailableError:
        """Return the error for a server that does not answer."""
        words = f"{type(cause).__name__}: {cause}".removesuffix(": ")
        return ProviderUnavailableError(words, provider=NAME, address=self.address)


class StatusError(Exception):
    """An answer that is an error from the start. ``status`` decides; the words differ from place to place."""

    def __init__(self, status: int, error: StreamError) -> None:
        super().__init__(str(error))
        self.status = status
        self.error = error
