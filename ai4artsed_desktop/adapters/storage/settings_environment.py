"""Settings from the environment, read by pydantic-settings. Imported only when a variable names a setting."""

from __future__ import annotations

import logging
from typing import Any

from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from ai4artsed_desktop.domain.settings import ENVIRONMENT_PREFIX, Settings

logger = logging.getLogger(__name__)


class EnvironmentSettings(Settings, BaseSettings):
    """The same fields, read from ``AI4ARTSED_<NAME>`` (nested: ``AI4ARTSED_STAGE_MODELS__CODING``) before all else."""

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
        del settings_cls, dotenv_settings, file_secret_settings
        return (env_settings, init_settings)


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
    return frozenset(name for name in found if name in Settings.model_fields)
