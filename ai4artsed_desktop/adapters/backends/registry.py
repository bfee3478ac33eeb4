"""The media backends, found by discovery and built when first asked for: the window's first paint needs none."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping

from ai4artsed_desktop.adapters import backends
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.ports import MediaBackend


class Backends(Mapping[str, MediaBackend]):
    """``{backend_type: backend}``. A module of this package with ``make_backend(settings)`` in a file without an
    underscore is a backend and is called like its file; files with one are its parts.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._built: dict[str, MediaBackend] = {}
        found = (info.name for info in pkgutil.iter_modules(backends.__path__))
        self._ids = tuple(name for name in found if "_" not in name and name != __name__.rpartition(".")[2])

    def __getitem__(self, backend_type: str) -> MediaBackend:
        if backend_type not in self._ids:
            raise KeyError(backend_type)
        if backend_type not in self._built:
            module = importlib.import_module(f"{backends.__name__}.{backend_type}")
            self._built[backend_type] = module.make_backend(self._settings())
        return self._built[backend_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    async def aclose(self) -> None:
        """Close those that were built."""
        for backend in self._built.values():
            await backend.aclose()
