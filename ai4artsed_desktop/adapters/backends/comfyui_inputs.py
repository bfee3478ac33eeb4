"""Pictures, masks and sounds of a job: brought to the server that runs it, and named in the graph as it names them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from ai4artsed_desktop.domain.backend_errors import InputFileMissingError
from ai4artsed_desktop.domain.comfyui import Graph
from ai4artsed_desktop.engine.ports import InputFile

if TYPE_CHECKING:
    from ai4artsed_desktop.adapters.backends.comfyui_client import ComfyUiClient


async def with_files(client: ComfyUiClient, graph: Graph, files: Sequence[InputFile]) -> Graph:
    """Upload the files and return the graph with the server's names for them; the same bytes are stored once.

    Raises:
        InputFileMissingError: A file cannot be read here.
        MediumTooLargeError, BackendUnavailableError, BackendError: See ``ComfyUiClient.upload_image``.
    """
    names: dict[str, str] = {}
    for file in files:
        try:
            data = await asyncio.to_thread(file.path.read_bytes)
        except OSError as exc:
            raise InputFileMissingError(str(exc), backend=client.backend, node="–", file=file.path.name) from exc
        stored = await client.upload_image(file.name, data)
        names[file.name] = f"{stored.subfolder}/{stored.filename}" if stored.subfolder else stored.filename
    return cast("Graph", _renamed(graph, names)) if names else graph


def _renamed(value: object, names: Mapping[str, str]) -> object:
    """Return ``value`` with every text that is one of ``names`` replaced."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, Mapping):
        return {key: _renamed(part, names) for key, part in cast("Mapping[str, object]", value).items()}
    if isinstance(value, list):
        return [_renamed(part, names) for part in cast("list[object]", value)]
    return value
