"""Settings from the environment, read by pydantic-settings. Imported only when a variable names a setting."""

from __future__ import annotations

import logging
import os
from typing import Any

from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from ai4artsed_desktop.domain.settings import ENVIRONMENT_PREFIX, KNOWN_VARIABLES, Settings

logger = logging.getLogger(__name__)


class EnvironmentSettings(Settings, BaseSettings):
    """The same fields, read from ``AI4ARTSED_<NAME>`` (nested: ``AI4ARTSED_STAGE_MODELS__CODING``) before all else, and
    from ``KNOWN_VARIABLES``.
    """

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", extra="ignore", frozen=True, protected_namespaces=()
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the environment before the file's values, which come as init arguments."""
        del dotenv_settings, file_secret_settings
        return (env_settings, InitSettingsSource(settings_cls, _known_values()), init_settings)


def _known_values() -> dict[str, Any]:
    """Return the settings that ``KNOWN_VARIABLES`` give; one with our prefix stands before one without."""
    upper = {name.upper(): value for name, value in os.environ.items()}
    found = {
        setting: upper.get(ENVIRONMENT_PREFIX + name, upper.get(name, "")) for name, setting in KNOWN_VARIABLES.items()
    }
    return {setting: value for setting, value in found.items() if value}


def merge(stored: dict[str, Any]) -> Settings:
    """Return stored values with those of the environment before them. Raises ValueError if one does not fit."""
    return Settings.model_validate(EnvironmentSettings(**stored).model_dump())


def environment_names() -> frozenset[str]:
    """Return the names of settings that the environment sets; none if a value cannot be read."""
    try:
        found = EnvSettingsSource(EnvironmentSettings)()
    except ValueError as exc:
        logger.warning("settings in the environment cannot be read: %s", exc)
        return frozenset()
    return frozenset(name for name in (*found, *_known_values()) if name in Settings.model_fields)
