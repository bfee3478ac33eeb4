"""Keys of services: in the system's keyring; where there is none, in a file that only its owner can read.

A key never reaches a log, a settings file, a run folder or an export: it goes from here into one request header.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from ai4artsed_desktop.adapters.storage.atomic import write_atomically
from ai4artsed_desktop.domain.errors import StorageError

logger = logging.getLogger(__name__)

#: The name our entries have in the keyring.
SERVICE = "AI4ArtsEd Desktop"

_OWNER_ONLY = 0o600

KeyPlace = Literal["environment", "keyring", "file"]


class _Keyring(Protocol):
    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...


class Secrets:
    """Reads and keeps keys; fits ``engine.ports.SecretStore``. Every call may block on the system, hence the threads.

    Args:
        path: The file that serves where no keyring does.
        environment: Where ``variable`` is looked up.
        keyring: For tests; None = the system's, found with the first question.
    """

    def __init__(
        self, path: Path, environment: Mapping[str, str] = os.environ, keyring: _Keyring | None = None
    ) -> None:
        self._path = path
        self._environment = environment
        self._keyring = keyring
        self._is_found = keyring is not None
        self._lock = asyncio.Lock()

    async def get(self, name: str, variable: str = "") -> str | None:
        """Return a key: the environment's, else the kept one, else None.

        Raises:
            StorageError: The keyring or the file cannot be read.
        """
        if from_environment := self._environment.get(variable, "").strip():
            return from_environment
        async with self._lock:
            return await asyncio.to_thread(self._get, name)

    async def may_have(self, name: str, variable: str = "") -> bool:
        """Tell whether it is worth asking for a key: whether one was kept or found here before.

        Loading a keyring takes 0.1 s and 20 MB, which most starts can do without. One that holds a key of which this
        program's folder knows nothing is noticed with the first look at the settings.
        """
        if self._environment.get(variable, "").strip() or self._is_found or self._path.exists():
            return True
        return name in await asyncio.to_thread(self._read_names)

    async def place(self, name: str, variable: str = "") -> KeyPlace | None:
        """Return where a key comes from, None if there is none. Raises StorageError."""
        if self._environment.get(variable, "").strip():
            return "environment"
        async with self._lock:
            if await asyncio.to_thread(self._get, name) is None:
                return None
            return "file" if self._keyring is None else "keyring"

    async def put(self, name: str, key: str) -> None:
        """Keep a key, or forget it if it is empty. Raises StorageError."""
        async with self._lock:
            await asyncio.to_thread(self._put, name, key.strip())

    def _get(self, name: str) -> str | None:
        if (keyring := self._find_keyring()) is None:
            return self._read_file().get(name) or None
        try:
            key = keyring.get_password(SERVICE, name) or None
        except Exception as exc:  # noqa: BLE001 - each system's keyring raises its own kinds
            raise _error(exc) from None  # the cause may hold what nobody shall read
        self._remember(name, has_key=key is not None)
        return key

    def _put(self, name: str, key: str) -> None:
        if (keyring := self._find_keyring()) is None:
            self._write_file({**self._read_file(), name: key})
            return
        try:
            if key:
                keyring.set_password(SERVICE, name, key)
            elif keyring.get_password(SERVICE, name):
                keyring.delete_password(SERVICE, name)
        except Exception as exc:  # noqa: BLE001 - each system's keyring raises its own kinds
            raise _error(exc) from None
        self._remember(name, has_key=bool(key))

    @property
    def _names_file(self) -> Path:
        """Holds the names of services whose keys are in the keyring; no keys."""
        return self._path.with_name("keyring.json")

    def _read_names(self) -> set[str]:
        try:
            names = json.loads(self._names_file.read_bytes())
        except (OSError, ValueError):  # nothing kept yet, or nothing that can be read: the settings find out
            return set()
        return {str(name) for name in cast("list[Any]", names)} if isinstance(names, list) else set()

    def _remember(self, name: str, *, has_key: bool) -> None:
        names = self._read_names()
        if (name in names) == has_key:
            return
        try:
            write_atomically(self._names_file, json.dumps(sorted(names ^ {name})).encode())
        except StorageError as exc:  # the key is kept; only the next start will not know of it by itself
            logger.warning("the names of kept keys were not written: %s", exc)

    def _find_keyring(self) -> _Keyring | None:
        if not self._is_found:
            self._keyring, self._is_found = _system_keyring(), True
        return self._keyring

    def _read_file(self) -> dict[str, str]:
        try:
            values = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as exc:
            raise StorageError(type(exc).__name__, path=str(self._path)) from None
        if not isinstance(values, dict):
            raise StorageError("no table of keys", path=str(self._path))
        return {str(name): str(key) for name, key in cast("dict[str, Any]", values).items()}

    def _write_file(self, keys: dict[str, str]) -> None:
        """Write the file under another name first, so that it is never half written and never readable by others."""
        part = self._path.with_name(self._path.name + ".part")
        text = json.dumps({name: key for name, key in keys.items() if key}, indent=2)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as exc:
            raise StorageError(str(exc), path=str(self._path)) from exc


def _system_keyring() -> _Keyring | None:
    """Return the system's keyring, None where there is none. Blocks: on Linux it asks the session's bus."""
    try:
        import keyring
        from keyring.backends import fail, null
    except ImportError:
        logger.info("the package keyring is not installed: keys are kept in a file")
        return None
    found = keyring.get_keyring()
    if isinstance(found, fail.Keyring | null.Keyring) or found.priority <= 0:
        return None
    return cast("_Keyring", found)


def _error(exc: Exception) -> StorageError:
    return StorageError(f"the keyring refused: {type(exc).__name__}", path=SERVICE)
