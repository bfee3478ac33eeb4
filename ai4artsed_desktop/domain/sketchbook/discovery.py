"""One file per motif group, drawing family and musical form: whatever lies in the package is found."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """Yield the modules of ``package`` in the order of their names, without ``base``, the package's contract."""
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        if found.name != "base":
            yield importlib.import_module(f"{package.__name__}.{found.name}")
