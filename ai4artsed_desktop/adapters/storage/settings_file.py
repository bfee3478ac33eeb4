"""Settings on disk: environment > file > default; written atomically, with a backup that repairs a damaged file."""

from __future__ import annotations

import json
import logging
import os
import time
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from ai4artsed_desktop.adapters.storage.atomic import write_atomically
from ai4artsed_desktop.domain.errors import StorageError
from ai4artsed_desktop.domain.settings import ENVIRONMENT_PREFIX, KNOWN_VARIABLES, Settings

logger = logging.getLogger(__name__)


class SettingsFile:
    """The settings file and its backup (``settings.json.bak``)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._from_environment: frozenset[str] = _environment_names()

    @property
    def from_environment(self) -> frozenset[str]:
        """Names of settings that the environment sets."""
        return self._from_environment

    def load(self) -> Settings:
        """Return the settings in force.

        A damaged file is set aside (``settings.json.damaged-<time>``); the backup, else the defaults, take its place.
        Single values that do not fit are dropped and the rest is kept. A value in the environment that does not fit
        is ignored with a warning.
        """
        stored = self._stored()
        if not self._from_environment:
            return Settings.model_validate(stored)
        from ai4artsed_desktop.adapters.storage.settings_environment import merge

        try:
            return merge(stored)
        except (ValidationError, ValueError) as exc:
            logger.warning("settings in the environment are ignored: %s", exc)
            self._from_environment = frozenset[str]()
            return Settings.model_validate(stored)

    def save(self, settings: Settings) -> None:
        """Write the settings, except those the environment sets: their stored values stay. Raises StorageError."""
        values = settings.model_dump(mode="json", exclude=set(self._from_environment), exclude_defaults=True)
        if self._from_environment:
            stored = Settings.model_validate(self._stored()).model_dump(
                mode="json", include=set(self._from_environment)
            )
            values |= stored
        if self._parse(self._path) is not None:
            write_atomically(self._backup, self._path.read_bytes())
        write_atomically(self._path, _as_bytes(values))

    @property
    def _backup(self) -> Path:
        return self._path.with_name(self._path.name + ".bak")

    def _stored(self) -> dict[str, Any]:
        """Return the values of the file, repaired if need be."""
        if not self._path.exists():
            return self._parse(self._backup) or {}
        values = self._parse(self._path)
        if values is not None:
            return values
        repaired = self._parse(self._backup) or {}
        aside = self._path.with_name(f"{self._path.name}.damaged-{int(time.time())}")
        logger.error("the settings file is damaged; it is kept as %s", aside)
        try:
            self._path.replace(aside)
            write_atomically(self._path, _as_bytes(repaired))
        except (OSError, StorageError) as exc:  # a folder that cannot be written to: the program starts all the same
            logger.warning("the settings file could not be repaired: %s", exc)
        return repaired

    def _parse(self, path: Path) -> dict[str, Any] | None:
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return None
        return _fitting(cast("dict[str, Any]", values)) if isinstance(values, dict) else None


def _as_bytes(values: dict[str, Any]) -> bytes:
    return (json.dumps(values, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "replace")


def _fitting(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values that fit; those that do not are dropped one by one, so that the others survive."""
    kept = {name: value for name, value in values.items() if name in Settings.model_fields}
    for dropped in values.keys() - kept.keys():
        logger.warning("unknown setting %s in the file is ignored", dropped)
    try:
        Settings.model_validate(kept)
    except ValidationError as exc:
        for name in {str(error["loc"][0]) for error in exc.errors()}:
            logger.warning("setting %s in the file does not fit and is ignored", name)
            kept.pop(name, None)
    return kept


def _environment_names() -> frozenset[str]:
    """Return the names of settings that the environment sets; pydantic-settings is imported only if one may."""
    names = {name.upper().removeprefix(ENVIRONMENT_PREFIX) for name in os.environ}
    fields = {*(field.upper() for field in Settings.model_fields), *KNOWN_VARIABLES}
    if not any(name.split("__")[0] in fields for name in names):
        return frozenset()
    from ai4artsed_desktop.adapters.storage.settings_environment import environment_names

    return environment_names()
