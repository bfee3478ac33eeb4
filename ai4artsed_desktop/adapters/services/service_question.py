"""One question to a server: HTTP without an HTTP library, because the window asks before it needs one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.errors import LocalOnlyError

#: A server under load takes up to half a second to answer; this is "it does not answer".
QUESTION_LIMIT_S = 5.0

#: Answers to questions about health are a few kilobytes.
_BODY_LIMIT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ServerAnswer:
    """What a server answered: HTTP status and the JSON object, empty if it was none."""

    status: int
    body: Mapping[str, Any]


async def ask(
    address: str, path: str, guard: NetworkGuard, *, body: Mapping[str, object] | None = None
) -> ServerAnswer | None:
    """GET ``path``, or POST ``body`` as JSON; None if nobody answers in HTTP, in time, or nobody may be asked."""
    try:
        guard.check_address(address)
        async with asyncio.timeout(QUESTION_LIMIT_S):
            return await _exchange(address, path, body)
    except (OSError, TimeoutError, EOFError, ValueError, asyncio.LimitOverrunError, LocalOnlyError):
        return None


async def _exchange(address: str, path: str, body: Mapping[str, object] | None) -> ServerAnswer:
    parts = urlsplit(address)
    is_encrypted = parts.scheme == "https"
    port = parts.port or (443 if is_encrypted else 80)
    reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=True if is_encrypted else None)
    try:
        content = b"" if body is None else json.dumps(body).encode()
        # HTTP/1.0: the answer comes in one piece, and the connection ends with it.
        head = [f"{'GET' if body is None else 'POST'} {parts.path.rstrip('/')}{path} HTTP/1.0", f"Host: {parts.netloc}"]
        if body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
        writer.write("\r\n".join([*head, "", ""]).encode() + content)
        await writer.drain()
        return await _read_answer(reader)
    finally:
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> ServerAnswer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    protocol, status, *_ = head[0].split(" ")
    if not protocol.startswith("HTTP/"):
        raise ValueError(head[0])
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    length = int(fields.get("content-length", -1))
    if length > _BODY_LIMIT_BYTES:
        raise ValueError(f"{length} bytes")
    if fields.get("transfer-encoding", "").lower() == "chunked":
        data = await _read_chunks(reader)
    else:
        data = await reader.readexactly(length) if length >= 0 else await reader.read(_BODY_LIMIT_BYTES)
    return ServerAnswer(int(status), _as_object(data))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    """Read a body in chunks: HTTP/1.0 has none, but gateways in front of a server send them all the same."""
    data = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        if size < 0 or len(data) + size > _BODY_LIMIT_BYTES:
            raise ValueError(f"{size} bytes")
        data += await reader.readexactly(size)
        await reader.readexactly(2)
    return data


def _as_object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
