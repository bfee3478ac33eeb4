"""The media backends, found by discovery and built when first asked for: the window's first paint needs none."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping

from ai4artsed_desktop.adapters import backends
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.ports import MediaBackend, Server, SupervisedBackend


class Backends(Mapping[str, MediaBackend]):
    """``{backend_type: backend}``. A module of this package with ``make_backend(settings)`` in a file without an
    underscore is a backend and is called like its file; files with one are its parts. ``settings`` returns the
    settings in force: what may leave the machine can change while a backend lives.

    Args:
        further: Backends that need more than settings (such as keys), made by the composition root, by id.
        servers: Gives the server of a service by its name, which the supervisor starts when a backend needs it.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        further: Mapping[str, Callable[[], MediaBackend]] | None = None,
        servers: Callable[[str], Server | None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._servers = servers
        self._further = dict(further or {})
        self._built: dict[str, MediaBackend] = {}
        found = (info.name for info in pkgutil.iter_modules(backends.__path__))
        own = (name for name in found if "_" not in name and name != __name__.rpartition(".")[2])
        self._ids = (*own, *self._further)

    def __getitem__(self, backend_type: str) -> MediaBackend:
        if backend_type not in self._ids:
            raise KeyError(backend_type)
        if backend_type not in self._built:
            self._built[backend_type] = self._make(backend_type)
        return self._built[backend_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def _make(self, backend_type: str) -> MediaBackend:
        if backend_type in self._further:
            return self._further[backend_type]()
        module = importlib.import_module(f"{backends.__name__}.{backend_type}")
        backend: MediaBackend = module.make_backend(self._settings)
        if isinstance(backend, SupervisedBackend):
            backend.use_servers(self._servers)
        return backend

    async def aclose(self) -> None:
        """Close those that were built."""
        for backend in self._built.values():
            await backend.aclose()
