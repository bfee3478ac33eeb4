"""The service drivers, found by discovery, and what they need."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from ai4artsed_desktop.adapters import services
from ai4artsed_desktop.adapters.local_only import NetworkGuard
from ai4artsed_desktop.adapters.paths import AppPaths
from ai4artsed_desktop.adapters.process.guards import Guards
from ai4artsed_desktop.adapters.services.service_host import LocalHost
from ai4artsed_desktop.domain.settings import Settings
from ai4artsed_desktop.engine.supervisor import ServiceParts


def make_services(
    settings: Callable[[], Settings], guard: NetworkGuard, paths: AppPaths, guards: Guards
) -> ServiceParts:
    """Return every driver and what runs and installs services on this machine.

    A module of this package in a file without an underscore has ``make_driver(settings, guard, paths)`` and is called
    like its service. One that can be installed has a module ``<name>_install`` with ``make_installer(driver, paths,
    guards)`` beside it.
    """
    drivers = {name: _module(name).make_driver(settings, guard, paths) for name in service_names()}
    installers = {
        name: _module(f"{name}_install").make_installer(driver, paths, guards)
        for name, driver in drivers.items()
        if f"{name}_install" in _modules()
    }
    return ServiceParts(LocalHost(guards, paths.logs / "services"), tuple(drivers.values()), installers)


def service_names() -> tuple[str, ...]:
    """Return the services there are, without importing them."""
    return tuple(name for name in _modules() if "_" not in name)


def _modules() -> list[str]:
    return sorted(info.name for info in pkgutil.iter_modules(services.__path__))


def _module(name: str) -> Any:
    return importlib.import_module(f"{services.__name__}.{name}")
