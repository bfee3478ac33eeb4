"""The services and servers that text models may come from: what the person reads about them, and their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from ai4artsed_desktop.domain.errors import UnknownEntryError
from ai4artsed_desktop.domain.events import ModelsChanged
from ai4artsed_desktop.engine.bus import EventBus
from ai4artsed_desktop.engine.ports import SecretStore


@dataclass(frozen=True, slots=True)
class ModelService:
    """One of them.

    Attributes:
        address: Its own; the setting ``providers`` may name another.
        key_variable: The environment variable that may hold its key, "" for none.
        key_url: Where a person gets a key.
        data_protection: Where data go and how that stands with the GDPR, by language.
        checked: The day on which that was last held against the service's own words; None = never.
        is_local: Its own address leads to this machine.
        has_text_models: False = it makes media only.
    """

    id: str
    name: str
    address: str
    needs_key: bool
    key_variable: str
    key_url: str
    data_protection: Mapping[str, str]
    is_local: bool
    has_text_models: bool = True
    checked: date | None = None


class ModelServices:
    """Lists them and keeps their keys. Keys go in here and never come out again, but for their one request header."""

    def __init__(self, bus: EventBus, services: Sequence[ModelService], secrets: SecretStore) -> None:
        self._bus = bus
        self._services = {service.id: service for service in services}
        self._secrets = secrets

    def services(self) -> tuple[ModelService, ...]:
        """Return all, those on this machine first."""
        return tuple(self._services.values())

    async def key_place(self, service_id: str) -> Literal["environment", "keyring", "file"] | None:
        """Return where a service's key is kept, None if there is none. Raises StorageError, UnknownEntryError."""
        return await self._secrets.place(service_id, self._service(service_id).key_variable)

    async def put_key(self, service_id: str, key: str) -> None:
        """Keep a service's key, or forget it if it is empty. Raises StorageError, UnknownEntryError."""
        await self._secrets.put(self._service(service_id).id, key)
        self._bus.publish(ModelsChanged())

    def _service(self, service_id: str) -> ModelService:
        if service_id not in self._services:
            raise UnknownEntryError(kind="model", id=service_id)
        return self._services[service_id]
