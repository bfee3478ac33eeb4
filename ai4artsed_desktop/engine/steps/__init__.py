"""One file per chunk type: how a chunk of that type is executed. Found by discovery."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from ai4artsed_desktop.engine.steps.base import OutputStep


@cache
def discover_output_steps() -> dict[str, OutputStep]:
    """Return the steps for output chunks by the chunk type they run: every module here that has a ``STEP``."""
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    steps: list[OutputStep] = [module.STEP for module in modules if hasattr(module, "STEP")]
    return {step.chunk_type: step for step in steps}
