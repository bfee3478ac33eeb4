"""Workflows of one's own: read from a file, shown for confirmation, saved in the person's catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ai4artsed_desktop.domain.errors import BackendUnavailableError, StorageError, WorkflowNeedsServerError
from ai4artsed_desktop.domain.workflow_conversion import to_api
from ai4artsed_desktop.domain.workflow_files import read_workflow
from ai4artsed_desktop.domain.workflow_import import WorkflowRoles, chunk_of, config_of, find_roles, without
from ai4artsed_desktop.engine.catalog import Catalog

#: What a server says at ``/object_info``: ``{node class: its description}``.
Nodes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class AddedOutput:
    """What was added: the output config's id and both files."""

    config_id: str
    chunk_path: Path
    config_path: Path


class OutputStore(Protocol):
    """The person's catalogue folder."""

    def add(
        self,
        title: str,
        make: Callable[[str], tuple[Mapping[str, Any], Mapping[str, Any]]],
        is_taken: Callable[[str], bool],
    ) -> AddedOutput:
        """Write a chunk and the output config that uses it, under an id made from ``title``. Blocks.

        Raises:
            StorageError.
        """
        ...


class NodeSource(Protocol):
    """A running ComfyUI's own description of its nodes."""

    async def object_info(self) -> Nodes:
        """Return it. Raises BackendUnavailableError if no server answers."""
        ...


@dataclass(frozen=True, slots=True)
class FoundGraph:
    """What a file holds: the graph in API format and what it can be driven by. ``title`` is a proposal."""

    title: str
    graph: Mapping[str, Any]
    roles: WorkflowRoles


class Workflows:
    """Brings workflows in.

    Args:
        store: Where chunks and configs are written; None = nowhere.
        nodes: Asked when a workflow is in the editor's own format; None = there is nobody to ask.
        catalog: Returns the catalogue in force.
        reload: Reads the catalogue anew.
    """

    def __init__(
        self,
        store: OutputStore | None,
        nodes: NodeSource | None,
        catalog: Callable[[], Catalog],
        reload: Callable[[], Awaitable[object]],
    ) -> None:
        self._store = store
        self._nodes = nodes
        self._catalog = catalog
        self._reload = reload

    async def read(self, data: bytes, name: str, nodes: Nodes | None = None) -> FoundGraph:
        """Return the workflow in a file's bytes.

        Args:
            data: JSON, or a picture, sound or video that carries a workflow.
            name: The file's name.
            nodes: A server's description, instead of asking one.

        Raises:
            WorkflowFileError: There is none.
            WorkflowNeedsServerError: It is in the editor's own format, and no server answers that could explain it.
            ConversionError: The server does not know a node, or the workflow is damaged.
        """
        found = await asyncio.to_thread(read_workflow, data, name)
        graph = found.api
        if graph is None:
            assert found.ui is not None, "read_workflow finds one of the two or raises"
            described = nodes if nodes is not None else await self._ask_server(name)
            graph = await asyncio.to_thread(to_api, found.ui, described)
        return FoundGraph(Path(name).stem, graph, find_roles(graph))

    async def save(self, found: FoundGraph, title: str, left_out: Iterable[str] = ()) -> AddedOutput:
        """Save the workflow as chunk and output, and read the catalogue anew.

        Args:
            title: What the person calls it.
            left_out: Names of parameters that were found wrongly; they keep the graph's own values.

        Raises:
            StorageError.
        """
        if self._store is None:
            raise StorageError("no folder for own outputs", path="–")
        roles = without(found.roles, left_out)
        catalog = self._catalog()

        def make(config_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
            chunk = chunk_of(found.graph, roles, f"output_{config_id}")
            return chunk, config_of(chunk, title)

        added = await asyncio.to_thread(
            self._store.add, title, make, lambda name: name in catalog.outputs or name in catalog.chunks
        )
        await self._reload()
        return added

    async def _ask_server(self, name: str) -> Nodes:
        if self._nodes is None:
            raise WorkflowNeedsServerError(name=name)
        try:
            return await self._nodes.object_info()
        except BackendUnavailableError as exc:
            raise WorkflowNeedsServerError(name=name) from exc
