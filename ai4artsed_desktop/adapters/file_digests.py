"""SHA-256 of large files, remembered: a record names the very model that wrote a text, and hashes it only once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import threading
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ai4artsed_desktop.adapters.storage.atomic import write_atomically
from ai4artsed_desktop.domain.errors import StorageError

logger = logging.getLogger(__name__)
_CHUNK_BYTES = 1 << 22
_MEMORY = TypeAdapter(dict[str, str])


class FileDigests:
    """Digests by path, size and time of change; a file that changed is hashed anew.

    Args:
        memory: Where they are remembered; may be deleted at any time.
    """

    def __init__(self, memory: Path) -> None:
        self._memory = memory
        self._lock = threading.Lock()

    async def sha256(self, path: str) -> str:
        """Return the hex digest of a file, ``""`` if it cannot be read. Cancelling stops the reading."""
        stop = threading.Event()
        try:
            return await asyncio.to_thread(self._sha256, Path(path), stop)
        finally:
            stop.set()

    def _sha256(self, path: Path, stop: threading.Event) -> str:
        with self._lock:
            try:
                facts = path.stat()
                key = f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}"
                known = self._read()
                digest = known.get(key) or hash_file(path, stop)
            except OSError as exc:
                logger.warning("%s cannot be hashed: %s", path, exc)
                return ""
            if key not in known:
                self._remember({**known, key: digest})
            return digest

    def _remember(self, known: dict[str, str]) -> None:
        try:
            write_atomically(self._memory, json.dumps(known, indent=1).encode("utf-8", "replace"))
        except StorageError as exc:
            logger.warning("digests are not remembered: %s", exc)

    def _read(self) -> dict[str, str]:
        try:
            return _MEMORY.validate_json(self._memory.read_bytes())
        except (OSError, ValidationError):
            return {}


def hash_file(path: Path, stop: threading.Event) -> str:
    """Return the SHA-256 of a file as hex digits. Raises OSError, also when ``stop`` is set meanwhile."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            if stop.is_set():
                raise InterruptedError("no longer wanted")
            digest.update(chunk)
    return digest.hexdigest()
