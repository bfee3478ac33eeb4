"""Downloads of large files: resumed where they stopped, checked before they get their name."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from ai4artsed_desktop.adapters.http import open_client, streamed_body
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.domain.errors import (
    ChecksumError,
    DownloadError,
    LocalOnlyError,
    NoSpaceForDownloadError,
    StorageError,
    UnverifiedDownloadError,
)

_log = logging.getLogger(__name__)

#: Left free on the disk: a full system disk harms more than the download.
RESERVE_BYTES = 500_000_000

#: Tries in a row that bring not a single byte.
MAX_FRUITLESS_TRIES = 4

#: Tries altogether: a server that gives one byte per try is not worth more.
_MAX_TRIES = 100

_BUFFER_BYTES = 4 * 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")
_RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class DownloadSpec:
    """What to download.

    Attributes:
        name: What the person reads.
        size_bytes: Expected length, None = unknown until the server answers.
        sha256: Of the whole file; None = the one the server promises. A file that nobody vouches for is refused.
    """

    name: str
    url: str
    file_name: str
    size_bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """How far it is; ``phase`` ``check`` reads the whole file once more."""

    received_bytes: int
    total_bytes: int | None
    phase: Literal["load", "check"] = "load"


ProgressListener = Callable[[DownloadProgress], None]


class _PartFacts(BaseModel):
    """Beside a ``.part`` file: what it is a part of."""

    model_config = ConfigDict(extra="forbid")

    url: str
    etag: str | None = None
    sha256: str | None = None
    total_bytes: int | None = None


class _RetryError(Exception):
    """This try failed in a way that may pass. ``wait_s``: what the server asked for."""

    def __init__(self, reason: str, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class Downloader:
    """Downloads files.

    Args:
        is_local_only: Asked before anything leaves the machine.
        free_bytes: Free space of the disk a folder lies on.
        http: For tests; else one client per download, with the system's proxy.
        pause_s: First pause between two tries; doubles each time.
    """

    def __init__(
        self,
        is_local_only: Callable[[], bool],
        *,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        http: httpx.AsyncClient | None = None,
        pause_s: float = 1.0,
    ) -> None:
        self._is_local_only = is_local_only
        self._free_bytes = free_bytes
        self._http = http
        self._pause_s = pause_s
        self._active: set[Path] = set()

    async def download(self, spec: DownloadSpec, folder: Path, on_progress: ProgressListener) -> Path:
        """Download a file into ``folder`` and return its path; an equal file that is there already is kept.

        Cancelling keeps what came; the next call goes on there.

        Raises:
            LocalOnlyError, StorageError.
            DownloadError: Also as NoSpaceForDownloadError, ChecksumError, UnverifiedDownloadError.
        """
        target = folder / spec.file_name
        if target in self._active:
            raise DownloadError("it is being downloaded already", name=spec.name)
        self._active.add(target)
        try:
            if spec.sha256 is not None and target.is_file() and await _hash(target) == spec.sha256:
                return target
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            if self._http is not None:
                return await _Job(spec, target, on_progress, self._http, self).run()
            guard, timeout = NetworkGuard(self._is_local_only), httpx.Timeout(60.0, connect=10.0)
            async with open_client(guard, timeout, uses_system_proxy=True) as http:
                return await _Job(spec, target, on_progress, http, self).run()
        except OSError as exc:
            raise self._storage_error(exc, spec, target) from exc
        finally:
            self._active.discard(target)

    def check_allowed(self, spec: DownloadSpec) -> None:
        """Raise LocalOnlyError while nothing may leave the machine."""
        if self._is_local_only():
            raise LocalOnlyError(host=httpx.URL(spec.url).host)

    def check_space(self, spec: DownloadSpec, folder: Path, missing_bytes: int) -> None:
        """Raise NoSpaceForDownloadError unless so much more fits."""
        free = self._free_bytes(folder)
        if free < missing_bytes + RESERVE_BYTES:
            raise NoSpaceForDownloadError(
                name=spec.name, needed_gb=_gb(missing_bytes + RESERVE_BYTES), free_gb=_gb(free)
            )

    async def pause(self, tries: int, wait_s: float) -> None:
        """Wait before the next try, longer each time, as long as the server asks for, at most a minute."""
        await asyncio.sleep(min(60.0, max(wait_s, self._pause_s * 2**tries)))

    def _storage_error(self, exc: OSError, spec: DownloadSpec, target: Path) -> Exception:
        if exc.errno == errno.ENOSPC:
            free = self._free_bytes(target.parent)
            return NoSpaceForDownloadError(str(exc), name=spec.name, needed_gb="?", free_gb=_gb(free))
        return StorageError(str(exc), path=str(target))


class _Job:
    """One download."""

    def __init__(
        self,
        spec: DownloadSpec,
        target: Path,
        on_progress: ProgressListener,
        http: httpx.AsyncClient,
        owner: Downloader,
    ) -> None:
        self._spec = spec
        self._target = target
        self._part = target.with_name(target.name + ".part")
        self._facts_path = target.with_name(target.name + ".part.json")
        self._on_progress = on_progress
        self._http = http
        self._owner = owner
        self._facts = self._read_facts()

    async def run(self) -> Path:
        fruitless = 0
        for _ in range(_MAX_TRIES):
            before = self._have()
            try:
                await self._try_once()
                return await self._finish()
            except (_RetryError, httpx.TransportError) as exc:
                fruitless = 0 if self._have() > before else fruitless + 1
                _log.info("download of %s: %s", self._spec.name, exc)
                if fruitless >= MAX_FRUITLESS_TRIES:
                    raise DownloadError(str(exc), name=self._spec.name) from exc
                await self._owner.pause(fruitless, exc.wait_s if isinstance(exc, _RetryError) else 0.0)
            except (httpx.HTTPError, httpx.InvalidURL) as exc:
                raise DownloadError(str(exc), name=self._spec.name) from exc
        raise DownloadError(f"not finished after {_MAX_TRIES} tries", name=self._spec.name)

    async def _try_once(self) -> None:
        """Get what is missing; returns when the file is complete."""
        have = self._have()
        if have and have == self._facts.total_bytes:
            return
        self._owner.check_allowed(self._spec)
        headers = {"Accept-Encoding": "identity"}
        if have and self._facts.etag is not None:
            headers |= {"Range": f"bytes={have}-", "If-Range": self._facts.etag}
        async with self._http.stream("GET", self._spec.url, headers=headers, follow_redirects=True) as response:
            start = self._accept(response, have)
            total = self._facts.total_bytes
            self._owner.check_space(self._spec, self._target.parent, (total or 0) - start)
            await asyncio.to_thread(self._write_facts)
            async with streamed_body(response) as chunks:
                await self._store(chunks, start)
        if total is not None and self._have() != total:
            raise _RetryError(f"{self._have()} of {total} bytes came")

    def _accept(self, response: httpx.Response, have: int) -> int:
        """Check the answer's head and return where its body begins; 0 = the file comes anew."""
        if response.url.scheme != "https" and httpx.URL(self._spec.url).scheme == "https":
            raise DownloadError(f"led to an unsafe address: {response.url}", name=self._spec.name)
        status = response.status_code
        if status in _RETRY_STATUS:
            raise _RetryError(f"HTTP {status}", _retry_after_s(response))
        if status == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE.value:
            self._forget()  # the part does not fit the file any more
            raise _RetryError("the part is longer than the file")
        if status not in (200, 206):
            raise DownloadError(f"HTTP {status}", name=self._spec.name)
        if status == 206 and _range_start(response) != have:
            self._forget()
            raise _RetryError("the server sent another range")
        start = have if status == 206 else 0
        self._facts = _PartFacts(
            url=self._spec.url,
            etag=_strong_etag(response),
            sha256=self._promised_hash(response),
            total_bytes=_total_bytes(response, start),
        )
        return start

    def _promised_hash(self, response: httpx.Response) -> str:
        """Return the SHA-256 the file must have.

        The hub names it as ``X-Linked-Etag`` on its own answer, before it redirects. The ETag of the server it leads to
        is no such promise: it may be a hash of another kind with as many digits.
        """
        if self._spec.sha256 is not None:
            return self._spec.sha256
        first = response.history[0] if response.history else response
        promised = first.headers.get("x-linked-etag") or ("" if response.history else response.headers.get("etag", ""))
        digest = promised.removeprefix("W/").strip('"').lower()
        if not _SHA256.fullmatch(digest):
            raise UnverifiedDownloadError(name=self._spec.name)
        return digest

    async def _store(self, chunks: AsyncIterator[bytes], start: int) -> None:
        buffer = bytearray()
        received = start
        file = await asyncio.to_thread(self._open_part, start)
        try:
            async for chunk in chunks:
                buffer += chunk
                if len(buffer) >= _BUFFER_BYTES:
                    received += await self._flush(file, buffer)
                self._on_progress(DownloadProgress(received + len(buffer), self._facts.total_bytes))
        finally:
            # Also when it was cancelled or broke off: what came is kept.
            file.write(buffer)
            file.close()

    async def _flush(self, file: IO[bytes], buffer: bytearray) -> int:
        self._owner.check_space(self._spec, self._target.parent, 0)
        data = bytes(buffer)
        buffer.clear()
        await asyncio.to_thread(file.write, data)
        return len(data)

    def _open_part(self, start: int) -> IO[bytes]:
        file = self._part.open("r+b" if start else "wb")
        file.truncate(start)
        file.seek(start)
        return file

    async def _finish(self) -> Path:
        """Check the whole file and give it its name."""
        size = self._have()
        self._on_progress(DownloadProgress(size, size, "check"))
        if await _hash(self._part) != self._facts.sha256:
            self._forget()
            raise ChecksumError(f"expected {self._facts.sha256}", name=self._spec.name)
        await asyncio.to_thread(self._publish)
        return self._target

    def _publish(self) -> None:
        with self._part.open("rb") as file:
            os.fsync(file.fileno())
        self._part.replace(self._target)
        self._facts_path.unlink(missing_ok=True)

    def _have(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._facts_path.unlink(missing_ok=True)
        self._facts = _PartFacts(url=self._spec.url)

    def _read_facts(self) -> _PartFacts:
        try:
            facts = _PartFacts.model_validate_json(self._facts_path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return _PartFacts(url=self._spec.url)
        is_same = facts.url == self._spec.url and self._spec.sha256 in (None, facts.sha256)
        return facts if is_same else _PartFacts(url=self._spec.url)

    def _write_facts(self) -> None:
        self._facts_path.write_text(self._facts.model_dump_json(), encoding="utf-8")


async def _hash(path: Path) -> str:
    def read() -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    return await asyncio.to_thread(read)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f}"


def _strong_etag(response: httpx.Response) -> str | None:
    """Only a strong one may resume a download (RFC 9110, 13.1.5)."""
    etag = response.headers.get("etag")
    return None if etag is None or etag.startswith("W/") else etag


def _range_start(response: httpx.Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return int(match[1]) if match else None


def _total_bytes(response: httpx.Response, start: int) -> int | None:
    length = response.headers.get("content-length", "")
    return start + int(length) if length.isdecimal() else None


def _retry_after_s(response: httpx.Response) -> float:
    """Seconds only; a date is treated like no header."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else 0.0
