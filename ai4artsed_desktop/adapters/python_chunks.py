"""Loads and runs python chunks (``chunks/*.py``)."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import cast

from ai4artsed_desktop.domain.errors import AppError, BackendError
from ai4artsed_desktop.engine.python_chunks import ProducedMedium, PythonChunkContext

_Execute = Callable[..., Awaitable[object]]


class FilePythonChunks:
    """Runs chunk files in this process. Only trusted ones get here (see engine/steps/python_chunk.py)."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, int], _Execute] = {}

    async def execute(
        self, path: str, context: PythonChunkContext, parameters: Mapping[str, object]
    ) -> list[ProducedMedium]:
        """Run the file's ``execute``; a changed file is loaded anew.

        Raises:
            AppError: As the chunk raises it.
            BackendError: Anything else that goes wrong in the chunk.
        """
        try:
            run = await asyncio.to_thread(self._load, Path(path))
            made: object = await run(context, **parameters)
        except AppError:
            raise
        except (Exception, SystemExit) as exc:  # SystemExit: a chunk's exit() must not end the program
            raise BackendError(f"{type(exc).__name__}: {exc}", backend=Path(path).stem) from exc

        items = cast("list[object]", made) if isinstance(made, list) else [made]
        media = [item for item in items if isinstance(item, ProducedMedium)]
        if not isinstance(made, list) or len(media) != len(items):
            raise BackendError("execute did not return a list of media", backend=Path(path).stem)
        return media

    def _load(self, path: Path) -> _Execute:
        key = (str(path), path.stat().st_mtime_ns)
        if key not in self._loaded:
            spec = importlib.util.spec_from_file_location(f"ai4artsed_chunk_{path.stem}", path)
            if spec is None or spec.loader is None:
                raise ImportError(f"cannot load {path}")
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            self._loaded[key] = cast("_Execute", module.execute)
        return self._loaded[key]
