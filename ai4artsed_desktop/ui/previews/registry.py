"""Finds the previews: every module of this package with a ``PREVIEW``."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ai4artsed_desktop.ui import previews
from ai4artsed_desktop.ui.previews.base import PreviewSpec


def discover() -> list[PreviewSpec]:
    """Return all previews."""
    modules = (import_module(f"{previews.__name__}.{found.name}") for found in iter_modules(previews.__path__))
    specs = (getattr(module, "PREVIEW", None) for module in modules)
    return [spec for spec in specs if isinstance(spec, PreviewSpec)]


def preview_for(specs: list[PreviewSpec], mime: str) -> PreviewSpec | None:
    """Return the preview whose MIME prefix fits ``mime`` most exactly, or None."""
    fitting = ((len(prefix), spec) for spec in specs for prefix in spec.mime_prefixes if mime.startswith(prefix))
    return max(fitting, key=lambda pair: pair[0], default=(0, None))[1]
